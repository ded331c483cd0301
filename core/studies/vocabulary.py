"""The words of the field: names of findings, how they read in a figure and in a prompt, and what a label may state."""

from __future__ import annotations

import math
from collections.abc import Iterable

UNKNOWN = "unknown"
"""Stands for a label, or a cell, without a value."""

STATES: dict[str, float] = {"present": 1.0, "absent": 0.0, "uncertain": -1.0, UNKNOWN: math.nan}
"""What a label may state."""

STATED: dict[float, str] = {value: state for state, value in STATES.items() if state != UNKNOWN}
"""How a known label reads; any other is unknown."""

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

CHEXPERT_FINDINGS: tuple[str, ...] = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
"""The 14 labels of CheXpert and MIMIC-CXR-JPG in the order of their tables (Irvin et al., AAAI 2019)."""

VOCABULARIES: dict[str, tuple[str, ...]] = {"nih": NIH_FINDINGS, "chexpert": CHEXPERT_FINDINGS}

SAME: tuple[frozenset[str], ...] = (
    frozenset({"effusion", "pleural effusion"}),
    frozenset({"edema", "pulmonary edema"}),
)
"""Names that mean the same and differ in more than case and underscores.

Lung Lesion holds more than Mass and Nodule, Lung Opacity more than Infiltration, Pleural Other more than
Pleural_Thickening: none of these mean the same, so they stay apart.
"""

_SPOKEN = {"Effusion": "pleural effusion", "Hernia": "hiatal hernia", "Edema": "pulmonary edema"}


def counterpart(finding: str, vocabulary: str) -> str | None:
    """The finding of a vocabulary (``nih`` or ``chexpert``) that means the same; None where there is none."""
    return named_alike(finding, VOCABULARIES[vocabulary])


def named_alike(finding: str, names: Iterable[str]) -> str | None:
    """The first of ``names`` that means the same as a finding; None where there is none."""
    own = _plain(finding)
    alike = next((same for same in SAME if own in same), frozenset({own}))
    return next((name for name in names if _plain(name) in alike), None)


def _plain(finding: str) -> str:
    return " ".join(finding.replace("_", " ").lower().split())


def display_name(finding: str) -> str:
    """``"Pleural_Thickening"`` -> ``"Pleural thickening"``: how a finding is written in figures and tables.

    Abbreviations (ARDS, COVID-19) stay as they are.
    """
    words = [word if word.isupper() and len(word) > 1 else word.lower() for word in finding.replace("_", " ").split()]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]]) if words else ""


def spoken_name(finding: str) -> str:
    """``"Effusion"`` -> ``"pleural effusion"``: how a finding is written inside a prompt or a report sentence."""
    name = display_name(finding)
    return _SPOKEN.get(finding, name if name[:2].isupper() else name[:1].lower() + name[1:])
