"""Two models on the same radiographs: their matrices compared, who alone is right, differences with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.confusion import COLUMNS, LABELS, entitled, grid_of
from core.figures.theme import LIGHT, Theme, dress, empty, figure, hover, plain, same_length, wrapped

PAIRS = ("both right", "only A right", "only B right", "both wrong")
LEAST = 5.0
"""The colours reach to this many percentage points at least, so that noise does not look like a difference."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One disease: counts (2, 2) of either model as [[tn, fp], [fn, tp]], and whether the models differ beyond chance
    on the radiographs without it, and on those with it."""

    name: str
    first: ArrayLike
    second: ArrayLike
    beyond: Sequence[bool]


def confusion_difference(diseases: Sequence[Compared], first: str, second: str, *, theme: Theme = LIGHT) -> go.Figure:
    """First minus second of each cell's share of its row, in percentage points, with both counts; trace k is disease k.

    Args:
        diseases: K of them.
        first, second: names of the models.
        theme: light or dark.
    """
    if not len(diseases):
        return empty(theme, "No disease was judged by both models")
    values = [_points(one.first) - _points(one.second) for one in diseases]
    known = np.abs(np.concatenate([value[np.isfinite(value)] for value in values]))
    most = max(LEAST, float(known.max()) if len(known) else 0.0)
    made = go.Figure(grid_of(len(diseases), theme))  # a copy
    columns = min(COLUMNS, len(diseases))
    for number, (one, value) in enumerate(zip(diseases, values, strict=True)):
        made.add_trace(_change(one, value, most, theme), number // columns + 1, number % columns + 1)
    entitled(made, [(one.name, f"n={_counts(one.first).sum():,}") for one in diseases])
    told = _told(made, f"Percentage points, {first} minus {second}, and both counts; * p < 0.05 (McNemar, Holm)", theme)
    room = int(told.layout.margin.b) - int(grid_of(len(diseases), theme).layout.margin.b)
    told.update_layout(meta={**told.layout.meta, "told": room})
    return told


def _told(made: go.Figure, words: str, theme: Theme, *, right: bool = False) -> go.Figure:
    """A line of words below, in as many lines as they take; from the ``right`` where labels take room at the left."""
    shown = wrapped(words, 58)  # fits the width of one printed column
    room = 18 * (1 + shown.count("<br>"))
    below = int(made.layout.margin.b) + room
    made.update_layout(height=made.layout.height + room)
    made.update_layout(margin={"b": below})
    made.add_annotation(
        text=shown, showarrow=False, xref="paper", yref="paper", x=int(right), xanchor="right" if right else "left",
        y=0, yanchor="bottom",
        yshift=-below, align="left", font={"size": 12, "color": theme.muted},
    )  # fmt: skip
    return made


def _counts(counts: ArrayLike) -> NDArray[np.int64]:
    found = np.asarray(counts, np.int64)
    if found.shape != (2, 2):
        raise InputError(f"A confusion matrix of one disease is 2 x 2; got {found.shape}.")
    return found


def _points(counts: ArrayLike) -> NDArray[np.float64]:
    """(2, 2) shares of the rows in percent; NaN in a row without radiographs."""
    found = _counts(counts)
    totals = np.broadcast_to(found.sum(axis=1, keepdims=True), (2, 2))
    return np.divide(100.0 * found, totals, out=np.full((2, 2), np.nan), where=totals > 0)


def _change(one: Compared, value: NDArray[np.float64], most: float, theme: Theme) -> go.Heatmap:
    counts = np.stack([_counts(one.first), _counts(one.second)], axis=-1)

    def cell(r: int, c: int) -> str:
        if np.isnan(value[r, c]):
            return "n=0"
        star = " *" if one.beyond[r] else ""
        return f"{value[r, c] + 0.0:+.1f}{star}<br>{counts[r, c, 0]:,}<br>{counts[r, c, 1]:,}"

    return go.Heatmap(
        name=plain(one.name), z=value.astype(np.float32), x=list(LABELS), y=list(LABELS), zmin=-most, zmax=most,
        showscale=False, xgap=2, ygap=2, colorscale=[list(stop) for stop in theme.diverging],
        text=[[cell(r, c) for c in (0, 1)] for r in (0, 1)], texttemplate="%{text}",
        textfont={"size": 11, "color": theme.ink}, customdata=counts, hoverongaps=False,
        hovertemplate="label %{y}, model %{x}: %{z:+.1f} points, %{customdata[0]:,} against %{customdata[1]:,}"
        "<extra></extra>",
    )  # fmt: skip


def discordant_pairs(name: str, counts: ArrayLike, first: str, second: str, *, theme: Theme = LIGHT) -> go.Figure:
    """Who is right about the radiographs without and with a disease: both models, one alone, neither.

    Args:
        name: of the disease.
        counts: (2, 4), rows labelled absent and present; both right, only the first, only the second, both wrong.
        first, second: names of the models A and B.
        theme: light or dark.

    Raises:
        InputError: counts of another shape.
    """
    found = np.asarray(counts, np.int64)
    if found.shape != (2, 4):
        raise InputError(f"Pairs of two models are counts (2, 4); got {found.shape}.")
    totals = np.broadcast_to(found.sum(axis=1, keepdims=True), (2, 4))
    rates = np.divide(found, totals, out=np.full((2, 4), np.nan), where=totals > 0)
    text = [[f"{found[r, c]:,}<br>{rates[r, c]:.1%}" if totals[r, 0] else "n=0" for c in range(4)] for r in (0, 1)]
    made = figure(theme, height=280)
    made.add_heatmap(
        name=plain(name), z=rates.astype(np.float32), x=list(PAIRS), y=list(LABELS), zmin=0, zmax=1, showscale=False,
        xgap=2, ygap=2, colorscale=[[0.0, theme.paper], [1.0, theme.diverging[-1][1]]], text=text,
        texttemplate="%{text}", textfont={"size": 13, "color": theme.ink}, customdata=found, hoverongaps=False,
        hovertemplate="label %{y}, %{x}: %{z:.1%}, %{customdata:,} radiographs<extra></extra>",
    )  # fmt: skip
    axis = {"showgrid": False, "showline": False, "ticks": "", "fixedrange": True}
    made.update_xaxes(side="top", title_text="who is right", tickfont={"size": 12}, **axis)
    made.update_yaxes(title_text="label", autorange="reversed", tickangle=-90, **axis)
    made.update_layout(margin={"l": 60, "r": 10, "t": 50, "b": 12})
    return _told(made, f"{name}, n={found.sum():,}. A: {first}. B: {second}", theme)


def rate_differences(
    names: Sequence[str],
    values: Sequence[ArrayLike],
    lows: Sequence[ArrayLike],
    highs: Sequence[ArrayLike],
    *,
    beyond: Sequence[Sequence[bool]],
    support: Sequence[Sequence[int]],
    words: str,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Differences in sensitivity and in specificity of K diseases with their 95 % intervals, side by side.

    Args:
        names: K diseases, drawn from top to bottom.
        values, lows, highs: two arrays (K,), of sensitivity and of specificity, in [-1, 1], NaN where undefined.
        beyond: two times K, whether the difference is beyond chance: filled dots.
        support: two times K, radiographs with the disease, and without.
        words: what is subtracted from what.
        theme: light or dark.
    """
    if not len(names):
        return empty(theme, "No disease was judged by both models")
    parts = [[np.asarray(one, np.float64) * 100 for one in part] for part in (values, lows, highs)]
    for one in (*parts[0], *parts[1], *parts[2], *beyond, *support):
        same_length("Differences of several diseases", names=names, entries=one)
    ends = np.abs(np.concatenate([*parts[1], *parts[2]]))
    reach = 1.05 * max(LEAST, *ends[np.isfinite(ends)].tolist())
    made = make_subplots(rows=1, cols=2, horizontal_spacing=0.03, shared_yaxes=True)
    dress(made, theme, height=110 + 30 * len(names))
    for number, title in enumerate(("sensitivity", "specificity")):
        value, low, high = (part[number] for part in parts)
        made.add_trace(_dots(names, value, low, high, beyond[number], support[number], title, theme), 1, number + 1)
        made.update_xaxes(title_text=f"Δ {title}", range=[-reach, reach], row=1, col=number + 1)
        made.add_vline(x=0, line={"color": theme.muted, "width": 1, "dash": "dash"}, row=1, col=number + 1)
    for number, (value, xref) in enumerate(zip(parts[0], ("x", "x2"), strict=True)):
        for at in np.flatnonzero(np.isnan(value)).tolist():
            made.add_annotation(x=0, y=at, xref=xref, yref=("y", "y2")[number], text="n=0", showarrow=False,
                                xanchor="left", xshift=4, font={"size": 11, "color": theme.muted})  # fmt: skip
    made.update_yaxes(tickvals=list(range(len(names))), range=[len(names) - 0.5, -0.5], showgrid=False, ticks="")
    each = zip(names, *support, strict=True)
    shown = [f"{plain(name)}  ({with_it:,} / {without:,})" for name, with_it, without in each]
    made.update_yaxes(ticktext=shown, row=1, col=1)
    made.update_layout(showlegend=False, margin={"l": 60, "r": 16, "t": 12, "b": 54})
    return _told(made, words, theme, right=True)


def _dots(
    names: Sequence[str],
    value: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    beyond: Sequence[bool],
    support: Sequence[int],
    title: str,
    theme: Theme,
) -> Any:
    colour = theme.colour(0)
    return go.Scatter(
        x=value.astype(np.float32), y=np.arange(len(names)), mode="markers", name=title,
        text=[plain(name) for name in names], customdata=np.stack([low, high, np.asarray(support, float)], axis=1),
        marker={"size": 9, "line": {"width": 2, "color": colour},
                "color": [colour if one else theme.paper for one in beyond]},
        error_x={"type": "data", "symmetric": False, "array": (high - value).astype(np.float32),
                 "arrayminus": (value - low).astype(np.float32), "thickness": 1.5, "width": 3, "color": colour},
        hovertemplate="%{text}: %{x:+.1f} [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}] points, n=%{customdata[2]:,}"
        "<extra>" + hover(title) + "</extra>",
    )  # fmt: skip
