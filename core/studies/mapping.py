"""Which column of somebody's table means what: a proposal from names and contents, for the user to correct."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from core.config.importing import MappingConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.images import SUFFIXES as PICTURES
from core.studies.listing import ages, sexes
from core.studies.tables import ROW, SUFFIXES, read_table

LOOKED = 500
"""Rows that a proposal is made from."""

SLIPS, SLIPS_FROM = 0.1, 20
"""Share of cells that may be no labels in a finding's column of so many cells or more."""

MOST_NAMES = 64
"""Different findings that one column may name."""

VALUES: dict[str, float] = {
    **dict.fromkeys(("1", "1.0", "1,0", "yes", "true", "y", "t", "positive", "present", "pos"), 1.0),
    **dict.fromkeys(("0", "0.0", "0,0", "no", "false", "n", "f", "negative", "absent", "neg"), 0.0),
    **dict.fromkeys(("-1", "-1.0", "-1,0", "uncertain", "unclear", "maybe", "possible", "hedge"), -1.0),
    **dict.fromkeys(("", "nan", "unknown", "todo", "na", "n/a", "none", "?"), np.nan),
}
"""What a cell of a finding's column may hold, in lower case."""

NOTHING = frozenset(word for word, value in VALUES.items() if np.isnan(value))
"""Cells that say nothing; "none" is among them because programs write it where a value is missing."""

SPLIT_WORDS: dict[str, str] = {
    **dict.fromkeys(("train", "training", "tr", "train set", "training set"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "tuning", "validation set"), "val"),
    **dict.fromkeys(("test", "testing", "holdout", "eval", "test set"), "test"),
    **dict.fromkeys(("train_val", "train+val", "trainval", "train/val"), "train+val"),
}

_NAMES = {
    "image": (
        r"(image|img|file|picture|photo|dicom|png|jpe?g)s? ?(path|file|file ?name|name|index|id)?|path( to .*)?",
    ),
    "patient": (
        r".*(patient|subject)s? ?(id|no|nr|num|number|key|uid|code|identifier|sk)?( ?anon.*)?",
        r"(anon(ymi[sz]ed)? |deid )?(mrn|medical record (no|number)|empi|hospital (no|number))( anon.*)?|pid",
        r"(person|participant|pseudonym|individual) ?(id|no|number|uid|code)?",
        r"case ?(id|no|nr|number)?",  # only where nothing better is there: one patient may be several cases
    ),
    "split": (r".*(split|subset|partition|fold)|(data ?)?set|tvt|phase|usage|mode",),
    "age": (r"(patient'?s? ?)?age( ?(in )?y(ea)?rs?| \(.*\)| at .*)?",),
    "sex": (r"(patient'?s? ?)?(sex|gender)( .*)?",),
    "view": (r"view( ?(position|name))?|projection|ap/pa",),
}
_TEXT = r".*(report|caption|impression|notes?|text|description|narrative|history|comment).*|.*\bfindings"
_NO_TEXT = r".*(date|time|path|file ?name|url|link|licen[cs]e|uid).*"
_FINDINGS = r".*(finding|label|diagnos|patholog|disease|condition|class).*"
_NO_FINDING = (
    r"unnamed: .*|index|method.*|portable|duplicate|excluded?|(is )?(train|val|valid|test)|"
    r".*\b(id|uid|no|nr|num|number|count|follow-? ?up.*|visit|study|series)"
)
_MARKS = "|;,/"
_PATHS = 0.3
"""Share of the cells that a slash must be in to stand between names, as in "Pneumonia/Viral/COVID-19"."""

_MOST_WORDS = 6
"""Of a finding's name."""


def tables_in(folder: Folder) -> list[str]:
    """Relative paths of what may be the table: text files last, then those nearest to the root first."""
    found = [name for name in folder.having(*SUFFIXES) if not name.rpartition("/")[2].startswith("~$")]  # Excel's locks
    return sorted(found, key=lambda name: (_is_text(name), name.count("/"), name))


def _is_text(name: str) -> bool:
    return ".txt" in name.lower()[-8:]


