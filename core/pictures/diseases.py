"""What a run gets right and wrong, disease by disease."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import RunError
from core.figures.confusion import Matrix, confusion_grid
from core.figures.diseases import auroc_intervals
from core.figures.theme import LIGHT, Theme
from core.metrics.cutting import Cut
from core.metrics.thresholds import Confusion, wilson_ends
from core.pictures.judged import Judged
from core.pictures.missing import no_scores
from core.pictures.source import Source, short
from core.published import LINES
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

SHOWN = (("CheXclusion DenseNet121", "trained"), ("CARZero", "zero-shot"))
PUBLISHED = tuple((line.title, line.value) for line in LINES if (line.name, line.how) in SHOWN)
"""Published mean AUROC on the official NIH test split, for reference lines."""


def judge(source: Source, run: Run, study: Study, rule: str | float, own: Sequence[str] = ()) -> Judged:
    """Call diseases present or absent on the test split.

    Args:
        source: of the predictions.
        run, study: whose.
        rule: how each threshold is chosen on the validation split (as :meth:`Cut.read` takes it), or one value.
        own: thresholds of single findings, such as ``Edema=0.3``, in place of the rule's.

    Raises:
        ConfigError: no such rule.
    """
    return source.judged(run, study, Cut.read(str(rule), own))


def matrices(study: Study, judged: Judged, *, theme: Theme = LIGHT) -> go.Figure:
    """One confusion matrix per disease; trace k is disease k."""
    return confusion_grid([matrix(study, judged, at) for at in range(len(study.findings))], theme=theme)


def matrix(study: Study, judged: Judged, at: int) -> Matrix:
    """The confusion matrix of disease ``at`` with Wilson's intervals."""
    found = judged.confusion(at)
    counts = table_of(found)
    low, high = wilson_ends(counts, np.broadcast_to(counts.sum(axis=1, keepdims=True), (2, 2)))
    return Matrix(
        name=display_name(study.findings[at]),
        counts=counts,
        low=low,
        high=high,
        threshold=judged.thresholds[at].value,
        unknown=found.unknown,
    )


def table_of(found: Confusion) -> NDArray[np.int64]:
    """[[tn, fp], [fn, tp]]"""
    return np.array([[found.tn, found.fp], [found.fn, found.tp]], np.int64)


def cell(judged: Judged, at: int, row: int, column: int) -> NDArray[np.int64]:
    """Positions among the judged samples in one cell of disease ``at``, the most wrong first.

    Args:
        judged: from :func:`judge`.
        at: number of the disease.
        row: 0 labelled absent, 1 labelled present.
        column: 0 called absent, 1 called present.
    """
    scores = judged.probabilities[:, at]
    inside = np.flatnonzero((judged.labels[:, at] == row) & (judged.called(at) == bool(column)))
    wrongness = scores if row == 0 else -scores
    return inside[np.argsort(-wrongness[inside], kind="stable")]


def intervals(
    source: Source, runs: Sequence[Run], study: Study, *, published: bool = False, theme: Theme = LIGHT
) -> go.Figure:
    """AUROC of each disease with its 95 % interval, all runs side by side.

    Raises:
        RunError: nothing was judged, because the study has no test split or no findings.
    """
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    reports = [source.evaluation(run)["test"] for run in runs]
    fields = {
        name: [np.array([row["auroc"][name] for row in report["findings"]], dtype=np.float64) for report in reports]
        for name in ("value", "low", "high")
    }
    return auroc_intervals(
        [display_name(name) for name in study.findings],
        fields["value"],
        fields["low"],
        fields["high"],
        n_positive=[row["positives"] for row in reports[0]["findings"]],
        series=[short(run) for run in runs],
        references=[("chance", 0.5), *(PUBLISHED if published else ())],
        theme=theme,
    )
