"""Curves of a finding over all thresholds with pointwise bands, and the point of one threshold."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import CELLS, ENDS, patient_index
from core.metrics.checks import Floats, known_pairs
from core.metrics.ranking import counts_by_threshold

GRID = np.linspace(0.0, 1.0, 101)
"""Where bands are measured: false-positive rates of a ROC curve, recalls of a precision-recall curve."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Band:
    """Pointwise 95 % limits (101,) at each value of :data:`GRID`; NaN where undefined."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bands:
    """Of one finding: sensitivity at each false-positive rate, precision at each recall, over resampled patients.

    ``replicates`` counts those with both classes; the bands are NaN where there is none, or one patient only.
    """

    roc: Band
    pr: Band
    replicates: int
    n_positive: int
    n_negative: int


def bands(labels: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, replicates: int = 1000, seed: int = 0) -> Bands:
    """Vertical bands of a ROC and a precision-recall curve, by a bootstrap over patients.

    Each replicate has a curve of its own, read at each value of :data:`GRID` (vertical averaging: Fawcett, Pattern
    Recognition Letters 27:861, 2006); the band is the 2.5 to 97.5 percentiles there. It is pointwise: it covers the
    true curve at a given place 95 % of the time, not all of the curve at once. Where few are called, half a hit and
    half a false alarm with weights of their own are added to the precision (as in `subgroups`), so that the band is
    not a line where all of the first calls are right.

    Args:
        labels: (n,) of 0, 1 and NaN (left out).
        scores: (n,), finite where the label is known.
        patients: (n,), resampled.
        replicates: how many times.
        seed: of the draws.

    Raises:
        InputError: as `checks.known_pairs` and `bootstrap.patient_index`, or replicates < 1.
    """
    if replicates < 1:
        raise InputError(f"replicates must be at least 1 (1000 is usual), got {replicates}.")
    y, p = known_pairs(labels, scores)
    patient, n_patients = patient_index(patients, len(np.asarray(labels)))
    patient = patient[~np.isnan(np.asarray(labels, np.float64))]
    counts = int(y.sum()), int(len(y) - y.sum())
    nowhere = Band(low=np.full(len(GRID), np.nan), high=np.full(len(GRID), np.nan))
    if not min(counts) or n_patients < 2:
        return Bands(roc=nowhere, pr=nowhere, replicates=0, n_positive=counts[0], n_negative=counts[1])
    drawn = _replicates(y, p, patient, n_patients, replicates, seed)
    roc, pr = (Band(**dict(zip(("low", "high"), np.percentile(one, ENDS, axis=0), strict=True))) for one in drawn)
    return Bands(roc=roc, pr=pr, replicates=len(drawn[0]), n_positive=counts[0], n_negative=counts[1])


def _replicates(
    y: Floats, p: Floats, patient: NDArray[np.intp], n_patients: int, replicates: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sensitivity and precision (R, 101) of the replicates that have both classes."""
    random = np.random.default_rng(seed)
    order = np.argsort(-p, kind="stable")
    last = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))
    whose, positive = patient[order], y[order].astype(np.float32)
    step = max(1, CELLS // len(y))
    roc, pr = [], []
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        times = np.stack(
            [np.bincount(random.integers(0, n_patients, n_patients), minlength=n_patients) for _ in range(size)]
        ).astype(np.float32)  # counts, and their sums up to 16 million radiographs, are exact
        weights = times[:, whose]
        called = np.cumsum(weights, axis=1)[:, last]
        hits = np.cumsum(weights * positive, axis=1)[:, last]
        for found, of_all in zip(hits, called, strict=True):
            if 0 < found[-1] < of_all[-1]:
                roc.append(_sensitivity(found, of_all - found))
                right, wrong = random.gamma(0.5, size=2)
                pr.append(_precision(found, of_all, right, wrong))
    return np.array(roc).reshape(-1, len(GRID)), np.array(pr).reshape(-1, len(GRID))


def _sensitivity(hits: Floats, misses: Floats) -> NDArray[np.float64]:
    """Sensitivity at each false-positive rate of the grid; at a step its upper end. Counts (m,) are cumulative."""
    over, up = np.append(0.0, misses), np.append(0.0, hits)
    return np.asarray(np.interp(GRID * over[-1], over, up) / up[-1])


def _precision(hits: Floats, called: Floats, right: float = 0.0, wrong: float = 0.0) -> NDArray[np.float64]:
    """Precision at the highest threshold that reaches each recall of the grid. Counts (m,) are cumulative; ``right``
    and ``wrong`` calls are added."""
    wanted = np.maximum(GRID * hits[-1], hits[hits > 0][0])  # at recall 0: at the first hit
    at = np.minimum(np.searchsorted(hits, wanted - 1e-6 * hits[-1], side="left"), len(hits) - 1)
    return np.asarray((hits[at] + right) / (called[at] + right + wrong), np.float64)


def roc_on_grid(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """Sensitivity (101,) at each false-positive rate of :data:`GRID`; NaN unless both classes occur.

    Raises:
        InputError: as `checks.known_pairs`.
    """
    return _on_grid(labels, scores)[0]


def pr_on_grid(labels: ArrayLike, scores: ArrayLike) -> NDArray[np.float64]:
    """Precision (101,) at each recall of :data:`GRID`; NaN unless both classes occur.

    Raises:
        InputError: as `checks.known_pairs`.
    """
    return _on_grid(labels, scores)[1]


def _on_grid(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, p = known_pairs(labels, scores)
    _, hits, misses = counts_by_threshold(y, p)
    if not len(y) or not hits[-1] or not misses[-1]:
        return np.full(len(GRID), np.nan), np.full(len(GRID), np.nan)
    return _sensitivity(hits, misses), _precision(hits, hits + misses)
