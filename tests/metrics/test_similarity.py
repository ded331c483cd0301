"""Cosines, centres, uniformity and rank against slow forms, hand-worked values and real text embeddings."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from core.errors import InputError
from core.metrics import checks
from core.metrics.similarity import (
    alignment,
    centroids,
    cosine_matrix,
    effective_rank,
    off_diagonal,
    simplex_target,
    uniformity,
    welch_bound,
)

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(40, 6))
Y = RANDOM.normal(size=(40, 6))


def real_text(real_data: Path, name: str) -> np.ndarray:
    torch = pytest.importorskip("torch")
    path = real_data / "text_embeddings" / name
    vectors: np.ndarray = torch.load(path, weights_only=True, map_location="cpu").numpy()
    return vectors


# ------------------------------------------------------------------------------------------------------ cosines


def test_cosine_matrix_is_one_minus_scipys_distance() -> None:
    np.testing.assert_allclose(cosine_matrix(X, Y), 1 - cdist(X, Y, "cosine"), atol=1e-12)
    np.testing.assert_allclose(cosine_matrix(X), 1 - cdist(X, X, "cosine"), atol=1e-12)


def test_cosine_matrix_by_hand() -> None:
    got = cosine_matrix([[3.0, 4.0]], [[1.0, 0.0], [0.0, -2.0], [6.0, 8.0]])
    np.testing.assert_allclose(got, [[0.6, -0.8, 1.0]], atol=1e-15)


def test_cosine_matrix_of_float32_is_float64_with_ones_on_the_diagonal() -> None:
    got = cosine_matrix(X.astype(np.float32))
    assert got.dtype == np.float64
    assert (np.diagonal(got) == 1).all()
    assert np.abs(got).max() <= 1
    np.testing.assert_array_equal(got, got.T)


def test_missing_rows_become_missing_rows_and_columns() -> None:
    x = X[:4].copy()
    x[2] = np.nan
    got = cosine_matrix(x, allow_missing=True)
    assert np.isnan(got[2]).all()
    assert np.isnan(got[:, 2]).all()
    assert not np.isnan(np.delete(np.delete(got, 2, 0), 2, 1)).any()
    assert np.isnan(cosine_matrix(Y[:3], x, allow_missing=True)).sum() == 3
    with pytest.raises(InputError, match="a holds nan in row 2"):
        cosine_matrix(x)


def test_cosine_matrix_names_the_argument_and_row() -> None:
    with pytest.raises(InputError, match="b has no direction in row 1"):
        cosine_matrix([[1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(InputError, match="same space"):
        cosine_matrix(X, Y[:, :4])


# -------------------------------------------------------------------------------------------------- off-diagonal


def test_off_diagonal_of_a_symmetric_matrix_counts_pairs_once() -> None:
    got = off_diagonal([[1, 0.5, -0.7], [0.5, 1, 0.2], [-0.7, 0.2, 1]])
    assert got.n_pairs == 3
    assert got.mean == pytest.approx(0.0, abs=1e-15)
    assert got.mean_abs == pytest.approx(1.4 / 3)
    assert got.std == pytest.approx(math.sqrt((0.25 + 0.49 + 0.04) / 3))
    assert (got.min, got.max, got.nearest_pair) == (-0.7, 0.5, (0, 1))


def test_off_diagonal_of_a_cross_matrix_counts_every_cell() -> None:
    got = off_diagonal([[0.9, 0.1], [0.3, 0.9]])
    assert (got.n_pairs, got.mean, got.nearest_pair) == (2, 0.2, (1, 0))


@pytest.mark.parametrize("cells", [[[1.0]], [[np.nan]], [[1.0, np.nan], [np.nan, np.nan]]])
def test_off_diagonal_without_a_pair_is_undefined(cells: list[list[float]]) -> None:
    got = off_diagonal(cells)
    assert got.n_pairs == 0
    assert got.nearest_pair is None
    assert all(math.isnan(value) for value in (got.mean, got.mean_abs, got.std, got.min, got.max))


def test_off_diagonal_leaves_out_missing_cells() -> None:
    cosines = cosine_matrix(X[:5])
    with_missing = np.full((6, 6), np.nan)
    with_missing[:5, :5] = cosines
    assert off_diagonal(with_missing) == off_diagonal(cosines)


def test_off_diagonal_refuses_what_is_not_square_or_finite() -> None:
    with pytest.raises(InputError, match="square"):
        off_diagonal(np.ones((2, 3)))
    with pytest.raises(InputError, match="row 0, column 1"):
        off_diagonal([[1, np.inf], [0, 1]])


@pytest.mark.parametrize(
    ("name", "mean", "low", "high", "std"),
    [
        ("clip_basic.pt", 0.8529, 0.7569, 0.9615, 0.0434),
        ("biomedclip_basic.pt", 0.6532, 0.4716, 0.8261, 0.0774),
        ("biomed_dia_des_text_embeddings.pt", 0.6488, 0.3824, 0.9218, 0.1147),
    ],
)
def test_off_diagonal_of_real_prompts(
    real_data: Path, name: str, mean: float, low: float, high: float, std: float
) -> None:
    got = off_diagonal(cosine_matrix(real_text(real_data, name)))
    assert [round(value, 4) for value in (got.mean, got.min, got.max, got.std)] == [mean, low, high, std]


# ----------------------------------------------------------------------------------------------------- centroids


def test_centroids_against_a_loop() -> None:
    labels = RANDOM.choice([0, 1, np.nan], size=(40, 5))
    labels[:, 3] = 0
    labels[0, 3] = np.nan
    centres, support = centroids(X, labels)
    assert centres.dtype == np.float32
    for k in range(5):
        members = [x / np.linalg.norm(x) for x, label in zip(X, labels[:, k], strict=True) if label == 1]
        assert support[k] == len(members)
        if members:
            mean = np.mean(members, axis=0)
            np.testing.assert_allclose(centres[k], mean / np.linalg.norm(mean), atol=1e-6)
    assert support[3] == 0
    assert np.isnan(centres[3]).all()


def test_positives_that_cancel_have_no_centre() -> None:
    centres, support = centroids(np.array([[1.0, 0], [-3.0, 0]], dtype=np.float32), [[1], [1]])
    assert support.tolist() == [2]
    assert np.isnan(centres).all()


def test_centroids_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = RANDOM.choice([0, 1], size=(40, 3))
    whole = centroids(X, labels)[0]
    monkeypatch.setattr(checks.chunks, "__defaults__", (12,))
    np.testing.assert_allclose(centroids(X, labels)[0], whole, atol=1e-7)


def test_centroids_refuses_other_lengths() -> None:
    with pytest.raises(InputError, match="vectors has 40 rows and labels has 39"):
        centroids(X, np.ones((39, 2)))


# ------------------------------------------------------------------------------------------------------- targets


def test_simplex_target_is_reached_by_a_simplex() -> None:
    corners = np.eye(5) - 1 / 5
    got = off_diagonal(cosine_matrix(corners))
    assert got.min == pytest.approx(simplex_target(5))
    assert got.max == pytest.approx(simplex_target(5))
    assert simplex_target(14) == pytest.approx(-0.0769, abs=5e-5)
    assert math.isnan(simplex_target(1))
    with pytest.raises(InputError, match="k = 0"):
        simplex_target(0)


def test_welch_bound_is_met_by_three_directions_in_a_plane() -> None:
    angles = 2 * np.pi * np.arange(3) / 3
    cosines = cosine_matrix(np.c_[np.cos(angles), np.sin(angles)])[np.triu_indices(3, 1)]
    bound = welch_bound(3, 2)
    assert bound.mean_square == pytest.approx(np.square(cosines).mean())
    assert bound.max_abs == pytest.approx(np.abs(cosines).max())
    assert bound.max_abs == pytest.approx(0.5)


def test_welch_bound_holds_and_vanishes_where_orthogonal_vectors_fit() -> None:
    for _ in range(20):
        cosines = cosine_matrix(RANDOM.normal(size=(9, 4)))[np.triu_indices(9, 1)]
        assert np.square(cosines).mean() >= welch_bound(9, 4).mean_square - 1e-12
        assert np.abs(cosines).max() >= welch_bound(9, 4).max_abs
    assert welch_bound(14, 512).max_abs == 0
    assert math.isnan(welch_bound(1, 3).mean_square)
    with pytest.raises(InputError, match="d = 0"):
        welch_bound(3, 0)


# -------------------------------------------------------------------------------------- alignment and uniformity


def test_alignment_against_a_loop_and_by_hand() -> None:
    slow = [
        sum((a / np.linalg.norm(x) - b / np.linalg.norm(y)) ** 2 for a, b in zip(x, y, strict=True))
        for x, y in zip(X, Y, strict=True)
    ]
    assert alignment(X, Y) == pytest.approx(np.mean(slow), rel=1e-12)
    assert alignment([[2.0, 0], [1, 0]], [[0, 3.0], [-1, 0]]) == pytest.approx((2 + 4) / 2)
    assert alignment(X, 5 * X) == pytest.approx(0, abs=1e-12)
    with pytest.raises(InputError, match="rows"):
        alignment(X, Y[:3])


def test_uniformity_is_the_papers_form() -> None:
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert uniformity(X) == pytest.approx(np.log(np.exp(-2 * pdist(unit) ** 2).mean()), rel=1e-12)
    pairs = [np.exp(-2 * np.sum((a - b) ** 2)) for a, b in itertools.combinations(unit[:6], 2)]
    assert uniformity(X[:6]) == pytest.approx(np.log(np.mean(pairs)), rel=1e-12)


def test_uniformity_by_hand_and_at_its_ends() -> None:
    assert uniformity([[1.0, 0], [0, 1.0]]) == pytest.approx(-4)
    assert uniformity([[1.0, 0], [-1.0, 0]]) == pytest.approx(-8)
    assert uniformity([[1.0, 0], [2.0, 0]]) == pytest.approx(0)
    assert math.isnan(uniformity([[1.0, 0]]))


def test_uniformity_in_blocks_and_from_drawn_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    x = RANDOM.normal(size=(300, 6)) + 0.5
    whole = uniformity(x)
    assert uniformity(x, max_pairs=300 * 299 // 2) == whole
    drawn = uniformity(x, max_pairs=30_000, seed=1)
    assert drawn != whole
    assert drawn == uniformity(x, max_pairs=30_000, seed=1)
    assert drawn == pytest.approx(whole, abs=0.03)
    monkeypatch.setattr(checks.chunks, "__defaults__", (1000,))
    assert uniformity(x) == pytest.approx(whole, rel=1e-12)


def test_drawn_pairs_are_distinct_rows() -> None:
    # Orthogonal rows: a row paired with itself would give more than exp(-4).
    assert uniformity(np.eye(40), max_pairs=500) == pytest.approx(-4)
    with pytest.raises(InputError, match="max_pairs"):
        uniformity(X, max_pairs=0)


@pytest.mark.parametrize(("name", "value"), [("clip_basic.pt", -0.574), ("biomedclip_basic.pt", -1.339)])
def test_uniformity_of_real_prompts(real_data: Path, name: str, value: float) -> None:
    assert round(uniformity(real_text(real_data, name)), 3) == value


# --------------------------------------------------------------------------------------------------------- rank


def test_effective_rank_against_the_definition() -> None:
    values = np.linalg.svd(X, compute_uv=False)
    shares = values / values.sum()
    assert effective_rank(X) == pytest.approx(math.exp(-sum(s * math.log(s) for s in shares)), rel=1e-10)


def test_effective_rank_by_hand() -> None:
    assert effective_rank(np.eye(7)) == pytest.approx(7)
    assert effective_rank(np.ones((9, 4))) == pytest.approx(1, abs=1e-6)
    # Singular values 3 and 1: shares 3/4 and 1/4.
    assert effective_rank(np.diag([3.0, 1.0])) == pytest.approx(4 / 3**0.75)
    assert effective_rank([[0.0, 5.0]]) == pytest.approx(1)
    with pytest.raises(InputError, match="zero throughout"):
        effective_rank(np.zeros((3, 2)))


def test_effective_rank_of_more_rows_than_a_block() -> None:
    x = RANDOM.normal(size=(9000, 3)) * [1.0, 2.0, 3.0]
    values = np.linalg.svd(x, compute_uv=False)
    shares = values / values.sum()
    assert effective_rank(x) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-10)
