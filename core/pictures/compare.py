"""Several runs against the first in one picture."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.compare import Differences, score_differences
from core.figures.theme import LIGHT, Theme
from core.pictures.claims import Claim, claims
from core.pictures.compared import MEASURES, POINT, Scored, scored
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study

IN_POINTS = [name for name, measure in MEASURES.items() if measure.points]


def differences(source: Source, runs: Sequence[Run], study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """The measures that are told in points, each run minus the first, with paired 95 % intervals."""
    found = [scored(source, run, study) for run in runs]
    return of_claims(found, claims(found, study), theme=theme)


def of_claims(found: Sequence[Scored], said: Sequence[Claim], *, theme: Theme = LIGHT) -> go.Figure:
    """The same, of what was said already."""
    made = {(one.run, one.measure): one for one in said}
    return score_differences(
        [MEASURES[name].title for name in IN_POINTS],
        [_of(other, [made[other.run.id, name] for name in IN_POINTS]) for other in found[1:]],
        first=short(found[0].run),
        margin=100 * POINT,
        theme=theme,
    )


def _of(other: Scored, own: Sequence[Claim]) -> Differences:
    parts = {f"{end}s": [100 * getattr(one, end) for one in own] for end in ("value", "low", "high")}
    return Differences(name=short(other.run), shown=[one.verdict in ("higher", "lower") for one in own], **parts)
