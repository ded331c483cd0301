"""The words of the field: names of findings, how they read in a figure, and how they read in a prompt."""

from __future__ import annotations

NIH_FINDINGS: tuple[str, ...] = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The 14 findings of NIH ChestX-ray14 in their published order (Wang et al., CVPR 2017)."""

_SPOKEN = {"Effusion": "pleural effusion", "Hernia": "hiatal hernia", "Edema": "pulmonary edema"}


def display_name(finding: str) -> str:
    """``"Pleural_Thickening"`` -> ``"Pleural thickening"``: how a finding is written in figures and tables."""
    return finding.replace("_", " ").strip().capitalize()


def spoken_name(finding: str) -> str:
    """``"Effusion"`` -> ``"pleural effusion"``: how a finding is written inside a prompt or a report sentence."""
    return _SPOKEN.get(finding, finding.replace("_", " ").strip().lower())
