"""The modality gap of one run: pairs with connecting lines, cones of cosines, measures against the shift."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, dress, empty, figure, plain, same_length

SPAN = 0.01
"""What a measure's axis shows at least."""

IMAGE, TEXT, ACROSS = 0, 1, 2
"""Which of the theme's colours an image, a text, and what lies between them have, in every figure."""


def paired_map(
    images: ArrayLike,
    texts: ArrayLike,
    *,
    x_title: str = "First component",
    y_title: str = "Second component",
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Images and texts (n, 2), row i of both belonging together, each pair connected by a line (one trace for all).

    With ranges the frame stays where it is while the points move.
    """
    left, right = np.asarray(images, np.float32), np.asarray(texts, np.float32)
    if left.shape != right.shape or left.ndim != 2 or left.shape[1] != 2:
        raise InputError(f"A paired map needs two arrays (n, 2); got {left.shape} and {right.shape}.")
    if not len(left):
        return empty(theme, "No radiograph has a text")
    made = figure(theme, height=420)
    breaks = np.full(len(left), np.nan, np.float32)
    lines = [np.stack([left[:, axis], right[:, axis], breaks], axis=1).ravel() for axis in (0, 1)]
    made.add_scatter(
        x=lines[0], y=lines[1], mode="lines", line={"color": theme.muted, "width": 0.6}, opacity=0.35,
        hoverinfo="skip", showlegend=False, name="pairs", connectgaps=False,
    )  # fmt: skip
    for points, name, number in ((left, "images", IMAGE), (right, "texts", TEXT)):
        made.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name=name,
            marker={"size": 5, "color": theme.colour(number), "opacity": 0.8, "symbol": ("circle", "diamond")[number]},
        )  # fmt: skip
    made.update_xaxes(title_text=plain(x_title), range=x_range)
    made.update_yaxes(title_text=plain(y_title), range=y_range, scaleanchor="x", scaleratio=1)
    return made


def cosine_cones(images: ArrayLike, texts: ArrayLike, across: ArrayLike, *, theme: Theme = LIGHT) -> go.Figure:
    """Histograms of cosines of random pairs: two images, two texts, an image and another's text; each sums to 1."""
    made = figure(theme, height=320)
    edges = np.linspace(-1, 1, 101)
    drawn = 0
    for values, name, number in ((images, "two images", IMAGE), (texts, "two texts", TEXT), (across, "across", ACROSS)):
        known = np.asarray(values, np.float64)
        known = known[np.isfinite(known)]
        if not len(known):
            continue
        share = np.histogram(known.clip(-1, 1), edges)[0] / len(known)
        made.add_scatter(
            x=(edges[1:] + edges[:-1]) / 2, y=share, mode="lines", line={"color": theme.colour(number), "shape": "hvh"},
            fill="tozeroy", name=f"{name} (n={len(known):,})", opacity=0.8,
        )  # fmt: skip
        drawn += 1
    if not drawn:
        return empty(theme, "There are no two rows to compare")
    made.update_xaxes(title_text="Cosine", range=[-1, 1])
    made.update_yaxes(title_text="Share of pairs", rangemode="tozero")
    return made


@dataclass(frozen=True, kw_only=True)
class ShiftLine:
    """A measure over the shifts (s,): its name, its values, which of the theme's colours, whether it is dotted."""

    name: str
    values: ArrayLike
    number: int
    dotted: bool = False


@dataclass(frozen=True, kw_only=True)
class ShiftRow:
    """Measures that share an axis, and the points (shift, value) among them that are best.

    ``lowest``: a small value is a good one; then what a best point says stands below it.
    """

    title: str
    lines: Sequence[ShiftLine]
    best: Sequence[tuple[float, float]] = ()
    lowest: bool = False


def shift_curve(
    distance: ArrayLike, rows: Sequence[ShiftRow], *, marker: float | None = None, theme: Theme = LIGHT
) -> go.Figure:
    """Measures against the shift (s,), one below the other, the best point of each marked.

    Dashed: no shift; dotted: ``marker``, where the reader is. A row without a finite value is left out.
    """
    x = np.asarray(distance, np.float32)
    for row in rows:
        same_length(
            f"A shift curve of {row.title}", shifts=x, **{one.name: np.asarray(one.values) for one in row.lines}
        )
    drawn = [row for row in rows if any(np.isfinite(np.asarray(one.values, np.float64)).any() for one in row.lines)]
    if not len(x) or not drawn:
        return empty(theme, "There is no shift to draw")
    ends = (float(x.min()), float(x.max()))
    made = go.Figure(_panels(len(drawn), theme))  # a copy: the slider draws it anew at every step
    for at, row in enumerate(drawn, start=1):
        for one in row.lines:
            line = {"color": theme.colour(one.number), "width": 2, "dash": "dot" if one.dotted else "solid"}
            made.add_scatter(
                x=x, y=np.asarray(one.values, np.float32), name=plain(one.name), mode="lines", row=at, col=1, line=line
            )
        _mark_best(made, row, at, ends, theme)
        axis = made.layout[f"yaxis{at if at > 1 else ''}"]
        axis.title.text, axis.range = plain(row.title), _room(row)
        made.layout[f"xaxis{at if at > 1 else ''}"].range = (ends[0] - 0.2, ends[1] + 0.2)
    looks = [(0.0, {"color": theme.muted, "width": 1, "dash": "dash"})]
    looks += [(marker, {"color": theme.ink, "width": 1, "dash": "dot"})] if marker else []
    made.layout.shapes = [
        {"type": "line", "x0": x0, "x1": x0, "xref": f"x{at}", "y0": 0, "y1": 1, "yref": f"y{at} domain", "line": line}
        for x0, line in looks
        for at in ["", *range(2, len(drawn) + 1)]
    ]
    return made


@functools.cache
def _panels(count: int, theme: Theme) -> go.Figure:
    """Empty panels, one below the other."""
    made = make_subplots(rows=count, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    dress(made, theme, height=110 + 135 * count)
    return made.update_xaxes(title_text="Shift", row=count, col=1)


def _room(row: ShiftRow) -> tuple[float, float]:
    """The range of a row's axis, with room for what its best points say."""
    found = np.concatenate([np.asarray(one.values, np.float64) for one in row.lines])
    low, high = float(found[np.isfinite(found)].min()), float(found[np.isfinite(found)].max())
    if high - low < SPAN:  # less is noise, which a frame of its own would blow up
        low, high = (low + high - SPAN) / 2, (low + high + SPAN) / 2
    pad = 0.06 * (high - low)
    said = 4 * pad if row.best else pad
    return (low - said, high + pad) if row.lowest else (low - pad, high + said)


def _side(shift: float, ends: tuple[float, float]) -> str:
    """On which side of a point its words stand, so that they do not leave the frame."""
    near = 0.15 * (ends[1] - ends[0])
    return "right" if shift < ends[0] + near else "left" if shift > ends[1] - near else "center"


def _mark_best(made: go.Figure, row: ShiftRow, at: int, ends: tuple[float, float], theme: Theme) -> None:
    if not row.best:
        return
    shifts, values = np.asarray(row.best, np.float32).T
    made.add_scatter(
        x=shifts, y=values, mode="markers+text", name=f"best {plain(row.title)}", showlegend=False, row=at, col=1,
        text=[f"{value:.3f} at {shift:g}" for shift, value in row.best],
        textposition=[f"{'bottom' if row.lowest else 'top'} {_side(shift, ends)}" for shift, _ in row.best],
        textfont={"size": 11},
        marker={"size": 9, "color": theme.ink, "symbol": "diamond"}, cliponaxis=False,
    )  # fmt: skip
