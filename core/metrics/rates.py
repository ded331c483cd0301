"""Sensitivity, specificity, PPV, NPV and F1 at a threshold, with intervals from resampled patients.

Wilson's interval takes radiographs as independent. Those of one patient are not: where a patient has several, it is too
short. Here patients are drawn with replacement, and all radiographs of a patient come and go together (Efron and
Tibshirani, "An Introduction to the Bootstrap", 1993); the ends are as of `bootstrap.interval`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import interval, patient_index, percentile_interval, row_weights
from core.metrics.checks import Floats
from core.metrics.results import Interval

RATES = ("sensitivity", "specificity", "ppv", "npv", "f1")
REPLICATES = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Draws:
    """How often each of P patients is drawn in each of R replicates, (P, R), and whose each radiograph is, (n,)."""

    patient: NDArray[np.intp]
    times: NDArray[np.float32]

    @property
    def n_patients(self) -> int:
        return len(self.times)


def draws(patients: ArrayLike, *, replicates: int = REPLICATES, seed: int = 0) -> Draws:
    """Draw patients (n,), given for each radiograph; the same for all findings, thresholds and models.

    Raises:
        InputError: there is no radiograph, or as `bootstrap.patient_index`.
    """
    if not len(np.asarray(patients)):
        raise InputError("there is no radiograph, so no patient can be drawn.")
    patient, count = patient_index(patients, len(np.asarray(patients)))
    blocks = list(row_weights(np.arange(count), count, replicates=replicates, seed=seed))
    return Draws(patient=patient, times=np.concatenate(blocks, axis=1))


def resampled(cells: NDArray[np.integer], drawn: Draws, kinds: int) -> Floats:
    """How many radiographs of each kind a replicate has, (kinds, R), from the kind of each radiograph, (n,).

    A kind outside 0 to kinds - 1, such as -1 for an unknown label, is not counted.
    """
    known = (cells >= 0) & (cells < kinds)
    places = drawn.patient[known] * kinds + cells[known]
    table = np.bincount(places, minlength=drawn.n_patients * kinds).reshape(drawn.n_patients, kinds)
    return np.asarray(table.T.astype(np.float32) @ drawn.times, np.float64)


def cells_of(labels: ArrayLike, called: ArrayLike) -> NDArray[np.int64]:
    """The cell of each radiograph, (n,): 0 tn, 1 fp, 2 fn, 3 tp, -1 where the label is unknown."""
    known = np.asarray(labels, np.float64)
    return np.where(np.isnan(known), -1, 2 * np.nan_to_num(known) + np.asarray(called, bool)).astype(np.int64)


def rates(counts: Floats) -> dict[str, Floats]:
    """Each of ``RATES`` (r,) from counts (4, r) of tn, fp, fn, tp; NaN where undefined."""
    tn, fp, fn, tp = np.asarray(counts, np.float64)
    return {
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "ppv": _ratio(tp, tp + fp),
        "npv": _ratio(tn, tn + fn),
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
    }


def over_patients(labels: ArrayLike, called: ArrayLike, drawn: Draws) -> dict[str, Interval]:
    """The rates of one finding with 95 % intervals over resampled patients.

    Args:
        labels: (n,) of 0, 1 and NaN.
        called: (n,) bool.
        drawn: of the same n radiographs.
    """
    cells = cells_of(labels, called)
    values = rates(np.bincount(cells[cells >= 0], minlength=4)[:, None].astype(np.float64))
    replicates = rates(resampled(cells, drawn, 4))
    return {name: interval(float(values[name][0]), replicates[name], n_patients=drawn.n_patients) for name in RATES}


def difference_over_patients(right_first: ArrayLike, right_second: ArrayLike, of: ArrayLike, drawn: Draws) -> Interval:
    """First minus second of the shares that are right, with its 95 % interval over resampled patients.

    Args:
        right_first, right_second: (n,) bool.
        of: (n,) bool, the radiographs that count, such as those that have the disease.
        drawn: of the same n radiographs.
    """
    inside = np.asarray(of, bool)
    gain = np.asarray(right_first, bool).astype(np.int64) - np.asarray(right_second, bool).astype(np.int64)
    kinds = np.where(inside, gain + 1, -1)
    value = float(gain[inside].mean()) if inside.any() else float("nan")
    second, same, first = resampled(kinds, drawn, 3)
    return percentile_interval(value, _ratio(first - second, first + same + second), n_patients=drawn.n_patients)


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
