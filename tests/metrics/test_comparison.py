"""Differences between configurations: by hand, against slow versions, and by simulation where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from core.errors import InputError
from core.metrics.comparison import (
    Replicated,
    holm,
    over_patients,
    over_seeds,
    patient_scores,
    summarise,
)

NAN = math.nan


def drawn(value: float, *replicates: float) -> Replicated:
    return Replicated(value=value, replicates=np.array(replicates, np.float64))


def data(n: int = 80, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random((n, k)) < 0.4).astype(float)
    y[random.random((n, k)) < 0.1] = np.nan
    p = np.clip(random.random((n, k)) * 0.7 + 0.3 * np.nan_to_num(y), 0, 1)
    return y, p, p * 2 - 1, random.integers(0, 30, n).astype(str)


def test_scores_equal_a_loop_that_copies_radiographs() -> None:
    y, p, cosines, patients = data()
    cosines = -cosines
    found = patient_scores(y, p, cosines, patients, replicates=25, seed=4)
    names, random = np.unique(patients), np.random.default_rng(4)
    for r in range(-1, 25):
        chosen = names if r < 0 else names[random.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(patients == name) for name in chosen])
        known = [rows[~np.isnan(y[rows, k])] for k in range(3)]
        precision = [average_precision_score(y[own, k], p[own, k]) for k, own in enumerate(known)]
        wanted = {
            "auroc": np.mean([roc_auc_score(y[own, k], p[own, k]) for k, own in enumerate(known)]),
            "average_precision": np.mean(precision),
            "zero_shot": np.mean([roc_auc_score(y[own, k], cosines[own, k]) for k, own in enumerate(known)]),
            "mse": np.mean(np.concatenate([(y[own, k] - p[own, k]) ** 2 for k, own in enumerate(known)])),
        }  # fmt: skip
        for name, value in wanted.items():
            own = found.scores[name]
            assert (own.value if r < 0 else own.replicates[r]) == pytest.approx(value, abs=1e-12), name
    assert found.n_patients == len(names)


def test_a_difference_by_hand() -> None:
    """Two seeds: replicate by replicate the mean over seeds of (first - second), with the same patients in both."""
    first = {0: drawn(0.8, 0.8, 0.9, 0.7, 0.8), 1: drawn(0.9, 0.9, 0.9, 0.8, 0.8), 2: drawn(0.5, 0, 0, 0, 0)}
    second = {0: drawn(0.7, 0.6, 0.7, 0.7, 0.9), 1: drawn(0.7, 0.8, 0.7, 0.8, 0.9)}
    made = over_patients(first, second, n_patients=9)
    # differences per replicate: (.2 + .1) / 2, (.2 + .2) / 2, 0, -.1; seed 2 has no partner
    assert made.seeds == (0, 1) and made.per_seed == pytest.approx((0.1, 0.2))
    assert (made.value, made.sd) == pytest.approx((0.15, 0.1 / math.sqrt(2)))
    assert (made.low, made.high) == pytest.approx(tuple(np.percentile([0.15, 0.2, 0.0, -0.1], [2.5, 97.5])))
    assert made.p == pytest.approx(1.0)  # at or below 0: two of four, (2 + 1) / 5, doubled, at most 1
    assert math.isnan(made.p_holm) and not made.beyond_chance
    better = over_patients({0: drawn(1.0, *[1.0] * 99)}, {0: drawn(0.5, *[0.5] * 99)}, n_patients=9)
    assert better.p == pytest.approx(2 / 100) and math.isnan(better.sd)


def test_a_model_compared_with_itself_differs_by_nothing() -> None:
    found = patient_scores(*data(), replicates=50)
    made = over_patients({0: found.scores["auroc"]}, {0: found.scores["auroc"]}, n_patients=30)
    assert (made.value, made.low, made.high, made.p) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("first", "second"),
    [({}, {}), ({0: drawn(0.5, 0.5)}, {}), ({0: drawn(0.5, 0.5)}, {1: drawn(0.5, 0.5)}), ({0: drawn(NAN, NAN)},) * 2],
)
def test_without_a_common_seed_there_is_no_difference(
    first: dict[int, Replicated], second: dict[int, Replicated]
) -> None:
    made = over_patients(first, second, n_patients=9)
    assert made.seeds == () and all(math.isnan(part) for part in (made.value, made.low, made.high, made.p))


def test_one_patient_gives_no_interval_and_unequal_replicates_no_pair() -> None:
    made = over_patients({0: drawn(0.6, 0.6)}, {0: drawn(0.5, 0.5)}, n_patients=1)
    assert made.value == pytest.approx(0.1) and math.isnan(made.low) and math.isnan(made.p)
    with pytest.raises(InputError, match="numbers of replicates"):
        over_patients({0: drawn(0.6, 0.6)}, {0: drawn(0.5, 0.5, 0.5)}, n_patients=9)


def test_means_over_seeds_against_scipy() -> None:
    values = [0.81, 0.84, NAN, 0.80]
    made, known = summarise(values), np.array([0.81, 0.84, 0.80])
    low, high = stats.t.interval(0.95, 2, known.mean(), stats.sem(known))
    assert (made.n, made.mean, made.sd, made.low, made.high) == pytest.approx(
        (3, known.mean(), known.std(ddof=1), low, high)
    )
    assert math.isnan(made.patients_low)
    assert summarise([NAN]).n == 0 and math.isnan(summarise([NAN]).mean)
    alone = summarise([0.8], [drawn(0.8, *np.linspace(0.7, 0.9, 101))], n_patients=7)
    assert alone.mean == 0.8 and math.isnan(alone.sd) and math.isnan(alone.low)
    assert (alone.patients_low, alone.patients_high) == pytest.approx((0.705, 0.895))


def test_over_seeds_against_scipy() -> None:
    first, second = {0: 0.9, 1: 0.7, 2: 0.8, 5: 1.0}, {0: 0.5, 1: 0.6, 2: 0.55, 4: 0.0}
    made = over_seeds(first, second)
    wanted = stats.ttest_rel([0.9, 0.7, 0.8], [0.5, 0.6, 0.55])
    ends = wanted.confidence_interval(0.95)
    assert made.seeds == (0, 1, 2)
    assert (made.p, made.low, made.high) == pytest.approx((wanted.pvalue, ends.low, ends.high))
    assert math.isnan(over_seeds({0: 1.0}, {0: 0.5}).p) and math.isnan(over_seeds({}, {}).value)
    assert over_seeds({0: 1.0, 1: 1.0}, {0: 0.5, 1: 0.5}).p == 0 and over_seeds({0: 1, 1: 1}, {0: 1, 1: 1}).p == 1


def test_holm_by_hand() -> None:
    # sorted .005 x 4, .01 x 3, .03 x 2, .04 x 1 -> .02, .03, .06, and never below the one before: .06
    assert holm([0.01, 0.04, NAN, 0.03, 0.005]) == pytest.approx([0.03, 0.06, NAN, 0.06, 0.02], nan_ok=True)
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == [] and math.isnan(holm([NAN])[0])


@pytest.mark.slow
def test_without_a_difference_the_interval_holds_0_in_95_percent_and_p_is_even() -> None:
    """Two models of equal skill, three seeds each, two correlated radiographs of each patient.

    An interval that took radiographs as independent, or drew other patients for each model, would miss this: the
    seeds' models share half of their noise.
    """
    random, covered, p = np.random.default_rng(11), [], []
    for trial in range(400):
        y = np.repeat((random.random((90, 2)) < 0.4).astype(float), 2, axis=0)
        patients, shared = np.repeat(np.arange(90), 2), np.repeat(random.normal(size=(90, 2)), 2, axis=0)
        models = []
        for _ in range(2):
            own = np.repeat(random.normal(size=(90, 2)), 2, axis=0)  # what this configuration gets wrong, any seed
            scores = {}
            for seed in range(3):
                logits = y + shared + own + 0.3 * random.normal(size=y.shape)
                made = patient_scores(y, 1 / (1 + np.exp(-logits)), logits, patients, replicates=200, seed=trial)
                scores[seed] = made.scores["auroc"]
            models.append(scores)
        found = over_patients(models[0], models[1], n_patients=90)
        covered.append(found.low <= 0 <= found.high)
        p.append(found.p)
    assert 0.92 <= np.mean(covered) <= 0.98
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.08
    assert 0.40 <= np.mean(np.array(p) < 0.5) <= 0.60
