"""Open-i, Indiana University chest X-rays (Demner-Fushman et al., "Preparing a collection of radiology examinations for
distribution and retrieval", JAMIA 2016)."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import MISSING, Folder
from core.studies.listing import Listing, ages
from core.studies.sources.published import by_stem, listing, mentioned, own, packaged, rows, views
from core.studies.study import PREFIX

WORDS: dict[str, tuple[str, ...]] = {
    "Atelectasis": ("atelectasis", "atelectases"),
    "Calcified Granuloma": ("calcified granuloma",),
    "Cardiomegaly": ("cardiomegaly",),
    "Edema": ("edema",),
    "Effusion": ("effusion",),
    "Emphysema": ("emphysema",),
    "Fibrosis": ("fibrosis",),
    "Fracture": ("fracture",),
    "Granuloma": ("granuloma",),
    "Hernia": ("hernia",),
    "Infiltration": ("infiltration", "infiltrate"),
    "Lung Lesion": ("lesion",),
    "Lung Opacity": ("opacity",),
    "Mass": ("mass",),
    "Nodule": ("nodule",),
    "Pleural_Thickening": ("pleural thickening",),
    "Pneumonia": ("pneumonia", "pneumoniae"),
    "Pneumothorax": ("pneumothorax", "hydropneumothorax", "hemopneumothorax"),
}
"""Which indexing terms mean which finding: ``Openi_Dataset`` of torchxrayvision, but by whole words, so that
"granulomatous disease" is no Granuloma."""

NEVER = {
    "Effusion": ("pericardial effusion",),
    "Emphysema": ("subcutaneous emphysema",),
    "Fibrosis": ("cystic fibrosis",),
    "Mass": ("thyroid mass",),
}
"""Whole words are not enough here: these are not findings of pleura or lung, or a disease of another name."""

NOT_INDEXED = "no indexing"

LAYOUT = "It should hold Open-i's pictures (CXR1000_IM-0003-1001.png, or 1000_IM-0003-1001.dcm) in any folders."

_REPORTS = re.compile(r"(^|/)\d+\.xml$", re.IGNORECASE)
_DICOM_NAME = re.compile(r"^CXR(?:\d+_)?(?=\d+_IM)")  # CXR1_1_IM-0001-3001 is 1_IM-0001-3001.dcm


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List Open-i: every picture that a report names, with findings and impression as its text.

    Raises:
        StudyError: there are no reports that can be read or none of the pictures is there.
    """
    table, unread = _pictures(folder)
    about = rows(
        packaged("nlmcxr_dicom_metadata.csv.gz"),
        ("imageid", "Patient's Birth Date", "Study Date", "View Position"),
    ).drop_duplicates("imageid")
    seen = rows(packaged("nlmcxr_tsne_pa.csv.gz"), ("imageid", "tsne-view")).drop_duplicates("imageid")
    table = table.merge(about.drop(columns="row"), on="imageid", how="left")
    table = table.merge(seen.drop(columns="row"), on="imageid", how="left")
    names = table["imageid"].tolist()
    year = {
        name: pd.to_numeric(table[name].str[:4], errors="coerce") for name in ("Study Date", "Patient's Birth Date")
    }
    samples = pd.DataFrame(
        {
            "row": table["row"],
            "patient": table["uid"],
            "split": "",
            "text": table["text"],
            "age": ages(year["Study Date"] - year["Patient's Birth Date"]),
            "sex": None,
            # what the DICOM headers say is often wrong; torchxrayvision looked at the pictures themselves
            "view": views(table["tsne-view"].fillna(table["View Position"])),
            **_findings(table),
        }
    )
    notes = [
        "Findings: torchxrayvision's reading of the terms that a program (MTI) gave the reports, by whole words; a "
        "finding that is not named counts as absent, and reports that were not indexed leave all unknown.",
        "Text is findings and impression of the report; XXXX stands where something was removed.",
        "No split is published. Open-i names no patients: each report counts as another person's.",
        "Views are torchxrayvision's, from the look of the pictures, where it has one; else the DICOM header's, which "
        "often calls a lateral PA. Sex is not published.",
    ]
    if unread:
        notes.append(f"{unread} reports are not well-formed XML and were left out, with their pictures.")
    return listing("Open-i", folder, samples, _located(folder, names), names=names, notes=notes, layout=LAYOUT)


