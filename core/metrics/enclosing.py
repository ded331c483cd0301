"""Which points lie within an outline that somebody drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError


def enclosed(points: ArrayLike, corners: ArrayLike) -> NDArray[np.bool_]:
    """Whether each of ``points`` (n, 2) lies within the polygon of ``corners`` (m, 2), by the even-odd rule.

    The polygon is closed by a line from its last corner to its first and may cross itself. A point that is NaN lies
    outside; on the border itself a point may count as either.

    Raises:
        InputError: fewer than three corners, one that is not finite, or no pairs of coordinates.
    """
    place, outline = np.asarray(points, np.float64), np.asarray(corners, np.float64)
    if place.ndim != 2 or place.shape[1] != 2:
        raise InputError(f"Points to enclose must be (n, 2); got {place.shape}.")
    if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3 or not np.isfinite(outline).all():
        raise InputError(f"An outline needs three finite corners (x, y) or more; got {outline.shape}.")
    x, y = place.T
    inside = np.zeros(len(place), bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 == y1:
            continue  # a ray along the x axis never crosses it
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