def open_table(folder: Folder, name: str = "") -> tuple[str, pd.DataFrame]:
    """The table of a folder, by its name or because it is the only one near the root.

    Raises:
        StudyError: there is none, several, or it cannot be read.
    """
    found = tables_in(folder)
    if name:
        if name not in found:
            raise StudyError(f"There is no table of that name in the folder; there are: {_told(found)}.")
        return name, read_table(folder.root / name)
    if not found:
        raise StudyError(f"The folder holds no table ({', '.join(SUFFIXES)}); put one beside the pictures.")
    first = _is_text(found[0]), found[0].count("/")
    top = [one for one in found if (_is_text(one), one.count("/")) == first]
    if len(top) > 1:
        raise StudyError(f"The folder holds several tables; say which one (`--mapping.table`): {_told(top)}.")
    return top[0], read_table(folder.root / top[0])


def _told(tables: list[str]) -> str:
    """Names of tables; of text files only how many, because reports may be called after patients."""
    named, texts = [one for one in tables if not _is_text(one)], [one for one in tables if _is_text(one)]
    more = [f"{len(texts)} text files"] if texts else []
    return ", ".join([*named[:8], *(["…"] if len(named) > 8 else []), *more]) or "none"


def propose(folder: Folder, table: pd.DataFrame, name: str = "") -> MappingConfig:
    """The mapping that a table's names and contents suggest; what is not found stays empty.

    Measured on two cores: 0.2 s for a table of 112,120 rows and a folder of as many files, 0.6 s for 300 columns.
    """
    head = table.drop(columns=ROW).head(LOOKED)
    found = {"image": _image(folder, head, name.rpartition("/")[0])}
    for what in ("patient", "split", "age", "sex", "view"):
        # where a picture is called after its patient, one column is both
        taken = set(found.values()) - ({found["image"]} if what == "patient" else set())
        fitting = [one for one in _called(what, head) if one not in taken]
        found[what] = next((one for one in fitting if _holds(what, head[one])), "")
    named = {one for what in found for one in _called(what, head)}
    left = [one for one in head if one not in {*named, *found.values()}]
    speaking = [one for one in left if re.fullmatch(f"{_TEXT}|{_FINDINGS}", _plain(one))]
    lists = {one: mark for one in speaking if (mark := separator_of(head[one]))}
    found["text"] = _text(head, left, lists)
    findings, separator = _findings(head, [one for one in left if one != found["text"]], lists)
    return MappingConfig.from_json({**found, "table": name, "findings": list(findings), "separator": separator})


def _plain(name: str) -> str:
    """``PatientID``, ``patient-id`` and ``patient_id`` read alike: lower case, blanks between the words."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[_.-]+", " ", parted).lower().split())


def _called(what: str, head: pd.DataFrame) -> list[str]:
    """Columns whose name says that they are it, the surest first."""
    patterns = _NAMES[what]
    return [name for pattern in patterns for name in head if re.fullmatch(pattern, _plain(name))]


def _image(folder: Folder, head: pd.DataFrame, within: str) -> str:
    """The column most of whose rows name a file of their own; of equals the one that is called so.

    A column that is called so and finds nothing gives way only where another finds half of its files: numbers of
    patients, or labels of 0 and 1, may happen to be names of pictures too.
    """
    called = _called("image", head)
    best, most = "", (0.0, False)
    for name in head:
        if name not in called and _is_binary(head[name]):
            continue
        values = head[name].dropna().drop_duplicates()
        files = [file for file in folder.locate(values.tolist(), within=within)[0] if _may_be_picture(file)]
        share = len(set(files)) / max(1, len(head))
        if share and (share, name in called) > most:
            best, most = name, (share, name in called)
    return best if best and (most[0] >= 0.5 or best in called or not called) else next(iter(called), "")


def _may_be_picture(file: str) -> bool:
    """By its suffix; DICOM files often have none."""
    return file.lower().endswith(PICTURES) or (bool(file) and "." not in file.rpartition("/")[2])


def _holds(what: str, values: pd.Series) -> bool:
    """Whether a column's cells can be what its name says."""
    cells = values.dropna().str.strip()
    if cells.empty:
        return False
    if what == "patient":  # and not whether there is one: "case" of 0 and 1
        return not cells.str.lower().isin(VALUES).all() or cells.nunique() == len(cells)
    if what == "split":
        return bool(cells.str.lower().isin(SPLIT_WORDS).mean() > 0.9)
    if what == "view":
        return bool(cells.nunique() <= 20 and (cells.str.len() <= 20).all())
    return bool((ages(cells) if what == "age" else sexes(cells)).notna().mean() > 0.5)


