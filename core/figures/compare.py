"""Differences of several runs to the first, measure by measure, beside the margin that counts as no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain, same_length


@dataclass(frozen=True, kw_only=True)
class Differences:
    """One run minus the first: (m,) values with the ends of their 95 % intervals, NaN where it cannot be said, and
    whether each is more than chance and margin explain."""

    name: str
    values: ArrayLike
    lows: ArrayLike
    highs: ArrayLike
    shown: Sequence[bool]


def score_differences(
    names: Sequence[str], runs: Sequence[Differences], *, first: str, margin: float, theme: Theme = LIGHT
) -> go.Figure:
    """A dot and a 95 % interval for each measure (m, from top to bottom) and run, in points of a hundred.

    Filled: the data show a difference; hollow: they do not. Shaded: differences that count as none.

    Args:
        names: m measures, of which more is better.
        runs: compared with the first.
        first: what that one is called.
        margin: in points.
        theme: light or dark.
    """
    if not len(names) or not any(np.isfinite(np.asarray(run.values, float)).any() for run in runs):
        return empty(theme, "There is no measure by which these runs can be compared")
    made = figure(theme, height=130 + (26 + 12 * len(runs)) * len(names) + 20 * len(runs))
    places, spread = np.arange(len(names), dtype=np.float32), 0.6 / len(runs)
    made.add_vrect(x0=-margin, x1=margin, fillcolor=theme.grid, opacity=0.6, line_width=0, layer="below")
    made.add_vline(x=0, line={"color": theme.muted, "width": 1, "dash": "dash"})
    for number, run in enumerate(runs):
        at = places + np.float32(spread * (number - (len(runs) - 1) / 2))
        _add(made, run, names, at, number + 1, theme)
    made.update_yaxes(
        tickvals=places, ticktext=[plain(name) for name in names], range=[len(names) - 0.4, -0.6], showgrid=False,
        ticks="",
    )  # fmt: skip
    made.update_xaxes(title_text=f"Points more than {plain(first)}, 95 % interval", range=_range(runs, margin))
    made.update_layout(margin={"t": 20, "b": 60 + 20 * len(runs)}, showlegend=True)
    made.update_layout(legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _add(made: go.Figure, run: Differences, names: Sequence[str], at: ArrayLike, colour: int, theme: Theme) -> None:
    middle, low, high = (np.asarray(part, np.float32) for part in (run.values, run.lows, run.highs))
    same_length(f"Differences of {run.name!r}", names=names, values=middle, lows=low, highs=high, shown=run.shown)
    made.add_scatter(
        x=middle, y=at, mode="markers", name=plain(run.name), text=[plain(name) for name in names],
        marker={"size": 9, "color": theme.colour(colour), "line": {"width": 2, "color": theme.colour(colour)},
                "symbol": ["circle" if one else "circle-open" for one in run.shown]},
        customdata=np.stack([low, high], axis=1),
        error_x={"type": "data", "symmetric": False, "array": high - middle, "arrayminus": middle - low,
                 "thickness": 1.5, "width": 3, "color": theme.colour(colour)},
        hovertemplate="%{text}: %{x:+.1f} [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}]<extra>" + hover(run.name)
        + "</extra>",
    )  # fmt: skip
    for row in np.flatnonzero(np.isnan(middle)).tolist():
        made.add_annotation(
            x=0, y=float(np.asarray(at)[row]), text="cannot be said", showarrow=False, xanchor="left", xshift=6,
            font={"size": 11, "color": theme.muted},
        )  # fmt: skip


def _range(runs: Sequence[Differences], margin: float) -> tuple[float, float]:
    ends = np.concatenate([np.asarray(part, np.float64) for run in runs for part in (run.lows, run.highs, run.values)])
    known = np.append(ends[np.isfinite(ends)], [-2 * margin, 2 * margin])
    room = 0.06 * float(known.max() - known.min())
    return float(known.min()) - room, float(known.max()) + room
