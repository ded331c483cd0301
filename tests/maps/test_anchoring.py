"""Maps of one study: started from the first of them, and laid over it."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from core.config.run import ProjectionConfig
from core.maps.anchoring import laid_over, starting_points, what_of_reference
from core.maps.making import project_points
from core.maps.pca import Points
from core.store import Projection
from tests.maps.vectors import groups, needs_fast

CONFIG = ProjectionConfig(neighbours=10, epochs=60)


@pytest.mark.parametrize("engine", ["umap-learn", pytest.param("fast", marks=needs_fast)])
def test_a_map_that_starts_from_another_stays_near_it(engine: str) -> None:
    vectors, moved, config = groups(40), groups(40) + np.float32(1e-3), CONFIG.replace(engine=engine)
    reference = np.random.default_rng(1).permutation(project_points(vectors, config, seed=0)[0])  # not where PCA is
    started, _ = project_points(moved, config.replace(epochs=10), seed=1, start=reference)
    fresh, _ = project_points(moved, config.replace(epochs=10), seed=1)
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

    def test_maps_that_share_no_radiograph_are_left_where_they_are(self) -> None:
        target = a_map(["x", "y"], ["sample", "sample"], self.points[:2])
        found, disparity = laid_over(self.ids, self.kinds, self.points, target)
        assert np.array_equal(found, self.points) and np.isnan(disparity)

    def test_a_flat_map_stays_flat(self) -> None:
        angle, flat = np.deg2rad(70), self.points * [1, 1, 0]
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        moved = (3 * flat @ turn + [4, 5, 0]).astype(np.float32)
        found, disparity = laid_over(self.ids, self.kinds, moved, a_map(self.ids, self.kinds, self.points))
        assert np.allclose(found, flat, atol=1e-5) and disparity < 1e-9 and not found[:, 2].any()


def test_what_a_map_says_of_its_reference() -> None:
    assert what_of_reference("r", 0.25) == {"reference": "r", "disparity": 0.25}
    assert what_of_reference("r", float("nan")) == {"started_from": "r"}
