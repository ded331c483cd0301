"""How vectors lie to one another: cosines, class centres, uniformity, rank, and the targets they are held against."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, chunks, label_matrix, matrix, same_width, unit_pair, unit_rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class OffDiagonal:
    """The off-diagonal cells of a K x K cosine matrix; NaN values and no pair where none is known.

    std is that of the cells themselves (divided by their number, not by one less). A symmetric matrix counts each
    pair once; one that is not symmetric (image centres x text centres) counts cell (i, j) and cell (j, i).
    """

    mean: float
    mean_abs: float
    std: float
    min: float
    max: float
    n_pairs: int
    nearest_pair: tuple[int, int] | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class WelchBound:
    """What K unit vectors in d dimensions cannot go below: max |cosine| and mean squared cosine over pairs."""

    max_abs: float
    mean_square: float


def cosine_matrix(a: ArrayLike, b: ArrayLike | None = None, *, allow_missing: bool = False) -> NDArray[np.float64]:
    """The cosine of every row of `a` (n, d) with every row of `b` (m, d), or of `a` itself: (n, m) in [-1, 1].

    Rows need not be normalised. With `allow_missing` a row that is NaN throughout (a class centre without support)
    gives a row or column of NaN. Without `b` the diagonal is exactly 1.

    Raises:
        InputError: a row is zero or not finite (it is named), or the widths differ.
    """
    left = unit_rows("a", np.asarray(a, dtype=np.float64), allow_missing=allow_missing)
    if b is None:
        cosines = np.clip(left @ left.T, -1.0, 1.0)
        np.fill_diagonal(cosines, np.where(np.isnan(np.diagonal(cosines)), np.nan, 1.0))
        return cosines.astype(np.float64, copy=False)
    right = unit_rows("b", np.asarray(b, dtype=np.float64), allow_missing=allow_missing)
    same_width("a", left, "b", right)
    return np.clip(left @ right.T, -1.0, 1.0).astype(np.float64, copy=False)


def off_diagonal(cosines: ArrayLike) -> OffDiagonal:
    """The statistics of the known (not NaN) off-diagonal cells of a square matrix (K, K).

    K = 1 and a matrix without a known pair give NaN values, n_pairs 0 and no nearest pair. `nearest_pair` (i, j) is
    the first cell, row by row, with the highest value; i < j when the matrix is symmetric.

    Raises:
        InputError: the matrix is not square or holds an infinite number.
    """
    cells = np.asarray(cosines, dtype=np.float64)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1] or cells.size == 0:
        raise InputError(f"off_diagonal needs a square matrix (K, K), got the shape {cells.shape}.")
    if np.isinf(cells).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(cells))[0])
        raise InputError(f"the matrix is infinite in row {row}, column {column}; cosines lie in [-1, 1].")
    symmetric = np.allclose(cells, cells.T, rtol=0, atol=1e-12, equal_nan=True)
    wanted = np.triu(np.ones(cells.shape, dtype=bool), 1) if symmetric else ~np.eye(len(cells), dtype=bool)
    wanted &= ~np.isnan(cells)
    values = cells[wanted]
    if not len(values):
        nan = float("nan")
        return OffDiagonal(mean=nan, mean_abs=nan, std=nan, min=nan, max=nan, n_pairs=0, nearest_pair=None)
    nearest = divmod(int(np.argmax(np.where(wanted, cells, -np.inf))), len(cells))
    return OffDiagonal(
        mean=float(values.mean()),
        mean_abs=float(np.abs(values).mean()),
        std=float(values.std()),
        min=float(values.min()),
        max=float(values.max()),
        n_pairs=len(values),
        nearest_pair=nearest,
    )


def centroids(vectors: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Each finding's centre: the mean of the L2-normalised `vectors` (n, d) labelled 1, normalised again.

    `labels` is (n, K) of 0, 1 and NaN (unknown, left out). Returns centres (K, d) and the support (K,), the number
    of positives. A finding without positives, or whose positives cancel out, has a NaN row.

    Raises:
        InputError: a vector is zero or not finite, a label is not 0, 1 or NaN, or the numbers of rows differ.
    """
    unit = unit_rows("vectors", vectors)
    known = label_matrix(labels)
    if len(known) != len(unit):
        raise InputError(f"vectors has {len(unit)} rows and labels has {len(known)}: both need one per radiograph.")
    positive = (known == 1).astype(np.float64)
    sums = np.zeros((known.shape[1], unit.shape[1]))
    for rows in chunks(len(unit), unit.shape[1]):
        sums += positive[rows].T @ unit[rows].astype(np.float64, copy=False)
    support = positive.sum(axis=0).astype(np.int64)
    lengths = np.linalg.norm(sums, axis=1)
    lengths[lengths <= 1e-6 * np.maximum(support, 1)] = np.nan
    return (sums / lengths[:, None]).astype(np.float32), support


def simplex_target(k: int) -> float:
    """-1 / (K - 1): the cosine of every pair when K directions are as far apart as they can be; NaN for K = 1.

    The cross-entropy form of the orthogonal loss ends here, where the space has at least K - 1 dimensions.

    Raises:
        InputError: k < 1.
    """
    if k < 1:
        raise InputError(f"a simplex has at least 1 corner, got k = {k}.")
    return -1.0 / (k - 1) if k > 1 else float("nan")


