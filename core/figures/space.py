"""The map: samples as dots, disease prompts and centroids as labelled anchors, in three dimensions or seen flat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.errors import InputError
from core.figures.colouring import Colouring, Colours, colours
from core.figures.drawing import Drawing, Layer, Moment, Points, layers
from core.figures.theme import LIGHT, Theme, empty, figure, plain, same_length


def space_3d(
    coordinates: ArrayLike, colouring: Colouring, drawing: Drawing | None = None, *, title: str = "",
    theme: Theme = LIGHT,
) -> go.Figure:  # fmt: skip
    """A 3D map; its samples are one marker trace (a trace for each colour takes many times as long to draw).

    Args:
        coordinates: (n, 3).
        colouring: one value per sample.
        drawing: what else is on it.
        title: above the map.
        theme: light or dark.

    Raises:
        InputError: numbers of samples, values and rows differ, or points have another number of coordinates.
    """
    drawing = drawing or Drawing()
    made = _map(coordinates, colouring, drawing, 3, title, theme)
    if len(made.data):
        made.update_layout(scene=_scene(theme, _reach(coordinates, drawing)))
    made.update_layout(uirevision="keep", margin={"l": 0, "r": 0, "t": 36 if title else 0, "b": 0})
    return made


def space_2d(
    coordinates: ArrayLike, colouring: Colouring, drawing: Drawing | None = None, *, title: str = "",
    theme: Theme = LIGHT,
) -> go.Figure:  # fmt: skip
    """A flat map (n, 2), on which a lasso can enclose samples; everything else as in :func:`space_3d`."""
    drawing = drawing or Drawing()
    made = _map(coordinates, colouring, drawing, 2, title, theme)
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "showline": False, "title": None}
    wide, tall = _reach(coordinates, drawing) if len(made.data) else (None, None)
    made.update_xaxes(range=wide, **bare)
    made.update_yaxes(range=tall, scaleanchor="x", scaleratio=1, **bare)
    margin = {"l": 4, "r": 4, "t": 36 if title else 4, "b": 4}
    made.update_layout(dragmode="lasso", uirevision="keep", margin=margin, plot_bgcolor=theme.paper)
    if drawing.outline:
        corners = " L ".join(f"{x:g},{y:g}" for x, y in drawing.outline)
        made.add_shape(type="path", path=f"M {corners} Z", line={"color": theme.muted, "width": 1.5, "dash": "dot"})
    return made


def reach(*maps: ArrayLike) -> list[tuple[float, float]]:
    """Ends of each axis for maps that are to be compared: all samples lie within, and a unit is as long on every axis.

    Args:
        maps: (n, 3) or (n, 2) each, finite.
    """
    points = np.concatenate([np.asarray(one, np.float64) for one in maps])
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.52 * float((high - low).max()) or 1.0
    return [(middle - half, middle + half) for middle in ((low + high) / 2).tolist()]


def _reach(coordinates: ArrayLike, drawing: Drawing) -> Sequence[tuple[float, float]]:
    return drawing.reach or reach(coordinates, *(one.coordinates for one in drawing.moments))


def _map(
    coordinates: ArrayLike, colouring: Colouring, drawing: Drawing, axes: int, title: str, theme: Theme
) -> go.Figure:
    points, anchors = _checked(coordinates, colouring, drawing, axes)
    if not len(points):
        return empty(theme, "There is no sample to draw")
    made = figure(theme, title=title, height=560)
    found = colours(colouring, theme)
    moving = []
    for layer in layers(len(points), found, drawing, axes, theme):
        moving.append((len(made.data), layer))
        made.add_trace(_trace(layer, points, anchors, axes))
        if layer.look["name"] == "radiographs":
            _explain(made, found, axes)
    made.update_layout(legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"})
    if drawing.moments:
        made.frames = [_frame(one, moving, axes) for one in drawing.moments]
    return made


def _checked(coordinates: ArrayLike, colouring: Colouring, drawing: Drawing, axes: int) -> tuple[Points, Points]:
    """Samples (n, axes) and anchors (m, axes)."""
    points, marked = np.asarray(coordinates, np.float32), drawing.marked
    if points.ndim != 2 or points.shape[1] != axes:
        raise InputError(f"A {axes}D map needs coordinates (n, {axes}); got {points.shape}.")
    rows = points if drawing.rows is None else np.asarray(drawing.rows)
    selected = points if marked.selected is None else marked.selected
    same_length("A map", samples=points, values=colouring.values, rows_to_give_back=rows, selected_or_not=selected)
    for at in [*marked.found, *([] if marked.chosen is None else [marked.chosen])]:
        if not 0 <= at < len(points):
            raise InputError(f"The chosen sample is {at}; 0 to {len(points) - 1} are allowed.")
    if wrong := [len(anchor.xyz) for anchor in drawing.anchors if len(anchor.xyz) != axes]:
        raise InputError(f"An anchor needs {axes} coordinates; got {wrong}.")
    anchors = np.array([anchor.xyz for anchor in drawing.anchors], np.float32).reshape(-1, axes)
    for one in drawing.moments:
        if np.shape(one.coordinates) != points.shape or np.shape(one.anchors) != anchors.shape:
            raise InputError(f"Moment {one.name!r} has other points than the map; it must have the same, in order.")
    return points, anchors


def _trace(layer: Layer, points: Points, anchors: Points, axes: int) -> Any:
    many = layer.look["name"] in ("radiographs", "not selected")
    kind = go.Scatter3d if axes == 3 else go.Scattergl if many else go.Scatter
    return kind(**_xyz(layer.place(points, anchors)), **layer.look)


def _xyz(points: Points) -> dict[str, Points]:
    return {name: np.ascontiguousarray(points[:, at]) for at, name in enumerate("xyz"[: points.shape[1]])}


def _explain(made: go.Figure, found: Colours, axes: int) -> None:
    """What the colours mean: an entry of the legend each."""
    nowhere: dict[str, list[None]] = {name: [None] for name in "xyz"[:axes]}
    kind = go.Scatter3d if axes == 3 else go.Scatter
    for name, colour in found.entries:
        made.add_trace(kind(**nowhere, mode="markers", name=plain(name), marker={"size": 7, "color": colour}))


def _frame(moment: Moment, moving: Sequence[tuple[int, Layer]], axes: int) -> go.Frame:
    points, anchors = (np.asarray(part, np.float32) for part in (moment.coordinates, moment.anchors))
    kind = go.Scatter3d if axes == 3 else go.Scatter
    data = [kind(**_xyz(layer.place(points, anchors))) for _, layer in moving]
    return go.Frame(name=plain(moment.name), data=data, traces=[number for number, _ in moving])


def _scene(theme: Theme, ends: Sequence[tuple[float, float]]) -> dict[str, Any]:
    axis = {
        "showticklabels": False,
        "title": {"text": ""},
        "showgrid": True,
        "gridcolor": theme.grid,
        "zeroline": False,
        "showbackground": False,
        "showspikes": False,
        "linecolor": theme.grid,
    }
    return {
        **{f"{name}axis": {**axis, "range": list(own)} for name, own in zip("xyz", ends, strict=True)},
        "aspectmode": "cube",
        "camera": {"eye": {"x": 1.0, "y": 1.0, "z": 0.8}},  # nearer than plotly's own
        "uirevision": "keep",
        "dragmode": "orbit",
    }
