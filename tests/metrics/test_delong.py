"""DeLong: against a slow version that looks at every pair, by hand, and with patients as clusters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from core.errors import InputError
from core.metrics.comparison import holm
from core.metrics.delong import areas, auroc_differences, auroc_interval


def data(n: int = 120, models: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.35).astype(float)
    p = np.round(random.random((n, models)) + 0.3 * y[:, None], 1)  # many ties
    return y, p, random.integers(0, n // 3, n)


def by_pairs(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and covariance from the m x n kernel, as DeLong, DeLong and Clarke-Pearson wrote it."""
    above, below = p[y == 1], p[y == 0]
    kernel = (above[:, None] > below[None]) + 0.5 * (above[:, None] == below[None])  # (m, n, M)
    tens, ones = kernel.mean(axis=1), kernel.mean(axis=0)
    return kernel.mean(axis=(0, 1)), np.cov(tens.T) / len(above) + np.cov(ones.T) / len(below)


def by_clusters(y: np.ndarray, p: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Obuchowski's variance of one AUROC, sum by sum as in the paper."""
    above, below = p[y == 1], p[y == 0]

    def over(x: float) -> float:
        return float(((x > below) + 0.5 * (x == below)).mean())

    def under(x: float) -> float:
        return float(((above > x) + 0.5 * (above == x)).mean())

    area = float(np.mean([over(x) for x in above]))
    tens, ones = {}, {}
    for name in set(patients.tolist()):
        own = patients == name
        tens[name] = sum(over(x) - area for x in p[own & (y == 1)])
        ones[name] = sum(under(x) - area for x in p[own & (y == 0)])
    m, n = len(above), len(below)
    with_one = len({name for name in patients[y == 1].tolist()})
    with_zero = len({name for name in patients[y == 0].tolist()})
    count = len(tens)
    s10 = with_one / ((with_one - 1) * m) * sum(value**2 for value in tens.values())
    s01 = with_zero / ((with_zero - 1) * n) * sum(value**2 for value in ones.values())
    s11 = count / (count - 1) * sum(tens[name] * ones[name] for name in tens)
    return np.array(s10 / m + s01 / n + 2 * s11 / (m * n))


def test_every_radiograph_a_patient_is_the_slow_delong() -> None:
    y, p, _ = data()
    area, covariance = by_pairs(y, p)
    for patients in (None, np.arange(len(y))):
        found = areas(y, p, patients)
        np.testing.assert_allclose(found.values, area, atol=1e-12)
        np.testing.assert_allclose(found.covariance, covariance, atol=1e-12)
    assert found.values[1] == pytest.approx(roc_auc_score(y, p[:, 1]), abs=1e-12)


def test_patients_as_clusters_are_obuchowskis_sums() -> None:
    y, p, patients = data()
    found = areas(y, p, patients)
    for at in range(3):
        assert found.covariance[at, at] == pytest.approx(by_clusters(y, p[:, at], patients), abs=1e-12)
    # the variance of a sum or difference of two AUROCs says what their covariance has to be
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12


def test_a_covariance_is_what_the_difference_of_placements_gives() -> None:
    y, p, patients = data()
    found = areas(y, p, patients)
    swapped = areas(y, p[:, ::-1], patients)
    np.testing.assert_allclose(swapped.covariance, found.covariance[::-1, ::-1], atol=1e-14)
    np.testing.assert_allclose(found.covariance, found.covariance.T, atol=1e-14)


def test_by_hand() -> None:
    """Positives 3, 2; negatives 1, 2.5: three of four pairs are in order. Placements of the positives: 1 and 1/2; of
    the negatives: 1 and 1/2; each has variance 1/8, so the variance of AUROC is 1/16 + 1/16."""
    found = areas([1, 1, 0, 0], [[3.0], [2.0], [1.0], [2.5]])
    assert found.values[0] == 0.75
    assert found.covariance[0, 0] == pytest.approx(0.125)
    # one patient has the first positive and the first negative, another the rest: (1/4, -1/4) and (1/4, -1/4) are the
    # sums of the two, each counted twice, and what they share is added: 2/16 + 2/16 + 4/16
    together = areas([1, 1, 0, 0], [[3.0], [2.0], [1.0], [2.5]], ["a", "b", "a", "b"])
    assert together.covariance[0, 0] == pytest.approx(0.0625 * (1 + 1 + 2))


def test_copies_of_a_patients_radiographs_say_nothing_new() -> None:
    y, p, _ = data()
    once = areas(y, p, np.arange(len(y)))
    often = areas(np.repeat(y, 7), np.repeat(p, 7, axis=0), np.repeat(np.arange(len(y)), 7))
    np.testing.assert_allclose(often.values, once.values, atol=1e-12)
    np.testing.assert_allclose(often.covariance, once.covariance, atol=1e-12)
    assert areas(np.repeat(y, 7), np.repeat(p, 7, axis=0)).covariance[0, 0] < once.covariance[0, 0] / 5


def test_the_difference_and_its_p() -> None:
    y, p, _ = data()
    area, covariance = by_pairs(y, p[:, :2])
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    (found,) = auroc_differences(y[:, None], p[:, :1], p[:, 1:2], np.arange(len(y)))
    assert found.value == pytest.approx(area[0] - area[1])
    assert (found.high - found.low) / 2 == pytest.approx(stats.norm.ppf(0.975) * error)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.value) / error))
    assert found.p_holm == found.p


def test_holm_over_findings_and_unknown_labels() -> None:
    random = np.random.default_rng(3)
    y = (random.random((200, 4)) < 0.3).astype(float)
    y[random.random(y.shape) < 0.2] = np.nan
    y[:, 2] = 0
    first, second = random.random(y.shape) + 0.4 * np.nan_to_num(y), random.random(y.shape)
    patients = random.integers(0, 90, 200)
    found = auroc_differences(y, first, second, patients)
    assert [one.p_holm for one in found if not math.isnan(one.p)] == holm([found[at].p for at in (0, 1, 3)])
    assert found[2].n_positive == 0
    assert math.isnan(found[2].value) and math.isnan(found[2].p_holm) and not found[2].beyond_chance
    known = ~np.isnan(y[:, 1])
    alone = auroc_differences(y[known, 1:2], first[known, 1:2], second[known, 1:2], patients[known])[0]
    assert (alone.value, alone.low, alone.p) == (found[1].value, found[1].low, found[1].p)


def test_a_model_against_itself_and_a_perfect_one() -> None:
    y, p, patients = data()
    (same,) = auroc_differences(y[:, None], p[:, :1], p[:, :1], patients)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    perfect = areas(y, y[:, None], patients)
    interval = auroc_interval(perfect)
    assert interval.value == 1 and math.isnan(interval.low) and math.isnan(interval.high)
    assert math.isnan(areas([1, 0, 0], [[0.3], [0.2], [0.1]]).covariance[0, 0])  # one positive


def test_the_logit_interval_by_hand() -> None:
    interval = auroc_interval(areas([1, 1, 0, 0], [[3.0], [2.0], [1.0], [2.5]]))
    half = 1.959964 * math.sqrt(0.125) / 0.1875
    assert interval.low == pytest.approx(1 / (1 + math.exp(half - math.log(3))), abs=1e-6)
    assert interval.high == pytest.approx(1 / (1 + math.exp(-half - math.log(3))), abs=1e-6)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        auroc_differences(np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 1)), [1, 2, 3])
    with pytest.raises(InputError, match="radiographs, models"):
        areas([0, 1], [0.1, 0.2])
