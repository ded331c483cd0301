"""Calibration in two numbers: by which line would the logits of a model's probabilities have to be straightened?"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.metrics.bootstrap import patient_index
from core.metrics.checks import known_pairs
from core.metrics.results import Interval
from core.metrics.thresholds import Z_95

CLIP = 1e-6
STEPS = 50
NAN = float("nan")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recalibration:
    """``slope`` 1 and ``intercept`` 0: calibrated. Slope under 1: too sure of itself; intercept over 0: too low."""

    slope: Interval
    intercept: Interval


def recalibration(labels: ArrayLike, probabilities: ArrayLike, patients: ArrayLike) -> Recalibration:
    """Logistic recalibration (Cox, Biometrika 45:562, 1958): labels on intercept + slope x logit(probability).

    The intercept is that of this line, not the one at slope 1. Intervals are 95 %, from a sandwich covariance with
    patients as clusters (Liang and Zeger, Biometrika 73:13, 1986). Probabilities are kept 1e-6 from 0 and 1. NaN where
    one class is missing, all probabilities are equal, or the classes are apart without an error (no maximum exists).

    Args:
        labels: (n,) of 0, 1 and NaN (left out).
        probabilities: (n,) in [0, 1].
        patients: (n,).

    Raises:
        InputError: as `checks.known_pairs` and `bootstrap.patient_index`.
    """
    y, p = known_pairs(labels, probabilities, probability=True)
    patient = patient_index(patients, len(np.asarray(labels)))[0][~np.isnan(np.asarray(labels, np.float64))]
    nothing = Interval(value=NAN, low=NAN, high=NAN)
    clipped = np.clip(p, CLIP, 1 - CLIP)
    rows = np.stack([np.ones(len(p)), np.log(clipped / (1 - clipped))], axis=1)
    if len(set(y.tolist())) < 2 or np.ptp(rows[:, 1]) < 1e-9 or (found := _fit(rows, y)) is None:
        return Recalibration(slope=nothing, intercept=nothing)
    line, information = found
    errors = np.sqrt(np.diag(_sandwich(rows, y, line, information, patient)))
    ends = [
        Interval(value=float(v), low=float(v - Z_95 * e), high=float(v + Z_95 * e))
        for v, e in zip(line, errors, strict=True)
    ]
    return Recalibration(slope=ends[1], intercept=ends[0])


def _fit(rows: NDArray[np.float64], y: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Newton's maximum of the likelihood, (2,), and the information there, (2, 2); None where there is none."""
    line = np.array([0.0, 1.0])
    for _ in range(STEPS):
        means = _sigmoid(rows @ line)
        information = (rows * (means * (1 - means))[:, None]).T @ rows
        if np.linalg.cond(information) > 1e10:
            return None
        step = np.linalg.solve(information, rows.T @ (y - means))
        line = line + step * min(1.0, 2.0 / max(1e-12, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-8:
            return line, information
    return None


def _sandwich(
    rows: NDArray[np.float64],
    y: NDArray[np.floating],
    line: NDArray[np.float64],
    information: NDArray[np.float64],
    patient: NDArray[np.intp],
) -> NDArray[np.float64]:
    off = rows * (y - _sigmoid(rows @ line))[:, None]
    sums = np.stack([np.bincount(patient, one) for one in off.T], axis=1)
    several = len(set(patient.tolist()))
    if several < 2:
        return np.full((2, 2), NAN)
    inverse = np.linalg.inv(information)
    return np.asarray(inverse @ (sums.T @ sums) @ inverse * several / (several - 1))


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -500, 500))))
