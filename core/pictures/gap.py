"""The modality gap of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import InputError
from core.figures import gap as figures
from core.figures.theme import LIGHT, Theme
from core.metrics import gap
from core.pictures.missing import no_pairs
from core.pictures.source import Source
from core.runs import Run
from core.studies.study import Study

DRAWN = 300
"""Pairs on the map; more lines hide each other."""

CONE = 2000
"""Random pairs from which the cosines of the cones are taken."""

Points = NDArray[np.floating[Any]]


def _pairs(source: Source, run: Run, study: Study) -> tuple[Points, Points]:
    """Images and texts of the judged pairs; InputError where there are fewer than two."""
    images, texts, _ = source.pairs(run, study)
    if reason := no_pairs(study, len(images)):
        raise InputError(reason)
    return images, texts


def _frame(images: Points, texts: Points) -> Points:
    """Two axes (d, 2): the direction of the gap, and that of the widest spread at right angles to it."""
    along = gap.gap_direction(images, texts)
    both = np.concatenate([images, texts])
    rest = both - both.mean(axis=0)
    rest = rest - np.outer(rest @ along, along)
    _, _, directions = np.linalg.svd(rest, full_matrices=False)
    return np.stack([along, directions[0]], axis=1)


def paired(source: Source, run: Run, study: Study, *, shifted: float = 0.0, theme: Theme = LIGHT) -> go.Figure:
    """Images and their texts, connected, before or after a shift, on axes that the shift does not change.

    Raises:
        InputError: fewer than two pairs, or both modalities have the same mean.
    """
    images, texts = _pairs(source, run, study)
    drawn = np.random.default_rng(0).permutation(len(images))[:DRAWN]
    axes = _frame(images, texts)
    moved = gap.shift(images, texts, shifted) if shifted else (images, texts)
    return figures.paired_map(
        moved[0][drawn] @ axes,
        moved[1][drawn] @ axes,
        x_title="Along the gap",
        y_title="Across it (first component)",
        theme=theme,
    )


def cones(source: Source, run: Run, study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """Cosines of random pairs: two images, two texts, an image and somebody else's text.

    Raises:
        InputError: fewer than two pairs.
    """
    images, texts = _pairs(source, run, study)
    generator = np.random.default_rng(0)
    left, right = (generator.integers(len(images), size=CONE) for _ in range(2))
    left, right = left[left != right], right[left != right]
    inside = [np.einsum("ij,ij->i", one[left], one[right]) for one in (images, texts)]
    return figures.cosine_cones(inside[0], inside[1], np.einsum("ij,ij->i", images[left], texts[right]), theme=theme)


def shift(source: Source, run: Run, *, marker: float | None = None, theme: Theme = LIGHT) -> go.Figure | None:
    """Loss and zero-shot AUROC against the shift; None where the evaluation has no such curve."""
    curve = source.evaluation(run)["space"]["shift"]
    if curve is None:
        return None
    columns = ("requested", "loss_image_to_text", "loss_text_to_image", "task")
    requested, per_image, per_text, task = (np.array(curve[name], dtype=np.float64) for name in columns)
    return figures.shift_curve(
        requested, per_image, per_text, task, task_name="Zero-shot AUROC", marker=marker, theme=theme
    )
