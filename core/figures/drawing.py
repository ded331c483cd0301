"""What is drawn on a map beside its colours: anchors, rings, arrows, moments; and the layers that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.figures.colouring import Colours
from core.figures.theme import Theme, plain, plain_in_scene

SYMBOLS = {"prompt": "diamond", "centroid": "cross"}
WORDS = {"prompt": "disease prompts", "centroid": "disease centroids"}

Points = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A labelled point: a disease's ``prompt`` or ``centroid``, at (x, y, z), or (x, y) on a flat map."""

    label: str
    xyz: Sequence[float]
    symbol: str


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Samples that stand out, by their positions among the n that are drawn.

    Attributes:
        chosen: the one that is looked at: ringed.
        selected: (n,) bool: the others step back; None: none does.
        found: those that were looked for: ringed thinly.
    """

    chosen: int | None = None
    selected: NDArray[np.bool_] | None = None
    found: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The same samples (n, 3) and anchors (m, 3) at another moment, such as after an epoch."""

    name: str
    coordinates: ArrayLike
    anchors: ArrayLike


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What is drawn on a map beside the samples' places and colours.

    Attributes:
        rows: (n,) integers that a click gives back.
        anchors: labelled points.
        labelled: kinds of anchors whose names are written beside them (a hover names the others).
        arrows: whether lines lead from the samples' mean to the anchors.
        marked: samples that stand out.
        moments: through which the map can be played; it stands where its own coordinates say.
        outline: corners (x, y) of what was enclosed on a flat map.
        reach: ends of each axis, see :func:`reach`; None: those of this map's own samples, at all moments.
    """

    rows: ArrayLike | None = None
    anchors: Sequence[Anchor] = ()
    labelled: Sequence[str] = ("prompt",)
    arrows: bool = False
    marked: Marked = field(default_factory=Marked)
    moments: Sequence[Moment] = ()
    outline: Sequence[tuple[float, float]] = ()
    reach: Sequence[tuple[float, float]] | None = None


@dataclass(frozen=True)
class Layer:
    """A trace whose points follow from those of the samples and of the anchors."""

    of: Literal["samples", "anchors", "arrows"]
    at: NDArray[Any]
    look: dict[str, Any]

    def place(self, points: Points, anchors: Points) -> Points:
        """Its points, from the samples (n, 3) and the anchors (m, 3); or of two axes each."""
        if self.of == "arrows":
            return _from_mean(points, anchors)
        return (points if self.of == "samples" else anchors)[self.at]


def layers(count: int, found: Colours, drawing: Drawing, axes: int, theme: Theme) -> list[Layer]:
    """The layers of a map of ``count`` samples with so many axes, from the ground up."""
    made = _samples(count, found, drawing, axes)
    kinds = np.array([anchor.symbol for anchor in drawing.anchors], dtype=object)
    if drawing.arrows and len(kinds):
        line = {"color": theme.muted, "width": 3 if axes == 3 else 1}
        look = {"mode": "lines", "name": "from the mean", "line": line, "hoverinfo": "skip", "showlegend": False}
        made.append(Layer("arrows", np.arange(len(kinds)), look))
    for kind, words in WORDS.items():
        own = np.flatnonzero(kinds == kind)
        if len(own):
            labels = [drawing.anchors[at].label for at in own.tolist()]
            look = _anchors(labels, kind, kind in drawing.labelled, axes, theme)
            made.append(Layer("anchors", own, {**look, "name": words}))
    for name, rows, size in (("found", drawing.marked.found, 9), ("chosen", _one(drawing.marked.chosen), 12)):
        if len(rows):
            line = {"width": 4 if name == "chosen" else 2, "color": theme.ink}
            ring = {"size": size if axes == 3 else size + 4, "symbol": "circle-open", "color": theme.ink, "line": line}
            look = {"mode": "markers", "name": name, "hoverinfo": "none", "marker": ring}
            made.append(Layer("samples", np.asarray(rows), look))
    return made


def _one(row: int | None) -> list[int]:
    return [] if row is None else [row]


def _samples(count: int, found: Colours, drawing: Drawing, axes: int) -> list[Layer]:
    """The samples; where some are selected, the others below them and pale."""
    selected = np.ones(count, bool) if drawing.marked.selected is None else drawing.marked.selected
    rows = None if drawing.rows is None else np.asarray(drawing.rows, np.int32)
    size = (3 if count > 2000 else 4) + (axes == 2)
    made = []
    for name, own, opacity in (("not selected", ~selected, 0.08), ("radiographs", selected, 0.85)):
        if name == "not selected" and not own.any():
            continue
        marker = {"size": size, "opacity": opacity, "line": {"width": 0}, **found.marker}
        marker["color"] = marker["color"][own]
        marker["showscale"] = marker["showscale"] and name == "radiographs"
        look = {
            "mode": "markers", "name": name, "showlegend": False, "marker": marker, "meta": found.meta,
            "customdata": None if rows is None else rows[own], "hoverinfo": "none",
        }  # fmt: skip
        made.append(Layer("samples", np.flatnonzero(own), look))
    return made


def _anchors(labels: Sequence[str], kind: str, written: bool, axes: int, theme: Theme) -> dict[str, Any]:
    shown = plain_in_scene if axes == 3 else plain
    return {
        "mode": "markers+text" if written else "markers",
        "text": [shown(label) for label in labels],
        "textposition": "top center",
        "textfont": {"size": 11, "color": theme.ink if kind == "prompt" else theme.muted},
        "hoverinfo": "text",
        "marker": {"size": 6 if axes == 3 else 9, "symbol": SYMBOLS[kind], "color": theme.ink},
    }


def _from_mean(points: Points, anchors: Points) -> Points:
    """A line to each anchor, with a break after it."""
    middle = np.broadcast_to(points.mean(axis=0), anchors.shape)
    return np.stack([middle, anchors, np.full_like(anchors, np.nan)], axis=1).reshape(-1, anchors.shape[1])
