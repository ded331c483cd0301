"""AUROC, average precision and their curves for one finding, with row weights and ties."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, known_pairs

Indices = NDArray[np.intp]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ranking:
    """One finding's radiographs in order of their scores, ready for any number of weightings.

    positive_rows, negative_rows   row numbers by ascending score
    below, not_above               for each positive, the negatives with a lower, and with a lower or equal, score
    first_tied                     for each positive, the first positive of an equal score
    """

    positive_rows: Indices
    negative_rows: Indices
    below: Indices
    not_above: Indices
    first_tied: Indices

    def scores(self, weights: Floats) -> tuple[Floats, Floats]:
        """AUROC and average precision (r,) under each column of the row weights (n, r); NaN without a class.

        AUROC is the weighted share of (positive, negative) pairs in the right order, ties counted half. Average
        precision is the sum over distinct scores of (gain in recall) x precision, without interpolation.
        """
        positive = weights[self.positive_rows].astype(np.float64, copy=False)
        negative = weights[self.negative_rows]
        # Row i of `under` holds the weight of the i lowest negatives.
        under = np.empty((len(negative) + 1, weights.shape[1]), dtype=negative.dtype)
        under[0] = 0
        np.cumsum(negative, axis=0, out=under[1:])
        lower = under[self.below].astype(np.float64)
        all_positive, all_negative = positive.sum(axis=0), under[-1].astype(np.float64)
        missing = (all_positive <= 0) | (all_negative <= 0)
        all_positive[missing] = np.nan
        ordered = (positive * (lower + under[self.not_above])).sum(axis=0) / 2
        auroc = ordered / (all_positive * all_negative)
        hits = np.cumsum(positive[::-1], axis=0)[::-1][self.first_tied]
        flagged = hits + (all_negative - lower)
        # Where nothing is flagged the positive itself weighs nothing, so its precision does not count.
        precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
        return auroc, (positive * precision).sum(axis=0) / all_positive


class RocCurve(NamedTuple):
    """Points of a ROC curve from (0, 0) to (1, 1); `threshold` is the lowest score called positive there."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    threshold: Floats


class PrCurve(NamedTuple):
    """Points of a precision-recall curve by ascending recall, from (0, 1); draw it as steps (`vh`)."""

    recall: Floats
    precision: Floats
    threshold: Floats


def rank(labels: ArrayLike, scores: ArrayLike) -> Ranking | None:
    """The ranking of labels (n,) of 0, 1 and NaN (left out) by scores (n,); None when one class is all there is.

    Raises:
        InputError: as `checks.known_pairs`.
    """
    known_pairs(labels, scores)
    y, p = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    if not len(positive) or not len(negative):
        return None
    positive = positive[np.argsort(p[positive], kind="stable")]
    negative = negative[np.argsort(p[negative], kind="stable")]
    return Ranking(
        positive_rows=positive,
        negative_rows=negative,
        below=np.searchsorted(p[negative], p[positive], side="left"),
        not_above=np.searchsorted(p[negative], p[positive], side="right"),
        first_tied=np.searchsorted(p[positive], p[positive], side="left"),
    )


def auroc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The area under the ROC curve of labels (n,) of 0, 1 and NaN (left out) and scores (n,): in [0, 1].

    `weights` (n,) are finite and not negative. Ties count half. NaN unless both classes have weight.

    Raises:
        InputError: shapes differ, a label is not 0, 1 or NaN, or a score or weight cannot be used (row named).
    """
    return _weighted(labels, scores, weights)[0]


def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Average precision, the sum of (gain in recall) x precision over distinct scores: in [0, 1].

    Arguments, NaN and errors as in `auroc`. Chance is the (weighted) prevalence.
    """
    return _weighted(labels, scores, weights)[1]


def _weighted(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> tuple[float, float]:
    ranking = rank(labels, scores)
    n = len(np.asarray(labels))
    column = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if column.shape != (n,):
        raise InputError(f"weights has the shape {column.shape}; it must be ({n},), one per radiograph.")
    bad = np.flatnonzero(~np.isfinite(column) | (column < 0))
    if len(bad):
        raise InputError(f"the weight in row {int(bad[0])} is {column[bad[0]]:g}; allowed are finite numbers >= 0.")
    if ranking is None:
        return float("nan"), float("nan")
    area, precision = ranking.scores(column[:, None])
    return float(area[0]), float(precision[0])


def counts_by_threshold(y: Floats, p: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct scores, highest first, with the true and false positives when a score >= it is called positive."""
    order = np.argsort(-p, kind="stable")
    last = np.flatnonzero(np.append(np.diff(p[order]) != 0, True)) if len(p) else np.zeros(0, dtype=np.intp)
    hits = np.cumsum(y[order])[last]
    return p[order][last], hits, last + 1.0 - hits


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> RocCurve:
    """The ROC curve of labels (n,) of 0, 1 and NaN (left out) and scores (n,); corners only, the shape is exact.

    The first threshold is infinite (nothing is positive). Empty arrays unless both classes occur.

    Raises:
        InputError: as `auroc`.
    """
    y, p = known_pairs(labels, scores)
    threshold, hits, misses = counts_by_threshold(y, p)
    if not len(y) or not hits[-1] or not misses[-1]:
        return RocCurve(np.zeros(0), np.zeros(0), np.zeros(0))
    threshold = np.append(np.inf, threshold)
    hits, misses = np.append(0.0, hits), np.append(0.0, misses)
    corner = np.ones(len(hits), dtype=bool)
    # A point on the straight line between its neighbours adds nothing to the drawing. Counts, so the test is exact.
    up, along = np.diff(hits), np.diff(misses)
    corner[1:-1] = up[:-1] * along[1:] != up[1:] * along[:-1]
    return RocCurve(misses[corner] / misses[-1], hits[corner] / hits[-1], threshold[corner])


def pr_curve(labels: ArrayLike, scores: ArrayLike) -> PrCurve:
    """The precision-recall curve of labels (n,) of 0, 1 and NaN (left out) and scores (n,), one point per score.

    It opens at recall 0, precision 1, threshold infinite (a convention: nothing is called positive there). Empty
    arrays unless both classes occur.

    Raises:
        InputError: as `auroc`.
    """
    y, p = known_pairs(labels, scores)
    threshold, hits, misses = counts_by_threshold(y, p)
    if not len(y) or not hits[-1] or not misses[-1]:
        return PrCurve(np.zeros(0), np.zeros(0), np.zeros(0))
    precision = np.append(1.0, hits / (hits + misses))
    return PrCurve(np.append(0.0, hits / hits[-1]), precision, np.append(np.inf, threshold))


def aurocs(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """AUROC (K,) of each column of labels and scores (n, K); NaN where the known labels are not of both classes."""
    pairs = zip(np.asarray(labels).T, np.asarray(scores).T, strict=True)
    return np.array([auroc(column, own) for column, own in pairs], dtype=np.float64)


def macro_auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Mean of :func:`aurocs` over the columns that have one; NaN where none has."""
    values = aurocs(labels, scores)
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")
