"""What two runs get right and wrong on the same radiographs, and the matrix of one disease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import RunError
from core.figures.confusion import confusion_one
from core.figures.paired import Compared, confusion_difference, discordant_pairs, rate_differences
from core.figures.theme import LIGHT, Theme
from core.metrics.comparison import ALPHA
from core.metrics.mcnemar import Paired, by_label
from core.metrics.rates import difference_over_patients, over_patients
from core.metrics.results import Interval
from core.pictures.diseases import judge, matrix, table_of
from core.pictures.judged import Judged
from core.pictures.missing import no_scores
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

KINDS = ("both", "first", "second", "neither")
"""Who is right: both runs, one alone, neither."""


def intervals_of(source: Source, study: Study, judged: Judged, at: int) -> dict[str, Interval]:
    """Sensitivity, specificity, ppv, npv and f1 of disease ``at`` with intervals over resampled patients."""
    return over_patients(judged.labels[:, at], judged.called(at), source.draws(study))


def one(source: Source, study: Study, judged: Judged, at: int, *, theme: Theme = LIGHT) -> go.Figure:
    """The confusion matrix of disease ``at``, large, with Wilson's intervals and those over resampled patients.

    Raises:
        RunError: nothing was judged, because the study has no test split or no findings.
    """
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    found = intervals_of(source, study, judged, at)
    low, high = np.full((2, 2), np.nan), np.full((2, 2), np.nan)
    for row, name in enumerate(("specificity", "sensitivity")):
        right = found[name]
        low[row, row], high[row, row] = right.low, right.high
        low[row, 1 - row], high[row, 1 - row] = 1 - right.high, 1 - right.low
    return confusion_one(matrix(study, judged, at), low, high, theme=theme)


@dataclass(frozen=True)
class Comparison:
    """Two runs judged on the same radiographs, each at thresholds of its own by the same rule."""

    runs: tuple[Run, Run]
    study: Study
    first: Judged
    second: Judged

    @cached_property
    def sides(self) -> tuple[list[Paired], list[Paired]]:
        """Of each disease, the radiographs without it (specificity), and those with it (sensitivity)."""
        one, two = (
            np.stack([side.called(at) for at in range(len(self.study.findings))], axis=1)
            for side in (self.first, self.second)
        )
        return by_label(self.first.labels, one, two, 0), by_label(self.first.labels, one, two, 1)

    @property
    def words(self) -> str:
        """What is subtracted from what."""
        return f"{short(self.runs[0])} minus {short(self.runs[1])}"

    def counts(self, at: int) -> NDArray[np.int64]:
        """(2, 4) of disease ``at``: labelled absent, present; both right, only the first, only the second, neither."""
        pairs = [side[at] for side in self.sides]
        return np.array([[pair.both, pair.first, pair.second, pair.neither] for pair in pairs], np.int64)

    def over_patients(self, source: Source, at: int, label: int) -> Interval:
        """The difference in sensitivity (label 1) or specificity (0) with its interval over resampled patients."""
        one, two = (side.called(at) == bool(label) for side in (self.first, self.second))
        return difference_over_patients(one, two, self.first.labels[:, at] == label, source.draws(self.study))

    def inside(self, at: int, label: int, kind: str) -> NDArray[np.int64]:
        """Positions among the judged radiographs of this label about which these are right, those first about which
        the other (where one alone is right), or both together, are the most wrong.

        Args:
            at: number of the disease.
            label: 0 absent, 1 present.
            kind: who is right, of ``KINDS``.
        """
        right = [side.called(at) == bool(label) for side in (self.first, self.second)]
        wanted = (kind in ("both", "first"), kind in ("both", "second"))
        found = np.flatnonzero((self.first.labels[:, at] == label) & (right[0] == wanted[0]) & (right[1] == wanted[1]))
        one, two = (side.probabilities[found, at] for side in (self.first, self.second))
        said = {"first": two, "second": one}.get(kind, (one + two) / 2)
        return np.asarray(found[np.argsort(said if label else -said, kind="stable")])


def compare(source: Source, runs: Sequence[Run], study: Study, rule: str) -> Comparison:
    """The first two of some runs of one study.

    Raises:
        RunError: there are fewer than two, or nothing was judged.
        ConfigError: no such rule.
    """
    if len(runs) < 2:
        raise RunError("A difference is one of two runs: name two of the same study.")
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    first, second = (judge(source, run, study, rule) for run in runs[:2])
    return Comparison((runs[0], runs[1]), study, first, second)


def difference(found: Comparison, *, theme: Theme = LIGHT) -> go.Figure:
    """First minus second of each cell of each disease; trace k is disease k."""
    diseases = [
        Compared(
            name=display_name(name),
            first=table_of(found.first.confusion(at)),
            second=table_of(found.second.confusion(at)),
            beyond=[side[at].p_holm < ALPHA for side in found.sides],
        )
        for at, name in enumerate(found.study.findings)
    ]
    return confusion_difference(diseases, short(found.runs[0]), short(found.runs[1]), theme=theme)


def pairs(found: Comparison, at: int, *, theme: Theme = LIGHT) -> go.Figure:
    """Who is right about the radiographs without and with disease ``at``."""
    return discordant_pairs(
        display_name(found.study.findings[at]), found.counts(at), short(found.runs[0]), short(found.runs[1]),
        theme=theme,
    )  # fmt: skip


def differences(found: Comparison, *, theme: Theme = LIGHT) -> go.Figure:
    """Differences in sensitivity and specificity of all diseases with Newcombe's intervals."""
    without, with_it = found.sides
    sides = (with_it, without)
    values, lows, highs = (
        [np.array([getattr(each, name) for each in side]) for side in sides] for name in ("difference", "low", "high")
    )
    return rate_differences(
        [display_name(name) for name in found.study.findings],
        values,
        lows,
        highs,
        beyond=[[each.p_holm < ALPHA for each in side] for side in sides],
        support=[[each.n for each in side] for side in sides],
        words=f"Percentage points, {found.words}; 95 % intervals (Newcombe); filled: p < 0.05 (McNemar, Holm); "
        "in brackets: radiographs with and without the disease",
        theme=theme,
    )
