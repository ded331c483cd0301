"""Nearest vectors against a full sort."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from core.errors import InputError
from core.metrics.neighbours import nearest

X = np.random.default_rng(0).normal(size=(50, 6))


def test_a_vector_finds_what_sklearn_finds() -> None:
    query = np.random.default_rng(1).normal(size=6)
    distances, rows = NearestNeighbors(n_neighbors=7, metric="cosine").fit(X).kneighbors(query[None])
    got = nearest(X, query, 7)
    np.testing.assert_array_equal(got.indices, rows[0])
    np.testing.assert_allclose(got.cosines, 1 - distances[0], atol=1e-12)


def test_a_row_is_not_its_own_neighbour() -> None:
    got = nearest(X, 4, 3)
    with_itself = nearest(X, X[4], 4)
    assert with_itself.indices[0] == 4
    np.testing.assert_array_equal(got.indices, with_itself.indices[1:])
    np.testing.assert_array_equal(nearest(X, np.int64(4), 3).indices, got.indices)


def test_by_hand_with_ties_in_order_of_rows() -> None:
    got = nearest([[0, 1.0], [2.0, 0], [1.0, 0], [-1.0, 0]], [5.0, 0], 3)
    assert got.indices.tolist() == [1, 2, 0]
    assert got.cosines.tolist() == [1, 1, 0]
    many = np.tile([[1.0, 0], [0, 1.0]], (500, 1))
    assert nearest(many, [1.0, 0], 500).indices.tolist() == list(range(0, 1000, 2))


def test_no_more_than_there_are() -> None:
    assert len(nearest(X[:3], 0, 10).indices) == 2
    assert len(nearest(X[:1], 0, 10).indices) == 0


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match="rows 0 to 49"):
        nearest(X, 50, 1)
    with pytest.raises(InputError, match="row -1"):
        nearest(X, -1, 1)
    with pytest.raises(InputError, match="query has 5"):
        nearest(X, np.ones(5), 1)
    with pytest.raises(InputError, match="query has no direction"):
        nearest(X, np.zeros(6), 1)
    with pytest.raises(InputError, match=r"one vector \(d,\)"):
        nearest(X, X[:2], 1)
    with pytest.raises(InputError, match="k must be"):
        nearest(X, 0, 0)


def test_rows_that_are_normalised_already_need_no_other_pass() -> None:
    vectors = np.random.default_rng(3).normal(size=(200, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for query in (7, vectors[3] + vectors[4]):
        whole, quick = nearest(vectors, query, 12), nearest(vectors, query, 12, normalised=True)
        assert whole.indices.tolist() == quick.indices.tolist()
        assert np.allclose(whole.cosines, quick.cosines, atol=1e-6)
    for query in (200, np.ones(3)):
        with pytest.raises(InputError):
            nearest(vectors, query, 12, normalised=True)


def test_equal_cosines_at_the_edge_are_in_the_order_of_their_rows() -> None:
    """Of many equal ones the first rows are taken, wherever the cut falls."""
    vectors = np.tile(np.eye(2), (20, 1))  # rows 0, 2, 4, ... are alike
    for k in (1, 3, 19, 20, 25, 39, 60):
        expected = [*range(2, 40, 2), *range(1, 40, 2)]
        assert nearest(vectors, 0, k).indices.tolist() == expected[:k]
        assert nearest(vectors, [1.0, 0.0], k).indices.tolist() == [0, *expected][:k]