def separator_of(values: pd.Series) -> str:
    """What stands between names of findings in a column's cells; empty where they hold no such names.

    Names are short, few, and come again: in a column of texts hardly any does.
    """
    cells = values.dropna().str.strip()
    if cells.empty or cells.str.len().mean() > 100 or cells.str.fullmatch(r"[-+\d.,:/ ]+").any():
        return ""
    counts = {mark: cells.str.contains(mark, regex=False).mean() for mark in _MARKS}
    counts["/"] *= counts["/"] > _PATHS  # else a part of names, as in "Nodule/Mass"
    mark = max(_MARKS, key=lambda one: counts[one])
    names = cells.str.split(mark, regex=False).explode().map(bare)
    names = names[~names.str.lower().isin(NOTHING)].str.lower()
    if names.empty:
        return ""
    short = (names.str.count(r"\S+") <= _MOST_WORDS).all() and (names.str.len() <= 60).all()
    few = names.nunique() <= MOST_NAMES and (len(names) < 10 or names.nunique() <= 0.7 * len(names))
    return (mark if counts[mark] else "|") if short and few else ""


def bare(name: str) -> str:
    """A name out of a cell: without blanks, and without what is around it in a list of Python."""
    return name.strip().strip("[](){}'\"").strip()


def _text(head: pd.DataFrame, names: list[str], lists: dict[str, str]) -> str:
    """The column with the longest cells among those called so, else among all with five words or more."""
    words = {name: head[name].dropna().str.count(r"\S*[^\W\d_]\S*").mean() for name in names}  # no rows of numbers
    fit = [name for name in names if not re.fullmatch(_NO_TEXT, _plain(name)) and words[name] >= 2]
    called = [name for name in fit if re.fullmatch(_TEXT, _plain(name))]
    sure = [name for name in called if name not in lists]
    long = sure or [name for name in called if not re.fullmatch(_FINDINGS, _plain(name))]
    long = long or [name for name in fit if words[name] >= 5 and not separator_of(head[name])]
    return max(long, key=lambda name: words[name], default="")


def _findings(head: pd.DataFrame, names: list[str], lists: dict[str, str]) -> tuple[tuple[str, ...], str]:
    """All columns of 1, 0, -1 and nothing, or the one column of names, with what stands between them."""
    left = [name for name in names if not re.fullmatch(_NO_FINDING, _plain(name))]
    binary = [name for name in left if _is_binary(head[name])]
    called = [name for name in left if name in lists and name not in binary and re.fullmatch(_FINDINGS, _plain(name))]
    if called and len(binary) < 3 and not any(re.fullmatch(_FINDINGS, _plain(name)) for name in binary):
        return (called[0],), lists[called[0]]  # a flag or two beside the diagnosis
    return tuple(binary), "|"


def _is_binary(values: pd.Series) -> bool:
    """Nothing but labels, at least one of them known; not a 1 in every row, which tells nothing apart.

    A few other cells in a long column are slips of the pen: the import reports them, where leaving the finding out
    would lose it without a word.
    """
    cells = values.dropna().str.strip().str.lower()
    labels = cells.isin(VALUES)
    known = cells[labels].drop_duplicates()
    everywhere = values.notna().all() and labels.all() and known.map(VALUES).eq(1).all()
    whole = labels.all() or (len(cells) >= SLIPS_FROM and labels.mean() >= 1 - SLIPS)
    return bool(whole and not known.isin(NOTHING).all() and (not everywhere or len(values) < 10))
