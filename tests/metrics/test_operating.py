"""Bands of curves: against scikit-learn's curves and a loop that copies radiographs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from core.errors import InputError
from core.metrics.operating import GRID, bands, pr_on_grid, roc_on_grid


def data(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random(n) < 0.4).astype(float)
    return y, np.round(random.random(n) + 0.4 * y, 1), random.integers(0, n // 3, n)


def test_curves_on_the_grid_are_scikit_learns() -> None:
    y, p, _ = data()
    over, up, _ = roc_curve(y, p, drop_intermediate=False)
    np.testing.assert_allclose(roc_on_grid(y, p), np.interp(GRID, over, up), atol=1e-12)
    precision, recall, _ = precision_recall_curve(y, p)
    ascending = [precision[np.flatnonzero(recall >= max(at, recall[recall > 0].min()) - 1e-9)[-1]] for at in GRID]
    np.testing.assert_allclose(pr_on_grid(y, p), ascending, atol=1e-12)


def test_by_hand() -> None:
    """Scores 4 (present), 3 (absent), 2 (present), 1 (absent)."""
    roc, pr = roc_on_grid([1, 0, 1, 0], [4, 3, 2, 1]), pr_on_grid([1, 0, 1, 0], [4, 3, 2, 1])
    assert (roc[0], roc[25], roc[50], roc[100]) == (0.5, 0.5, 1, 1)
    assert (pr[0], pr[50], pr[51], pr[100]) == (1, 1, pytest.approx(2 / 3), pytest.approx(2 / 3))


def test_a_band_is_that_of_copied_radiographs() -> None:
    y, p, patients = data()
    found = bands(y, p, patients, replicates=60, seed=4)
    names = np.unique(patients)
    random = np.random.default_rng(4)
    drawn = [names[random.integers(0, len(names), len(names))] for _ in range(60)]
    rows = [np.concatenate([np.flatnonzero(patients == name) for name in draw]) for draw in drawn]
    curves = np.array([roc_on_grid(y[own], p[own]) for own in rows])
    np.testing.assert_allclose(found.roc.low, np.percentile(curves, 2.5, axis=0), atol=1e-6)
    np.testing.assert_allclose(found.roc.high, np.percentile(curves, 97.5, axis=0), atol=1e-6)
    assert found.replicates == 60


def test_unknown_labels_are_left_out() -> None:
    y, p, patients = data()
    more = np.append(y, np.nan), np.append(p, np.nan), np.append(patients, patients[0])
    for one, other in ((bands(y, p, patients).roc, bands(*more).roc), (bands(y, p, patients).pr, bands(*more).pr)):
        np.testing.assert_array_equal(one.low, other.low)


def test_one_class_or_one_patient_has_no_band() -> None:
    for y, patients in (([0, 0, 0], [1, 2, 3]), ([0, 1, 0], [1, 1, 1])):
        found = bands(y, [0.1, 0.2, 0.3], patients)
        assert np.isnan(found.roc.low).all() and np.isnan(found.pr.high).all() and found.replicates == 0
    assert np.isnan(roc_on_grid([0, 0], [0.1, 0.2])).all()


def test_all_of_few_right_is_not_certain() -> None:
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0.0])
    found = bands(y, np.arange(8)[::-1], np.arange(8), replicates=400)
    assert pr_on_grid(y, np.arange(8)[::-1])[50] == 1
    assert found.pr.low[50] < 0.7


def test_no_replicates_are_refused() -> None:
    with pytest.raises(InputError, match="replicates"):
        bands([0, 1], [0.1, 0.2], [1, 2], replicates=0)
