"""Whether a probability means what it says."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import known_pairs, probability_matrix


@dataclasses.dataclass(frozen=True, kw_only=True)
class CalibrationCurve:
    """Equal-width bins of predicted probability: edges (b + 1,), radiographs (b,), and their means (b,).

    `predicted` is the mean probability and `observed` the share of positives in a bin, NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    count: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]


def brier(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The mean squared error of one finding's probabilities (n,) in [0, 1] against labels (n,) of 0 and 1.

    Unknown labels (NaN) are left out; NaN when none is known. (Brier 1950.)

    Raises:
        InputError: as `checks.known_pairs`.
    """
    y, p = known_pairs(labels, probabilities, probability=True)
    return float(np.square(p - y).mean()) if len(y) else float("nan")


def overall_mse(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The mean squared error over all known cells of labels (n, K) and probabilities (n, K) in [0, 1].

    Every known cell weighs the same, so a finding with more known labels weighs more than in a mean of Brier scores.

    Raises:
        InputError: as `checks.probability_matrix`.
    """
    known, values = probability_matrix(labels, probabilities)
    return brier(known.ravel(), values.ravel())


def calibration_curve(labels: ArrayLike, probabilities: ArrayLike, *, bins: int = 15) -> CalibrationCurve:
    """Predicted against observed in `bins` equal bins of [0, 1]; a bin holds its upper edge, the first also 0.

    labels (n,) of 0, 1 and NaN (left out), probabilities (n,) in [0, 1].

    Raises:
        InputError: as `checks.known_pairs`, or bins < 1.
    """
    if bins < 1:
        raise InputError(f"bins must be at least 1 (15 is usual), got {bins}.")
    y, p = known_pairs(labels, probabilities, probability=True)
    edges = np.linspace(0.0, 1.0, bins + 1)
    which = np.searchsorted(edges[1:-1], p, side="left")
    count = np.bincount(which, minlength=bins)
    share = np.where(count > 0, count, np.nan)
    return CalibrationCurve(
        edges=edges,
        count=count.astype(np.int64),
        predicted=np.bincount(which, weights=p, minlength=bins) / share,
        observed=np.bincount(which, weights=y, minlength=bins) / share,
    )


def expected_calibration_error(labels: ArrayLike, probabilities: ArrayLike, *, bins: int = 15) -> float:
    """The mean |observed - predicted| over equal-width bins, weighted by their radiographs: in [0, 1].

    For one finding the predicted probability is set against the share of positives (Naeini et al., AAAI 2015), not
    the confidence of the winning class. NaN when no label is known. Arguments and errors as `calibration_curve`.
    """
    curve = calibration_curve(labels, probabilities, bins=bins)
    filled = curve.count > 0
    if not filled.any():
        return float("nan")
    apart = np.abs(curve.observed[filled] - curve.predicted[filled])
    return float(np.average(apart, weights=curve.count[filled]))
