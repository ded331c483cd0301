"""A folder of DICOM files as a hospital exports it: patient, sex, age and view come from the headers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.headers import KEYWORDS, read_header
from core.studies.listing import Listing, ages, column, part, sexes
from core.studies.pool import cores
from core.studies.tables import ROW

DICOM_SUFFIXES = ("", ".dcm", ".dicom", ".dic", ".ima")
"""PACS often write files without a suffix."""

RADIOGRAPHS = ("CR", "DX", "RG", "DR", "")
"""Modalities that are projection radiographs (DR is not in the standard, but written); empty: it does not say."""


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List every DICOM radiograph below the folder; other modalities are set aside.

    Raises:
        StudyError: there is no DICOM file.
    """
    files = [name for name in sorted(folder.files) if _suffix(name) in DICOM_SUFFIXES and not name.endswith("DICOMDIR")]
    with ThreadPoolExecutor(cores()) as pool:  # headers lie at the beginning of files: this waits for the disk
        headers = list(pool.map(lambda name: read_header(folder.root / name), files))
    if not any(headers):
        raise StudyError(
            f"This folder holds no DICOM file ({', '.join(filter(None, DICOM_SUFFIXES))}, or without a suffix)."
        )
    blank = dict.fromkeys(KEYWORDS, "")
    table = pd.DataFrame([header or blank for header in headers])
    readable = [name.encode(errors="backslashreplace").decode() for name in files]  # old disks: names in Latin-1
    table["file"], table[ROW] = readable, np.arange(1, len(files) + 1)
    modality = table["modality"].str.upper()
    reasons = np.select(
        [[a != b for a, b in zip(files, readable, strict=True)], [header is None for header in headers]],
        ["its name is not UTF-8: rename the file", "not a DICOM file that can be read"],
        np.where(modality.isin(RADIOGRAPHS), "", "no radiograph: modality " + modality.str[:4]),
    ).astype(object)
    kept, aside = part(table, readable, reasons)
    count = len(kept)
    samples = pd.DataFrame(
        {
            **{name: kept[name] for name in ("file", ROW)},
            "patient": column(kept["patient"], count),
            "split": "",
            "text": column(None, count),
            "age": ages(kept["age"]),
            "sex": sexes(kept["sex"]),
            "view": column(kept["view"].str.upper(), count),
            "modality": column(kept["modality"], count),
            "body part": column(kept["body part"].str.upper(), count),
        }
    )
    return Listing(title="DICOM folder", folder=folder, findings=(), samples=samples, set_aside=aside, notes=_notes())


def _suffix(name: str) -> str:
    last = name.rsplit("/", 1)[-1]
    return f".{last.rpartition('.')[2].lower()}" if "." in last and not last.rpartition(".")[2].isdigit() else ""


def _notes() -> list[str]:
    return [
        "Patients, sex, age and view are those of the DICOM headers; rows count the files in the order of their paths.",
        "There are neither findings nor text: import a table that names the files (source table) to bring both.",
    ]
