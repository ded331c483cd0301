"""A selection against the rest: by hand, against scipy, and slow versions."""

from __future__ import annotations

from fractions import Fraction
from math import comb, sqrt

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from core.errors import InputError
from core.metrics.prevalence import Enrichment, enrichment, wilson

NAN = np.nan


def of_counts(present: int, known: int, rest_present: int, rest_known: int) -> Enrichment:
    """One finding with these counts."""
    inside = [1.0] * present + [0.0] * (known - present)
    rest = [1.0] * rest_present + [0.0] * (rest_known - rest_present)
    return enrichment(np.array([*inside, *rest])[:, None], np.arange(known))[0]


def slow_fisher(a: int, n: int, c: int, m: int) -> float:
    """With whole numbers: all tables of these margins that are no more probable."""
    total = a + c
    ways = {k: comb(n, k) * comb(m, total - k) for k in range(max(0, total - m), min(n, total) + 1)}
    return float(Fraction(sum(own for own in ways.values() if own <= ways[a]), sum(ways.values())))


def test_by_hand() -> None:
    """Fisher's tea: 3 of 4 against 1 of 4: (16 + 1) of 70 tables on either side."""
    one = of_counts(3, 4, 1, 4)
    assert (one.present, one.known, one.rest_present, one.rest_known) == (3, 4, 1, 4)
    assert (one.share, one.rest_share, one.difference, one.ratio) == (0.75, 0.25, 0.5, 3.0)
    assert one.p == pytest.approx(34 / 70) and one.p_holm == one.p


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_own_table(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    one = of_counts(*counts)
    assert (one.low, one.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_is_scipys() -> None:
    for present, known in [(0, 7), (7, 7), (3, 7), (50, 1000), (1, 1)]:
        other = binomtest(present, known).proportion_ci(method="wilson")
        assert wilson(present, known) == pytest.approx((other.low, other.high), abs=1e-12)
    for wrong in [(1, 0), (-1, 3), (4, 3)]:
        with pytest.raises(InputError, match="is no share"):
            wilson(*wrong)


def test_many_tables_against_scipy_and_whole_numbers() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        known, rest = (int(n) for n in rng.integers(1, 60, 2))
        present, rest_present = int(rng.integers(0, known + 1)), int(rng.integers(0, rest + 1))
        one = of_counts(present, known, rest_present, rest)
        table = [[present, known - present], [rest_present, rest - rest_present]]
        assert one.p == pytest.approx(fisher_exact(table).pvalue, rel=1e-9)
        assert one.p == pytest.approx(slow_fisher(present, known, rest_present, rest), rel=1e-9)
        a, b = wilson(present, known), wilson(rest_present, rest)
        assert one.low == pytest.approx(one.difference - sqrt((one.share - a[0]) ** 2 + (b[1] - one.rest_share) ** 2))
        assert one.high == pytest.approx(one.difference + sqrt((a[1] - one.share) ** 2 + (one.rest_share - b[0]) ** 2))


def test_at_the_size_of_chestxray14() -> None:
    one = of_counts(6_100, 50_000, 7_217, 62_120)
    expected = fisher_exact([[6_100, 43_900], [7_217, 54_903]]).pvalue
    assert one.p == pytest.approx(expected, rel=1e-6)


def test_what_is_not_known_counts_on_neither_side() -> None:
    labels = np.array([[1, NAN], [0, NAN], [NAN, 1], [1, 0], [0, 1], [NAN, NAN]])
    first, second = enrichment(labels, [0, 1, 2])
    assert (first.present, first.known, first.rest_present, first.rest_known) == (1, 2, 1, 2)
    assert (second.present, second.known, second.rest_present, second.rest_known) == (1, 1, 1, 2)


@pytest.mark.parametrize("chosen", [[], [0, 1, 2]])
def test_a_side_that_knows_nothing_has_no_difference(chosen: list[int]) -> None:
    one = enrichment([[1.0], [0.0], [1.0]], chosen)[0]
    assert np.isnan([one.difference, one.low, one.high, one.ratio, one.p, one.p_holm]).all()
    assert not one.beyond_chance
    assert (one.share, one.rest_share) == pytest.approx((NAN, 2 / 3) if not chosen else (2 / 3, NAN), nan_ok=True)


def test_the_ratio_where_a_side_has_none() -> None:
    assert of_counts(2, 4, 0, 4).ratio == float("inf")
    assert of_counts(0, 4, 2, 4).ratio == 0
    assert np.isnan(of_counts(0, 4, 0, 4).ratio) and of_counts(0, 4, 0, 4).p == 1


def test_holm_over_the_findings() -> None:
    """Three findings, one of them known nowhere: the smaller p counts twice, the other once."""
    labels = np.zeros((40, 3))
    labels[:10, 0], labels[:6, 1], labels[20:22, 1], labels[:, 2] = 1, 1, 1, NAN
    found = enrichment(labels, np.arange(20))
    assert found[0].p_holm == pytest.approx(2 * found[0].p) and found[1].p_holm == pytest.approx(found[1].p)
    assert found[0].beyond_chance and not found[1].beyond_chance and np.isnan(found[2].p_holm)


def test_the_order_of_rows_does_not_matter() -> None:
    labels = (np.random.default_rng(1).random((30, 4)) < 0.4).astype(float)
    rows = np.array([3, 7, 11, 20, 25])
    assert enrichment(labels, rows) == enrichment(labels, rows[::-1])


def test_a_study_without_findings() -> None:
    assert enrichment(np.zeros((5, 0)), [0, 1]) == []


@pytest.mark.parametrize(
    ("chosen", "words"), [([0, 5], "rows 0 to 5"), ([-1], "rows -1"), ([1, 1], "1 rows"), ([0.5], "row numbers")]
)
def test_what_is_no_selection(chosen: list[int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        enrichment(np.zeros((5, 2)), chosen)
