"""Which column of somebody's table means what: a proposal from names and contents, for the user to correct."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from core.config.importing import MappingConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.tables import ROW, SUFFIXES, read_table

LOOKED = 500
"""Rows that a proposal is made from."""

MOST_NAMES = 64
"""Different findings that one column may name."""

VALUES: dict[str, float] = {
    **dict.fromkeys(("1", "1.0", "yes", "true", "y", "t", "positive", "present", "pos"), 1.0),
    **dict.fromkeys(("0", "0.0", "no", "false", "n", "f", "negative", "absent", "neg"), 0.0),
    **dict.fromkeys(("-1", "-1.0", "uncertain", "unclear", "maybe", "possible", "hedge"), -1.0),
    **dict.fromkeys(("", "nan", "unknown", "todo", "na", "n/a", "?"), np.nan),
}
"""What a cell of a finding's column may hold, in lower case."""

SPLIT_WORDS: dict[str, str] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "tuning"), "val"),
    **dict.fromkeys(("test", "testing", "holdout", "eval"), "test"),
    **dict.fromkeys(("train_val", "train+val", "trainval", "train/val"), "train+val"),
}

_NAMES = {
    "image": r"(image|img|file|picture|dicom)[ _-]?(path|file|name|index|id)?|filename|path",
    "text": r".*(report|caption|impression|notes?|text|description|findings).*",
    "patient": r"(patient|subject|person|case)[ _-]?(id|no|nr|number|key|uid)?|mrn|pid",
    "split": r"(data)?[ _-]?(split|set|subset|fold|partition)|tvt",
    "age": r"(patient[ _-]?)?age([ _-]?(years|at.*))?",
    "sex": r"(patient[ _-]?)?(sex|gender)",
    "view": r"view([ _-]?(position|name))?|projection|ap/pa",
}
_FINDINGS = r".*(finding|label|diagnos|patholog|disease|condition).*"


def tables_in(folder: Folder) -> list[str]:
    """Relative paths of what may be the table, those nearest to the root first."""
    return sorted(folder.having(*SUFFIXES), key=lambda name: (name.count("/"), name.endswith(".txt"), name))


def open_table(folder: Folder, name: str = "") -> tuple[str, pd.DataFrame]:
    """The table of a folder, by its name or because it is the only one near the root.

    Raises:
        StudyError: there is none, several, or it cannot be read.
    """
    found = tables_in(folder)
    if name:
        if name not in found:
            raise StudyError(
                f"There is no table of that name in the folder; there are: {', '.join(found[:8]) or 'none'}."
            )
        return name, read_table(folder.root / name)
    if not found:
        raise StudyError(f"The folder holds no table ({', '.join(SUFFIXES)}); put one beside the pictures.")
    top = [one for one in found if one.count("/") == found[0].count("/") and not one.endswith(".txt")] or found[:1]
    if len(top) > 1:
        raise StudyError(f"The folder holds several tables; say which one (`--mapping.table`): {', '.join(top[:8])}.")
    return top[0], read_table(folder.root / top[0])


def propose(folder: Folder, table: pd.DataFrame, name: str = "") -> MappingConfig:
    """The mapping that a table's names and contents suggest; what is not found stays empty."""
    head = table.drop(columns=ROW).head(LOOKED)
    left = list(head.columns)
    found: dict[str, str] = {}
    found["image"] = _image(folder, head)
    for what in ("patient", "split", "age", "sex", "view"):
        taken = set(found.values())
        fitting = [one for one in left if one not in taken and re.fullmatch(_NAMES[what], one.strip().lower())]
        found[what] = next((one for one in fitting if _holds(what, head[one])), "")
    taken = set(found.values())
    found["text"] = _text(head, [one for one in left if one not in taken])
    taken = set(found.values())
    findings, separator = _findings(head, [one for one in left if one not in taken])
    return MappingConfig.from_json({**found, "table": name, "findings": list(findings), "separator": separator})


def _image(folder: Folder, head: pd.DataFrame) -> str:
    """The column most of whose cells are files of the folder; else one that is called so."""
    shares = {}
    for name in head:
        values = head[name].dropna().tolist()[:100]
        shares[name] = sum(bool(file) for file in folder.locate(values)[0]) / len(values) if values else 0.0
    best = max(shares, key=lambda name: shares[name], default="")
    if best and shares[best] > 0:
        return best
    return next((name for name in head if re.fullmatch(_NAMES["image"], name.strip().lower())), "")


def _holds(what: str, values: pd.Series) -> bool:
    """Whether a column's cells can be what its name says."""
    cells = values.dropna().str.strip()
    if cells.empty:
        return False
    if what == "split":
        return bool(cells.str.lower().isin(SPLIT_WORDS).mean() > 0.9)
    if what == "age":
        return bool(cells.str.match(r"^\d").mean() > 0.5)
    if what == "sex":
        return bool(cells.str.upper().str[:1].isin(["M", "F", "O", "U"]).mean() > 0.9)
    return True


def _text(head: pd.DataFrame, names: list[str]) -> str:
    """The column with the longest cells among those called so, else among all with five words or more."""
    words = {name: head[name].dropna().str.count(r"\S+").mean() for name in names}
    called = [name for name in names if re.fullmatch(_NAMES["text"], name.lower()) and words[name] >= 2]
    long = called or [name for name in names if words[name] >= 5]
    return max(long, key=lambda name: words[name], default="")


def _findings(head: pd.DataFrame, names: list[str]) -> tuple[tuple[str, ...], str]:
    """All columns of 1, 0, -1 and nothing; else one column of names, with what stands between them."""
    known = {name: head[name].dropna().str.strip().str.lower() for name in names}
    binary = [name for name in names if len(known[name]) and known[name].isin(VALUES).all()]
    if binary:
        return tuple(binary), "|"
    called = [name for name in names if re.fullmatch(_FINDINGS, name.lower()) and known[name].nunique() > 0]
    for name in called:
        separator = max("|;,/", key=lambda mark: known[name].str.contains(re.escape(mark)).mean())
        separator = separator if known[name].str.contains(re.escape(separator)).any() else "|"
        if known[name].str.split(separator, regex=False).explode().str.strip().nunique() <= MOST_NAMES:
            return (name,), separator
    return (), "|"
