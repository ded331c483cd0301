"""How far each point of a map can be believed; the means over all points are the scores of the map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, chunks, matrix, same_length, unit_rows

Shares = NDArray[np.float64]
TIE = 1e-6  # cosines this close to the k-th neighbour's count as neighbours: equal vectors differ by rounding


class Faithfulness(NamedTuple):
    """For each measured point (q,) the trustworthiness and the kNN recall, both in [0, 1]."""

    trustworthiness: Shares
    knn_recall: Shares


def faithfulness(
    vectors: ArrayLike, coordinates: ArrayLike, *, rows: NDArray[np.intp] | None = None, k: int = 15
) -> Faithfulness:
    """How far the k map neighbours of each point are its neighbours in space, too.

    Space is `vectors` (n, d) by cosine, the map is `coordinates` (n, c) by Euclidean distance. A map neighbour that is
    the r-th in space costs max(0, r - k); trustworthiness is 1 minus these costs as a share of the largest there could
    be, so the mean over all points is scikit-learn's (Venna and Kaski 2001). kNN recall is the share of map neighbours
    with r <= k. Equal cosines share the best rank. Trustworthiness is NaN where k >= n / 2, both are where k >= n.

    Args:
        vectors: (n, d), not zero.
        coordinates: (n, c), row i of both belonging together.
        rows: (q,) which points are measured, each against all n; None: all. The time grows with q n (d + k).
        k: neighbours.

    Raises:
        InputError: the numbers of rows differ, a row is not finite, a vector is zero, or k < 1.
    """
    unit, points = pair(vectors, coordinates, k)
    count, queries = len(unit), np.arange(len(unit)) if rows is None else np.asarray(rows, np.intp)
    trust, recall = np.full(len(queries), np.nan), np.full(len(queries), np.nan)
    if k > count - 1:
        return Faithfulness(trust, recall)
    near = map_neighbours(points, queries, k)
    for part in chunks(len(queries), count):
        nearer = _nearer(unit, queries[part], near[part])
        recall[part] = (nearer < k).mean(axis=1)
        if k < count / 2:
            cost = np.maximum(0, nearer + 1 - k).sum(axis=1)
            trust[part] = 1 - 2 * cost / (k * (2 * count - 3 * k - 1))
    return Faithfulness(trust, recall)


def _nearer(unit: NDArray[np.floating], queries: NDArray[np.intp], near: NDArray[np.intp]) -> NDArray[np.int64]:
    """For each queried point and each of its map neighbours (q, k): how many others are nearer to it in space."""
    cosines = unit[queries] @ unit.T
    cosines[np.arange(len(queries)), queries] = -np.inf
    own = np.take_along_axis(cosines, near, axis=1) + TIE
    return np.stack([np.count_nonzero(cosines > own[:, [column]], axis=1) for column in range(near.shape[1])], axis=1)


def stability(
    coordinates: ArrayLike, others: Sequence[ArrayLike], *, rows: NDArray[np.intp] | None = None, k: int = 15
) -> Shares:
    """For each measured point (q,) the mean share of its k map neighbours that it keeps in other maps: in [0, 1].

    A neighbour is kept where it is no farther than the k-th neighbour there, so points on one spot do not compete.
    NaN throughout without other maps, or without k other points.

    Args:
        coordinates: (n, c) the map that is shown.
        others: of the same points in the same order (n, any c), such as maps under other random states.
        rows: (q,) which points are measured, each among all n; None: all.
        k: neighbours.

    Raises:
        InputError: a map has another number of rows, a row is not finite, or k < 1.
    """
    if k < 1:
        raise InputError(f"k must be at least 1 (15 is usual), got {k}.")
    points, moved = matrix("coordinates", coordinates), [matrix("another map", other) for other in others]
    if wrong := [len(other) for other in moved if len(other) != len(points)]:
        raise InputError(f"a map of {wrong[0]} points beside one of {len(points)}: all must be of the same points.")
    queries = np.arange(len(points)) if rows is None else np.asarray(rows, np.intp)
    if not moved or k > len(points) - 1:
        return np.full(len(queries), np.nan)
    near = map_neighbours(points, queries, k)
    return np.asarray(np.mean([_kept(other, queries, near) for other in moved], axis=0))


def _kept(points: NDArray[np.floating], queries: NDArray[np.intp], near: NDArray[np.intp]) -> Shares:
    here = points[queries][:, None]
    farthest = np.linalg.norm(points[map_neighbours(points, queries, near.shape[1])] - here, axis=2).max(axis=1)
    found = np.linalg.norm(points[near] - here, axis=2)
    return np.asarray((found <= farthest[:, None] * (1 + TIE)).mean(axis=1))


def pair(vectors: ArrayLike, coordinates: ArrayLike, k: int) -> tuple[Floats, Floats]:
    """Unit vectors (n, d) and the points (n, c) of their map.

    Raises:
        InputError: the numbers of rows differ, a row is not finite, a vector is zero, or k < 1.
    """
    unit, points = unit_rows("vectors", vectors), matrix("coordinates", coordinates)
    same_length("vectors", unit, "coordinates", points)
    if k < 1:
        raise InputError(f"k must be at least 1 (15 is usual), got {k}.")
    return unit, points


def map_neighbours(points: Floats, queries: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """The k nearest other points (q, k) of each queried point."""
    from scipy.spatial import cKDTree

    found = cKDTree(points).query(points[queries], k=k + 1)[1]
    own = found == queries[:, None]
    # Among points on one spot the point itself may be missing from its k + 1 nearest: then the last one goes.
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(queries), k)