def _located(folder: Folder, names: list[str]) -> tuple[list[str], NDArray[np.object_]]:
    """Pictures under Open-i's name, else under the DICOM's (Kaggle's copy: 1000_IM-0003-1001.dcm.png)."""
    files, reasons = by_stem(folder, names)
    left = np.flatnonzero(reasons == MISSING)
    others = [_DICOM_NAME.sub("", names[at]) for at in left]
    found, why = by_stem(folder, others, (".dcm", ".dicom", ".dcm.png", ".png", ".jpg"))
    for at, file in zip(left, found, strict=True):
        files[at] = file
    reasons[left] = why
    return files, reasons


def _findings(table: pd.DataFrame) -> pd.DataFrame:
    found = mentioned(table["terms"].tolist(), WORDS, NEVER)
    blank = [not terms and NOT_INDEXED in major for terms, major in zip(table["terms"], table["major"], strict=True)]
    found[np.array(blank, dtype=bool)] = np.nan
    return pd.DataFrame(found, columns=[PREFIX + name for name in WORDS], index=table.index)


def _pictures(folder: Folder) -> tuple[pd.DataFrame, int]:
    """One row per picture (``uid``, ``imageid``, ``text``, ``terms``, ``major``, ``row``), how many reports are torn.

    Open-i has no table; ``row`` counts the pictures as if there were one, in the order of the reports' numbers.
    """
    pictures: list[dict[str, object]] = []
    unread = 0
    for content in _reports(folder):
        try:
            pictures.extend(_of_report(ElementTree.fromstring(content)))
        except ElementTree.ParseError:
            unread += 1
    if not pictures:
        raise StudyError(
            f"None of the reports ({unread} torn) names a picture. Put Open-i's ecgen-radiology/*.xml or "
            "NLMCXR_reports.tgz into the folder, or neither: Fluoroscope brings them along."
        )
    table = pd.DataFrame(pictures)
    order = table["uid"].str.extract(r"(\d+)$", expand=False).astype(float).to_numpy()
    table = table.iloc[np.argsort(order, kind="stable")].drop_duplicates("imageid").reset_index(drop=True)
    return table.assign(row=np.arange(2, len(table) + 2)), unread


def _of_report(report: ElementTree.Element) -> Iterator[dict[str, object]]:
    """The pictures of a report."""
    uid = report.find("uId")
    written = {part.get("Label"): part.text or "" for part in report.iter("AbstractText")}
    text = " ".join(f"{written.get('FINDINGS', '')} {written.get('IMPRESSION', '')}".split())
    terms, major = (
        frozenset(node.text.strip().lower() for node in report.findall(f".//MeSH/{kind}") if node.text)
        for kind in ("automatic", "major")
    )
    for picture in report.iter("parentImage"):
        yield {
            "uid": "" if uid is None else uid.get("id", ""),
            "imageid": picture.get("id", ""),
            "text": text or None,
            "terms": terms,
            "major": major,
        }


def _reports(folder: Folder) -> Iterator[bytes]:
    """The reports: XML files of the folder, an archive of them there, or the one that torchxrayvision ships."""
    if files := [name for name in folder.having(".xml") if _REPORTS.search(name)]:
        for file in files:
            yield (folder.root / file).read_bytes()
        return
    archive: Path = own(folder, "NLMCXR_reports.tgz") or packaged("NLMCXR_reports.tgz")
    try:
        with tarfile.open(archive, "r:gz") as reports:
            for member in reports:
                content = reports.extractfile(member) if member.isfile() and member.name.endswith(".xml") else None
                if content is not None:
                    yield content.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise StudyError(f"{archive.name} cannot be unpacked; get it again, or take it out of the folder.") from error
