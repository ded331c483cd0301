"""The 3D map: any number of points, the same answer twice, and laid over an earlier map."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from core.config.run import ProjectionConfig
from core.maps.anchoring import laid_over, starting_points
from core.maps.making import FEWEST, project_points
from core.metrics.faithfulness import knn_recall
from core.store import Projection

CONFIG = ProjectionConfig(engine="umap-learn", neighbours=10, epochs=60)
Points = NDArray[np.float32]


def groups(count: int, width: int = 16, seed: int = 0) -> Points:
    """Unit vectors around four directions, in turn."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(4, width))
    vectors = centres[np.arange(count) % 4] + 0.1 * draw.normal(size=(count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 5, FEWEST - 1, FEWEST, 14, 60])
def test_any_number_of_points(count: int) -> None:
    found, parameters = project_points(groups(count), CONFIG, seed=0)
    assert found.shape == (count, 3) and found.dtype == np.float32 and np.isfinite(found).all()
    if count < FEWEST:
        assert parameters == {"method": "pca", "because": f"fewer than {FEWEST} points"}
    else:
        assert parameters["method"] == "umap" and parameters["n_neighbors"] == min(10, count - 1)
        assert parameters["random_state"] == 0 and parameters["version"]


@pytest.mark.parametrize("count", [1, 5, 20])
def test_equal_vectors(count: int) -> None:
    same = np.tile(groups(1), (count, 1))
    found, _ = project_points(same, CONFIG, seed=0)
    assert found.shape == (count, 3) and np.isfinite(found).all()


@pytest.mark.parametrize("width", [2, 3])
def test_narrow_vectors(width: int) -> None:
    for count in (3, 20):
        assert project_points(groups(count, width), CONFIG, seed=0)[0].shape == (count, 3)


def test_principal_components_of_few_points_keep_their_distances() -> None:
    vectors = groups(4)  # four points span three dimensions: nothing is lost
    found, _ = project_points(vectors, CONFIG, seed=0)
    for i in range(4):
        for j in range(4):
            wanted = np.linalg.norm(vectors[i] - vectors[j])
            assert np.linalg.norm(found[i] - found[j]) == pytest.approx(wanted, abs=1e-5)


def test_the_same_twice_and_another_with_another_seed() -> None:
    vectors = groups(40)
    first, second = (project_points(vectors, CONFIG, seed=3)[0] for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, project_points(vectors, CONFIG, seed=4)[0])


def test_groups_stay_together() -> None:
    vectors = groups(60)
    found, _ = project_points(vectors, CONFIG, seed=0)
    of = np.arange(60) % 4
    near = np.array([np.argsort(np.linalg.norm(found - point, axis=1))[1:6] for point in found])
    assert (of[near] == of[:, None]).mean() > 0.95
    assert knn_recall(vectors, found, k=14) > 0.7


def test_parameters_name_what_changes_the_answer() -> None:
    vectors = groups(20)
    before, parameters = project_points(vectors, CONFIG, seed=0)
    for change, key in (
        (CONFIG.replace(neighbours=4), "n_neighbors"),
        (CONFIG.replace(min_dist=0.9), "min_dist"),
        (CONFIG.replace(epochs=10), "n_epochs"),
    ):
        after, other = project_points(vectors, change, seed=0)
        assert not np.array_equal(before, after)
        assert {name for name in parameters if parameters[name] != other[name]} == {key}


def test_a_map_that_starts_from_another_stays_near_it() -> None:
    vectors, moved = groups(40), groups(40, seed=0) + np.float32(1e-3)
    reference, _ = project_points(vectors, CONFIG, seed=0)
    started, _ = project_points(moved, CONFIG.replace(epochs=20), seed=1, start=reference)
    fresh, _ = project_points(moved, CONFIG.replace(epochs=20), seed=1)
    ids, kinds = [f"r{row}" for row in range(40)], ["sample"] * 40
    target = a_map(ids, kinds, reference)
    assert laid_over(ids, kinds, started, target)[1] < laid_over(ids, kinds, fresh, target)[1] < 1


def a_map(ids: list[str], kinds: list[str], coordinates: Points) -> Projection:
    return Projection(ids=ids, kinds=kinds, coordinates=coordinates, parameters={}, faithfulness={})


def turned(points: Points) -> Points:
    """Mirrored, turned by 40 degrees, doubled and moved."""
    angle = np.deg2rad(40)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, -1]])
    return (2 * points @ turn + [5, -3, 1]).astype(np.float32)


class TestOnto:
    ids: ClassVar[list[str]] = ["a", "b", "c", "d", "e", "Mass", "Mass"]
    kinds: ClassVar[list[str]] = [*["sample"] * 5, "prompt", "centroid"]
    points = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)

    def test_a_turned_map_comes_back(self) -> None:
        found, disparity = laid_over(
            self.ids, self.kinds, turned(self.points), a_map(self.ids, self.kinds, self.points)
        )
        assert np.allclose(found, self.points, atol=1e-5) and disparity < 1e-9
        assert found.dtype == np.float32

    def test_samples_are_matched_by_id_not_by_place(self) -> None:
        order = [4, 2, 0, 1, 3, 6, 5]
        target = a_map([self.ids[i] for i in order], [self.kinds[i] for i in order], self.points[order])
        found, disparity = laid_over(self.ids, self.kinds, turned(self.points), target)
        assert np.allclose(found, self.points, atol=1e-5) and disparity < 1e-9

    def test_prompts_and_centroids_go_along_but_do_not_pull(self) -> None:
        coordinates = turned(self.points)
        coordinates[5:] += 100
        found, disparity = laid_over(self.ids, self.kinds, coordinates, a_map(self.ids, self.kinds, self.points))
        assert np.allclose(found[:5], self.points[:5], atol=1e-5) and disparity < 1e-9
        assert np.linalg.norm(found[5:] - self.points[5:], axis=1).min() > 10

    def test_one_radiograph_gives_nothing_to_turn_by(self) -> None:
        ids, kinds = ["a", "Mass", "Edema"], ["sample", "prompt", "prompt"]
        found, disparity = laid_over(ids, kinds, self.points[:3], a_map(ids, kinds, self.points[3:6]))
        assert np.array_equal(found, self.points[:3]) and np.isnan(disparity)

    def teststarting_points(self) -> None:
        target = a_map(self.ids, self.kinds, self.points)
        start = starting_points(["Mass", "b", "new", "Mass"], ["centroid", "sample", "sample", "prompt"], target)
        assert np.array_equal(start[[0, 1, 3]], self.points[[6, 1, 5]])
        assert np.allclose(start[2], self.points.mean(axis=0))
