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
FEW = 40
"""Curves of fewer values show each as a dot."""

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


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A level that the curve is read against."""

    label: str
    value: float


def smooth(values: ArrayLike, weight: float) -> Floats:
    """Exponential moving average, debiased so that the first values are not drawn towards 0 (as TensorBoard does).

    Args:
        values: (n,); values that are not finite stay as they are and do not enter the average.
        weight: of the past, 0 (no smoothing) to below 1.
    """
    if not 0 <= weight < 1:
        raise InputError(f"The smoothing weight is {weight}; it must be 0 or more and less than 1.")
    found = np.asarray(values, np.float64).copy()
    last, total = 0.0, 0.0
    for at, value in enumerate(found):
        if np.isfinite(value):
            last = weight * last + (1 - weight) * value
            total = weight * total + (1 - weight)
            found[at] = last / total
    return found


def thin(x: ArrayLike, y: ArrayLike, bins: int = BINS) -> tuple[Floats, Floats]:
    """Keep the smallest and the largest value of each bin, and the ends, so that no spike disappears.

    Args:
        x, y: (n,) values in drawing order.
        bins: how many bins of equal count; nothing is left out up to twice as many values.
    """
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(xs) <= 2 * bins:
        return xs, ys
    keep = {0, len(ys) - 1}
    for part in np.array_split(np.arange(len(ys)), bins):
        finite = part[np.isfinite(ys[part])]
        gaps = part[~np.isfinite(ys[part])]
        keep.update(gaps[:1].tolist())
        if len(finite):
            keep.update((int(finite[ys[finite].argmin()]), int(finite[ys[finite].argmax()])))
    rows = np.array(sorted(keep))
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
    theme: Theme = LIGHT,
) -> go.Figure:
    """Several runs' curves of one quantity; raw values thin behind smoothed ones."""
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
                x=x, y=raw, mode="lines", line={"color": colour, "width": 1}, opacity=0.3, name=name, showlegend=False,
                hoverinfo="skip", legendgroup=group,
            )  # fmt: skip
            x, raw = thin(curve.x, smooth(curve.y, smoothing))
        raw = np.where(np.isfinite(raw), raw, np.nan)
        sizes = np.where(_alone(raw) | (len(x) < FEW), 5, 0)
        made.add_scatter(
            x=x, y=raw, mode="lines+markers" if sizes.any() else "lines", name=name, legendgroup=group,
            line={"color": colour, "width": 2}, connectgaps=False,
            marker={"size": 5 if sizes.all() else sizes, "color": colour},
        )  # fmt: skip
    _add_references(made, series, references, log_y, theme)
    made.update_xaxes(title_text=plain(x_title), type="log" if log_x else "linear")
    made.update_yaxes(title_text=plain(y_title), type="log" if log_y else "linear")
    made.update_layout(showlegend=len(series) > 1, hovermode="x unified" if len(series) > 1 else "x")
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
