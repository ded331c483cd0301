"""Brier score, mean squared error and calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve as of_sklearn
from sklearn.metrics import brier_score_loss

from core.errors import InputError
from core.metrics.calibration import brier, calibration_curve, expected_calibration_error, overall_mse

RANDOM = np.random.default_rng(2)
Y = (RANDOM.random(400) < 0.3).astype(float)
P = RANDOM.random(400)


def test_brier_equals_sklearn_and_leaves_out_the_unknown() -> None:
    assert brier(Y, P) == pytest.approx(brier_score_loss(Y, P), abs=1e-12)
    assert brier([1, 0, np.nan], [0.5, 0.2, np.nan]) == pytest.approx((0.25 + 0.04) / 2)
    assert math.isnan(brier([np.nan], [0.3]))


def test_overall_mse_weighs_cells_not_findings() -> None:
    labels = [[1, np.nan], [0, np.nan], [0, 1]]
    values = [[0.5, 0.9], [0.5, np.nan], [0.5, 0.0]]
    assert overall_mse(labels, values) == pytest.approx((3 * 0.25 + 1) / 4)
    assert math.isnan(overall_mse([[np.nan]], [[0.1]]))
    with pytest.raises(InputError, match="row 2, column 1 is 2"):
        overall_mse(labels, [[0.5, 0], [0.5, 0], [0.5, 2.0]])


@pytest.mark.parametrize("bins", [1, 5, 15])
def test_calibration_curve_equals_sklearn(bins: int) -> None:
    p = np.round(P, 1)
    p[:2] = [0, 1]
    got = calibration_curve(Y, p, bins=bins)
    observed, predicted = of_sklearn(Y, p, n_bins=bins)
    filled = got.count > 0
    np.testing.assert_allclose(got.observed[filled], observed)
    np.testing.assert_allclose(got.predicted[filled], predicted)
    assert got.count.sum() == 400
    assert len(got.edges) == bins + 1


def test_a_bin_holds_its_upper_edge_and_an_empty_bin_nothing() -> None:
    got = calibration_curve([1, 0, 1, np.nan], [0.0, 0.5, 0.6, 0.9], bins=4)
    assert got.count.tolist() == [1, 1, 1, 0]
    assert math.isnan(got.observed[3])
    assert math.isnan(got.predicted[3])


def test_calibration_error_by_hand() -> None:
    # Bin 1: 0.1 and 0.3 against 1 of 2; bin 2: 0.9 against 1 of 1.
    assert expected_calibration_error([0, 1, 1], [0.1, 0.3, 0.9], bins=2) == pytest.approx((2 * 0.3 + 0.1) / 3)


def test_calibration_error_against_a_loop_and_at_its_ends() -> None:
    slow = 0.0
    for b in range(15):
        inside = np.ceil(P * 15) == b + 1
        slow += abs(Y[inside].mean() - P[inside].mean()) * inside.mean()
    assert expected_calibration_error(Y, P) == pytest.approx(slow, abs=1e-12)
    assert expected_calibration_error([0, 1], [0, 1]) == 0
    assert expected_calibration_error([0, 1], [1, 0]) == 1
    assert math.isnan(expected_calibration_error([np.nan], [0.4]))


def test_probabilities_and_bins_are_checked() -> None:
    with pytest.raises(InputError, match=r"row 0 is -0\.5"):
        expected_calibration_error([0], [-0.5])
    with pytest.raises(InputError, match="bins"):
        calibration_curve(Y, P, bins=0)
