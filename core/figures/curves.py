"""Curves of training: smoothed over raw, thinned without jumps, with their reference lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, plain, same_length

BINS = 1000
"""A curve has at most so many bins, each with two points."""

FEW = 40
"""Curves of fewer values show each as a dot."""

BLOCK = 64
"""So many values are averaged in one product of matrices."""

SLOTS = (("right", 1.0), ("center", 0.5), ("left", 0.0))
"""Where along its line a reference's label may stand; the first that is free is taken."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line: n values ``y`` at ascending ``x``; values that are not finite are gaps."""

    name: str
    x: ArrayLike
    y: ArrayLike
    colour_index: int = 0
    dash: str = "solid"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A level that the curve is read against."""

    label: str
    value: float


def smooth(values: ArrayLike, weight: float) -> Floats:
    """Exponential moving average, debiased so that the first values are not drawn towards 0 (as TensorBoard does).

    The t-th value x_t, counted from 1, becomes s_t / (1 - weight^t), with s_0 = 0 and
    s_t = weight s_(t-1) + (1 - weight) x_t.

    Args:
        values: (n,); values that are not finite stay as they are and do not enter the average.
        weight: of the past, 0 (no smoothing) to below 1.
    """
    if not 0 <= weight < 1:
        raise InputError(f"The smoothing weight is {weight}; it must be 0 or more and less than 1.")
    found = np.array(values, np.float64)
    known = np.isfinite(found)
    count = int(known.sum())
    blocks = np.zeros((-(-count // BLOCK), BLOCK))
    blocks.flat[:count] = found[known]
    back = np.arange(BLOCK)[:, None] - np.arange(BLOCK)
    inside = blocks @ np.where(back >= 0, float(weight) ** np.maximum(back, 0), 0.0).T
    before, fading, past = np.zeros(len(blocks)), weight**BLOCK, 0.0
    for at, last in enumerate(inside[:, -1].tolist()):  # what a block hands on to the next
        before[at] = past
        past = fading * past + last
    powers = float(weight) ** np.arange(1, BLOCK + 1)
    sums = inside + before[:, None] * powers
    missing = fading ** np.arange(len(blocks))[:, None] * powers  # weight^t
    found[known] = (sums * (1 - weight) / (1 - missing)).ravel()[:count]
    return found


def thin(x: ArrayLike, y: ArrayLike, bins: int = BINS) -> tuple[Floats, Floats]:
    """Keep the smallest and the largest value of each bin, and the ends, so that no spike disappears.

    A bin holds a power of two of consecutive values, counted from the first: new values at the end change no other
    bin, and when the bins become twice as wide, only points go that were there. So a live curve does not jump.

    Args:
        x, y: (n,) values in drawing order.
        bins: how many bins at most; nothing is left out up to twice as many values.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    count = len(ys)
    width = 1
    while width * bins < count:
        width *= 2
    if width <= 2:
        return xs, ys
    parts = np.full((-(-count // width), width), np.nan)
    parts.flat[:count] = ys
    known = np.isfinite(parts)
    starts = np.arange(len(parts)) * width
    low = (starts + np.where(known, parts, np.inf).argmin(1))[known.any(1)]
    high = (starts + np.where(known, parts, -np.inf).argmax(1))[known.any(1)]
    gaps = (starts + known.argmin(1))[~known.all(1)]  # the first of each bin breaks the line there
    rows = np.unique(np.concatenate([[0], low, high, gaps[gaps < count], [count - 1]]))
    return xs[rows], ys[rows]


def loss_curves(
    series: Sequence[Curve],
    *,
    references: Sequence[Reference] = (),
    x_title: str = "Step",
    y_title: str = "Loss",
    log_x: bool = False,
    log_y: bool = False,
    smoothing: float = 0.0,
    from_zero: bool = False,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Several runs' curves of one quantity; raw values thin behind smoothed ones.

    ``from_zero``: for quantities whose small changes do not matter, such as memory.
    """
    if not any(np.isfinite(np.asarray(curve.y, np.float64)).any() for curve in series):
        return empty(theme, "No values yet")
    made = figure(theme, height=320)
    for number, curve in enumerate(series):
        colour, name = theme.colour(curve.colour_index), plain(curve.name)
        same_length(f"The curve {curve.name!r}", x=np.asarray(curve.x), y=np.asarray(curve.y))
        group = str(number)  # not its name: two runs of one name would be switched off together
        x, raw = thin(curve.x, curve.y)
        raw = np.where(np.isfinite(raw), raw, np.nan)
        if smoothing > 0:
            made.add_scatter(
                x=x, y=raw, mode="lines", line={"color": colour, "width": 1, "dash": curve.dash}, opacity=0.3,
                name=name, showlegend=False, hoverinfo="skip", legendgroup=group,
            )  # fmt: skip
            x, raw = thin(curve.x, smooth(curve.y, smoothing))
        raw = np.where(np.isfinite(raw), raw, np.nan)
        sizes = np.where(_alone(raw) | (len(x) < FEW), 5, 0)
        made.add_scatter(
            x=x, y=raw, mode="lines+markers" if sizes.any() else "lines", name=name, legendgroup=group,
            line={"color": colour, "width": 2, "dash": curve.dash}, connectgaps=False,
            marker={"size": 5 if sizes.all() else sizes, "color": colour},
        )  # fmt: skip
    _add_references(made, series, references, log_y, theme)
    for axis, title, log in ((made.layout.xaxis, x_title, log_x), (made.layout.yaxis, y_title, log_y)):
        axis.title.text, axis.type = plain(title), "log" if log else "linear"
    if from_zero and not log_y:
        made.layout.yaxis.rangemode = "tozero"
    made.layout.showlegend = len(series) > 1
    made.layout.hovermode = "x unified" if len(series) > 1 else "x"
    return made


def _alone(y: Floats) -> NDArray[np.bool_]:
    """Values between two gaps, which no line reaches."""
    known = np.concatenate([[False], np.isfinite(y), [False]])
    return np.asarray(known[1:-1] & ~known[:-2] & ~known[2:])


def _add_references(
    made: go.Figure, series: Sequence[Curve], references: Sequence[Reference], log_y: bool, theme: Theme
) -> None:
    """Dashed levels; labels of levels that lie close together stand side by side, not one over the other."""
    levels = {one: one.value for one in references if np.isfinite(one.value) and not (log_y and one.value <= 0)}
    if log_y:  # on such an axis a line is placed by its value, a text by its exponent
        levels = {one: float(np.log10(value)) for one, value in levels.items()}
    values = np.concatenate([np.asarray(curve.y, np.float64).ravel() for curve in series])
    values = values[np.isfinite(values) & ((values > 0) | (not log_y))]
    spread = np.concatenate([np.log10(values) if log_y else values, list(levels.values())])
    near = 0.09 * float(np.ptp(spread)) if len(spread) else 0.0
    taken: dict[str, list[float]] = {name: [] for name, _ in SLOTS}
    for one, level in levels.items():
        free = [name for name, _ in SLOTS if all(abs(level - other) > near for other in taken[name])]
        anchor = free[0] if free else min(taken, key=lambda name: len(taken[name]))
        taken[anchor].append(level)
        made.add_hline(y=one.value, line={"color": theme.muted, "width": 1, "dash": "dash"})
        made.add_annotation(
            x=dict(SLOTS)[anchor], xref="x domain", xanchor=anchor, y=level, yanchor="bottom", showarrow=False,
            text=plain(one.label), font={"size": 11, "color": theme.muted}, bgcolor=theme.paper, opacity=0.85,
        )  # fmt: skip
