"""MIMIC-CXR-JPG (Johnson et al., "MIMIC-CXR-JPG, a large publicly available database of labeled chest radiographs",
2019) with the reports of MIMIC-CXR where they are in the folder."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.listing import Listing
from core.studies.sources.published import by_stem, listing, needed, rows, stated, views
from core.studies.study import PREFIX
from core.studies.vocabulary import CHEXPERT_FINDINGS

LAYOUT = "It should hold files/p10/p10000032/s50414267/*.jpg, as MIMIC-CXR-JPG is published."

_WHERE = (
    "it comes with MIMIC-CXR-JPG on PhysioNet (for people with access) and belongs beside the folder files; "
    "nobody may ship it."
)
_SPLITS = {"train": "train", "validate": "val", "test": "test"}
NO_SPLIT = "the split table does not have it"

_HEADING = re.compile(r"^[ \t]*([A-Z][A-Z ,/()&-]*?)[ \t]*:", re.MULTILINE)
_WANTED = ("FINDING", "IMPRESSION", "CONCLUSION")
_MOST = 1_000_000
"""Characters read of one report; the longest have some thousands."""


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List MIMIC-CXR-JPG: every view; labels as written, blank as unknown, -1 as uncertain.

    Raises:
        StudyError: one of its three tables is not there or lacks columns, or none of the pictures is there.
    """
    table, labeler = _rows(folder)
    names = table["dicom_id"].tolist()
    files, reasons = by_stem(folder, names, (".jpg", ".jpeg", ".png", ".dcm"))
    split = table["split"].map(_SPLITS)
    reasons[split.isna().to_numpy() & (reasons == "")] = NO_SPLIT
    text = np.full(len(table), None, dtype=object)
    text[reasons == ""] = _texts(folder, table.loc[reasons == "", "study_id"])
    samples = pd.DataFrame(
        {
            "row": table["row"],
            "patient": table["subject_id"],
            "split": split,
            "text": text,
            "age": np.float32(np.nan),
            "sex": None,
            "view": views(table["ViewPosition"]),
            **table[[name for name in table if name.startswith(PREFIX)]],
        }
    )
    known = int(pd.notna(text).sum())
    notes = [
        f"Labels of the {labeler} labeler, from reports. Blank means not mentioned and stays unknown, also "
        "where 'No Finding' is stated; -1 means uncertain.",
        "Splits and patients are MIMIC's own. Its tables have neither age nor sex.",
        f"Text: findings and impression of the report, for {known} of {int((reasons == '').sum())} pictures."
        if known
        else "No reports are in the folder: unpack MIMIC-CXR's mimic-cxr-reports.zip there to have them.",
    ]
    return listing("MIMIC-CXR-JPG", folder, samples, (files, reasons), names=names, notes=notes, layout=LAYOUT)


def _rows(folder: Folder) -> tuple[pd.DataFrame, str]:
    """One row per picture: the metadata table with labels of the study and the picture's split; and the labeler."""
    labels_path = needed(folder, "mimic-cxr-*-chexpert.csv", "mimic-cxr-*-negbio.csv", where=_WHERE)
    metadata_path = needed(folder, "mimic-cxr-*-metadata.csv", where=_WHERE)
    split_path = needed(folder, "mimic-cxr-*-split.csv", where=_WHERE)
    labels = rows(labels_path, ("study_id", *CHEXPERT_FINDINGS))
    labels = labels[["study_id"]].join(stated(labels, CHEXPERT_FINDINGS, labels_path.name))
    if again := int(labels["study_id"].duplicated().sum()):
        raise StudyError(f"{labels_path.name} has {again} studies twice; each belongs into one row.")
    splits = rows(split_path, ("dicom_id", "split")).drop_duplicates("dicom_id")
    table = rows(metadata_path, ("dicom_id", "subject_id", "study_id", "ViewPosition"))
    table = table.merge(labels, on="study_id", how="left")
    table = table.merge(splits[["dicom_id", "split"]], on="dicom_id", how="left")
    return table, "NegBio" if "negbio" in labels_path.name.lower() else "CheXpert"


def _texts(folder: Folder, studies: pd.Series) -> list[str | None]:
    """Text of each study's report, None where it is not there; a study's report is read once for all its pictures."""
    different: Sequence[str] = studies.unique().tolist()
    files, _ = folder.locate([f"s{study}.txt" for study in different])
    texts: dict[str, str | None] = {}
    for study, file in zip(different, files, strict=True):
        texts[study] = None
        if file:
            with (folder.root / file).open(encoding="utf-8", errors="replace") as report:
                texts[study] = report_text(report.read(_MOST))
    return [texts[study] for study in studies]


def report_text(report: str) -> str | None:
    """FINDINGS and IMPRESSION of a report, in its order and on one line; the whole report where it has neither.

    A heading is a line that begins with capitals and a colon. None where nothing is left.
    """
    headings = list(_HEADING.finditer(report))
    ends = [heading.start() for heading in headings[1:]] + [len(report)]
    wanted = [
        report[heading.end() : end]
        for heading, end in zip(headings, ends, strict=False)
        if heading[1].startswith(_WANTED)
    ]
    text = " ".join(" ".join(wanted).split())
    return text or " ".join(report.replace("FINAL REPORT", "", 1).split()) or None
