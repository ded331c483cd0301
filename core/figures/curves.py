"""Curves of training: smoothed over raw, thinned without jumps, with their reference lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, plain

BINS = 1000
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
    for curve in series:
        colour, name = theme.colour(curve.colour_index), plain(curve.name)
        x, raw = thin(curve.x, curve.y)
        raw = np.where(np.isfinite(raw), raw, np.nan)
        if smoothing > 0:
            made.add_scatter(
                x=x, y=raw, mode="lines", line={"color": colour, "width": 1}, opacity=0.3, name=name, showlegend=False,
                hoverinfo="skip", legendgroup=name,
            )  # fmt: skip
            x, raw = thin(curve.x, smooth(curve.y, smoothing))
        few = "lines+markers" if len(x) < 40 else "lines"
        made.add_scatter(
            x=x, y=np.where(np.isfinite(raw), raw, np.nan), mode=few, name=name, legendgroup=name,
            line={"color": colour, "width": 2}, marker={"size": 5, "color": colour}, connectgaps=False,
        )  # fmt: skip
    for reference in references:
        if np.isfinite(reference.value) and not (log_y and reference.value <= 0):
            made.add_hline(
                y=reference.value,
                line={"color": theme.muted, "width": 1, "dash": "dash"},
                annotation={
                    "text": plain(reference.label),
                    "font": {"size": 11, "color": theme.muted},
                    "bgcolor": theme.paper,
                    "opacity": 0.85,
                },
                annotation_position="top right",
            )
            if log_y:  # on such an axis a line is placed by its value, a text by its exponent
                made.layout.annotations[-1].y = float(np.log10(reference.value))
    made.update_xaxes(title_text=plain(x_title), type="log" if log_x else "linear")
    made.update_yaxes(title_text=plain(y_title), type="log" if log_y else "linear")
    made.update_layout(showlegend=len(series) > 1, hovermode="x unified" if len(series) > 1 else "x")
    return made
