"""Do two configurations differ by more than chance? Means over seeds, paired bootstraps over patients, Holm.

Two things vary that have nothing to do with each other, and are kept apart (Bouthillier et al., "Accounting for
Variance in Machine Learning Benchmarks", MLSys 2021):

- *seeds*: initialisation, order and dropout. They are summarised by mean, standard deviation and Student's t interval
  of the mean over seeds, with the test patients as they are.
- *patients*: which ones happen to be in the test split. They are resampled (Efron and Tibshirani, "An Introduction to
  the Bootstrap", 1993, chapters 8 and 16). A replicate draws patients once and weighs the radiographs of both models
  with them; its difference is the mean over the seeds that both have. Seeds are not resampled: two or three of them say
  too little of their own spread. A difference larger than chance is thus one that other patients would show too *for
  these trained models*; the spread over seeds stands beside it.

Measures without patients (the cosines of prompts) are compared by a paired t test over seeds instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import ENDS, bootstrap, macro_means, patient_index, row_weights
from core.metrics.checks import probability_matrix

REPLICATES = 2000
"""No p falls below 2 / (R + 1): times 50 comparisons (Holm) that is still under 0.05."""
ALPHA = 0.05
NAN = float("nan")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Replicated:
    """A score of one model on the data, and in each bootstrap replicate (R,); NaN where undefined."""

    value: float
    replicates: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PatientScores:
    """Scores of one model by name; those of two models with the same patients and seed are paired."""

    scores: Mapping[str, Replicated]
    n_patients: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """Values of ``n`` seeds: mean, standard deviation (n - 1), and the 95 % interval of the mean; NaN where undefined.

    ``low`` and ``high`` are over seeds; ``patients_low`` and ``patients_high`` over patients, of these seeds' mean.
    """

    n: int
    mean: float = NAN
    sd: float = NAN
    low: float = NAN
    high: float = NAN
    patients_low: float = NAN
    patients_high: float = NAN


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """First minus second: mean over the ``seeds`` that both have, its 95 % interval, two-sided p.

    ``per_seed`` (n,) are the differences seed by seed, ``sd`` their standard deviation. ``p_holm`` is p after Holm's
    correction for all comparisons that were made (NaN before). NaN where undefined.
    """

    seeds: tuple[int, ...]
    per_seed: tuple[float, ...] = ()
    value: float = NAN
    sd: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    p_holm: float = NAN

    @property
    def beyond_chance(self) -> bool:
        return self.p_holm < ALPHA


def patient_scores(
    labels: ArrayLike,
    probabilities: ArrayLike,
    cosines: ArrayLike,
    patients: ArrayLike,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> PatientScores:
    """Macro AUROC and average precision, mean squared error, and macro AUROC of the cosines to prompts (zero-shot).

    Args:
        labels: (n, K) of 0, 1 and NaN (left out).
        probabilities: (n, K) in [0, 1].
        cosines: (n, K).
        patients: (n,), resampled; the same patients and seed give the same draws for every model.
        replicates: R.
        seed: of the draws.

    Raises:
        InputError: as `bootstrap` and `checks.probability_matrix`.
    """
    known, values = probability_matrix(labels, probabilities)
    judged = bootstrap(known, values, patients, replicates=replicates, seed=seed)
    by_cosine = bootstrap(known, cosines, patients, replicates=replicates, seed=seed)
    patient, n_patients = patient_index(patients, len(known))
    errors = np.nan_to_num(np.square(values - known)).sum(axis=1)
    cells = (~np.isnan(known)).sum(axis=1)
    weights = [np.ones((len(known), 1)), *row_weights(patient, n_patients, replicates=replicates, seed=seed)]
    squared = np.concatenate([_ratio(errors @ one, cells @ one) for one in weights])
    scores = {
        "auroc": _macro(judged.auroc_value, judged.auroc),
        "average_precision": _macro(judged.average_precision_value, judged.average_precision),
        "mse": Replicated(value=float(squared[0]), replicates=squared[1:]),
        "zero_shot": _macro(by_cosine.auroc_value, by_cosine.auroc),
    }
    return PatientScores(scores=scores, n_patients=n_patients)


def _macro(values: ArrayLike, replicates: ArrayLike) -> Replicated:
    value, means = macro_means(values, replicates)
    return Replicated(value=value, replicates=means)


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)


def summarise(values: Sequence[float], drawn: Sequence[Replicated] = (), *, n_patients: int = 0) -> Summary:
    """Values of seeds (NaN: not measured, left out), and their replicates where patients were resampled."""
    known = np.array([value for value in values if not np.isnan(value)], np.float64)
    if not len(known):
        return Summary(n=0)
    low, high = _t_interval(known)
    over = _percentiles(np.mean([one.replicates for one in drawn], axis=0) if drawn else np.zeros(0), n_patients)
    return Summary(
        n=len(known),
        mean=float(known.mean()),
        sd=_sd(known),
        low=low,
        high=high,
        patients_low=over[0],
        patients_high=over[1],
    )


def over_patients(first: Mapping[int, Replicated], second: Mapping[int, Replicated], *, n_patients: int) -> Difference:
    """Paired bootstrap of first minus second, both seed -> scores of that seed's model on the same patients.

    The interval is the percentile interval. p is the smallest level at which it leaves out 0, each tail counted as
    (replicates on the other side + 1) / (R + 1) (Davison and Hinkley, 1997, section 4.2): never below 2 / (R + 1).

    Raises:
        InputError: replicates differ in number, so that they cannot be paired.
    """
    both = [seed for seed in first if seed in second and not np.isnan(first[seed].value - second[seed].value)]
    if not both:
        return Difference(seeds=())
    if len({len(one.replicates) for scores in (first, second) for one in scores.values()}) > 1:
        raise InputError("Scores with different numbers of replicates cannot be paired: resample all alike.")
    drawn = np.mean([first[seed].replicates - second[seed].replicates for seed in both], axis=0)
    made = _per_seed(both, [first[seed].value - second[seed].value for seed in both])
    low, high = _percentiles(drawn, n_patients)
    return dataclasses.replace(made, low=low, high=high, p=_bootstrap_p(drawn) if n_patients > 1 else NAN)


def over_seeds(first: Mapping[int, float], second: Mapping[int, float]) -> Difference:
    """Paired t test of first minus second, both seed -> value; of one seed alone there is no interval and no p.

    Where every seed gives the same difference (frozen prompts have no chance in them), the interval is that value.
    """
    both = [seed for seed in first if seed in second and not np.isnan(first[seed] - second[seed])]
    made = _per_seed(both, [first[seed] - second[seed] for seed in both])
    low, high = _t_interval(np.array(made.per_seed))
    return dataclasses.replace(made, low=low, high=high, p=_t_p(np.array(made.per_seed)))


def _per_seed(seeds: Sequence[int], values: Sequence[float]) -> Difference:
    known = np.array(values, np.float64)
    mean = float(known.mean()) if len(known) else NAN
    return Difference(seeds=tuple(seeds), per_seed=tuple(known.tolist()), value=mean, sd=_sd(known))


def holm(values: Sequence[float]) -> list[float]:
    """p values after Holm's step-down correction (Scandinavian Journal of Statistics, 1979); NaN is not counted."""
    p = np.array(values, np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    p[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return [float(value) for value in p]


def _sd(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else NAN


def _percentiles(drawn: NDArray[np.float64], n_patients: int) -> tuple[float, float]:
    known = drawn[~np.isnan(drawn)]
    if not len(known) or n_patients < 2:
        return NAN, NAN
    low, high = np.percentile(known, ENDS)
    return float(low), float(high)


def _bootstrap_p(drawn: NDArray[np.float64]) -> float:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return NAN
    tails = [((known <= 0).sum() + 1) / (len(known) + 1), ((known >= 0).sum() + 1) / (len(known) + 1)]
    return float(min(1.0, 2 * min(tails)))


def _t_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    from scipy.special import stdtrit

    if len(values) < 2:
        return NAN, NAN
    half = float(stdtrit(len(values) - 1, ENDS[1] / 100)) * _sd(values) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def _t_p(values: NDArray[np.float64]) -> float:
    from scipy.special import stdtr

    if len(values) < 2:
        return NAN
    mean, error = float(values.mean()), _sd(values) / np.sqrt(len(values))
    if error <= 1e-12:
        return 1.0 if abs(mean) <= 1e-12 else 0.0
    return float(2 * stdtr(len(values) - 1, -abs(mean) / error))
