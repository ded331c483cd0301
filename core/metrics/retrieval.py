"""Does an image find its text, and a text its image?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import patient_index, row_weights
from core.metrics.checks import Floats, chunks, drawn_rows, unit_pair

WAYS = ("image_to_text", "text_to_image")
MOST_PAIRS = 5000
"""Of more pairs so many are searched, because recall depends on how many there are: all models then among as many."""
FIRST = 10
"""Of a curve of recall every k up to this one is measured, then a few in each power of ten."""
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """Recall at each of ``ks`` (m,) and the median rank of some queries, with their bootstrap replicates over patients.

    recall, recall_drawn     (m,) and (R, m), in [0, 1]
    median, median_drawn     a rank, and (R,)
    n, n_patients            queries, and whose they are
    """

    ks: NDArray[np.int64]
    recall: NDArray[np.float64]
    recall_drawn: NDArray[np.float64]
    median: float
    median_drawn: NDArray[np.float64]
    n: int
    n_patients: int

    def at(self, k: int) -> int:
        """The place of a k in ``ks``."""
        return int(np.flatnonzero(self.ks == k)[0])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Searched:
    """Pairs that were searched both ways.

    Attributes:
        rows: (n,) which of the given pairs take part, ascending.
        group: (n,) those of one number count as the same.
        ranks: by way (n,), mid-ranks; see :func:`recall_at_k`.
        own: (n,) cosine of each pair.
        measured: by way, with replicates.
        total: pairs that there are.
    """

    rows: NDArray[np.intp]
    group: NDArray[np.intp]
    ranks: dict[str, NDArray[np.float64]]
    own: NDArray[np.float64]
    measured: dict[str, Measured]
    total: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n,) how many count as the same as each, itself among them."""
        return np.bincount(self.group)[self.group]


def search(
    images: ArrayLike,
    texts: ArrayLike,
    patients: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    max_pairs: int | None = MOST_PAIRS,
    replicates: int = 1000,
    seed: int = 0,
) -> Searched:
    """Where each of paired rows (n, d) finds its partner, by the rules of :func:`recall_at_k`, with its pairs.

    Raises:
        InputError: as :func:`recall_at_k` and :func:`measure`.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    group = group_index(groups, len(left))
    rows = drawn_rows(len(left), max_pairs, seed)
    whose = np.asarray(patients)[rows]
    left, right, group = left[rows], right[rows], np.unique(group[rows], return_inverse=True)[1]
    found = dict(zip(WAYS, (ranks(left, right, group), ranks(right, left, group)), strict=True))
    ks = curve_ks(len(rows))
    return Searched(
        rows=rows,
        group=group,
        ranks=found,
        own=np.einsum("ij,ij->i", left, right, dtype=np.float64),
        measured={way: measure(found[way], whose, ks, replicates=replicates, seed=seed) for way in WAYS},
        total=len(np.asarray(patients)),
    )


def curve_ks(n: int) -> NDArray[np.int64]:
    """Ascending k from 1 to n: each up to ``FIRST``, then some twenty in each power of ten."""
    further = np.geomspace(FIRST, max(FIRST, n), 2 + int(20 * np.log10(max(1.0, n / FIRST)))).round()
    return np.unique(np.minimum(n, np.concatenate([np.arange(1, FIRST + 1), further])).astype(np.int64))


def measure(rank: ArrayLike, patients: ArrayLike, ks: ArrayLike, *, replicates: int = 1000, seed: int = 0) -> Measured:
    """Recall at each k (m,) and the median of ranks (n,), and both when patients (n,) are drawn with replacement.

    The queries of a patient come and go together; what is searched among stays as it is.

    Raises:
        InputError: there is not one patient per rank, one is missing, or there is no rank.
    """
    found, wanted = np.asarray(rank, np.float64), np.asarray(ks, np.int64)
    if not len(found):
        raise InputError("There is no query to measure: choose others.")
    patient, n_patients = patient_index(patients, len(found))
    order = np.argsort(found, kind="stable")
    ranked = found[order]
    hits = (ranked[:, None] <= wanted).astype(np.float32)
    recall, median = [], []
    for weights in row_weights(patient[order], n_patients, replicates=replicates, seed=seed):
        whole = weights.sum(axis=0)
        recall.append((weights.T @ hits) / whole[:, None])
        summed = np.cumsum(weights, axis=0)
        middles = [ranked[np.argmax(past, axis=0)] for past in (summed >= whole / 2, summed > whole / 2)]
        median.append((middles[0] + middles[1]) / 2)
    return Measured(
        ks=wanted,
        recall=hits.mean(axis=0, dtype=np.float64),
        recall_drawn=np.concatenate(recall).astype(np.float64),
        median=float(np.median(found)),
        median_drawn=np.concatenate(median),
        n=len(found),
        n_patients=n_patients,
    )


def chance_recall(sizes: ArrayLike, ks: ArrayLike) -> NDArray[np.float64]:
    """Recall at each k (m,) of somebody who puts n candidates in a random order: k / n where all are different.

    Args:
        sizes: (n,) how many candidates are right for each query; a query with g of them finds one among the first k
            with probability 1 - C(n - g, k) / C(n, k).
        ks: from 1 to n.
    """
    from scipy.special import gammaln

    group, count = np.unique(np.asarray(sizes, np.int64), return_counts=True)
    n, k = int(count.sum()), np.minimum(np.asarray(ks, np.float64), count.sum())
    rest = n - group[:, None] - k
    wrong = gammaln(n - group[:, None] + 1.0) - gammaln(np.maximum(rest, 0) + 1) + gammaln(n - k + 1) - gammaln(n + 1.0)
    missed = np.where(rest < 0, 0.0, np.exp(wrong))
    found: NDArray[np.float64] = 1 - (count[:, None] * missed).sum(axis=0) / n
    return found


def chance_median(sizes: ArrayLike) -> int:
    """The smallest k at which :func:`chance_recall` reaches one half: the median rank by chance."""
    low, high = 1, len(np.asarray(sizes))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if chance_recall(sizes, [middle])[0] >= 0.5 - 1e-12 else (middle + 1, high)
    return low
