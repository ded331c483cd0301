"""Heatmaps of a run's prompts and centroids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.similarity import off_diagonal_distribution, similarity_difference, similarity_panels
from core.figures.theme import LIGHT, Theme
from core.metrics.similarity import cosine_matrix, simplex_target
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

KINDS = {
    "prompts": "Disease prompts",
    "centroids": "Disease centroids",
    "cross": "Prompt × centroid",
    "frozen": "Prompts, towers alone",
}


def matrix(source: Source, run: Run, study: Study, kind: str) -> NDArray[np.float64]:
    """Cosines (K, K) of a kind in ``KINDS``.

    In the cross-modal one rows are prompts and columns centroids; a disease without support is NaN.
    """
    if not study.findings:
        return np.zeros((0, 0))
    prompts = source.embeddings(run, "prompts-frozen" if kind == "frozen" else "prompts").vectors
    if kind in ("prompts", "frozen"):
        return cosine_matrix(prompts)
    centres, _ = source.centroids(run, study)
    if kind == "centroids":
        return cosine_matrix(centres, allow_missing=True)
    return cosine_matrix(prompts, centres, allow_missing=True)


def names(study: Study) -> list[str]:
    return [display_name(name) for name in study.findings]


def panels(source: Source, runs: Sequence[Run], study: Study, *, kind: str, theme: Theme = LIGHT) -> go.Figure:
    """The matrices of several runs on one scale and in one order."""
    matrices = [matrix(source, run, study, kind) for run in runs]
    return similarity_panels(matrices, [short(run) for run in runs], names(study), theme=theme)


def difference(source: Source, runs: Sequence[Run], study: Study, *, kind: str, theme: Theme = LIGHT) -> go.Figure:
    """The second run's matrix minus the first's."""
    first, second = (matrix(source, run, study, kind) for run in runs[:2])
    title = f"{short(runs[1])} minus {short(runs[0])}"
    return similarity_difference(second, first, names(study), title=title, theme=theme)


def pairs(source: Source, runs: Sequence[Run], study: Study, *, kind: str, theme: Theme = LIGHT) -> go.Figure:
    """Every pair of diseases once, against what is reachable: right angles, and the simplex."""
    count = len(study.findings)
    found = [matrix(source, run, study, kind)[np.triu_indices(count, 1)] for run in runs]
    references = [("orthogonal: 0", 0.0)]
    if count > 1:
        references.append((f"simplex: {simplex_target(count):.3f}", simplex_target(count)))
    return off_diagonal_distribution(found, [short(run) for run in runs], references=references, theme=theme)
