"""What published datasets share: tables from the user's folder or from torchxrayvision, and pictures found by them.

torchxrayvision (Cohen et al., "TorchXRayVision: A library of chest X-ray datasets and models", MIDL 2022) ships the
label tables of several datasets. A table in the user's folder wins over the packaged one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import StudyError
from core.studies.folder import MISSING, SEVERAL, Folder
from core.studies.listing import FACTS, Listing, column, no_boxes, part
from core.studies.study import PREFIX
from core.studies.tables import read_table

PICTURES = (".dicom", ".dcm", ".png", ".jpg", ".jpeg")
"""Endings under which datasets publish a picture whose table leaves the ending out, the least altered form first."""

PACKED = ("", ".gz", ".zip")
"""A table may lie in the folder as it was downloaded."""

AGAIN = "an earlier row names the same picture"

_LATERAL = ("L", "LL", "RL", "LATERAL", "LARGE LATERAL")
_NO_VIEW = ("", "NAN", "NONE", "UNK", "UNKNOWN")


def packaged(name: str) -> Path:
    """A table that torchxrayvision ships.

    Raises:
        StudyError: torchxrayvision is not installed, or no longer ships it.
    """
    spec = find_spec("torchxrayvision")  # found without importing it: the import would load torch
    path = Path((spec.submodule_search_locations or [""])[0]) / "data" / name if spec else None
    if path is None or not path.is_file():
        raise StudyError(
            f"The table {name} comes with torchxrayvision, which is not installed in the form that has it. Install "
            "requirements.txt again, or put the dataset's own table into the folder."
        )
    return path


def own(folder: Folder, *patterns: str) -> Path | None:
    """The user's own table: the first of these file names (``*`` allowed, also packed) that lies in the folder.

    Raises:
        StudyError: several files have that name.
    """
    for pattern in patterns:
        wanted = tuple(pattern.lower() + packed for packed in PACKED)
        found = [
            path
            for path in folder.having(*(pattern[pattern.rindex(".") :] + packed for packed in PACKED))
            if any(fnmatchcase(path.rpartition("/")[2].lower(), one) for one in wanted)
        ]
        if len(found) > 1:
            raise StudyError(f"{len(found)} tables in the folder are called {pattern}; keep the one that is meant.")
        if found:
            return folder.root / found[0]
    return None


def needed(folder: Folder, *patterns: str, where: str) -> Path:
    """The user's own table, where nobody may ship one.

    Raises:
        StudyError: it is not there; ``where`` says where it belongs.
    """
    path = own(folder, *patterns)
    if path is None:
        raise StudyError(f"The folder lacks {' or '.join(patterns)} (also as .gz): {where}")
    return path


def rows(path: Path, columns: Sequence[str], *, optional: Sequence[str] = ()) -> pd.DataFrame:
    """``row`` and these columns of a table as text, spaces around it removed; an optional one that lacks is all NaN.

    Raises:
        StudyError: it cannot be read, or lacks a column.
    """
    return chosen(table_at(path), path.name, columns, optional=optional)


def table_at(path: Path) -> pd.DataFrame:
    """``read_table``, whose errors then say which of the several tables it is."""
    try:
        return read_table(path)
    except StudyError as error:
        raise StudyError(f"{path.name}: {error}") from error


def chosen(table: pd.DataFrame, source: str, columns: Sequence[str], *, optional: Sequence[str] = ()) -> pd.DataFrame:
    """As :func:`rows`, of a table that has been read from a file of the name ``source``."""
    if missing := [name for name in columns if name not in table]:
        raise StudyError(
            f"{source} lacks the columns {missing}; it has {list(table.columns)[:12]}. Put the table as it was "
            "published into the folder."
        )
    absent = pd.Series(np.nan, index=table.index, dtype=object)
    return pd.DataFrame(
        {
            "row": table["row"],
            **{name: table[name].str.strip() for name in columns},
            **{name: table.get(name, absent) for name in optional},
        }
    )


def stated(table: pd.DataFrame, findings: Sequence[str], source: str) -> pd.DataFrame:
    """``finding:*`` columns (float32) of a table with a column of 1, 0, -1 or nothing per finding; nothing is NaN.

    Raises:
        StudyError: other values.
    """
    found = {}
    for name in findings:
        values = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name].notna() & (table[name] != "") & ~values.isin([1, 0, -1])
        if wrong.any():
            raise StudyError(
                f"{source} has {int(wrong.sum())} values under {name!r} that are not 1, 0, -1 (uncertain) or empty; "
                f"the first stands in row {int(table['row'][wrong].iloc[0])}."
            )
        found[PREFIX + name] = values.astype(np.float32)
    return pd.DataFrame(found, index=table.index)


def mentioned(
    named: Sequence[frozenset[str]], words: Mapping[str, Sequence[str]], never: Mapping[str, Sequence[str]]
) -> NDArray[np.float32]:
    """(n, K) 1 where a label of the picture says the finding, else 0.

    Args:
        named: the labels of each of n pictures.
        words: phrases of each of K findings; a label says a finding that it holds as whole words.
        never: per finding, phrases that hold one of its words but mean something else.
    """
    labels: frozenset[str] = frozenset().union(*named)
    says: dict[str, list[int]] = {label: [] for label in labels}
    for k, (finding, phrases) in enumerate(words.items()):
        wanted, other = _whole(phrases), _whole(never.get(finding, ()))
        for label in labels:
            if wanted.search(other.sub("", label)):
                says[label].append(k)
    found = np.zeros((len(named), len(words)), np.float32)
    for row, own_labels in enumerate(named):
        for label in own_labels:
            found[row, says[label]] = 1
    return found


def _whole(phrases: Sequence[str]) -> re.Pattern[str]:
    if not phrases:
        return re.compile(r"(?!)")  # matches nothing
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, phrases))})(?:e?s)?\b", re.IGNORECASE)


def views(values: pd.Series) -> pd.Series:
    """Views as the tables write them, laterals as ``L``; None where it is not known."""
    written = values.astype("str").str.strip().astype(object)
    upper = written.astype("str").str.upper()
    written = written.mask(upper.isin(_LATERAL).to_numpy(), "L")
    return column(written.mask((upper.isin(_NO_VIEW) | values.isna()).to_numpy(), None), len(values))


def by_stem(
    folder: Folder, stems: Sequence[str], endings: Sequence[str] = PICTURES
) -> tuple[list[str], NDArray[np.object_]]:
    """Find pictures whose table leaves the ending out: ``Folder.locate``, but blind to an ``ID.txt`` beside ``ID.png``.

    Args:
        stems: n names without ending.
        endings: in lower case; tried in this order.
    """
    files, reasons = [""] * len(stems), np.full(len(stems), MISSING, dtype=object)
    written = [(at, name[-len(ending) :]) for at, ending in enumerate(endings) for name in folder.having(ending)]
    for _, ending in sorted(set(written)):  # as they are written here: also .DCM
        left = _missing(reasons)
        found, why = folder.locate([stems[at] + ending for at in left])
        reasons[left] = why
        for at, file in zip(left, found, strict=True):
            files[at] = file
    return files, reasons


def by_tail(folder: Folder, names: Sequence[str], parts: int) -> tuple[list[str], NDArray[np.object_]]:
    """Find pictures by path, and those that are missing by its last ``parts`` parts, in whatever folder they lie."""
    files, reasons = folder.locate(names)
    left = _missing(reasons)
    if not left:
        return files, reasons
    tails: dict[str, str | None] = {}
    for path in folder.having(*PICTURES):
        tail = "/".join(path.split("/")[-parts:])
        tails[tail] = None if tail in tails else path
    for at in left:
        tail = "/".join(names[at].split("/")[-parts:])
        if tail in tails:
            files[at] = tails[tail] or ""
            reasons[at] = "" if files[at] else SEVERAL
    return files, reasons


def _missing(reasons: NDArray[np.object_]) -> list[int]:
    return [int(at) for at in np.flatnonzero(reasons == MISSING)]


def listing(
    title: str,
    folder: Folder,
    table: pd.DataFrame,
    located: tuple[Sequence[str], NDArray[np.object_]],
    *,
    names: Sequence[object],
    notes: list[str],
    layout: str,
    boxes: pd.DataFrame | None = None,
) -> Listing:
    """The listing of a table whose pictures have been looked for.

    Args:
        table: the columns of ``Listing.samples`` but ``file``, and what else is kept.
        located: file of each row, and the reason why there is none.
        names: what the table calls the picture of each row.
        layout: where pictures belong; for the error.
        boxes: ``Listing.boxes`` for any of the files.

    Raises:
        StudyError: none of the pictures is there.
    """
    table = table.assign(file=list(located[0]))
    reasons = located[1].copy()
    reasons[(table["file"].duplicated() & (table["file"] != "")).to_numpy() & (reasons == "")] = AGAIN
    samples, set_aside = part(table, names, reasons)
    if samples.empty:
        raise StudyError(f"None of the {len(table)} pictures of {title} lies in the folder. {layout}")
    if samples["split"].iloc[0] != "" and samples["split"].nunique() == 1:
        samples["split"] = ""
        notes = [*notes, "All pictures that are here belong to one published split, so it divides nothing."]
    for name in ("patient", "split"):
        samples[name] = samples[name].fillna("").astype(object)
    for name in ("text", "view"):
        samples[name] = column(samples[name], len(samples))
    found = [name for name in samples if name.startswith(PREFIX)]
    kept = [name for name in samples if name not in (*FACTS, *found)]
    boxes = no_boxes() if boxes is None else boxes[boxes["file"].isin(samples["file"])].reset_index(drop=True)
    return Listing(
        title=title,
        folder=folder,
        findings=tuple(name.removeprefix(PREFIX) for name in found),
        samples=samples[[*FACTS, *found, *kept]],
        set_aside=set_aside,
        notes=notes,
        boxes=boxes,
    )
