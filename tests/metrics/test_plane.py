"""The flat picture of the gap against vectors that were really moved."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.metrics.gap import gap_direction, modality_gap, shift
from core.metrics.plane import plane
from tests.metrics.test_gap import IMAGES, TEXTS, unit


def slow_axes(images: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Along the gap, and the first singular direction of what is left of both clouds without it."""
    along = gap_direction(images, texts)
    both = np.concatenate([images, texts]).astype(float)
    rest = both - both.mean(axis=0)
    rest = rest - np.outer(rest @ along, along)
    return np.stack([along, np.linalg.svd(rest, full_matrices=False)[2][0]], axis=1)


@pytest.mark.parametrize("distance", [-5, -0.25, 0, 0.5, 1.75, 5])
def test_moving_on_the_plane_is_moving_in_space(distance: float) -> None:
    found, axes = plane(IMAGES, TEXTS), slow_axes(IMAGES, TEXTS)
    drawn = np.random.default_rng(0).permutation(200)
    images, texts = shift(IMAGES, TEXTS, distance)
    for own, moved in zip(found.shifted(distance), (images, texts), strict=True):
        expected = moved[drawn] @ axes
        sign = np.sign((own[:, 1] * expected[:, 1]).sum())
        np.testing.assert_allclose(own, expected * [1, sign], atol=2e-5)


def test_of_many_pairs_a_few_are_drawn_and_all_are_measured() -> None:
    found = plane(IMAGES, TEXTS, draw=20)
    assert found.images.shape == found.texts.shape == (20, 2)
    assert found.pairs == 200
    assert found.gap == pytest.approx(modality_gap(IMAGES, TEXTS).distance)
    means = [points.mean(axis=0) for points in (plane(IMAGES, TEXTS).images, plane(IMAGES, TEXTS).texts)]
    np.testing.assert_allclose(means[0] - means[1], [found.gap, 0], atol=1e-5)


def test_the_same_pairs_give_the_same_picture() -> None:
    one, two = plane(IMAGES, TEXTS, draw=20), plane(IMAGES.copy(), TEXTS.copy(), draw=20)
    np.testing.assert_array_equal(one.images, two.images)


def test_cones_are_cosines_of_rows_that_do_not_belong_together() -> None:
    eye = np.eye(4)
    every = np.vstack([eye, eye])
    found = plane(every, unit(every + np.array([0.5, 0, 0, 0])), cone=500)
    assert set(np.unique(found.cones[0])) <= set(np.unique(every @ every.T).tolist())
    many = plane(IMAGES, TEXTS, cone=200_000)
    off = ~np.eye(200, dtype=bool)
    for values, cosines in zip(many.cones, (IMAGES @ IMAGES.T, TEXTS @ TEXTS.T, IMAGES @ TEXTS.T), strict=True):
        assert values.mean() == pytest.approx(cosines[off].mean(), abs=2e-3)


def test_where_nothing_spreads_across_there_is_no_second_axis() -> None:
    found = plane([[1.0, 0]] * 3, [[0.0, 1]] * 3)
    assert np.isfinite(found.images).all()
    np.testing.assert_allclose(found.images[:, 0], np.sqrt(0.5), atol=1e-6)
    np.testing.assert_allclose(plane([[1.0]] * 2, [[-1.0]] * 2).images, [[1, 0]] * 2)


def test_what_has_no_gap_has_no_plane() -> None:
    with pytest.raises(InputError, match="no direction"):
        plane(TEXTS, TEXTS)


def test_a_row_that_lands_on_the_origin_is_refused() -> None:
    with pytest.raises(InputError, match="origin"):
        plane([[1.0, 0], [1.0, 0]], [[-1.0, 0], [-1.0, 0]]).shifted(2)
