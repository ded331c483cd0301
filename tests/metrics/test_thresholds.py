"""Thresholds, confusion matrices and Wilson intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sklearn_metrics

from core.errors import ConfigError, InputError
from core.metrics.thresholds import Confusion, choose_threshold, confusion, wilson, wilson_ends


def case(seed: int, *, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (random.random(60) < 0.3).astype(float)
    y[:2] = [0, 1]
    p = np.clip(0.2 * random.normal(size=60) + 0.4 + 0.15 * y, 0, 1)
    return y, np.round(p, 1) if ties else p


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_no_candidate_beats_the_choice(seed: int, ties: bool) -> None:
    y, p = case(seed, ties=ties)
    for rule in ("youden", "f1"):

        def score(t: float, rule: str = rule) -> float:
            called = p >= t
            if rule == "f1":
                return float(sklearn_metrics.f1_score(y, called))
            return float(called[y == 1].mean() - called[y == 0].mean())

        got = choose_threshold(y, p, rule)  # type: ignore[arg-type]
        best = max(score(t) for t in np.unique(p))
        assert score(got.value) == pytest.approx(best, abs=1e-12)
        higher = [t for t in np.unique(p) if t > got.value]
        assert all(score(t) < best - 1e-12 for t in higher)
        assert got.note == ""


def test_choice_by_hand() -> None:
    y, p = [0, 1, 0, 1, 1], [0.1, 0.3, 0.4, 0.6, 0.9]
    # At 0.6: 2 of 3 found, none wrong, J = 2/3 and F1 = 4/5. At 0.3: all found, 1 of 2 wrong, J = 1/2, F1 = 6/7.
    assert choose_threshold(y, p, "youden").value == 0.6
    assert choose_threshold(y, p, "f1").value == 0.3
    assert choose_threshold(y, p, "fixed").value == 0.5


@pytest.mark.parametrize("rule", ["youden", "f1"])
@pytest.mark.parametrize(
    ("y", "counts"), [([1, 1, np.nan], "2 positives and 0"), ([0], "0 positives and 1"), ([], "0 positives and 0")]
)
def test_one_class_falls_back_and_says_so(rule: str, y: list[float], counts: str) -> None:
    got = choose_threshold(y, [0.9] * len(y), rule)  # type: ignore[arg-type]
    assert (got.value, got.rule) == (0.5, rule)
    assert counts in got.note


def test_worse_than_chance_is_noted() -> None:
    assert "chance" in choose_threshold([0, 0, 1], [0.9, 0.8, 0.1], "youden").note


def test_choice_refuses_other_rules_and_scores() -> None:
    with pytest.raises(ConfigError, match="sensitivity, specificity, got 'best'"):
        choose_threshold([0, 1], [0.1, 0.2], "best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="row 1 is 3"):
        choose_threshold([0, 1], [0.1, 3], "f1")


@pytest.mark.parametrize("seed", range(5))
def test_confusion_equals_sklearn(seed: int) -> None:
    y, p = case(seed, ties=True)
    got = confusion(y, p, 0.4)
    assert [got.tn, got.fp, got.fn, got.tp] == sklearn_metrics.confusion_matrix(y, p >= 0.4).ravel().tolist()
    assert got.f1 == pytest.approx(sklearn_metrics.f1_score(y, p >= 0.4))
    assert got.sensitivity == pytest.approx(sklearn_metrics.recall_score(y, p >= 0.4))
    assert got.ppv == pytest.approx(sklearn_metrics.precision_score(y, p >= 0.4))


def test_confusion_counts_the_unknown_and_includes_the_threshold() -> None:
    got = confusion([1, 1, 0, 0, np.nan], [0.5, 0.4, 0.5, 0.1, np.nan], 0.5)
    assert got == Confusion(tn=1, fp=1, fn=1, tp=1, unknown=1)
    assert got.n == 4
    with pytest.raises(InputError, match="NaN"):
        confusion([1], [0.5], math.nan)


def test_rates_by_hand_and_undefined() -> None:
    got = Confusion(tn=6, fp=2, fn=1, tp=3, unknown=0)
    assert (got.sensitivity, got.specificity, got.ppv, got.npv, got.f1) == (3 / 4, 6 / 8, 3 / 5, 6 / 7, 6 / 9)
    none = Confusion(tn=0, fp=0, fn=0, tp=0, unknown=5)
    assert all(math.isnan(v) for v in (none.sensitivity, none.specificity, none.ppv, none.npv, none.f1))
    silent = Confusion(tn=5, fp=0, fn=2, tp=0, unknown=0)
    assert math.isnan(silent.ppv)
    assert (silent.sensitivity, silent.f1) == (0, 0)
    assert math.isnan(silent.intervals()["ppv"].low)


def test_intervals_belong_to_the_rates() -> None:
    got = Confusion(tn=6, fp=2, fn=1, tp=3, unknown=0)
    for name, ends in got.intervals().items():
        assert ends.value == getattr(got, name)
        assert ends.low < ends.value < ends.high
    assert got.intervals()["sensitivity"] == wilson(3, 4)
    assert got.intervals()["specificity"] == wilson(6, 8)
    assert got.intervals()["ppv"] == wilson(3, 5)
    assert got.intervals()["npv"] == wilson(6, 7)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (1, 3), (40, 100), (3, 25_000)])
def test_wilson_equals_scipy(successes: int, trials: int) -> None:
    wanted = binomtest(successes, trials).proportion_ci(method="wilson")
    got = wilson(successes, trials)
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert 0 <= got.low <= got.value <= got.high <= 1


def test_wilson_without_trials_and_beyond_them() -> None:
    assert math.isnan(wilson(0, 0).value)
    with pytest.raises(InputError, match="between 0 and the 3 trials, got 4"):
        wilson(4, 3)


def test_wilson_of_many_at_once_equals_one_by_one() -> None:
    successes, trials = np.array([0, 5, 1, 40, 0]), np.array([5, 5, 3, 100, 0])
    low, high = wilson_ends(successes, trials)
    for at, (part, whole) in enumerate(zip(successes.tolist(), trials.tolist(), strict=True)):
        single = wilson(part, whole)
        assert (low[at], high[at]) == pytest.approx((single.low, single.high), nan_ok=True)


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_wilson_covers_95_percent(n: int) -> None:
    rng = np.random.default_rng(n)
    true = rng.uniform(0.03, 0.97, 40_000)
    low, high = wilson_ends(rng.binomial(n, true), np.full(40_000, n))
    assert ((low <= true) & (true <= high)).mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_sensitivity_is_reached_at_the_highest_threshold(seed: int, ties: bool, target: float) -> None:
    y, p = case(seed, ties=ties)
    got = choose_threshold(y, p, "sensitivity", target)
    reaching = [t for t in np.unique(p) if (p[y == 1] >= t).mean() >= target - 1e-12]
    assert got.value == max(reaching)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_a_specificity_is_reached_at_the_lowest_threshold(seed: int, ties: bool, target: float) -> None:
    y, p = case(seed, ties=ties)
    got = choose_threshold(y, p, "specificity", target)
    reaching = [t for t in np.unique(p) if (p[y == 0] < t).mean() >= target - 1e-12]
    if reaching:
        assert got.value == min(reaching) and not got.note
    else:
        assert got.value > p.max() and "none of it" in got.note


def test_targets_by_hand() -> None:
    y, p = [0, 1, 0, 1, 1], [0.1, 0.3, 0.4, 0.6, 0.9]
    assert choose_threshold(y, p, "sensitivity", 0.6).value == 0.6  # 2 of 3
    assert choose_threshold(y, p, "sensitivity", 0.7).value == 0.3  # 2 of 3 are too few
    assert choose_threshold(y, p, "specificity", 0.5).value == 0.3
    assert choose_threshold(y, p, "specificity", 0.6).value == 0.6
    ten = [1] * 10 + [0]
    assert choose_threshold(ten, [*np.arange(10) / 10 + 0.05, 0.5], "sensitivity", 0.7).value == pytest.approx(0.35)


def test_a_target_that_cannot_be_reached_says_so() -> None:
    y = [1, 0, 0, 0]
    assert "calls all of it present" in choose_threshold(y, [0.1, 0.4, 0.5, 0.2], "sensitivity", 0.9).note
    assert "takes all 2 positives" in choose_threshold([1, 1, 0], [0.9, 0.8, 0.1], "sensitivity", 0.9).note
    got = choose_threshold([0, 0, 1], [0.7, 0.7, 0.7], "specificity", 0.9)
    assert "calls none of it present" in got.note and 0.7 < got.value < 0.71
    for rule in ("sensitivity", "specificity"):
        assert "0 positives" in choose_threshold([0, 0], [0.1, 0.2], rule, 0.9).note  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="between 0 and 1"):
        choose_threshold(y, [0.1, 0.4, 0.5, 0.2], "sensitivity", 90)
