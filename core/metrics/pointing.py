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

FINE = 1024
"""Boxes are drawn on so many pixels a side: NIH gives them in these."""


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


def covered(boxes: ArrayLike) -> NDArray[np.bool_]:
    """Where boxes lie: bool (FINE, FINE), true for pixels whose middle is in a box.

    Args:
        boxes: (m, 4) of x, y, width, height as shares of the radiograph's side.
    """
    found = np.asarray(boxes, np.float64)
    if found.ndim != 2 or found.shape[1] != 4 or not len(found) or not np.isfinite(found).all():
        raise InputError(f"Boxes are (m, 4) numbers x, y, width, height with m of at least 1; got {found.shape}.")
    middle = (np.arange(FINE) + 0.5) / FINE
    mask = np.zeros((FINE, FINE), np.bool_)
    for x, y, width, height in found.tolist():
        across, down = (middle >= x) & (middle < x + width), (middle >= y) & (middle < y + height)
        mask |= down[:, None] & across[None, :]
    return mask


def point(values: ArrayLike, boxes: ArrayLike) -> Pointed:
    """One map (h, w), at least 0, against the boxes (m, 4) of its finding, see :func:`covered`.

    Raises:
        InputError: a map that is not (h, w), finite and at least 0; no box.
    """
    found, mask = _checked(values), covered(boxes)
    place, total = peak(found), float(found.sum())
    rows, columns = ((np.arange(FINE) * size) // FINE for size in found.shape)
    inside = float((found[rows[:, None], columns[None, :]] * mask).sum() / _share(rows, columns, found))
    return Pointed(
        hit=place is not None and _in(mask, *place),
        inside=inside if total else float("nan"),
        area=float(mask.mean()),
        centre=_in(mask, 0.5, 0.5),
        empty=place is None,
    )


def _share(rows: NDArray[np.int64], columns: NDArray[np.int64], found: NDArray[np.float64]) -> float:
    """The map's sum over all fine pixels; 1 where that is nothing."""
    return float(found[rows[:, None], columns[None, :]].sum()) or 1.0


def _in(mask: NDArray[np.bool_], x: float, y: float) -> bool:
    return bool(mask[min(int(y * FINE), FINE - 1), min(int(x * FINE), FINE - 1)])


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
