"""Rates over resampled patients against a slow bootstrap, and how often their intervals hold what is true."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.errors import InputError
from core.metrics.rates import RATES, cells_of, difference_over_patients, draws, over_patients, rates, resampled
from core.metrics.thresholds import Confusion, confusion, wilson

LABELS = np.array([1, 1, 0, 0, np.nan, 1, 0, 1], float)
CALLED = np.array([1, 0, 1, 0, 1, 1, 0, 0], bool)
PATIENTS = np.array(["a", "a", "b", "b", "b", "c", "c", "d"])


def test_cells_by_hand() -> None:
    assert cells_of(LABELS, CALLED).tolist() == [3, 2, 1, 0, -1, 3, 0, 2]


def test_rates_are_those_of_the_confusion() -> None:
    found = rates(np.array([[6.0], [2], [1], [3]]))
    single = Confusion(tn=6, fp=2, fn=1, tp=3, unknown=0)
    assert {name: float(found[name][0]) for name in RATES} == {name: getattr(single, name) for name in RATES}
    none = rates(np.zeros((4, 1)))
    assert all(math.isnan(none[name][0]) for name in RATES)


def test_every_replicate_is_what_its_patients_are() -> None:
    drawn = draws(PATIENTS, replicates=50, seed=3)
    assert drawn.times.shape == (4, 50) and (drawn.times.sum(axis=0) == 4).all()
    found = resampled(cells_of(LABELS, CALLED), drawn, 4)
    names = sorted(set(PATIENTS.tolist()))
    for replicate in range(50):
        rows = [
            row
            for at, name in enumerate(names)
            for _ in range(int(drawn.times[at, replicate]))
            for row in np.flatnonzero(name == PATIENTS).tolist()
        ]
        single = confusion(LABELS[rows], CALLED[rows].astype(float), 0.5)
        assert found[:, replicate].tolist() == [single.tn, single.fp, single.fn, single.tp]


def test_values_are_those_of_the_data_and_ends_those_of_the_logit() -> None:
    drawn = draws(PATIENTS, replicates=200, seed=0)
    found = over_patients(LABELS, CALLED, drawn)
    assert found["sensitivity"].value == 2 / 4 and found["specificity"].value == 2 / 3
    replicates = rates(resampled(cells_of(LABELS, CALLED), drawn, 4))["sensitivity"]
    known = replicates[~np.isnan(replicates)]
    half = 1.959964 * known.std(ddof=1) / (0.5 * 0.5)  # of the logit, which is 0 for one half
    ends = [1 / (1 + math.exp(-end)) for end in (-half, half)]
    assert (found["sensitivity"].low, found["sensitivity"].high) == pytest.approx(ends, rel=1e-6)
    assert found["sensitivity"].replicates == len(known)


def test_one_patient_has_no_interval_and_none_cannot_be_drawn() -> None:
    found = over_patients([1, 0, 1], [True, False, False], draws(["a", "a", "a"], replicates=10))
    assert found["sensitivity"].value == 0.5 and math.isnan(found["sensitivity"].low)
    with pytest.raises(InputError, match="no radiograph"):
        draws([])


def test_a_difference_is_paired() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), 3)
    first, of = rng.random(180) < 0.8, rng.random(180) < 0.5
    same = difference_over_patients(first, first, of, draws(patients, replicates=100))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    second = first.copy()
    second[np.flatnonzero(of)[:9]] = False
    found = difference_over_patients(first, second, of, draws(patients, replicates=400))
    assert found.value == pytest.approx(first[of].mean() - second[of].mean())
    assert 0 <= found.low <= found.value <= found.high
    none = difference_over_patients(first, second, np.zeros(180, bool), draws(patients, replicates=10))
    assert math.isnan(none.value)


def test_patients_with_several_radiographs_need_the_wider_interval() -> None:
    """Radiographs of a patient are found or missed together: Wilson's interval is too short, that of patients holds."""
    rng = np.random.default_rng(5)
    count, each, simulations, true = 80, 5, 500, 0.7
    drawn = draws(np.repeat(np.arange(count), each), replicates=300)
    held = {"patients": 0, "wilson": 0}
    for _ in range(simulations):
        chance = rng.beta(2.1, 0.9, count)  # of each patient; its mean is 0.7
        called = rng.random((count, each)) < chance[:, None]
        over = over_patients(np.ones(count * each), called.ravel(), drawn)["sensitivity"]
        alone = wilson(int(called.sum()), count * each)
        held["patients"] += over.low <= true <= over.high
        held["wilson"] += alone.low <= true <= alone.high
    assert held["patients"] / simulations == pytest.approx(0.95, abs=0.03)
    assert held["wilson"] / simulations < 0.9
