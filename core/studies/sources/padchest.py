"""PadChest (Bustos et al., "PadChest: A large chest x-ray image dataset with multi-label annotated reports", 2020)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.config.importing import ImportConfig
from core.studies.folder import Folder
from core.studies.listing import Listing, ages, sexes
from core.studies.sources.published import listing, mentioned, own, packaged, rows, views
from core.studies.study import PREFIX

WORDS: dict[str, tuple[str, ...]] = {
    "Air Trapping": ("air trapping",),
    "Aortic Atheromatosis": ("aortic atheromatosis",),
    "Aortic Elongation": ("aortic elongation",),
    "Atelectasis": ("atelectasis",),
    "Bronchiectasis": ("bronchiectasis",),
    "Cardiomegaly": ("cardiomegaly",),
    "Consolidation": ("consolidation", "air bronchogram"),
    "Costophrenic Angle Blunting": ("costophrenic angle blunting",),
    "Edema": ("edema",),
    "Effusion": ("effusion",),
    "Emphysema": ("emphysema",),
    "Fibrosis": ("fibrosis",),
    "Flattened Diaphragm": ("flattened diaphragm",),
    "Fracture": ("fracture",),
    "Granuloma": ("granuloma",),
    "Hemidiaphragm Elevation": ("hemidiaphragm elevation",),
    "Hernia": ("hernia",),
    "Hilar Enlargement": ("hilar enlargement", "adenopathy", "pulmonary artery enlargement"),
    "Infiltration": (
        "infiltrates",
        "interstitial pattern",  # also the reticular and the reticulonodular one
        "ground glass pattern",
        "alveolar pattern",
        "consolidation",
        "air bronchogram",
    ),
    "Mass": ("mass",),
    "Nodule": ("nodule",),
    "Pleural_Thickening": ("pleural thickening",),
    "Pneumonia": ("pneumonia",),
    "Pneumothorax": ("pneumothorax", "hydropneumothorax"),
    "Scoliosis": ("scoliosis",),
    "Support Devices": ("device", "pacemaker"),
    "Tube": ("tube", "stent"),
    "Tuberculosis": ("tuberculosis",),
}
"""Which of PadChest's labels mean which finding: ``PC_Dataset`` of torchxrayvision, but by whole words, so that a
"pseudonodule" (a nipple's shadow, say) is no Nodule."""

NEVER = {"Effusion": ("pericardial effusion",), "Emphysema": ("subcutaneous emphysema",)}
"""Whole words are not enough here: these are neither in the pleura nor in the lung, and PadChest keeps them apart."""

SAYS_NOTHING = {"", "exclude", "unchanged", "suboptimal study"}
"""Labels that leave open what the radiograph shows; where there is no other, every finding is unknown."""

LAYOUT = "It should hold PadChest's PNG pictures, named as in its table, in any folders."
EXCLUDED = "PadChest marks its projection EXCLUDE"

_COLUMNS = (
    "ImageID",
    "StudyDate_DICOM",
    "PatientID",
    "PatientBirth",
    "PatientSex_DICOM",
    "Projection",
    "Report",
    "MethodLabel",
    "Labels",
)


def read(config: ImportConfig, folder: Folder) -> Listing:
    """List PadChest: every view and every picture of a patient, children too.

    Raises:
        StudyError: the table lacks columns or none of the pictures is there.
    """
    path = own(folder, "PADCHEST*.csv") or packaged("PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz")
    table = rows(path, _COLUMNS)
    names = table["ImageID"].tolist()
    files, reasons = folder.locate(names)
    reasons[(table["Projection"] == "EXCLUDE").to_numpy() & (reasons == "")] = EXCLUDED
    lain = (table["Projection"] == "AP_horizontal").to_numpy()
    samples = pd.DataFrame(
        {
            "row": table["row"],
            "patient": table["PatientID"],
            "split": "",
            "text": table["Report"].where(table["Report"].str.contains("[a-z]", na=False)),  # some are dots alone
            "age": _ages(table),
            "sex": sexes(table["PatientSex_DICOM"]),
            "view": views(table["Projection"].mask(lain, "AP supine")),
            **_findings(table["Labels"]),
            "method": table["MethodLabel"],
        }
    )
    notes = [
        "Findings: torchxrayvision's reading of PadChest's labels, by whole words. A finding that is not named counts "
        "as absent; where the labels say nothing but 'unchanged', 'exclude' or 'suboptimal study', all are unknown.",
        "Labels are a radiologist's (method: Physician, about a quarter) or a network's from the report (RNN_model).",
        "Text is PadChest's report in Spanish, its words cut to their stems, as it is published.",
        "No split is published. Patients are PadChest's own.",
    ]
    return listing("PadChest", folder, samples, (files, reasons), names=names, notes=notes, layout=LAYOUT)


def _ages(table: pd.DataFrame) -> pd.Series:
    """Years between birth and study; the table has no more than the year of birth."""
    birth = pd.to_numeric(table["PatientBirth"], errors="coerce")
    study = pd.to_numeric(table["StudyDate_DICOM"].str[:4], errors="coerce")
    return ages(study - birth)


def _findings(labels: pd.Series) -> pd.DataFrame:
    """``finding:*`` from ``"['pulmonary mass', ' normal']"``; far fewer lists differ than there are rows."""
    codes, different = pd.factorize(labels)
    named = [frozenset(word.strip() for word in words) for words in pd.Series(different).str.findall("'([^']*)'")]
    found = mentioned(named, WORDS, NEVER)
    found[[row for row, words in enumerate(named) if words <= SAYS_NOTHING]] = np.nan
    found = np.vstack([found, np.full((1, len(WORDS)), np.nan, np.float32)])  # code -1: no list at all
    return pd.DataFrame(found[codes], columns=[PREFIX + name for name in WORDS], index=labels.index)
