"""Where models look in a radiograph, and whether they point at boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.printing import placed
from core.figures.radiographs import PAGE, radiograph_row
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain, same_length

WIDEST = 470
"""Side of a radiograph in pixels of a page, at most."""

RAMP = ((0.0, "87, 16, 110", 0.0), (0.25, "187, 55, 84", 0.45), (0.6, "249, 142, 9", 0.8), (1.0, "252, 255, 164", 1.0))
"""Stop, colour and opacity of the overlay: over a radiograph, which is grey in every theme."""

BOX = "#21d4fd"


@dataclass(frozen=True)
class Box:
    """A place that somebody marked: shares of the radiograph's side, and what it is."""

    name: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Overlay:
    """A saliency map over a radiograph.

    Attributes:
        title: whose.
        words: lines of words below it, such as its score.
        values: (h, w) in 0..1, over the whole radiograph.
        peak: the highest place, as shares of the side; None: the map is empty.
    """

    title: str
    words: Sequence[str]
    values: NDArray[np.floating]
    peak: tuple[float, float] | None


def saliency_maps(
    picture: ArrayLike,
    title: str,
    overlays: Sequence[Overlay],
    boxes: Sequence[Box] = (),
    *,
    opacity: float = 0.7,
    theme: Theme = LIGHT,
) -> go.Figure:
    """A radiograph, and beside it the same one under each map, all on one scale of colours.

    Args:
        picture: (S, S) grey levels in 0..255.
        title: of the radiograph.
        overlays: the maps; between the middles of their places the colours are interpolated.
        boxes: outlined on every picture.
        opacity: of the highest places, 0 to 1; lower ones are fainter.
        theme: light or dark.

    Raises:
        InputError: a map with values out of range, or an opacity outside 0 to 1.
    """
    if not 0 <= opacity <= 1:
        raise InputError(f"The opacity is {opacity}; it must lie between 0 and 1.")
    side = len(np.asarray(picture))
    titles, words = [title, *(one.title for one in overlays)], [["the radiograph"], *(one.words for one in overlays)]
    made = radiograph_row([picture] * len(titles), titles, words, theme=theme)
    for number, one in enumerate(overlays, start=2):
        _lay(made, one, number, side, theme)
    for number in range(1, len(titles) + 1):
        for box in boxes:
            _outline(made, box, number, side)
    scale = [[stop, f"rgba({colour}, {strength * opacity:.3f})"] for stop, colour, strength in RAMP]
    bar = {"orientation": "h", "thickness": 9, "len": 0.42, "x": 0.5, "y": 0, "yanchor": "top", "ypad": 4,
           "outlinewidth": 0, "tickvals": [0, 0.5, 1], "tickfont": {"size": 11},
           "title": {"text": "share of the highest place", "side": "bottom", "font": {"size": 12}}}  # fmt: skip
    made.update_layout(coloraxis={"cmin": 0, "cmax": 1, "colorscale": scale, "colorbar": bar})
    made.update_layout(margin={"b": 62 if overlays else 8})
    per_row = len(titles) if len(titles) < 4 else 2
    return placed(made, per_row=per_row, width=PAGE, widest=WIDEST)


def _axes(number: int) -> dict[str, str]:
    return {"xaxis": f"x{number}" if number > 1 else "x", "yaxis": f"y{number}" if number > 1 else "y"}


def _lay(made: go.Figure, overlay: Overlay, number: int, side: int, theme: Theme) -> None:
    """A map and its highest place, on the axes of a number."""
    values = np.asarray(overlay.values, np.float32)
    if values.ndim != 2 or not ((values >= 0) & (values <= 1)).all():
        raise InputError(f"A map over a radiograph is (h, w) in 0..1; got {values.shape}.")
    rows, columns = ((np.arange(size) + 0.5) * side / size - 0.5 for size in values.shape)
    made.add_heatmap(
        z=values, x=columns, y=rows, zsmooth="best", coloraxis="coloraxis", name=plain(overlay.title),
        text=[[f"{value:.2f}" for value in row] for row in values.tolist()],
        hovertemplate="%{text} of the highest place<extra>" + hover(overlay.title) + "</extra>", **_axes(number),
    )  # fmt: skip
    if overlay.peak is not None:
        x, y = (share * side - 0.5 for share in overlay.peak)
        made.add_scatter(
            x=[x], y=[y], mode="markers", showlegend=False, name=f"highest, {plain(overlay.title)}",
            marker={"symbol": "cross-thin", "size": 13, "line": {"width": 2, "color": "#ffffff"}},
            hovertemplate="the highest place<extra>" + hover(overlay.title) + "</extra>", **_axes(number),
        )  # fmt: skip


