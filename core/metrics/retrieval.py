"""Does an image find its text, and a text its image?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, chunks, drawn_rows, unit_pair

TIE = 1e-6  # cosines this close count as tied: equal vectors differ by rounding, as blocks are multiplied


@dataclasses.dataclass(frozen=True, kw_only=True)
class Direction:
    """Retrieval one way: recall at each k, in [0, 1], and the median rank (1 is best)."""

    recall: dict[int, float]
    median_rank: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Both ways, and the pairs that were searched: chance recall at k is about k / n_pairs."""

    image_to_text: Direction
    text_to_image: Direction
    n_pairs: int


def recall_at_k(
    images: ArrayLike,
    texts: ArrayLike,
    ks: Sequence[int] = (1, 5, 10),
    *,
    groups: ArrayLike | None = None,
    max_pairs: int | None = None,
    seed: int = 0,
) -> Retrieval:
    """The share of queries whose own partner is among the k nearest by cosine, both ways, for paired rows (n, d).

    `groups` (n,) name what counts as the same (identical captions): any member of the query's group is right, and
    the best of them counts. Ranks are mid-ranks, 1 + (better) + (tied) / 2 over candidates outside the group, so a
    collapsed model ranks at chance instead of first; the partner is found at k when its rank is <= k. Rows are
    normalised here. With `max_pairs`, that many pairs are drawn with `seed` when there are more: recall depends on how
    many are searched, so compare at equal `n_pairs`. Memory stays within some 100 MB beside the inputs.

    Raises:
        InputError: shapes differ, a row is zero or not finite, groups has not one name per pair, or a k is below 1.
    """
    if not len(ks) or min(ks) < 1:
        raise InputError(f"ks must be whole numbers from 1 on, for example (1, 5, 10), got {tuple(ks)}.")
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    group = group_index(groups, len(left))
    chosen = drawn_rows(len(left), max_pairs, seed)
    if len(chosen) < len(left):
        left, right, group = left[chosen], right[chosen], group[chosen]
    return Retrieval(
        image_to_text=_direction(ranks(left, right, group), ks),
        text_to_image=_direction(ranks(right, left, group), ks),
        n_pairs=len(left),
    )


def group_index(groups: ArrayLike | None, n: int) -> NDArray[np.intp]:
    """A number per pair (n,), the same for those that count as the same; each its own without `groups`.

    Raises:
        InputError: groups has not one name per pair.
    """
    if groups is None:
        return np.arange(n)
    names = np.asarray(groups)
    if names.shape != (n,):
        raise InputError(f"groups has the shape {names.shape}; it must be ({n},), one name per pair.")
    return np.unique(names.astype(str) if names.dtype == object else names, return_inverse=True)[1]


def _direction(rank: NDArray[np.float64], ks: Sequence[int]) -> Direction:
    return Direction(
        recall={int(k): float((rank <= k).mean()) for k in ks},
        median_rank=float(np.median(rank)),
    )


def ranks(queries: Floats, candidates: Floats, group: NDArray[np.intp]) -> NDArray[np.float64]:
    """The mid-rank (n,) of the best candidate of each query's group; unit rows (n, d), group numbers (n,).

    The building block of `recall_at_k`, which says what a tie and a group are; inputs are not checked.
    """
    rank = np.empty(len(queries))
    for rows in chunks(len(queries), len(candidates)):
        cosines = queries[rows] @ candidates.T
        same = group[rows, None] == group[None, :]
        best = np.where(same, cosines, -np.inf).max(axis=1, keepdims=True)
        cosines[same] = -np.inf
        better = (cosines > best + TIE).sum(axis=1)
        tied = (cosines >= best - TIE).sum(axis=1) - better
        rank[rows] = 1 + better + tied / 2
    return rank
