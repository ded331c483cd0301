"""Where findings stand in a tree of anatomy: the labels of CheXpert, and those of NIH ChestX-ray14 beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.studies.vocabulary import named_alike

_LUNG, _HEART, _PLEURA, _OTHER = ("Lung",), ("Heart",), ("Pleura",), ("Other",)
_OPACITY, _LESION = (*_LUNG, "Lung Opacity"), (*_LUNG, "Lung Lesion")

PLACES: dict[str, tuple[str, ...]] = {
    "No Finding": (),
    **dict.fromkeys(("Enlarged Cardiomediastinum", "Cardiomegaly"), _HEART),
    **dict.fromkeys(
        ("Lung Lesion", "Lung Opacity", "Atelectasis", "Pneumothorax", "Emphysema", "Fibrosis"),
        _LUNG,
    ),
    **dict.fromkeys(("Edema", "Consolidation", "Pneumonia", "Infiltration"), _OPACITY),
    **dict.fromkeys(("Mass", "Nodule"), _LESION),
    **dict.fromkeys(("Effusion", "Pleural Effusion", "Pleural Other", "Pleural_Thickening"), _PLEURA),
    **dict.fromkeys(("Fracture", "Support Devices", "Hernia"), _OTHER),
}
"""The branch that each finding hangs from, below the root."""


def path_similarity(findings: Sequence[str]) -> NDArray[np.float32] | None:
    """How near findings stand in the tree: 1 / (steps from one to the other), 0 for a finding and itself.

    Returns:
        (K, K), rows of norm 1 (a row of zeros for one finding alone); None where a finding is not in the tree.
    """
    if any(finding not in PLACES for finding in findings):
        return None
    paths = [(*PLACES[finding], finding) for finding in findings]
    nearness = np.array([[1 / steps if (steps := _steps(a, b)) else 0.0 for b in paths] for a in paths]).reshape(
        len(paths), len(paths)
    )
    norms = np.linalg.norm(nearness, axis=1, keepdims=True)
    return (nearness / np.where(norms > 0, norms, 1)).astype(np.float32)


def _steps(one: tuple[str, ...], two: tuple[str, ...]) -> int:
    shared = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    return len(one) + len(two) - 2 * shared


def full_path(name: str) -> tuple[str, ...] | None:
    """The branches from the root to a finding, itself last, whether it is called by its own name or as it is shown;
    None where it is not in the tree."""
    own = named_alike(name, PLACES)
    return None if own is None else (*PLACES[own], own)
