"""Points within an outline, against shapes whose inside is known."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.metrics.enclosing import enclosed

POINTS = np.random.default_rng(0).uniform(-2, 2, (500, 2))


def test_a_square_holds_what_its_sides_say() -> None:
    found = enclosed(POINTS, [[-1, -1], [1, -1], [1, 1], [-1, 1]])
    assert np.array_equal(found, (np.abs(POINTS) < 1).all(axis=1))
    assert 0 < found.sum() < 500


def test_a_circle_of_many_corners_holds_its_disc() -> None:
    angles = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    radius = np.linalg.norm(POINTS, axis=1)
    found = enclosed(POINTS, np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert found[radius < 0.995].all() and not found[radius > 1].any()


def test_either_way_round_and_from_any_corner_it_is_the_same() -> None:
    corners = np.array([[0, 0], [2, 0.5], [1, 2], [0.2, 0.9]])
    expected = enclosed(POINTS, corners)
    assert np.array_equal(enclosed(POINTS, corners[::-1]), expected)
    assert np.array_equal(enclosed(POINTS, np.roll(corners, 2, axis=0)), expected)


def test_a_crossed_outline_leaves_out_what_it_winds_around_twice() -> None:
    star = [[np.sin(turn), np.cos(turn)] for turn in 4 * np.pi * np.arange(5) / 5]
    assert enclosed([[0, 0], [0, 0.9], [3, 3]], star).tolist() == [False, True, False]


def test_a_point_that_is_nowhere_is_outside() -> None:
    assert enclosed([[np.nan, 0], [0, 0]], [[-1, -1], [1, -1], [0, 2]]).tolist() == [False, True]


@pytest.mark.parametrize("corners", [[], [[0, 0], [1, 1]], [[0, 0], [1, 1], [np.inf, 0]], [[0, 0, 0]] * 3])
def test_what_is_no_outline_is_refused(corners: list[list[float]]) -> None:
    with pytest.raises(InputError, match="outline"):
        enclosed(POINTS, corners)
    with pytest.raises(InputError, match=r"\(n, 2\)"):
        enclosed([1, 2, 3], [[0, 0], [1, 1], [1, 0]])
