"""How far each point of a map can be believed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from core.errors import InputError
from core.metrics import pointwise as module
from core.metrics.pointwise import faithfulness, stability

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(80, 10))
MAP = X[:, :3] + 0.5 * RANDOM.normal(size=(80, 3))

# Five directions at these angles, and a map in which the first and the last have changed places.
ANGLES = np.deg2rad([0, 10, 25, 45, 70])
FAN = np.c_[np.cos(ANGLES), np.sin(ANGLES)]
SWAPPED = np.array([[70.0], [10.0], [25.0], [45.0], [0.0]])


def orders(distances: np.ndarray) -> np.ndarray:
    """The rank of each point in each one's list of the nearest, from 1; of itself 0."""
    np.fill_diagonal(distances, -1)
    return distances.argsort(axis=1).argsort(axis=1)


def slow(x: np.ndarray, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    space, flat, n = orders(cdist(x, x, "cosine")), orders(cdist(points, points)), len(x)
    trust, recall = [], []
    for i in range(n):
        ranks = [int(space[i, j]) for j in range(n) if 0 < flat[i, j] <= k]
        trust.append(1 - 2 / (k * (2 * n - 3 * k - 1)) * sum(max(0, rank - k) for rank in ranks))
        recall.append(sum(rank <= k for rank in ranks) / k)
    return np.array(trust), np.array(recall)


def test_by_hand() -> None:
    # One neighbour each. On the map: 0 -> 3 (at 70 beside 45), 1 -> 4 (at 0 beside 10), 2 -> 1, 3 -> 2, 4 -> 1.
    # Their ranks in space: 3rd (after 10 and 25 degrees), 4th, 1st, 1st, 3rd. Each costs rank - 1 of at most 3.
    found = faithfulness(FAN, SWAPPED, k=1)
    np.testing.assert_allclose(found.trustworthiness, [1 - 2 / 3, 0, 1, 1, 1 - 2 / 3])
    np.testing.assert_array_equal(found.knn_recall, [0, 0, 1, 1, 0])


@pytest.mark.parametrize("k", [1, 5, 15, 39])
def test_against_a_loop_and_sklearn(k: int) -> None:
    found = faithfulness(X, MAP, k=k)
    trust, recall = slow(X, MAP, k)
    np.testing.assert_allclose(found.trustworthiness, trust)
    np.testing.assert_allclose(found.knn_recall, recall)
    assert found.trustworthiness.mean() == pytest.approx(
        sklearn_trustworthiness(X, MAP, n_neighbors=k, metric="cosine")
    )
    assert found.trustworthiness.min() >= 0 and found.trustworthiness.max() <= 1


def test_chosen_rows_are_set_against_all_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, blocks = np.array([70, 3, 41, 5, 6]), module.chunks
    monkeypatch.setattr(module, "chunks", lambda n, width: blocks(n, width, 2 * width))
    found, (trust, recall) = faithfulness(X, MAP, rows=rows, k=5), slow(X, MAP, 5)
    np.testing.assert_allclose(found.trustworthiness, trust[rows])
    np.testing.assert_allclose(found.knn_recall, recall[rows])


def test_too_few_points() -> None:
    half = faithfulness(X[:30], MAP[:30], k=15)
    assert np.isnan(half.trustworthiness).all() and np.isfinite(half.knn_recall).all()
    assert np.isnan(faithfulness(X[:15], MAP[:15], k=15).knn_recall).all()
    assert np.isnan(faithfulness(X[:1], MAP[:1], k=1)).all()


def test_copies_of_one_vector_share_the_best_rank() -> None:
    x = np.repeat(np.eye(3), 20, axis=0).astype(np.float32)
    found = faithfulness(x, x * 10 + RANDOM.normal(size=x.shape), k=4)
    np.testing.assert_array_equal(found.trustworthiness, np.ones(60))
    np.testing.assert_array_equal(found.knn_recall, np.ones(60))


def test_stability_by_hand() -> None:
    # Nearest on a line: 0 -> 1, 1 -> 0, 2 -> 3, 3 -> 2. With the ends swapped: 0 -> 2, 1 -> 3, 2 -> 0, 3 -> 1.
    line, swapped = np.array([[0.0], [1], [6], [10]]), np.array([[10.0], [1], [6], [0]])
    np.testing.assert_array_equal(stability(line, [swapped], k=1), np.zeros(4))
    np.testing.assert_array_equal(stability(line, [swapped, line], k=1), np.full(4, 0.5))
    # Point 1 has 0 and 2 beside it, and in the other map 4 and 2.
    line, swapped = np.array([[0.0], [1], [3], [6], [10]]), np.array([[10.0], [1], [3], [6], [0]])
    np.testing.assert_array_equal(stability(line, [swapped * 3 + 1], rows=np.array([1]), k=2), [0.5])


def test_stability_against_sets() -> None:
    others = [MAP + 0.3 * RANDOM.normal(size=MAP.shape), RANDOM.normal(size=(80, 2))]
    near = [(orders(cdist(points, points)) - 1) < 7 for points in (MAP, *others)]
    for one in near:
        np.fill_diagonal(one, False)
    wanted = np.mean([(near[0] & other).sum(axis=1) / 7 for other in near[1:]], axis=0)
    np.testing.assert_allclose(stability(MAP, others, k=7), wanted)
    np.testing.assert_allclose(stability(MAP, others, rows=np.array([9, 2]), k=7), wanted[[9, 2]])


def test_a_map_turned_and_scaled_keeps_all_and_no_other_map_says_nothing() -> None:
    turn, _ = np.linalg.qr(RANDOM.normal(size=(3, 3)))
    np.testing.assert_array_equal(stability(MAP, [4 * MAP @ turn + 3], k=6), np.ones(80))
    np.testing.assert_array_equal(stability(np.ones((9, 3)), [np.ones((9, 3))], k=6), np.ones(9))
    assert np.isnan(stability(MAP, [], k=6)).all() and math.isnan(stability(MAP[:1], [MAP[:1]], k=1)[0])


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="a map of 79 points beside one of 80"):
        stability(MAP, [MAP[1:]])
    with pytest.raises(InputError, match="k must be at least 1"):
        stability(MAP, [MAP], k=0)
    with pytest.raises(InputError, match="k must be at least 1"):
        faithfulness(X, MAP, k=0)
    with pytest.raises(InputError):
        faithfulness(X[1:], MAP)
