"""What is predicted when a finding is missed?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import label_matrix


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mistaken:
    """How often each finding is called present among the radiographs in which another one is missed.

    Attributes:
        missed: (K,) radiographs in which the finding of the row is present and not called.
        called: (K, K) in how many of these the finding of the column is called present; 0 along the diagonal.
        truly: (K, K) in how many of ``called`` the finding of the column is present, by its label.
        share: (K, K) called over missed, in [0, 1]; NaN in the row of a finding that is never missed.
        base: (K,) share of all radiographs in which the finding is called present; NaN without any radiograph.
        lift: (K, K) share over base: 1 is as often as among all radiographs; NaN where undefined.
        n: radiographs.
    """

    missed: NDArray[np.int64]
    called: NDArray[np.int64]
    truly: NDArray[np.int64]
    share: NDArray[np.float64]
    base: NDArray[np.float64]
    lift: NDArray[np.float64]
    n: int


def mistaken(labels: ArrayLike, called: ArrayLike) -> Mistaken:
    """Calls among the misses of each finding.

    Args:
        labels: (n, K) of 1 present, 0 absent, NaN unknown (no miss of this finding).
        called: (n, K) bool.

    Raises:
        InputError: shapes differ, or a label is not 0, 1 or NaN.
    """
    known, calls = label_matrix(labels), np.asarray(called, bool)
    if calls.shape != known.shape:
        raise InputError(f"labels {known.shape} and calls {calls.shape} must have the same shape.")
    missed, present = ((known == 1) & ~calls).astype(np.float64), (known == 1).astype(np.float64)
    each = missed.sum(axis=0)
    counts, truly = missed.T @ calls, missed.T @ (calls * present)
    share = np.divide(counts, each[:, None], out=np.full(counts.shape, np.nan), where=each[:, None] > 0)
    base = calls.mean(axis=0) if len(calls) else np.full(known.shape[1], np.nan)
    lift = np.divide(share, base, out=np.full(share.shape, np.nan), where=base > 0)
    return Mistaken(
        missed=each.astype(np.int64), called=counts.astype(np.int64), truly=truly.astype(np.int64),
        share=share, base=base, lift=lift, n=len(known),
    )  # fmt: skip


def missed_as(labels: ArrayLike, called: ArrayLike, missed: int, other: int) -> NDArray[np.int64]:
    """Rows in which the finding ``missed`` is present and not called, while ``other`` is called; labels and calls (n,
    K) as in :func:`mistaken`."""
    known, calls = np.asarray(labels), np.asarray(called, bool)
    return np.flatnonzero((known[:, missed] == 1) & ~calls[:, missed] & calls[:, other])
