"""Map faithfulness and map alignment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import procrustes as scipy_procrustes
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from core.errors import InputError
from core.metrics import pointwise as module
from core.metrics.faithfulness import knn_recall, procrustes, trustworthiness

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(80, 10))
MAP = X[:, :3] + 0.5 * RANDOM.normal(size=(80, 3))


def circle(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Directions on a circle, and the same circle as a map: neighbours agree exactly."""
    angles = np.sort(RANDOM.random(n)) * 2 * np.pi
    points = np.c_[np.cos(angles), np.sin(angles), np.zeros(n)]
    return points, points * 7 + 3


def test_trustworthiness_is_sklearns() -> None:
    wanted = sklearn_trustworthiness(X, MAP, n_neighbors=5, metric="cosine")
    assert trustworthiness(X, MAP, k=5) == pytest.approx(wanted)
    assert trustworthiness(*circle(), k=5) == 1
    assert trustworthiness(X, RANDOM.normal(size=(80, 3)), k=5) < trustworthiness(X, MAP, k=5)


def test_trustworthiness_of_drawn_rows_and_of_too_few() -> None:
    drawn = trustworthiness(X, MAP, k=5, max_rows=40, seed=3)
    rows = np.sort(np.random.default_rng(3).choice(80, 40, replace=False))
    assert drawn == pytest.approx(sklearn_trustworthiness(X[rows], MAP[rows], n_neighbors=5, metric="cosine"))
    assert math.isnan(trustworthiness(X[:30], MAP[:30], k=15))
    assert not math.isnan(trustworthiness(X[:31], MAP[:31], k=15))


def slow_recall(x: np.ndarray, points: np.ndarray, k: int) -> np.ndarray:
    shares = []
    for i in range(len(x)):
        space = cdist(x[[i]], x, "cosine")[0]
        flat = cdist(points[[i]], points)[0]
        space[i] = flat[i] = np.inf
        shares.append(len(set(np.argsort(space)[:k].tolist()) & set(np.argsort(flat)[:k].tolist())) / k)
    return np.array(shares)


@pytest.mark.parametrize("k", [1, 5, 79])
def test_knn_recall_against_a_loop(k: int) -> None:
    assert knn_recall(X, MAP, k=k) == pytest.approx(slow_recall(X, MAP, k).mean())


def test_knn_recall_at_its_ends() -> None:
    assert knn_recall(*circle(), k=6) == 1
    assert knn_recall(X, MAP, k=79) == 1
    assert math.isnan(knn_recall(X, MAP, k=80))
    assert math.isnan(knn_recall(X[:1], MAP[:1], k=1))


def test_copies_of_one_vector_do_not_compete() -> None:
    x = np.repeat(np.eye(3), 20, axis=0).astype(np.float32)
    points = x * 10 + RANDOM.normal(size=x.shape)
    assert knn_recall(x, points, k=4) == 1
    # All copies on one spot of the map: a point is still not its own neighbour.
    assert knn_recall(x, x * 10, k=4) == 1


def test_drawn_points_are_set_against_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.sort(np.random.default_rng(5).choice(80, 10, replace=False))
    wanted = slow_recall(X, MAP, 5)[rows].mean()
    blocks = module.chunks
    for cells in (1_000_000, 3 * 80):  # at once, and in pieces of three rows
        monkeypatch.setattr(module, "chunks", lambda n, width, cells=cells: blocks(n, width, cells))
        assert knn_recall(X, MAP, k=5, max_rows=10, seed=5) == pytest.approx(wanted)


@pytest.mark.parametrize("score", [trustworthiness, knn_recall])
def test_scores_refuse_wrong_arguments(score) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="80 rows and coordinates has 79"):
        score(X, MAP[:79])
    with pytest.raises(InputError, match="k must be"):
        score(X, MAP, k=0)
    broken = MAP.copy()
    broken[9, 2] = np.nan
    with pytest.raises(InputError, match="coordinates holds nan in row 9, column 2"):
        score(X, broken)


# ---------------------------------------------------------------------------------------------------- procrustes


@pytest.mark.parametrize("reflect", [False, True])
def test_a_turned_scaled_moved_map_comes_back(reflect: bool) -> None:
    turn = np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    if (np.linalg.det(turn) < 0) != reflect:
        turn[:, 0] *= -1
    got = procrustes(MAP, 3 * MAP @ turn + [1.0, -2.0, 5.0])
    np.testing.assert_allclose(got.apply(3 * MAP @ turn + [1.0, -2.0, 5.0]), MAP, atol=1e-10)
    assert got.scale == pytest.approx(1 / 3)
    assert np.linalg.det(got.rotation) == pytest.approx(-1 if reflect else 1)
    assert got.disparity == pytest.approx(0, abs=1e-12)


def test_disparity_is_scipys_and_what_is_left_over() -> None:
    other = RANDOM.normal(size=(80, 3)) + MAP
    got = procrustes(MAP, other)
    assert got.disparity == pytest.approx(scipy_procrustes(MAP, other)[2])
    left = np.square(got.apply(other) - MAP).sum() / np.square(MAP - MAP.mean(axis=0)).sum()
    assert got.disparity == pytest.approx(left)


def test_no_small_change_fits_better() -> None:
    other = RANDOM.normal(size=(80, 3)) + MAP
    got = procrustes(MAP, other)
    best = np.square(got.apply(other) - MAP).sum()
    for _ in range(50):
        nudged = np.linalg.qr(got.rotation + 0.05 * RANDOM.normal(size=(3, 3)))
        rotation = nudged[0] * np.sign(np.diagonal(nudged[1]))
        moved = got.scale * (1 + 0.05 * RANDOM.normal()) * other @ rotation
        moved += MAP.mean(axis=0) - moved.mean(axis=0)
        assert np.square(moved - MAP).sum() >= best


def test_a_flat_map_still_fits() -> None:
    flat = MAP * [1.0, 1.0, 0.0]
    assert procrustes(flat, flat[:, [1, 0, 2]]).disparity == pytest.approx(0, abs=1e-12)


def test_procrustes_refuses_wrong_arguments() -> None:
    with pytest.raises(InputError, match="same shape"):
        procrustes(MAP, MAP[:5])
    with pytest.raises(InputError, match="moving coincide"):
        procrustes(MAP, np.full((80, 3), 0.1))
    with pytest.raises(InputError, match="reference coincide"):
        procrustes(MAP[:1], MAP[:1])
    with pytest.raises(InputError, match="points has 2 coordinates"):
        procrustes(MAP, MAP).apply(MAP[:, :2])
