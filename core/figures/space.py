"""The map: samples as dots, disease prompts and centroids as labelled anchors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, plain, plain_in_scene

Kind = Literal["categorical", "continuous", "binary"]
SYMBOLS = {"prompt": "diamond", "centroid": "cross"}
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A labelled point: a disease's ``prompt`` or ``centroid``."""

    label: str
    xyz: Sequence[float]
    symbol: str


def space_3d(
    coordinates: ArrayLike,
    values: ArrayLike,
    *,
    kind: Kind,
    names: Sequence[str] = ("",),
    customdata: ArrayLike | None = None,
    anchors: Sequence[Anchor] = (),
    labelled: Sequence[str] = ("prompt",),
    highlight: int | None = None,
    title: str = "",
    theme: Theme = LIGHT,
) -> go.Figure:
    """A 3D map in one marker trace (a trace for each colour takes many times as long to draw).

    Args:
        coordinates: (n, 3).
        values: (n,) one per sample: numbers (NaN unknown), 0/1/NaN, or names (None unknown).
        kind: how ``values`` are coloured.
        names: what the values are, for the colour bar or the legend.
        customdata: (n,) integers that a click gives back.
        anchors: labelled points drawn over the samples.
        labelled: kinds of anchors whose names are written beside them (a hover names the others).
        highlight: position of the chosen sample among the n.
        title: above the map.
        theme: light or dark.
    """
    points = np.asarray(coordinates, np.float32)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"A 3D map needs coordinates (n, 3); got {points.shape}.")
    if not len(points):
        return empty(theme, "There is no sample to draw")
    made = figure(theme, title=title, height=560)
    marker, entries = _colours(np.asarray(values), kind, names, theme)
    made.add_scatter3d(
        x=points[:, 0], y=points[:, 1], z=points[:, 2], mode="markers", name="radiographs", showlegend=False,
        marker={"size": 3 if len(points) > 2000 else 4, "opacity": 0.85, "line": {"width": 0}, **marker},
        customdata=None if customdata is None else np.asarray(customdata, np.int32), hoverinfo="none",
        meta={"unknown": marker["cmin"]} if "cmin" in marker else None,
    )  # fmt: skip
    for name, colour in entries:
        made.add_scatter3d(
            x=[None], y=[None], z=[None], mode="markers", name=plain(name), marker={"size": 7, "color": colour}
        )
    _add_anchors(made, anchors, labelled, theme)
    if highlight is not None:
        x, y, z = points[highlight].tolist()
        made.add_scatter3d(
            x=[x], y=[y], z=[z], mode="markers", name="chosen", hoverinfo="none",
            marker={"size": 12, "symbol": "circle-open", "color": theme.ink, "line": {"width": 4, "color": theme.ink}},
        )  # fmt: skip
    made.update_layout(scene=_scene(theme), uirevision="keep", margin={"l": 0, "r": 0, "t": 36 if title else 0, "b": 0})
    made.update_layout(legend={"orientation": "h", "y": 0.0, "yanchor": "bottom", "itemsizing": "constant"})
    return made


def _colours(
    values: NDArray[Any], kind: Kind, names: Sequence[str], theme: Theme
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The marker's colours and the legend's entries."""
    if kind == "continuous":
        numbers = values.astype(np.float32)
        bar = {"title": {"text": plain(names[0]), "font": {"size": 12}}, "thickness": 10, "len": 0.5, "x": 0.98}
        scale = [list(stop) for stop in theme.sequential]
        numbers[~np.isfinite(numbers)] = np.nan
        if not np.isnan(numbers).any():
            return {"color": numbers, "colorscale": scale, "colorbar": bar, "showscale": True}, []
        # unknown values get a place of their own below the scale: plotly would draw them as its lowest colour
        low, high = (0.0, 1.0) if np.isnan(numbers).all() else (float(np.nanmin(numbers)), float(np.nanmax(numbers)))
        below = low - 0.05 * max(high - low, 1e-6)
        squeezed = [[0.05 + 0.95 * at, colour] for at, colour in theme.sequential]
        shifted = [[0.0, theme.unknown], [0.04, theme.unknown], *squeezed]
        marker = {
            "color": np.where(np.isnan(numbers), below, numbers),
            "colorscale": shifted,
            "cmin": below,
            "cmax": high,
        }
        return {**marker, "colorbar": bar, "showscale": True}, [(UNKNOWN, theme.unknown)]
    named = _names(values, kind, names)
    labels = sorted({name for name in named if name != UNKNOWN}, key=_order)
    gathered = {"Several": theme.muted, "No finding": theme.grounded}
    palette = [gathered.get(name, theme.colour(at)) for at, name in enumerate(labels)]
    if kind == "binary":  # present and absent are a signal and its ground, not two equals
        palette = [theme.grounded if name.startswith("without") else theme.colour(1) for name in labels]
    lookup = {**dict(zip(labels, palette, strict=True)), UNKNOWN: theme.unknown}
    entries = [(name, lookup[name]) for name in labels]
    if UNKNOWN in named:
        entries.append((UNKNOWN, theme.unknown))
    return {"color": [lookup[name] for name in named]}, entries


def _names(values: NDArray[Any], kind: Kind, names: Sequence[str]) -> list[str]:
    if kind == "binary":
        numbers = values.astype(np.float64)
        words = {1.0: f"with {names[0]}".strip(), 0.0: f"without {names[0]}".strip()}
        return [words.get(value, UNKNOWN) for value in numbers.tolist()]
    return [
        UNKNOWN if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)
        for value in values.tolist()
    ]


def _order(name: str) -> tuple[int, str]:
    """Diseases first, by name; what gathers the rest comes last."""
    return {"Several": 1, "No finding": 2}.get(name, 0), name


def _add_anchors(made: go.Figure, anchors: Sequence[Anchor], labelled: Sequence[str], theme: Theme) -> None:
    for symbol, words in (("prompt", "disease prompts"), ("centroid", "disease centroids")):
        own = [anchor for anchor in anchors if anchor.symbol == symbol]
        if not own:
            continue
        xyz = np.array([anchor.xyz for anchor in own], np.float32)
        made.add_scatter3d(
            x=xyz[:, 0], y=xyz[:, 1], z=xyz[:, 2], mode="markers+text" if symbol in labelled else "markers", name=words,
            text=[plain_in_scene(anchor.label) for anchor in own],
            textfont={"size": 11, "color": theme.ink if symbol == "prompt" else theme.muted}, hoverinfo="text",
            marker={"size": 6, "symbol": SYMBOLS[symbol], "color": theme.ink},
        )  # fmt: skip


def _scene(theme: Theme) -> dict[str, Any]:
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
        "xaxis": axis,
        "yaxis": axis,
        "zaxis": axis,
        "aspectmode": "cube",
        "uirevision": "keep",
        "dragmode": "orbit",
    }
