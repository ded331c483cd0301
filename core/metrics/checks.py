"""What the metrics demand of their arrays, said once: shape, finite numbers, directions, labels of 0, 1 or NaN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError

Floats = NDArray[np.floating]
CELLS_PER_CHUNK = 4_000_000  # float64 cells held at a time: 32 MB


def chunks(n: int, width: int, cells: int = CELLS_PER_CHUNK) -> Iterator[slice]:
    """Slices that cover `range(n)`, each with at most `cells` cells when a row is `width` cells wide."""
    step = max(1, cells // max(1, width))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def drawn_rows(n: int, most: int | None, seed: int) -> NDArray[np.intp]:
    """The row numbers 0 to n - 1, or `most` of them drawn with `seed`, in ascending order, when there are more.

    Raises:
        InputError: most < 1.
    """
    if most is not None and most < 1:
        raise InputError(f"at least 1 row must take part, got a limit of {most}; None takes all.")
    if most is None or n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def matrix(name: str, values: ArrayLike, *, allow_missing: bool = False) -> Floats:
    """`values` as a finite (n, d) float array with n, d >= 1; float32 stays float32, all else becomes float64.

    With `allow_missing` a row may be NaN throughout; a row that is NaN in part never passes.

    Raises:
        InputError: it is not two-dimensional, is empty, or holds a NaN or infinite number; names the row.
    """
    array = np.asarray(values)
    if array.dtype != np.float32:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{name} must be numbers, got {array.dtype}.") from error
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} must be a matrix of at least one row and one column, got the shape {array.shape}.")
    bad = ~_row_is_finite(array)
    if allow_missing and bad.any():
        bad[bad] = ~np.isnan(array[bad]).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        column = int(np.flatnonzero(~np.isfinite(array[row]))[0])
        raise InputError(
            f"{name} holds {array[row, column]} in row {row}, column {column} ({int(bad.sum())} such rows). "
            "Only finite numbers have a direction: remove these rows or embed them again."
        )
    return array


def _row_is_finite(array: Floats) -> NDArray[np.bool_]:
    finite = np.empty(len(array), dtype=bool)
    for rows in chunks(len(array), array.shape[1]):
        finite[rows] = np.isfinite(array[rows]).all(axis=1)
    return finite


def unit_rows(name: str, values: ArrayLike, *, allow_missing: bool = False) -> Floats:
    """`values` as a new (n, d) array with L2-normalised rows; missing rows stay NaN where they are allowed.

    Raises:
        InputError: as `matrix`, or a row is zero, which has no direction; names the row.
    """
    array = matrix(name, values, allow_missing=allow_missing)
    # A row is divided by its largest entry first: squares of tiny or huge numbers leave the range of the float.
    largest = np.maximum(array.max(axis=1), -array.min(axis=1))
    zero = np.flatnonzero(largest == 0)
    if len(zero):
        raise InputError(
            f"{name} has no direction in row {int(zero[0])}: all its numbers are 0 ({len(zero)} such rows). "
            "Remove these rows or embed them again."
        )
    unit = array / largest[:, None]
    unit /= np.sqrt(np.einsum("ij,ij->i", unit, unit))[:, None]
    return unit


def same_width(first: str, a: Floats, second: str, b: Floats) -> None:
    """Raises InputError when two matrices differ in their number of columns."""
    if a.shape[1] != b.shape[1]:
        raise InputError(
            f"{first} has {a.shape[1]} columns and {second} has {b.shape[1]}: they must lie in the same space. "
            "Take both from the same model."
        )


def same_length(first: str, a: Floats, second: str, b: Floats) -> None:
    """Raises InputError when two arrays differ in their number of rows."""
    if len(a) != len(b):
        raise InputError(
            f"{first} has {len(a)} rows and {second} has {len(b)}: row i of one must belong to row i of the other."
        )


def unit_pair(first: str, a: ArrayLike, second: str, b: ArrayLike, *, paired: bool) -> tuple[Floats, Floats]:
    """Both as `unit_rows` of equal width, and of equal length when they are `paired`."""
    left, right = unit_rows(first, a), unit_rows(second, b)
    same_width(first, left, second, right)
    if paired:
        same_length(first, left, second, right)
    return left, right


def label_matrix(values: ArrayLike) -> Floats:
    """`values` as an (n, K) float64 array of 0, 1 and NaN (unknown); K is 0 for a study without findings.

    Raises:
        InputError: the shape is not (n, K), or a cell holds anything else; names the row and column.
    """
    labels = np.asarray(values, dtype=np.float64)
    if labels.ndim != 2:
        raise InputError(f"labels must be a matrix (radiographs, findings), got the shape {labels.shape}.")
    bad = ~((labels == 0) | (labels == 1) | np.isnan(labels))
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"labels holds {labels[row, column]:g} in row {row}, column {column}. Allowed are 1 (present), "
            "0 (absent) and NaN (unknown): map an uncertain label to one of them first."
        )
    return labels


def known_pairs(labels: ArrayLike, scores: ArrayLike, *, probability: bool = False) -> tuple[Floats, Floats]:
    """One finding's labels (m,) of 0 and 1 with their scores (m,): the rows of the n whose label is known.

    Raises:
        InputError: shapes differ, a label is not 0, 1 or NaN, a score of a known label is not finite, or lies
            outside [0, 1] while a `probability` is wanted; names the row.
    """
    y: Floats = np.asarray(labels, dtype=np.float64)
    p: Floats = np.asarray(scores, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape:
        raise InputError(f"labels {y.shape} and scores {p.shape} must both be (n,) with the same n.")
    y = label_matrix(y[:, None])[:, 0]
    known = ~np.isnan(y)
    bad = known & ~np.isfinite(p)
    if probability:
        bad |= known & ((p < 0) | (p > 1))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        allowed = "a probability in [0, 1]" if probability else "a finite score"
        raise InputError(f"the score in row {row} is {p[row]:g}; a radiograph with a known label needs {allowed}.")
    return y[known], p[known]


def probability_matrix(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    """labels (n, K) of 0, 1 and NaN with their probabilities (n, K), in [0, 1] wherever the label is known.

    Raises:
        InputError: shapes differ, or a label or probability is not allowed; names the row and column.
    """
    known, values = label_matrix(labels), np.asarray(probabilities, dtype=np.float64)
    if values.shape != known.shape:
        raise InputError(
            f"labels {known.shape} and probabilities {values.shape} must have the same shape (radiographs, findings)."
        )
    bad = ~np.isnan(known) & ~((values >= 0) & (values <= 1))
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"the probability in row {row}, column {column} is {values[row, column]:g}; a radiograph with a known "
            "label needs one in [0, 1]. Put logits through a sigmoid first."
        )
    return known, values
