"""AUROC, average precision and curves against scikit-learn, a slow count of pairs, and hand-worked values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from core.errors import InputError
from core.metrics.ranking import auroc, average_precision, pr_curve, rank, roc_curve


def case(seed: int, *, ties: bool, n: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random(n) < random.choice([0.05, 0.3, 0.8])).astype(float)
    y[:2] = [0, 1]
    p = random.normal(size=n) + y * random.normal()
    return y, np.round(p) if ties else p, random.integers(0, 4, n) * random.choice([1.0, 0.37])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_both_equal_sklearn(seed: int, ties: bool) -> None:
    y, p, weights = case(seed, ties=ties)
    weights[:2] = 1
    assert auroc(y, p) == pytest.approx(sklearn_metrics.roc_auc_score(y, p), abs=1e-12)
    assert average_precision(y, p) == pytest.approx(sklearn_metrics.average_precision_score(y, p), abs=1e-12)
    kwargs = {"sample_weight": weights}
    assert auroc(y, p, weights) == pytest.approx(sklearn_metrics.roc_auc_score(y, p, **kwargs), abs=1e-12)
    wanted = sklearn_metrics.average_precision_score(y, p, **kwargs)
    assert average_precision(y, p, weights) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_counts_pairs(seed: int) -> None:
    y, p, weights = case(seed, ties=True)
    right = total = 0.0
    for i in np.flatnonzero(y == 1):
        for j in np.flatnonzero(y == 0):
            pair = weights[i] * weights[j]
            total += pair
            right += pair * (1.0 if p[i] > p[j] else 0.5 if p[i] == p[j] else 0.0)
    assert auroc(y, p, weights) == pytest.approx(right / total, abs=1e-12)


def test_weights_are_multiplicities() -> None:
    y, p, _ = case(3, ties=True)
    times = np.random.default_rng(1).integers(0, 4, len(y))
    times[:2] = 1
    again = np.repeat(np.arange(len(y)), times)
    assert auroc(y, p, times) == pytest.approx(auroc(y[again], p[again]), abs=1e-12)
    assert average_precision(y, p, times) == pytest.approx(average_precision(y[again], p[again]), abs=1e-12)


def test_by_hand() -> None:
    y, p = [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1]
    assert auroc(y, p) == pytest.approx(3 / 4)
    assert average_precision(y, p) == pytest.approx((1 + 2 / 3) / 2)
    assert auroc([1, 0, 0], [0.5, 0.5, 0.5]) == 0.5
    assert average_precision([1, 0, 0], [0.5, 0.5, 0.5]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("y", [[1, 1], [0, 0], [np.nan, np.nan], [1, np.nan], []])
def test_one_class_or_none_is_undefined(y: list[float]) -> None:
    p = [0.2, 0.3][: len(y)]
    assert math.isnan(auroc(y, p))
    assert math.isnan(average_precision(y, p))
    assert rank(y, p) is None
    assert len(roc_curve(y, p).threshold) == len(pr_curve(y, p).threshold) == 0


def test_a_class_without_weight_is_undefined() -> None:
    assert math.isnan(auroc([1, 0], [0.2, 0.3], [0, 1]))
    assert math.isnan(average_precision([1, 0], [0.2, 0.3], [1, 0]))


def test_unknown_labels_change_nothing() -> None:
    y, p, weights = case(4, ties=True)
    more_y, more_p = np.append(y, [np.nan, np.nan]), np.append(p, [np.nan, 99.0])
    assert auroc(more_y, more_p) == auroc(y, p)
    assert average_precision(more_y, more_p, np.append(weights, [5, 5])) == average_precision(y, p, weights)
    np.testing.assert_array_equal(roc_curve(more_y, more_p).threshold, roc_curve(y, p).threshold)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(InputError, match="row 1 is nan"):
        auroc([0, 1], [0.1, np.nan])
    with pytest.raises(InputError, match=r"weight in row 0 is -1"):
        auroc([0, 1], [0.1, 0.2], [-1, 1])
    with pytest.raises(InputError, match=r"must be \(2,\)"):
        auroc([0, 1], [0.1, 0.2], [1])
    with pytest.raises(InputError, match="labels holds 2 in row 1"):
        average_precision([0, 2], [0.1, 0.2])


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_roc_curve_equals_sklearn(seed: int, ties: bool) -> None:
    y, p, _ = case(seed, ties=ties)
    got = roc_curve(y, p)
    false, true, threshold = sklearn_metrics.roc_curve(y, p, drop_intermediate=False)
    kept = np.isin(threshold, got.threshold)
    np.testing.assert_allclose(got.false_positive_rate, false[kept], atol=1e-12)
    np.testing.assert_allclose(got.true_positive_rate, true[kept], atol=1e-12)
    # Every point that was dropped lies on the line that was kept; along the curve the sum of the rates ascends.
    walked = got.false_positive_rate + got.true_positive_rate
    np.testing.assert_allclose(np.interp(false + true, walked, got.false_positive_rate), false, atol=1e-12)
    assert ties or kept.sum() < len(kept)
    assert sklearn_metrics.auc(got.false_positive_rate, got.true_positive_rate) == pytest.approx(auroc(y, p))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_pr_curve_equals_sklearn(seed: int, ties: bool) -> None:
    y, p, _ = case(seed, ties=ties)
    got = pr_curve(y, p)
    precision, recall, threshold = sklearn_metrics.precision_recall_curve(y, p)
    np.testing.assert_allclose(got.precision, precision[::-1], atol=1e-12)
    np.testing.assert_allclose(got.recall, recall[::-1], atol=1e-12)
    np.testing.assert_allclose(got.threshold[1:], threshold[::-1])
    steps = np.diff(got.recall) * got.precision[1:]
    assert steps.sum() == pytest.approx(average_precision(y, p))


def test_roc_curve_by_hand() -> None:
    got = roc_curve([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    assert got.false_positive_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    assert got.true_positive_rate.tolist() == [0, 0.5, 0.5, 1, 1]
    assert got.threshold.tolist() == [math.inf, 0.9, 0.8, 0.7, 0.1]
