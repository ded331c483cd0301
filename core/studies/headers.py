"""What a DICOM file says of its radiograph beside the pixels: read for listing a folder, never kept as it stands."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

from core.studies.dicom import UNREADABLE

KEYWORDS = {
    "patient": "PatientID",
    "sex": "PatientSex",
    "age": "PatientAge",
    "view": "ViewPosition",
    "modality": "Modality",
    "body part": "BodyPartExamined",
}
"""Our names, and the keywords of DICOM PS3.6; names, dates and institutions are not read at all."""


def read_header(path: Path) -> dict[str, str] | None:
    """The facts of a DICOM file, empty where the header does not say; None where it is no DICOM file, or damaged."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # it quotes values, and a log must not
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=[*KEYWORDS.values(), "Rows"])
            if "Modality" not in header and "Rows" not in header:
                return None  # there is little more than the mark of a DICOM file: it was cut, or overwritten
            return {name: " ".join(str(header.get(tag, "")).split()) for name, tag in KEYWORDS.items()}
        except (*UNREADABLE, BytesLengthException, InvalidDicomError):
            return None
