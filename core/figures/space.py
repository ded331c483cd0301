"""The map: samples as dots, disease prompts and centroids as labelled anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, plain, plain_in_scene, same_length

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
    rows = None if customdata is None else np.asarray(customdata, np.int32)
    coloured = np.asarray(values)
    same_length("A 3D map", samples=points, values=coloured, rows_to_give_back=points if rows is None else rows)
    if not len(points):
        return empty(theme, "There is no sample to draw")
    if highlight is not None and not 0 <= highlight < len(points):
        raise InputError(f"The chosen sample is {highlight}; 0 to {len(points) - 1} are allowed.")
    made = figure(theme, title=title, height=560)
    colours = _colours(coloured, kind, names, theme)
    made.add_scatter3d(
        x=points[:, 0], y=points[:, 1], z=points[:, 2], mode="markers", name="radiographs", showlegend=False,
        marker={"size": 3 if len(points) > 2000 else 4, "opacity": 0.85, "line": {"width": 0}, **colours.marker},
        customdata=rows, hoverinfo="none", meta=colours.meta,
    )  # fmt: skip
    for name, colour in colours.entries:
        made.add_scatter3d(
            x=[None], y=[None], z=[None], mode="markers", name=plain(name), marker={"size": 7, "color": colour}
        )
    _add_anchors(made, anchors, labelled, theme)
    if highlight is not None:
        _add_chosen(made, points[highlight].tolist(), theme)
    made.update_layout(scene=_scene(theme), uirevision="keep", margin={"l": 0, "r": 0, "t": 36 if title else 0, "b": 0})
    made.update_layout(legend={"orientation": "h", "y": 0.0, "yanchor": "bottom", "itemsizing": "constant"})
    return made


def _add_chosen(made: go.Figure, point: Sequence[float], theme: Theme) -> None:
    made.add_scatter3d(
        x=[point[0]], y=[point[1]], z=[point[2]], mode="markers", name="chosen", hoverinfo="none",
        marker={"size": 12, "symbol": "circle-open", "color": theme.ink, "line": {"width": 4, "color": theme.ink}},
    )  # fmt: skip


@dataclass(frozen=True)
class _Colours:
    """How samples are coloured, what the legend says, and what the numbers in ``marker["color"]`` stand for."""

    marker: dict[str, Any]
    entries: list[tuple[str, str]]
    meta: dict[str, Any] | None = None


def _colours(values: NDArray[Any], kind: Kind, names: Sequence[str], theme: Theme) -> _Colours:
    if kind == "continuous":
        return _scaled(values, names[0], theme)
    return _listed(_few(_names(values, kind, names), len(theme.categorical)), kind, theme)


def _scaled(values: NDArray[Any], title: str, theme: Theme) -> _Colours:
    """Numbers on the sequential scale."""
    numbers = values.astype(np.float32)
    numbers[~np.isfinite(numbers)] = np.nan
    unknown = np.isnan(numbers)
    low, high = (0.0, 1.0) if unknown.all() else (float(np.nanmin(numbers)), float(np.nanmax(numbers)))
    bar = {"title": {"text": plain(title), "font": {"size": 12}}, "thickness": 10, "len": 0.5, "x": 0.98}
    scale = [list(stop) for stop in theme.sequential]
    marker = {"color": numbers, "colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar, "showscale": True}
    if not unknown.any():
        return _Colours(marker, [])
    # unknown values get a place of their own below the scale: plotly would draw them as its lowest colour
    below = low - 0.05 * max(high - low, 1e-6)
    squeezed = [[0.05 + 0.95 * at, colour] for at, colour in theme.sequential]
    marker["colorscale"] = [[0.0, theme.unknown], [0.04, theme.unknown], *squeezed]
    marker |= {"color": np.where(unknown, below, numbers), "cmin": below}
    return _Colours(marker, [(UNKNOWN, theme.unknown)], {"unknown": below})


def _listed(named: Sequence[str], kind: Kind, theme: Theme) -> _Colours:
    """Names as steps of a scale: one colour string per sample takes plotly seconds to check at 100,000 samples."""
    labels = sorted(set(named) - {UNKNOWN}, key=_order)
    gathered = {"Several": theme.muted, "No finding": theme.grounded}
    palette = {name: gathered.get(name, theme.colour(at)) for at, name in enumerate(labels)}
    if kind == "binary":  # present and absent are a signal and its ground, not two equals
        palette = {name: theme.grounded if name.startswith("without") else theme.colour(1) for name in labels}
    if UNKNOWN in named:
        palette[UNKNOWN] = theme.unknown
    codes = {name: code for code, name in enumerate(palette)}
    stops = np.arange(len(codes) + 1) / len(codes)
    steps = [[float(stops[code + end]), palette[name]] for name, code in codes.items() for end in (0, 1)]
    marker = {
        "color": np.array([codes[name] for name in named], np.int16),
        "colorscale": steps,
        "cmin": -0.5,
        "cmax": len(codes) - 0.5,
        "showscale": False,
    }
    return _Colours(marker, list(palette.items()), {"names": [plain(name) for name in palette]})


def _few(named: list[str], most: int) -> list[str]:
    """At most so many names: the rarer ones become one, because colours that repeat say something false."""
    counts = Counter(name for name in named if name not in (UNKNOWN, "Several", "No finding"))
    if len(counts) <= most:
        return named
    kept = sorted(counts, key=lambda name: (-counts[name], name))[: most - 1]
    rest = f"{len(counts) - len(kept)} others"
    return [rest if name in counts and name not in kept else name for name in named]


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
    """Diseases first, by name; what gathers others comes last."""
    return {"Several": 1, "No finding": 2}.get(name, 0), name


def _add_anchors(made: go.Figure, anchors: Sequence[Anchor], labelled: Sequence[str], theme: Theme) -> None:
    for symbol, words in (("prompt", "disease prompts"), ("centroid", "disease centroids")):
        own = [anchor for anchor in anchors if anchor.symbol == symbol]
        if not own:
            continue
        if any(len(anchor.xyz) != 3 for anchor in own):
            raise InputError(f"An anchor needs three coordinates; got {[len(anchor.xyz) for anchor in own]}.")
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
