"""The pointing game: does the highest place of a saliency map lie where a radiologist marked the finding?

After Zhang et al., "Top-down Neural Attention by Excitation Backprop" (IJCV 2018), without a margin around the boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.thresholds import Interval, wilson

Boxes = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Pointed:
    """One map against the boxes of its finding in its radiograph.

    Attributes:
        hit: whether the middle of the highest place lies in a box; never for an empty map.
        inside: share of the map's sum that lies in the boxes; NaN for an empty map.
        area: share of the radiograph that the boxes cover, each place once: chance level of both.
        centre: whether the middle of the radiograph lies in a box.
        empty: whether the map is 0 everywhere.
    """

    hit: bool
    inside: float
    area: float
    centre: bool
    empty: bool


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The pointing game of one finding, or of all.

    Attributes:
        n: radiographs with a box.
        hits: of these.
        rate: hits / n with Wilson's 95 % interval (radiographs taken as independent).
        area: mean share of the radiograph that the boxes cover: the rate of a point drawn at random.
        centre: the rate of a point that always lies in the middle of the radiograph.
        inside: mean share of the map in the boxes, over maps that are not empty; NaN where all are.
        empty: number of empty maps.
    """

    n: int
    hits: int
    rate: Interval
    area: float
    centre: float
    inside: float
    empty: int


def peak(values: ArrayLike) -> tuple[float, float] | None:
    """The middle of the highest place of a map (h, w), as shares of the width and of the height; None: it is empty.

    Of equal places it is the first one, row by row.
    """
    found = _checked(values)
    if not found.any():
        return None
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    return (float(column) + 0.5) / found.shape[1], (float(row) + 0.5) / found.shape[0]


def point(values: ArrayLike, boxes: ArrayLike) -> Pointed:
    """One map against the boxes of its finding; what lies in two boxes counts once.

    Args:
        values: (h, w), at least 0, over the whole radiograph.
        boxes: (m, 4) of x, y, width, height as shares of the radiograph's side.

    Raises:
        InputError: a map that is not (h, w), finite and at least 0; no box.
    """
    found, given = _checked(values), _boxes(boxes)
    (height, width), place = found.shape, peak(found)
    # tiles that no edge of a box and no edge of a place of the map goes through
    x, y = _edges(given[:, 0], given[:, 2], width), _edges(given[:, 1], given[:, 3], height)
    across, down = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
    area = np.diff(y)[:, None] * np.diff(x)[None, :]
    covered = _inside(given, across[None, :], down[:, None])
    spread = found[(down * height).astype(int)[:, None], (across * width).astype(int)[None, :]] * area
    return Pointed(
        hit=place is not None and bool(_inside(given, *map(np.array, place))),
        inside=float(spread[covered].sum() / spread.sum()) if place is not None else float("nan"),
        area=float(area[covered].sum()),
        centre=bool(_inside(given, np.array(0.5), np.array(0.5))),
        empty=place is None,
    )


def _boxes(given: ArrayLike) -> Boxes:
    found = np.asarray(given, np.float64)
    if found.ndim != 2 or found.shape[1] != 4 or not len(found) or not np.isfinite(found).all():
        raise InputError(f"Boxes are (m, 4) numbers x, y, width, height with m of at least 1; got {found.shape}.")
    return found


def _edges(starts: Boxes, lengths: Boxes, places: int) -> Boxes:
    edges: Boxes = np.unique(np.concatenate([np.linspace(0, 1, places + 1), starts, starts + lengths]).clip(0, 1))
    return edges


def _inside(boxes: Boxes, x: Boxes, y: Boxes) -> NDArray[np.bool_]:
    """Whether places lie in any of the boxes; their right and lower edges do not belong to them."""
    found = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.bool_)
    for left, top, width, height in boxes.tolist():
        found |= (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
    return found


def summarise(pointed: Sequence[Pointed]) -> Summary:
    """The rates over radiographs; NaN without any."""
    n, hits = len(pointed), sum(one.hit for one in pointed)
    inside = [one.inside for one in pointed if not one.empty]
    return Summary(
        n=n,
        hits=hits,
        rate=wilson(hits, n),
        area=_mean([one.area for one in pointed]),
        centre=_mean([float(one.centre) for one in pointed]),
        inside=_mean(inside),
        empty=sum(one.empty for one in pointed),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _checked(values: Any) -> NDArray[np.float64]:
    found = np.asarray(values, np.float64)
    if found.ndim != 2 or not found.size or not np.isfinite(found).all() or (found < 0).any():
        raise InputError(f"A saliency map is (h, w), finite and at least 0; got shape {found.shape}.")
    return found
