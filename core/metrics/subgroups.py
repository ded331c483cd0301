"""Is a finding missed more often in some people? True-positive rates by subgroup and their gaps.

After CheXclusion (Seyyed-Kalantari et al., Pacific Symposium on Biocomputing 26:232, 2021): the gap of a subgroup is
its true-positive rate minus the other's where there are two subgroups, else minus the median of all subgroups' rates.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import ENDS, patient_index
from core.metrics.checks import Floats, label_matrix
from core.metrics.delong import areas, auroc_interval
from core.metrics.thresholds import Z_95

AGES = (0.0, 20.0, 40.0, 60.0, 80.0, np.inf)
"""Edges of the age groups in years, as in CheXclusion; a group holds its lower edge."""
AGE_NAMES = ("0–20", "20–40", "40–60", "60–80", "80+")
CELLS = 8_000_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gaps:
    """One attribute, such as sex: subgroups (G) by findings (K). Rates are in [0, 1]; NaN where undefined.

    Attributes:
        names: G of them.
        positives: (G, K) radiographs with the finding; rates are of these.
        n: (G,) radiographs.
        left_out: radiographs whose subgroup is not known.
        rate, rate_low, rate_high: (G, K) true-positive rate with its 95 % interval.
        gap, gap_low, gap_high: (G, K) as the module says.
        auroc, auroc_low, auroc_high: (G, K) within the subgroup.
    """

    names: tuple[str, ...]
    positives: NDArray[np.int64]
    n: NDArray[np.int64]
    left_out: int
    rate: NDArray[np.float64]
    rate_low: NDArray[np.float64]
    rate_high: NDArray[np.float64]
    gap: NDArray[np.float64]
    gap_low: NDArray[np.float64]
    gap_high: NDArray[np.float64]
    auroc: NDArray[np.float64]
    auroc_low: NDArray[np.float64]
    auroc_high: NDArray[np.float64]


def age_group(ages: ArrayLike) -> NDArray[np.int64]:
    """Number of the age group of each age (n,) in years; -1 where it is not known, or negative."""
    years = np.asarray(ages, np.float64)
    return np.where(years >= 0, np.searchsorted(AGES, years, side="right") - 1, -1)


def gaps(
    labels: ArrayLike,
    probabilities: ArrayLike,
    thresholds: ArrayLike,
    patients: ArrayLike,
    groups: ArrayLike,
    names: tuple[str, ...],
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> Gaps:
    """True-positive rates by subgroup, their gaps, and AUROC within each, with 95 % intervals over patients.

    Rates and gaps: a Bayesian bootstrap (Rubin, Annals of Statistics 9:130, 1981), in which every patient has an
    exponential weight; half a hit and half a miss with weights of their own are added to each rate, so that an interval
    does not shrink to a point where all or none of few positives are found. With one radiograph a patient the interval
    of a rate is Jeffreys'. With several, the spread between patients is estimated from those with a positive: the
    interval is widened by Student's t for their number. The gap of the subgroup that is itself the median is often 0
    exactly, and its interval holds the truth more often than 95 times of 100. AUROC: DeLong's with patients as
    clusters, on the scale of the logit.

    Args:
        labels: (n, K) of 0, 1 and NaN (left out).
        probabilities: (n, K).
        thresholds: (K,) from which a finding is called present.
        patients: (n,), resampled.
        groups: (n,) number of each radiograph's subgroup, -1 where it is not known.
        names: of the G subgroups.
        replicates: how many times.
        seed: of the draws.

    Raises:
        InputError: shapes differ, a group does not exist, or as `checks.label_matrix` and `bootstrap.patient_index`.
    """
    known, scores, group = label_matrix(labels), np.asarray(probabilities, np.float64), np.asarray(groups)
    _check(known, scores, np.asarray(thresholds), group, names)
    patient, n_patients = patient_index(patients, len(known))
    called = scores >= np.asarray(thresholds, np.float64)
    inside = group[:, None] == np.arange(len(names))  # (n, G)
    of_each = inside[:, :, None] & (known == 1)[:, None, :]  # (n, G, K)
    hits, positives = of_each & called[:, None, :], of_each
    counts = positives.sum(axis=0), hits.sum(axis=0)
    rate = np.divide(counts[1], counts[0], out=np.full(counts[0].shape, np.nan), where=counts[0] > 0)
    drawn = _replicates(hits, positives & ~hits, patient, n_patients, replicates, seed)
    drawn[:, counts[0] == 0] = np.nan
    wider = _wider(counts[0], positives, patient, n_patients)
    both = np.where((counts[0] > 0).sum(axis=0) == 2, wider.max(axis=0), wider)  # of two, one is the other turned round
    spread = _ends(rate, drawn, wider, 0.0), _ends(to_rest(rate), to_rest(drawn), both, -1.0)
    ranked = _aurocs(known, scores, patient, inside)
    return Gaps(
        names=tuple(names), positives=counts[0], n=inside.sum(axis=0), left_out=int((group < 0).sum()),
        rate=rate, rate_low=spread[0][0], rate_high=spread[0][1],
        gap=to_rest(rate), gap_low=spread[1][0], gap_high=spread[1][1],
        auroc=ranked[0], auroc_low=ranked[1], auroc_high=ranked[2],
    )  # fmt: skip


def _check(known: Floats, scores: Floats, thresholds: Floats, group: NDArray[np.int64], names: tuple[str, ...]) -> None:
    if scores.shape != known.shape or thresholds.shape != known.shape[1:] or group.shape != known.shape[:1]:
        raise InputError(
            f"labels {known.shape}, probabilities {scores.shape}, thresholds {thresholds.shape} and groups "
            f"{group.shape} do not fit: (n, K), (n, K), (K,) and (n,)."
        )
    if len(group) and not -1 <= group.min() <= group.max() < len(names):
        raise InputError(f"groups has {group.min()} to {group.max()}; allowed are -1 (not known) to {len(names) - 1}.")


def to_rest(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaps of rates (..., G, K), NaN where a subgroup has no positive: to the other one of two, or to the median.

    Subgroups without positives do not count; NaN where one alone has any.
    """
    count = (~np.isnan(rates)).sum(axis=-2, keepdims=True)
    ordered = np.sort(rates, axis=-2)  # NaN last
    low, high = (np.take_along_axis(ordered, np.maximum(at, 0), axis=-2) for at in ((count - 1) // 2, count // 2))
    median = np.where(count > 0, (low + high) / 2, np.nan)
    # to the other one of two is twice as far as to the middle of both
    return np.asarray(np.where(count > 1, (rates - median) * np.where(count == 2, 2.0, 1.0), np.nan))


def _replicates(
    hits: NDArray[np.bool_],
    misses: NDArray[np.bool_],
    patient: NDArray[np.intp],
    n_patients: int,
    replicates: int,
    seed: int,
) -> NDArray[np.float64]:
    """True-positive rates (R, G, K) of reweighted patients, from hits and misses (n, G, K)."""
    random = np.random.default_rng(seed)
    shape = hits.shape[1:]
    of_patients = []
    for counted in (hits, misses):
        total = np.zeros((n_patients, int(np.prod(shape))), np.float32)
        rows, cells = np.nonzero(counted.reshape(len(counted), -1))
        np.add.at(total, (patient[rows], cells), 1.0)
        of_patients.append(total)
    parts = []
    step = max(1, CELLS // max(1, n_patients))
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        weights = random.standard_exponential((size, n_patients), dtype=np.float32)
        found, missed = (weights @ total + random.gamma(0.5, size=(size, total.shape[1])) for total in of_patients)
        parts.append((found / (found + missed)).reshape(size, *shape))
    return np.concatenate(parts)


def _wider(
    counts: NDArray[np.int64], positives: NDArray[np.bool_], patient: NDArray[np.intp], n_patients: int
) -> NDArray[np.float64]:
    """How much an interval (G, K) is stretched: 1 where every positive is another patient's."""
    from scipy.special import stdtrit

    having = np.zeros((n_patients, positives[0].size), bool)
    rows, cells = np.nonzero(positives.reshape(len(positives), -1))
    having[patient[rows], cells] = True
    several = having.sum(axis=0).reshape(counts.shape)
    free = np.maximum(several - 1, 1)
    return np.where(several < counts, stdtrit(free, ENDS[1] / 100) / Z_95 * np.sqrt(1 + 1 / free), 1.0)


def _ends(
    value: NDArray[np.float64], drawn: NDArray[np.float64], wider: NDArray[np.float64], least: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 2.5 and 97.5 percentiles (G, K), stretched about the median, from ``least`` to 1; what was observed is never
    outside, however few it is of."""
    low, middle, high = np.percentile(drawn, (ENDS[0], 50, ENDS[1]), axis=0)
    low, high = middle + (low - middle) * wider, middle + (high - middle) * wider
    inside = np.fmin(np.clip(low, least, 1), value), np.fmax(np.clip(high, least, 1), value)
    return tuple(np.where(np.isnan(value), np.nan, end) for end in inside)  # type: ignore[return-value]


def _aurocs(
    known: Floats, scores: Floats, patient: NDArray[np.intp], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], ...]:
    """AUROC, low and high (G, K) within each subgroup."""
    shape = inside.shape[1], known.shape[1]
    value, low, high = (np.full(shape, np.nan) for _ in range(3))
    for at in range(shape[0]):
        own = inside[:, at]
        for column in range(shape[1]):
            one = auroc_interval(areas(known[own, column], scores[own, column][:, None], patient[own]))
            value[at, column], low[at, column], high[at, column] = one.value, one.low, one.high
    return value, low, high
