"""AUROCs of several models on the same radiographs, their covariance, and whether they differ by more than chance.

A radiograph's *placement* is the share of the other class that it is on the right side of, ties counted half. AUROC is
the mean placement of the positives, and of the negatives; the placements of several models covary, and from that
follows the covariance of their AUROCs (DeLong, DeLong and Clarke-Pearson, Biometrics 44:837, 1988), without resampling.

Radiographs of one patient are not independent. The form for clustered data sums the placements of each patient, and
adds what his positives and his negatives share (Obuchowski, Biometrics 53:567, 1997). Where every patient has one
radiograph the two are equal.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import patient_index
from core.metrics.checks import Floats, known_pairs, label_matrix
from core.metrics.comparison import ALPHA, holm
from core.metrics.results import Interval
from core.metrics.thresholds import Z_95

NAN = float("nan")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Areas:
    """AUROC of M models (M,) on the same radiographs and the covariance (M, M) of these; NaN where undefined.

    AUROC needs one radiograph of each class; the covariance two patients with positives and two with negatives.
    ``n_patients`` counts the patients with a known label.
    """

    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n_positive: int
    n_negative: int
    n_patients: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AurocDifference:
    """First model's AUROC of one finding minus the second's: 95 % interval, two-sided p; NaN where undefined.

    ``p_holm`` is p after Holm's correction for all findings.
    """

    n_positive: int
    n_negative: int
    n_patients: int
    first: float = NAN
    second: float = NAN
    value: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    p_holm: float = NAN

    @property
    def beyond_chance(self) -> bool:
        """Whether it differs by more than chance, all findings taken together (5 %)."""
        return self.p_holm < ALPHA


def areas(labels: ArrayLike, scores: ArrayLike, patients: ArrayLike | None = None) -> Areas:
    """AUROCs of M models and their covariance.

    Args:
        labels: (n,) of 0, 1 and NaN (left out).
        scores: (n, M), finite where the label is known.
        patients: (n,), whose radiographs belong together; None takes all radiographs for independent.

    Raises:
        InputError: as `checks.known_pairs` and `bootstrap.patient_index`.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 2:
        raise InputError(f"scores has the shape {values.shape}; it must be (radiographs, models).")
    columns = [known_pairs(labels, values[:, at]) for at in range(values.shape[1])]
    known = ~np.isnan(np.asarray(labels, np.float64))
    names = np.arange(len(known)) if patients is None else patient_index(patients, len(known))[0]
    y = np.asarray(labels, np.float64)[known]
    patient = np.unique(names[known], return_inverse=True)[1]
    positive, n_patients = y == 1, int(patient.max()) + 1 if len(patient) else 0
    counts = int(positive.sum()), int((~positive).sum())
    found = np.full(len(columns), NAN), np.full((len(columns), len(columns)), NAN)
    if min(counts):
        placed = np.stack([placements(y, p) for _, p in columns], axis=1)
        found = placed[positive].mean(axis=0), _covariance(placed, positive, patient, n_patients)
    return Areas(
        values=found[0], covariance=found[1], n_positive=counts[0], n_negative=counts[1], n_patients=n_patients
    )


def placements(labels: Floats, scores: Floats) -> NDArray[np.float64]:
    """Of each radiograph (n,) the share of the other class on its right side: below a positive, above a negative; ties
    count half. Labels (n,) are 0 and 1, both must occur."""
    positive = labels == 1
    found = np.empty(len(labels))
    for own, sign in ((positive, 1), (~positive, -1)):
        others = np.sort(sign * scores[~own])
        mine = sign * scores[own]
        found[own] = (np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")) / 2 / len(others)
    return found


def _covariance(
    placed: NDArray[np.float64], positive: NDArray[np.bool_], patient: NDArray[np.intp], n_patients: int
) -> NDArray[np.float64]:
    """Obuchowski's covariance (M, M) of placements (n, M); NaN with fewer than two patients of a class."""
    off = placed - placed[positive].mean(axis=0)
    sums, several = [], []
    for own in (positive, ~positive):
        total = np.stack([np.bincount(patient[own], one[own], n_patients) for one in off.T], axis=1)
        having = len(np.unique(patient[own]))
        sums.append(total / own.sum())
        several.append(having / (having - 1) if having > 1 else NAN)
    shared = n_patients / (n_patients - 1) * (sums[0].T @ sums[1]) if n_patients > 1 else NAN
    cross = shared + np.transpose(shared)
    return np.asarray(several[0] * sums[0].T @ sums[0] + several[1] * sums[1].T @ sums[1] + cross)


def auroc_interval(found: Areas, at: int = 0) -> Interval:
    """A model's AUROC with its 95 % interval on the scale of the logit, so that it stays inside (0, 1).

    Without spread (every pair in the same order) the logit has no interval: the ends are NaN.
    """
    value, variance = float(found.values[at]), float(found.covariance[at, at])
    if not (0 < value < 1 and variance > 0):
        return Interval(value=value, low=NAN, high=NAN)
    middle, half = np.log(value / (1 - value)), Z_95 * np.sqrt(variance) / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-end)) for end in (middle - half, middle + half))
    return Interval(value=value, low=float(low), high=float(high))


def auroc_differences(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, patients: ArrayLike
) -> list[AurocDifference]:
    """AUROC of each finding by the first model minus that by the second, patients as clusters; Holm over findings.

    Args:
        labels: (n, K) of 0, 1 and NaN (left out).
        first, second: scores (n, K) of two models on the same radiographs.
        patients: (n,).

    Returns:
        K differences, in the order of the findings.

    Raises:
        InputError: shapes differ, or as `areas`.
    """
    known, one, other = label_matrix(labels), np.asarray(first, np.float64), np.asarray(second, np.float64)
    if not known.shape == one.shape == other.shape:
        raise InputError(f"labels {known.shape} and scores {one.shape} and {other.shape} must have one shape.")
    patient = patient_index(patients, len(known))[0]
    pairs = (np.stack([one[:, at], other[:, at]], axis=1) for at in range(known.shape[1]))
    found = [_difference(areas(known[:, at], pair, patient)) for at, pair in enumerate(pairs)]
    corrected = holm([each.p for each in found])
    return [dataclasses.replace(each, p_holm=p) for each, p in zip(found, corrected, strict=True)]


def _difference(of: Areas) -> AurocDifference:
    from scipy.special import ndtr

    value = float(of.values[0] - of.values[1])
    variance = float(of.covariance[0, 0] + of.covariance[1, 1] - 2 * of.covariance[0, 1])
    error = float(np.sqrt(max(variance, 0.0)))  # rounding puts that of two equal models below 0
    if np.isnan(variance) or np.isnan(value):
        p = NAN
    elif error <= 1e-12:
        p = 1.0 if abs(value) <= 1e-12 else NAN  # no spread: nothing to test by
    else:
        p = float(2 * ndtr(-abs(value) / error))
    half = NAN if np.isnan(p) else Z_95 * error
    return AurocDifference(
        n_positive=of.n_positive, n_negative=of.n_negative, n_patients=of.n_patients,
        first=float(of.values[0]), second=float(of.values[1]), value=value, low=value - half, high=value + half, p=p,
    )  # fmt: skip