def _outline(made: go.Figure, box: Box, number: int, side: int) -> None:
    left, top = box.x * side - 0.5, box.y * side - 0.5
    right, bottom = left + box.width * side, top + box.height * side
    made.add_scatter(
        x=[left, right, right, left, left], y=[top, top, bottom, bottom, top], mode="lines", showlegend=False,
        name=f"box, {plain(box.name)}", line={"color": BOX, "width": 2},
        hovertemplate="marked<extra>" + hover(box.name) + "</extra>", **_axes(number),
    )  # fmt: skip


def pointing_rates(
    names: Sequence[str],
    rates: Sequence[ArrayLike],
    lows: Sequence[ArrayLike],
    highs: Sequence[ArrayLike],
    *,
    counts: Sequence[int],
    area: ArrayLike,
    centre: ArrayLike,
    series: Sequence[str],
    theme: Theme = LIGHT,
) -> go.Figure:
    """The share of radiographs whose highest place lies in a box, for each finding (K) and each run.

    Args:
        names: K findings, drawn from top to bottom.
        rates, lows, highs: one array (K,) per run, with ends of its 95 % interval; NaN where undefined.
        counts: radiographs with a box of each finding.
        area, centre: (K,) the rates by chance, and of a point in the middle of the radiograph.
        series: names of the runs.
        theme: light or dark.
    """
    if not len(names) or not len(rates):
        return empty(theme, "No radiograph with a box was looked at")
    same_length("Hit rates of several runs", rates=rates, lows=lows, highs=highs, names_of_runs=series)
    same_length("Hit rates of several findings", names=names, counts=counts)
    made = figure(theme, height=150 + 20 * len(rates) + 40 * len(names))
    places = np.arange(len(names), dtype=np.float32)
    shown = [plain(name) for name in names]
    for values, name, symbol in ((area, "by chance: share of the area in boxes", "line-ns-open"),
                                 (centre, "the middle of the radiograph", "x-thin-open")):  # fmt: skip
        made.add_scatter(
            x=_numbers(values, len(names), name), y=places, mode="markers", name=name, text=shown,
            marker={"symbol": symbol, "size": 13, "color": theme.muted, "line": {"width": 2}},
            hovertemplate="%{text}: %{x:.1%}<extra>" + name + "</extra>",
        )  # fmt: skip
    spread = 0.4 / max(1, len(rates))
    for number, (value, low, high, name) in enumerate(zip(rates, lows, highs, series, strict=True)):
        middle, bottom, top = (_numbers(part, len(names), name) for part in (value, low, high))
        made.add_scatter(
            x=middle, y=places + spread * (number - (len(rates) - 1) / 2), mode="markers", name=plain(name),
            marker={"size": 9, "color": theme.colour(number)}, customdata=np.stack([bottom, top], axis=1), text=shown,
            error_x={"type": "data", "symmetric": False, "array": top - middle, "arrayminus": middle - bottom,
                     "thickness": 1.5, "width": 3, "color": theme.colour(number)},
            hovertemplate="%{text}: %{x:.1%} [%{customdata[0]:.1%}, %{customdata[1]:.1%}]<extra>" + hover(name)
            + "</extra>",
        )  # fmt: skip
    ticks = [f"{name}  (n={count:,})" for name, count in zip(shown, counts, strict=True)]
    made.update_yaxes(tickvals=places, ticktext=ticks, range=[len(names) - 0.5, -0.5], showgrid=False, ticks="")
    made.update_xaxes(title_text="hit rate, 95 % interval", range=[-0.05, 1.05], tickformat=".0%")
    room = 20 * (len(rates) + 2)
    made.update_layout(showlegend=True, margin={"t": 16, "b": 58 + room})
    made.update_layout(legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _numbers(values: ArrayLike, count: int, name: str) -> NDArray[np.float32]:
    found = np.asarray(values, np.float32)
    if found.shape != (count,):
        raise InputError(f"{count} findings, but the values of {name!r} have shape {found.shape}.")
    return found