def welch_bound(k: int, d: int) -> WelchBound:
    """The least max |cosine|, and the least mean squared cosine, over the pairs of `k` unit vectors in `d` dimensions.

    mean squared >= max(0, (k/d - 1) / (k - 1)), the floor of the Gram form of the orthogonal loss; max |cosine| is
    at least its root. Both are 0 when k <= d and NaN for k = 1. (Welch 1974, IEEE Trans. Inf. Theory 20.)

    Raises:
        InputError: k < 1 or d < 1.
    """
    if k < 1 or d < 1:
        raise InputError(f"the bound needs at least 1 vector in 1 dimension, got k = {k}, d = {d}.")
    if k == 1:
        return WelchBound(max_abs=float("nan"), mean_square=float("nan"))
    square = max(0.0, (k / d - 1) / (k - 1))
    return WelchBound(max_abs=float(np.sqrt(square)), mean_square=square)


def alignment(x: ArrayLike, y: ArrayLike) -> float:
    """E ||x_i - y_i||^2 over paired, L2-normalised rows of `x` and `y` (n, d): in [0, 4], 0 is perfect.

    Rows are normalised here. (Wang and Isola, ICML 2020, alpha = 2.)

    Raises:
        InputError: shapes differ, or a row is zero or not finite.
    """
    left, right = unit_pair("x", x, "y", y, paired=True)
    total = 0.0
    for rows in chunks(len(left), left.shape[1]):
        total += float(np.square(left[rows].astype(np.float64) - right[rows]).sum())
    return total / len(left)


def uniformity(x: ArrayLike, *, max_pairs: int | None = None, seed: int = 0) -> float:
    """log E exp(-2 ||x_i - x_j||^2) over distinct pairs of L2-normalised rows: in [-8, 0], lower is more even.

    Rows of `x` (n, d) are normalised here. All n (n - 1) / 2 pairs are taken, a block of rows at a time (memory
    stays within some 100 MB beside `x`; the time grows with n squared); when there are more than `max_pairs`, that
    many pairs are drawn at random with replacement from the seeded generator instead. NaN for n = 1.
    (Wang and Isola, ICML 2020, t = 2.)

    Raises:
        InputError: a row is zero or not finite, or max_pairs < 1.
    """
    if max_pairs is not None and max_pairs < 1:
        raise InputError(f"max_pairs must be at least 1 or None (all pairs), got {max_pairs}.")
    unit = unit_rows("x", x)
    n = len(unit)
    pairs = n * (n - 1) // 2
    if pairs == 0:
        return float("nan")
    if max_pairs is not None and pairs > max_pairs:
        return float(np.log(_sampled_kernel(unit, max_pairs, seed) / max_pairs))
    return float(np.log(_kernel_over_pairs(unit) / pairs))


def _kernel_over_pairs(unit: Floats) -> float:
    total = 0.0
    for rows in chunks(len(unit), len(unit)):
        # Only the columns from the block's first row on: the rest were counted from the other side.
        cosines = unit[rows] @ unit[rows.start :].T
        kernel = np.exp(4.0 * (np.minimum(cosines, 1.0) - 1.0))
        # ||x - y||^2 = 2 - 2 cos, so exp(-2 ||x - y||^2) = exp(4 (cos - 1)).
        total += float(np.triu(kernel, 1).sum(dtype=np.float64))
    return total


def _sampled_kernel(unit: Floats, pairs: int, seed: int) -> float:
    random = np.random.default_rng(seed)
    total = 0.0
    for part in chunks(pairs, unit.shape[1]):
        first = random.integers(0, len(unit), part.stop - part.start)
        second = random.integers(0, len(unit) - 1, len(first))
        second += second >= first  # skips the row itself and keeps every other row equally likely
        cosines = np.einsum("ij,ij->i", unit[first], unit[second], dtype=np.float64)
        total += float(np.exp(4.0 * (cosines - 1.0)).sum())
    return total


def effective_rank(x: ArrayLike) -> float:
    """exp of the entropy of the singular values of `x` (n, d), scaled to sum to 1: in [1, min(n, d)].

    `x` is taken as it is: neither centred nor normalised. (Roy and Vetterli, EUSIPCO 2007.)

    Raises:
        InputError: a number is not finite, or all are 0.
    """
    array = matrix("x", x)
    triangle = np.zeros((0, array.shape[1]))
    # The triangle of a QR of all rows has their singular values; built block by block it stays small.
    step = max(array.shape[1], 4096)
    for start in range(0, len(array), step):
        block = np.vstack([triangle, array[start : start + step]])
        triangle = np.asarray(np.linalg.qr(block, mode="r"))
    values = np.linalg.svd(triangle, compute_uv=False)
    if values.sum() == 0:
        raise InputError("x is zero throughout: it has no singular value to take the rank of.")
    return _exp_entropy(values)


def effective_rank_of_cosines(cosines: ArrayLike) -> float:
    """The :func:`effective_rank` of unit vectors of which only the cosines (K, K) with each other are at hand.

    Rows that are NaN throughout (a class centre without support) are left out; NaN where no row is left.
    Orthogonal vectors have K, a simplex K - 1, equal ones 1.
    """
    cells = np.asarray(cosines, np.float64)
    known = ~np.isnan(np.diagonal(cells))
    if not known.any():
        return float("nan")
    squares = np.linalg.eigvalsh(cells[np.ix_(known, known)])  # of the singular values
    return _exp_entropy(np.sqrt(np.where(squares > 1e-12 * squares.max(), squares, 0)))


def _exp_entropy(values: Floats) -> float:
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))
