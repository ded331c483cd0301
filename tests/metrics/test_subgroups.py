"""Gaps between subgroups, and what is called when a finding is missed: by hand and against loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from core.errors import InputError
from core.metrics.mistaken import missed_as, mistaken
from core.metrics.recalibration import recalibration
from core.metrics.subgroups import AGE_NAMES, age_group, gaps, to_rest

NAN = np.nan


def test_ages_fall_into_chexclusions_groups() -> None:
    found = age_group([0, 19.9, 20, 59, 60, 79, 80, 120, -1, NAN])
    assert found.tolist() == [0, 0, 1, 2, 3, 3, 4, 4, -1, -1]
    assert len(AGE_NAMES) == 5


def test_gaps_by_hand() -> None:
    rates = np.array([[0.5, 0.5, 0.5, NAN], [0.7, 0.9, NAN, NAN], [0.8, NAN, NAN, NAN]])
    wanted = [[-0.2, -0.4, NAN, NAN], [0.0, 0.4, NAN, NAN], [0.1, NAN, NAN, NAN]]
    np.testing.assert_allclose(to_rest(rates), wanted, atol=1e-12)
    even = np.array([[0.1], [0.2], [0.4], [0.9]])
    np.testing.assert_allclose(to_rest(even)[:, 0], even[:, 0] - 0.3, atol=1e-12)


def study(seed: int = 0, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random((n, 3)) < 0.4).astype(float)
    y[random.random(y.shape) < 0.1] = NAN
    return y, random.random(y.shape) * 0.7 + 0.3 * np.nan_to_num(y), np.arange(n), random.integers(-1, 3, n)


def test_rates_and_areas_against_loops() -> None:
    y, p, patients, group = study()
    found = gaps(y, p, [0.5, 0.6, 0.7], patients, group, ("a", "b", "c"), replicates=50)
    assert found.left_out == (group == -1).sum() and found.n.tolist() == [(group == at).sum() for at in range(3)]
    for at in range(3):
        for column, level in enumerate((0.5, 0.6, 0.7)):
            own = (group == at) & (y[:, column] == 1)
            assert found.positives[at, column] == own.sum()
            assert found.rate[at, column] == pytest.approx((p[own, column] >= level).mean())
            known = (group == at) & ~np.isnan(y[:, column])
            assert found.auroc[at, column] == pytest.approx(roc_auc_score(y[known, column], p[known, column]))


def test_the_interval_of_single_radiographs_is_jeffreys() -> None:
    y, p, patients, group = study()
    found = gaps(y, p, [0.5, 0.6, 0.7], patients, group, ("a", "b", "c"), replicates=20_000)
    hits = np.round(found.rate * found.positives)
    for end, share in ((found.rate_low, 0.025), (found.rate_high, 0.975)):
        wanted = beta.ppf(share, hits + 0.5, found.positives - hits + 0.5)
        np.testing.assert_allclose(end, wanted, atol=0.01)


def test_all_of_few_found_is_not_certain_and_none_is_not_a_number() -> None:
    y = np.array([[1, 0], [1, 0], [1, 1], [0, 0.0]])
    found = gaps(y, [[0.9, 0.1]] * 4, [0.5, 0.5], range(4), [0, 0, 1, 1], ("a", "b"))
    assert found.rate[0, 0] == 1 and found.rate_high[0, 0] == 1 and found.rate_low[0, 0] < 0.5
    assert found.positives.tolist() == [[2, 0], [1, 1]]
    assert np.isnan(found.rate[0, 1]) and np.isnan(found.rate_low[0, 1])
    assert np.isnan(found.gap[:, 1]).all() and np.isnan(found.gap_low[:, 1]).all()
    assert found.gap[:, 0].tolist() == [0, 0]
    assert (found.gap_low[:, 0] < -0.2).all() and (found.gap_high[:, 0] > 0.2).all()


def test_patients_with_many_equal_radiographs_are_not_counted_as_many() -> None:
    y, called = np.ones((60, 1)), np.repeat(np.arange(10) % 2, 6)[:, None].astype(float)
    together = gaps(y, called, [0.5], np.repeat(np.arange(10), 6), np.zeros(60, int), ("a",))
    alone = gaps(y, called, [0.5], np.arange(60), np.zeros(60, int), ("a",))
    width = [float(one.rate_high[0, 0] - one.rate_low[0, 0]) for one in (together, alone)]
    assert width[0] > 2 * width[1]


def test_groups_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match="allowed are -1"):
        gaps([[1.0]], [[0.5]], [0.5], [1], [2], ("a",))
    with pytest.raises(InputError, match="do not fit"):
        gaps([[1.0]], [[0.5]], [0.5, 0.5], [1], [0], ("a",))


def test_mistaken_by_hand() -> None:
    """The first finding is missed in rows 0, 1 and 2; the second is called in 0 and 1 of these, rightly in 0."""
    labels = [[1, 1], [1, 0], [1, 0], [1, 1], [0, NAN], [NAN, 1]]
    called = [[0, 1], [0, 1], [0, 0], [1, 1], [1, 1], [0, 0]]
    found = mistaken(labels, called)
    assert found.missed.tolist() == [3, 1]
    assert found.called.tolist() == [[0, 2], [0, 0]]
    assert found.truly.tolist() == [[0, 1], [0, 0]]
    assert found.share[0, 1] == pytest.approx(2 / 3)
    assert found.base.tolist() == pytest.approx([2 / 6, 4 / 6])
    assert found.lift[0, 1] == pytest.approx(1)
    assert missed_as(labels, called, 0, 1).tolist() == [0, 1]
    assert missed_as(labels, called, 1, 0).tolist() == []


def test_a_finding_that_is_never_missed_has_no_share() -> None:
    found = mistaken([[1, 0], [0, 0]], [[1, 0], [0, 0]])
    assert np.isnan(found.share).all() and np.isnan(found.lift).all()
    assert found.base.tolist() == [0.5, 0]
    with pytest.raises(InputError, match="same shape"):
        mistaken([[1, 0]], [[True]])


def test_recalibration_is_scikit_learns_logistic_line() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=500)
    y = (random.random(500) < 1 / (1 + np.exp(0.5 - 0.6 * logits))).astype(float)
    found = recalibration(np.append(y, NAN), np.append(1 / (1 + np.exp(-logits)), 0.5), np.arange(501))
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(logits[:, None], y)
    assert found.slope.value == pytest.approx(line.coef_[0, 0], abs=1e-5)
    assert found.intercept.value == pytest.approx(line.intercept_[0], abs=1e-5)
    assert found.slope.low < found.slope.value < found.slope.high < found.slope.value + 0.5


def test_copies_of_patients_do_not_narrow_the_line() -> None:
    random = np.random.default_rng(1)
    p = random.random(200)
    y = (random.random(200) < p).astype(float)
    once = recalibration(y, p, np.arange(200))
    often = recalibration(np.repeat(y, 5), np.repeat(p, 5), np.repeat(np.arange(200), 5))
    assert often.slope.low == pytest.approx(once.slope.low, abs=1e-6)


@pytest.mark.parametrize(
    ("y", "p"), [([0, 0, 0], [0.1, 0.2, 0.3]), ([0, 1, 0], [0.5, 0.5, 0.5]), ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])]
)
def test_without_a_line_there_is_no_number(y: list[float], p: list[float]) -> None:
    found = recalibration(y, p, np.arange(len(y)))
    assert np.isnan(found.slope.value) and np.isnan(found.intercept.low)
