"""Intervals over patients: against a loop that copies radiographs, and by simulation."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from core.errors import InputError
from core.metrics import bootstrap as module
from core.metrics.bootstrap import bootstrap, interval, macro_interval, patient_index


def study(n: int = 90, patients: int = 30, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random((n, k)) < 0.3).astype(float)
    y[random.random((n, k)) < 0.1] = np.nan
    p = np.round(random.random((n, k)) + 0.2 * np.nan_to_num(y), 1)
    return y, p, random.integers(0, patients, n).astype(str)


def test_replicates_equal_a_loop_that_copies_radiographs() -> None:
    y, p, patients = study()
    got = bootstrap(y, p, patients, replicates=40, seed=9)
    names = np.unique(patients)
    random = np.random.default_rng(9)
    for r in range(40):
        drawn = names[random.integers(0, len(names), len(names))]
        rows = np.concatenate([np.flatnonzero(patients == name) for name in drawn])
        for k in range(3):
            known = rows[~np.isnan(y[rows, k])]
            assert got.auroc[r, k] == pytest.approx(roc_auc_score(y[known, k], p[known, k]), abs=1e-12)
            wanted = average_precision_score(y[known, k], p[known, k])
            assert got.average_precision[r, k] == pytest.approx(wanted, abs=1e-12)
    assert got.n_patients == len(names)


def test_blocks_of_replicates_do_not_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p, patients = study()
    whole = bootstrap(y, p, patients, replicates=40, seed=9)
    monkeypatch.setattr(module, "CELLS", 7 * len(y))
    np.testing.assert_array_equal(bootstrap(y, p, patients, replicates=40, seed=9).auroc, whole.auroc)


def test_seed_fixes_the_patients_for_any_model() -> None:
    y, p, patients = study()
    first, again = (bootstrap(y, p, patients, replicates=30, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.auroc, again.auroc)
    # A monotone change of the scores is the same model: every replicate must agree, so they share their patients.
    np.testing.assert_allclose(bootstrap(y, p**3, patients, replicates=30, seed=1).auroc, first.auroc)
    assert not np.array_equal(bootstrap(y, p, patients, replicates=30, seed=2).auroc, first.auroc)


def test_a_finding_without_a_class_is_nan_everywhere() -> None:
    y, p, patients = study()
    y[:, 1] = np.where(np.isnan(y[:, 1]), np.nan, 0)
    got = bootstrap(y, p, patients, replicates=20)
    assert np.isnan(got.auroc[:, 1]).all()
    assert math.isnan(got.auroc_value[1])
    assert not np.isnan(got.auroc[:, 0]).any()


def test_patients_not_radiographs_are_drawn() -> None:
    # Twenty copies of each radiograph under one patient say no more than one radiograph each.
    random = np.random.default_rng(0)
    y, p = (random.random((60, 1)) < 0.4).astype(float), random.random((60, 1))
    one = bootstrap(y, p, np.arange(60), replicates=300)
    twenty = bootstrap(np.repeat(y, 20, 0), np.repeat(p, 20, 0), np.repeat(np.arange(60), 20), replicates=300)
    np.testing.assert_allclose(twenty.auroc, one.auroc)
    alone = bootstrap(np.repeat(y, 20, 0), np.repeat(p, 20, 0), np.arange(1200), replicates=300)
    assert alone.auroc.std() < one.auroc.std() / 3


@pytest.mark.parametrize(
    ("patients", "message"),
    [
        (np.arange(3), "shape"),
        (np.array([0, 1, np.nan, 3]), "row 2"),
        (np.array(["a", None, "b", "c"], dtype=object), "row 1"),
        (np.array(["a", "b", "c", np.nan], dtype=object), "row 3"),
    ],
)
def test_patients_must_be_named(patients: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        patient_index(patients, 4)


def test_patients_may_be_words_or_numbers() -> None:
    index, count = patient_index(["b", "a", "b"], 3)
    assert (index.tolist(), count) == ([1, 0, 1], 2)
    assert patient_index(np.array([7, 7, 2]), 3)[1] == 2


def test_bootstrap_refuses_what_it_cannot_score() -> None:
    y, p, patients = study()
    with pytest.raises(InputError, match="same shape"):
        bootstrap(y, p[:, :2], patients)
    with pytest.raises(InputError, match="replicates"):
        bootstrap(y, p, patients, replicates=0)
    with pytest.raises(InputError, match="at least one radiograph"):
        bootstrap(y[:0], p[:0], patients[:0])
    p[np.flatnonzero(~np.isnan(y[:, 2]))[0], 2] = np.nan
    with pytest.raises(InputError, match="column 2: the score in row"):
        bootstrap(y, p, patients)


def test_interval_on_the_scale_of_the_logit_from_the_defined() -> None:
    got = interval(0.8, [0.7, 0.8, 0.9, math.nan], n_patients=9)
    # standard deviation 0.1, on the logit 0.1 / (0.8 * 0.2) = 0.625; logit(0.8) = log 4
    ends = [1 / (1 + math.exp(-(math.log(4) + sign * 1.959964 * 0.625))) for sign in (-1, 1)]
    assert (got.value, got.low, got.high, got.replicates) == pytest.approx((0.8, *ends, 3))


def test_interval_of_an_end_takes_percentiles() -> None:
    got = interval(1.0, np.arange(101) / 100, n_patients=9)
    assert (got.low, got.high) == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize(
    ("value", "replicates", "n_patients"), [(math.nan, [0.5], 9), (0.5, [math.nan], 9), (0.5, [0.5, 0.5], 1)]
)
def test_interval_without_ground_has_no_ends(value: float, replicates: list[float], n_patients: int) -> None:
    got = interval(value, replicates, n_patients=n_patients)
    assert math.isnan(got.low)
    assert math.isnan(got.high)
    assert got.replicates == 0


def test_macro_rule_by_hand() -> None:
    nan = np.nan
    replicates = np.array([[0.2, 0.9, 0.4], [nan, 0.1, 0.8], [nan, 0.5, nan]])
    got = macro_interval([0.6, nan, 0.8], replicates, n_patients=9)
    # The second finding has no support; the means are (0.2 + 0.4) / 2 and 0.8, the third replicate is left out.
    assert got.value == pytest.approx(0.7)
    assert got.replicates == 2
    wanted = interval(0.7, [0.3, 0.8], n_patients=9)
    assert (got.low, got.high) == (wanted.low, wanted.high)
    assert math.isnan(macro_interval([nan, nan], np.full((4, 2), nan), n_patients=9).value)


def test_95_percent_intervals_cover_the_truth() -> None:
    # Scores N(0, 1) and N(1, 1): the true AUROC is Phi(1 / sqrt 2) = 0.7602. Two equal radiographs per patient, so
    # an interval that took radiographs as independent would be too short by sqrt 2 and cover 83 %.
    random = np.random.default_rng(5)
    covered = []
    for trial in range(300):
        y = np.repeat((random.random(120) < 0.4).astype(float), 2)[:, None]
        p = np.repeat(random.normal(size=120), 2)[:, None] + y
        got = bootstrap(y, p, np.repeat(np.arange(120), 2), replicates=200, seed=trial)
        ends = interval(got.auroc_value[0], got.auroc[:, 0], n_patients=120)
        covered.append(ends.low <= 0.7602 <= ends.high)
    assert 0.90 <= np.mean(covered) <= 0.985


@pytest.mark.slow
def test_the_size_of_the_nih_test_split_takes_seconds() -> None:
    random = np.random.default_rng(0)
    y = (random.random((25_000, 14)) < np.geomspace(0.2, 0.002, 14)).astype(float)
    started = time.monotonic()
    got = bootstrap(y, random.random(y.shape), random.integers(0, 2800, 25_000), replicates=1000)
    assert got.auroc.shape == (1000, 14)
    assert time.monotonic() - started < 60
