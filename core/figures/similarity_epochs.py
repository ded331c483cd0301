"""How cosines of labels move through training: one small picture for each measure, a line for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from core.figures.theme import LIGHT, Theme, dress, empty, plain, same_length


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One small picture.

    Attributes:
        title: what is measured.
        epochs, values: of each model: (n,) each, in the order of training; NaN where there is none.
        references: levels with their names.
    """

    title: str
    epochs: Sequence[ArrayLike]
    values: Sequence[ArrayLike]
    references: Sequence[tuple[str, float]] = ()


def over_epochs(
    measures: Sequence[Measure], names: Sequence[str], *, marked: float | None = None, theme: Theme = LIGHT
) -> go.Figure:
    """Measures of one or more models against the epoch, on one axis of epochs; a dotted line at the ``marked`` one."""
    known = [np.isfinite(np.asarray(one, np.float64)).any() for measure in measures for one in measure.values]
    if not any(known):
        return empty(theme, "No moment of training was kept")
    made = make_subplots(rows=1, cols=len(measures), horizontal_spacing=0.12)
    for column, measure in enumerate(measures, start=1):
        same_length(f"The measure {measure.title!r}", epochs=measure.epochs, values=measure.values, names=names)
        for number, (epochs, values, name) in enumerate(zip(measure.epochs, measure.values, names, strict=True)):
            made.add_trace(
                go.Scatter(
                    x=np.asarray(epochs, np.float64), y=np.asarray(values, np.float64), mode="lines+markers",
                    name=plain(name), legendgroup=str(number), showlegend=column == 1 and len(names) > 1,
                    line={"color": theme.colour(number), "width": 2}, marker={"size": 6}, connectgaps=False,
                ),
                row=1,
                col=column,
            )  # fmt: skip
    dress(made, theme, height=300)
    _levels(made, measures, marked, theme)
    made.update_xaxes(title_text="Epoch", rangemode="tozero")
    for column, measure in enumerate(measures, start=1):
        made.update_yaxes(title_text=plain(measure.title), col=column)
    made.update_layout(hovermode="x")
    return made


def _levels(made: go.Figure, measures: Sequence[Measure], marked: float | None, theme: Theme) -> None:
    """Dashed lines at what is reachable, each named once, and a dotted one at the moment that is looked at."""
    for column, measure in enumerate(measures, start=1):
        highest = max((level for _, level in measure.references), default=0.0)
        for name, level in measure.references:
            made.add_hline(y=level, line={"color": theme.muted, "width": 1, "dash": "dash"}, row=1, col=column)
            made.add_annotation(
                text=plain(name), x=1, xref="x domain", xanchor="right", y=level, showarrow=False,
                yanchor="bottom" if level == highest else "top", font={"size": 11, "color": theme.muted},
                row=1, col=column,
            )  # fmt: skip
        if marked is not None:
            made.add_vline(x=marked, line={"color": theme.muted, "width": 1, "dash": "dot"}, row=1, col=column)
