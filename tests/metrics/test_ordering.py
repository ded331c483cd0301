"""Clusters of labels against a slow UPGMA and hand-worked values; labels without a direction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import InputError
from core.metrics.ordering import clustering
from core.metrics.similarity import cosine_matrix


def slow_heights(cosines: NDArray[np.float64]) -> list[float]:
    """Join the two groups whose members are nearest on average, until one is left; the distances of the joins."""
    groups = [[row] for row in range(len(cosines))]
    joined = []
    while len(groups) > 1:
        pairs = [
            (np.mean([1 - cosines[i, j] for i in one for j in two]), one, two)
            for one, two in itertools.combinations(groups, 2)
        ]
        height, one, two = min(pairs, key=lambda pair: pair[0])
        joined.append(float(height))
        groups = [group for group in groups if group not in (one, two)] + [one + two]
    return joined


@pytest.mark.parametrize("seed", range(3))
def test_brackets_stand_where_a_slow_linkage_joins(seed: int) -> None:
    cosines = cosine_matrix(np.random.default_rng(seed).normal(size=(9, 5)))
    found = clustering(cosines)
    assert sorted(found.order.tolist()) == list(range(9))
    np.testing.assert_allclose(sorted(found.heights[:, 1]), sorted(slow_heights(cosines)))
    assert (found.heights[:, 1] == found.heights[:, 2]).all() and (found.places[:, 0] == found.places[:, 1]).all()


def test_by_hand() -> None:
    """0 and 2 at 1 - 0.9, 1 and 3 at 1 - 0.8, both groups at 1 - 0.1."""
    cosines = np.full((4, 4), 0.1)
    cosines[0, 2] = cosines[2, 0] = 0.9
    cosines[1, 3] = cosines[3, 1] = 0.8
    np.fill_diagonal(cosines, 1)
    found = clustering(cosines)
    assert {frozenset(found.order[:2].tolist()), frozenset(found.order[2:].tolist())} == {
        frozenset({0, 2}),
        frozenset({1, 3}),
    }
    np.testing.assert_allclose(sorted(found.heights[:, 1]), [0.1, 0.2, 0.9])
    top = found.places[found.heights[:, 1].argmax()]
    np.testing.assert_allclose(sorted(top), [0.5, 0.5, 2.5, 2.5])  # between the middles of the two pairs


def test_what_differs_both_ways_counts_by_its_mean() -> None:
    cosines = np.array([[0.2, 0.8, 0.0], [0.4, 0.1, 0.0], [0.0, 0.0, -0.3]])
    np.testing.assert_allclose(clustering(cosines).heights[:, 1].min(), 1 - 0.6)


def test_labels_without_support_stand_last_and_outside_the_tree() -> None:
    cosines = cosine_matrix(np.random.default_rng(0).normal(size=(5, 4)))
    cosines[1] = cosines[:, 1] = np.nan
    found = clustering(cosines)
    assert found.order[-1] == 1 and len(found.heights) == 3 and np.isfinite(found.heights).all()
    assert found.places.max() <= 3
    alone = clustering(np.full((2, 2), np.nan))
    assert alone.order.tolist() == [0, 1] and not len(alone.places)
    assert clustering([[1.0]]).order.tolist() == [0]


def test_only_square_matrices() -> None:
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        clustering(np.ones((2, 3)))
