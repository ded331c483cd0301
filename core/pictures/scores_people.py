"""Gaps between subgroups of patients as a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import RunError
from core.figures.dots import Dots
from core.figures.scores import subgroups
from core.figures.theme import LIGHT, Theme
from core.pictures.missing import no_scores
from core.pictures.scoring import ATTRIBUTES
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

MEASURES = {"gap": "TPR gap, 95 %", "auroc": "AUROC, 95 %"}


def people_gaps(
    source: Source, runs: Sequence[Run], study: Study, by: str, measure: str, *, theme: Theme = LIGHT
) -> go.Figure:
    """Gaps of the true-positive rate between subgroups, or AUROC within each, of every disease and run.

    Args:
        source, runs, study: of what.
        by: ``sex``, ``age`` or ``view``.
        measure: ``gap`` or ``auroc``.
        theme: light or dark.

    Raises:
        RunError: nothing was judged, or nobody's attribute is known.
    """
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    each = [source.gaps(run, study, by) for run in runs]
    if not each[0].names:
        raise RunError(f"{ATTRIBUTES[by]} is not known of any test radiograph of this study: no subgroups by it.")
    models = [
        (
            short(run),
            [
                Dots(
                    name=f"{name} (n={found.n[at]:,})",
                    values=getattr(found, measure)[at],
                    lows=getattr(found, f"{measure}_low")[at],
                    highs=getattr(found, f"{measure}_high")[at],
                    words=_told(found.positives[at], found.rate[at]),
                )
                for at, name in enumerate(found.names)
            ],
        )
        for run, found in zip(runs, each, strict=True)
    ]
    names = [f"{name} (n={n:,})" for name, n in zip(each[0].names, each[0].n, strict=True)]
    return subgroups(
        [display_name(name) for name in study.findings], names, models, each[0].positives,
        measure=MEASURES[measure], zero=0.0 if measure == "gap" else 0.5, theme=theme,
    )  # fmt: skip


def _told(positives: NDArray[np.int64], rates: NDArray[np.float64]) -> list[str]:
    return [
        f"{count:,} with it, true-positive rate {rate:.3f}" if count else "n=0"
        for count, rate in zip(positives.tolist(), rates.tolist(), strict=True)
    ]
