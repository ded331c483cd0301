"""McNemar's test and Newcombe's paired interval: hand-worked values, slow obvious versions, coverage in simulation."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binomtest

from core.errors import InputError
from core.metrics.comparison import holm
from core.metrics.mcnemar import FEW, by_label, from_counts, mcnemar, newcombe, paired
from core.metrics.thresholds import Z_95


def probability(k: int, n: int) -> Fraction:
    """Of k heads in n throws of a fair coin."""
    return Fraction(math.comb(n, k), 2**n)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 0), (0, 5), (3, 9), (7, 7), (12, 12), (23, 1)])
def test_few_pairs_are_tested_exactly(first: int, second: int) -> None:
    p, method = mcnemar(first, second)
    wanted = binomtest(first, first + second).pvalue if first + second else 1.0
    assert method == "exact"
    assert p == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(("first", "second"), [(25, 0), (13, 12), (20, 9), (9, 20), (15, 15), (300, 261)])
def test_many_pairs_count_what_was_found_half(first: int, second: int) -> None:
    n, fewer = first + second, min(first, second)
    if first == second:
        wanted = 1 - probability(fewer, n) / 2
    else:
        wanted = 2 * sum(probability(k, n) for k in range(fewer + 1)) - probability(fewer, n)
    p, method = mcnemar(first, second)
    assert method == "mid-p"
    assert p == pytest.approx(float(wanted), rel=1e-9)
    assert p < binomtest(first, n).pvalue or first == second


def test_p_by_hand() -> None:
    assert mcnemar(5, 0)[0] == pytest.approx(2 / 32)  # all five on one side, two-sided
    assert mcnemar(1, 3)[0] == pytest.approx(2 * 5 / 16)
    assert mcnemar(FEW, 0)[0] == pytest.approx(2 / 2**25 - 1 / 2**25)


def test_p_of_very_many_pairs_is_neither_lost_nor_negative() -> None:
    assert 0 <= mcnemar(20_000, 10)[0] < 1e-300
    assert mcnemar(10_050, 9_950)[0] == pytest.approx(0.4795, abs=1e-3)  # the normal approximation: z = 0.7071


def test_negative_counts_are_refused() -> None:
    with pytest.raises(InputError, match="-1 and 3"):
        mcnemar(-1, 3)


@pytest.mark.parametrize(
    ("counts", "ends"),
    [
        ((14, 5, 0, 22), (0.011, 0.226)),  # Altman and others, "Statistics with Confidence", 2000: 0.011 to 0.226
        ((20, 12, 2, 16), (0.0562, 0.3292)),
        ((54, 0, 0, 0), (-0.0664, 0.0664)),  # no correlation: 54 of 54 ends at 1 - 0.0664 for both
    ],
)
def test_newcombe_by_hand(counts: tuple[int, int, int, int], ends: tuple[float, float]) -> None:
    found = from_counts(*counts)
    assert found.difference == pytest.approx((counts[1] - counts[2]) / sum(counts))
    assert (found.low, found.high) == pytest.approx(ends, abs=6e-4)


def slow_newcombe(a: int, b: int, c: int, d: int) -> tuple[float, float]:
    """Step by step, in scalars."""
    n = a + b + c + d

    def score(k: int) -> tuple[float, float]:
        found = binomtest(k, n).proportion_ci(method="wilson")
        return found.low, found.high

    one, two = (a + b) / n, (a + c) / n
    (l1, u1), (l2, u2) = score(a + b), score(a + c)
    product = (a + b) * (c + d) * (a + c) * (b + d)
    cross = a * d - b * c
    if cross > n / 2:
        cross -= n / 2
    elif cross >= 0:
        cross = 0
    phi = cross / math.sqrt(product) if product else 0
    down = (one - l1) ** 2 - 2 * phi * (one - l1) * (u2 - two) + (u2 - two) ** 2
    up = (u1 - one) ** 2 - 2 * phi * (u1 - one) * (two - l2) + (two - l2) ** 2
    return one - two - math.sqrt(down), one - two + math.sqrt(up)


def test_newcombe_equals_the_slow_one() -> None:
    counts = np.random.default_rng(0).integers([1, 0, 0, 0], 12, (200, 4))
    low, high = newcombe(*counts.T)
    for at, (a, b, c, d) in enumerate(counts.tolist()):
        assert (low[at], high[at]) == pytest.approx(slow_newcombe(a, b, c, d), abs=1e-9)


@pytest.mark.parametrize("n", [40, 150, 1000])
def test_newcombe_covers_95_percent(n: int) -> None:
    rng = np.random.default_rng(n)
    chances = rng.dirichlet([4, 1.5, 1.5, 2], size=40_000)
    low, high = newcombe(*rng.multinomial(n, chances).T)
    true = chances[:, 1] - chances[:, 2]
    assert ((low <= true) & (true <= high)).mean() == pytest.approx(0.95, abs=0.02)


def test_mid_p_keeps_its_level_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    first = rng.binomial(60, 0.5, 4000)
    known = {k: mcnemar(k, 60 - k)[0] for k in range(61)}
    assert 0.03 < np.mean([known[k] < 0.05 for k in first.tolist()]) < 0.06


def test_without_radiographs_nothing_is_said() -> None:
    none = from_counts(0, 0, 0, 0)
    assert none.n == 0 and none.method == ""
    assert all(math.isnan(value) for value in (none.difference, none.low, none.high, none.p))


def test_pairs_are_counted() -> None:
    found = paired([True, True, False, False, True], [True, False, True, False, False])
    assert (found.both, found.first, found.second, found.neither) == (1, 2, 1, 1)
    assert (found.n, found.discordant) == (5, 3)
    with pytest.raises(InputError, match=r"\(2,\) and \(1,\)"):
        paired([True, False], [True])


def test_labels_are_kept_apart_and_holm_counts_the_findings_that_can_be_tested() -> None:
    labels = np.array([[1, 0, np.nan], [1, 0, np.nan], [0, 0, np.nan], [0, 0, np.nan], [1, 0, np.nan]])
    first = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1], [0, 0, 1]], bool)
    second = np.array([[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0]], bool)
    with_it, without = by_label(labels, first, second, 1), by_label(labels, first, second, 0)
    assert (with_it[0].both, with_it[0].first, with_it[0].second, with_it[0].neither) == (1, 1, 0, 1)
    assert (without[0].both, without[0].first, without[0].second, without[0].neither) == (1, 0, 1, 0)
    assert (without[1].both, without[1].first, without[1].second) == (1, 2, 2)
    assert with_it[1].n == with_it[2].n == without[2].n == 0
    assert [each.p_holm for each in without[:2]] == pytest.approx(holm([without[0].p, without[1].p]))
    assert math.isnan(without[2].p_holm)


def test_the_point_of_the_normal_distribution() -> None:
    assert pytest.approx(0.975) == 0.5 * (1 + math.erf(Z_95 / math.sqrt(2)))
