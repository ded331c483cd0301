"""ROCO, radiology objects in context: figures of articles with their captions.

Version 1 (Pelka et al., LABELS 2018): ``PART/radiology/{captions,keywords}.txt`` and ``images/``. Version 2 (Rückert et
al., Scientific Data 2024): ``PART_captions.csv`` and pictures named by their ID. Version 1 also has ``non-radiology``
parts; they are left out.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.listing import Listing, column, part
from core.studies.tables import ROW, Problems, read_table

NO_CAPTION = "no caption"

PARTS = {"train": "train", "valid": "val", "val": "val", "validation": "val", "test": "test"}


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List a ROCO folder: captions without findings, one part or all.

    Raises:
        StudyError: there are no captions, or figures are named twice.
    """
    first = [name for name in sorted(folder.files) if name.rsplit("/", 1)[-1] == "captions.txt"]
    first = [name for name in first if "non-radiology" not in name]
    second = [name for name in sorted(folder.files) if name.lower().endswith("_captions.csv")]
    if not first and not second:
        raise StudyError(
            "This folder is not in ROCO's layout: it lacks captions.txt (version 1, with keywords.txt and images/ "
            "beside it) or *_captions.csv (version 2)."
        )
    tables = [_captions(folder, name) for name in first] or [_second(folder, name) for name in second]
    table = pd.concat(tables, ignore_index=True)
    problems = Problems()
    if (again := table["name"].duplicated()).any():
        problems.add(
            f"{int(again.sum())} figures are named twice", table.loc[again, ROW], todo="keep one line of each."
        )
    problems.check()
    reasons = np.where((table["reason"] == "") & table["text"].isna(), NO_CAPTION, table["reason"]).astype(object)
    kept, aside = part(table, table["name"].tolist(), reasons)
    samples = pd.DataFrame(
        {
            **{name: kept[name] for name in ("file", ROW)},
            "patient": kept["file"],
            "split": kept["split"] if kept["split"].nunique() > 1 else "",
            "text": kept["text"],
            "age": np.float32(np.nan),
            "sex": column(None, len(kept)),
            "view": column(None, len(kept)),
            "keywords": kept["keywords"],
        }
    )
    return Listing(
        title="ROCO v1" if first else "ROCOv2",
        folder=folder,
        findings=(),
        samples=samples,
        set_aside=aside,
        notes=_notes(kept),
    )


def _notes(kept: pd.DataFrame) -> list[str]:
    notes = [
        "Captions of figures in articles; radiology of every kind, not chest radiographs alone.",
        "ROCO names no patients: each figure counts as its own, and figures of one article may lie in several splits.",
        "There are no findings: nothing can be classified, retrieval and the modality gap can be measured.",
    ]
    if kept["split"].nunique() == 1:
        notes.append("Pictures of only one part are here, so a new split was made.")
    return notes


def _part_of(name: str) -> str:
    words = [word for piece in PurePosixPath(name).parts for word in piece.lower().replace("-", "_").split("_")]
    return next((PARTS[word] for word in words if word in PARTS), "train")


def _captions(folder: Folder, name: str) -> pd.DataFrame:
    """Version 1: a name, a tab and a caption in each line; keywords beside it in the same form."""
    beside = name.rpartition("/")[0]
    lines = _lines(folder, name)
    keywords = {own: words for _, own, words in _lines(folder, f"{beside}/keywords.txt".lstrip("/"))}
    names = [own for _, own, _ in lines]
    files, reasons = folder.locate(names)
    prefix = f"{beside}/images/".lstrip("/")
    for at, own in enumerate(names):  # the same name may lie in the images of another part
        if near := _first(folder, f"{prefix}{own}"):
            files[at], reasons[at] = near, ""
    return pd.DataFrame(
        {
            "name": names,
            ROW: [line for line, _, _ in lines],
            "file": files,
            "reason": reasons,
            "text": column([text.strip() for _, _, text in lines], len(lines)),
            "keywords": column([" ".join(keywords.get(own, "").split()) for own in names], len(lines)),
            "split": _part_of(name),
        }
    )


def _first(folder: Folder, stem: str) -> str:
    return next((stem + suffix for suffix in (".jpg", ".png", ".jpeg", "") if stem + suffix in folder.files), "")


def _lines(folder: Folder, name: str) -> list[tuple[int, str, str]]:
    """Number, name, and what follows the first tab, of each line that is not empty."""
    if name not in folder.files:
        return []
    text = (folder.root / name).read_text(encoding="utf-8-sig", errors="replace")
    parted = [(line, *whole.partition("\t")) for line, whole in enumerate(text.split("\n"), 1) if whole.strip()]
    return [(line, own.strip(), rest) for line, own, _, rest in parted]


def _second(folder: Folder, name: str) -> pd.DataFrame:
    """Version 2: a table of ID and Caption."""
    table = read_table(folder.root / name, ("ID", "Caption"))
    files, reasons = folder.locate(table["ID"].tolist())
    return pd.DataFrame(
        {
            "name": table["ID"].astype(object),
            ROW: table[ROW],
            "file": files,
            "reason": reasons,
            "text": column(table["Caption"], len(table)),
            "keywords": column(None, len(table)),
            "split": _part_of(name.rsplit("/", 1)[-1]),
        }
    )
