"""The rule from numbers to what may be said."""

from __future__ import annotations

import numpy as np
import pytest

from core.metrics.claims import verdict, verdict_of_weights
from core.metrics.comparison import Replicated, over_patients

NAN = float("nan")


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.002, 0.03, "higher"),
        (-0.03, -0.002, "lower"),
        (0.001, 0.005, "higher"),  # small, but not by chance
        (-0.006, 0.008, "unchanged"),
        (0.0, 0.0, "unchanged"),
        (0.0, 0.01, "unchanged"),
        (-0.006, 0.011, "open"),
        (-0.011, 0.006, "open"),
        (0.0, 0.03, "open"),  # 0 itself is not left out
        (NAN, NAN, "unknown"),
        (-0.1, NAN, "unknown"),
    ],
)
def test_an_interval_against_zero_and_a_margin(low: float, high: float, wanted: str) -> None:
    assert verdict(low, high, margin=0.01) == wanted
    assert verdict(low, high, margin=0.01, p=NAN) == wanted


@pytest.mark.parametrize(("p", "wanted"), [(0.049, "higher"), (0.05, "open"), (0.3, "open")])
def test_after_a_correction_an_interval_alone_does_not_decide(p: float, wanted: str) -> None:
    assert verdict(0.002, 0.03, margin=0.01, p=p) == wanted


def test_within_the_margin_it_is_unchanged_where_the_correction_takes_the_difference_away() -> None:
    assert verdict(0.001, 0.005, margin=0.01, p=0.2) == "unchanged"


@pytest.mark.parametrize(
    ("difference", "wanted"),
    [(-0.82, "lower"), (0.011, "higher"), (0.01, "unchanged"), (0, "unchanged"), (NAN, "unknown")],
)
def test_without_chance_the_weights_decide(difference: float, wanted: str) -> None:
    assert verdict_of_weights(difference, margin=0.01) == wanted


def test_models_that_do_not_differ_are_seldom_told_apart_and_never_alike_on_few_patients() -> None:
    """Differences of 25 patients with a standard deviation of 0.1: the interval is some 0.04 wide on each side."""
    random, found = np.random.default_rng(2), []
    for _ in range(300):
        own = random.normal(0, 0.1, 25)
        drawn = own[random.integers(0, 25, (400, 25))].mean(axis=1)
        made = over_patients(
            {0: Replicated(value=float(own.mean()), replicates=drawn)},
            {0: Replicated(value=0.0, replicates=np.zeros(400))},
            n_patients=25,
        )
        found.append(verdict(made.low, made.high, margin=0.01))
    assert found.count("unchanged") == 0
    assert 0.01 < 1 - found.count("open") / 300 < 0.12  # 5 %, a little more with so few patients
