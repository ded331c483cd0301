"""The pointing game against values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.metrics.pointing import peak, point, summarise
from core.metrics.thresholds import wilson

LEFT_HALF = [[0.0, 0.0, 0.5, 1.0]]


def test_the_highest_place_is_the_middle_of_its_cell() -> None:
    assert peak([[0, 1], [0, 3], [2, 0], [0, 0]]) == (0.75, 0.375)
    assert peak([[1, 1], [1, 1]]) == (0.25, 0.25)  # of equal ones the first
    assert peak(np.zeros((3, 3))) is None


def test_a_map_against_a_box() -> None:
    """Three quarters of the sum lie in the left half, the highest place in the right one."""
    found = point([[3, 4], [6, 0], [3, 0]], LEFT_HALF)
    assert found.hit and found.area == 0.5 and not found.centre and not found.empty
    assert found.inside == pytest.approx(12 / 16)
    assert not point([[3, 7], [6, 0], [3, 0]], LEFT_HALF).hit


def test_what_two_boxes_cover_counts_once() -> None:
    boxes = [[0.0, 0.0, 0.5, 0.5], [0.25, 0.0, 0.5, 0.5]]
    found = point(np.ones((4, 4)), boxes)
    assert found.area == pytest.approx(0.375) and found.inside == pytest.approx(0.375)


def test_a_box_through_the_middle_of_a_cell_takes_a_part_of_it() -> None:
    assert point([[4, 0], [0, 0]], [[0.0, 0.0, 0.25, 1.0]]).inside == pytest.approx(0.5)


def test_against_a_fine_raster() -> None:
    rng, fine = np.random.default_rng(0), 840  # a multiple of each side below, and of the boxes' grid
    for side in (2, 5, 7, 14):
        values, boxes = rng.random((side, side)), rng.integers(1, 20, (3, 4)) / 40
        mask = np.zeros((fine, fine), bool)
        for x, y, width, height in (boxes * fine).round().astype(int).tolist():
            mask[y : y + height, x : x + width] = True
        large = np.kron(values, np.ones((fine // side, fine // side)))
        found = point(values, boxes)
        assert found.area == pytest.approx(mask.mean()) and found.inside == pytest.approx(
            large[mask].sum() / large.sum()
        )
        row, column = divmod(int(values.argmax()), side)
        assert found.hit == mask[int((row + 0.5) * fine / side), int((column + 0.5) * fine / side)]


def test_a_box_that_leaves_the_radiograph_is_cut() -> None:
    assert point([[1]], [[0.5, 0.5, 0.9, 0.9]]).area == pytest.approx(0.25)


def test_the_middle() -> None:
    assert point([[1]], [[0.4, 0.4, 0.2, 0.2]]).centre
    assert not point([[1]], [[0.51, 0.4, 0.2, 0.2]]).centre


def test_an_empty_map_never_hits_and_has_no_share() -> None:
    found = point(np.zeros((7, 7)), [[0.0, 0.0, 1.0, 1.0]])
    assert not found.hit and found.empty and np.isnan(found.inside) and found.area == 1


def test_a_flat_map_has_the_share_of_chance() -> None:
    rng = np.random.default_rng(0)
    for _ in range(5):
        x, y, width, height = (rng.integers(0, 512, 4) / 1024).tolist()
        found = point(np.ones((7, 7)), [[x, y, width + 1 / 1024, height + 1 / 1024]])
        assert found.inside == pytest.approx(found.area)


def test_chance_is_the_rate_of_points_drawn_at_random() -> None:
    rng, box = np.random.default_rng(0), [[0.2, 0.3, 0.3, 0.4]]
    maps = [np.zeros((32, 32)) for _ in range(3000)]
    for one in maps:
        one[rng.integers(32), rng.integers(32)] = 1
    found = summarise([point(one, box) for one in maps[:400]])
    assert found.rate.low < found.area < found.rate.high
    assert found.area == pytest.approx(0.12, abs=0.002)


def test_a_summary() -> None:
    hit, miss, empty = (
        point([[1, 0]], LEFT_HALF),
        point([[0, 1]], LEFT_HALF),
        point([[0, 0]], [[0.25, 0.25, 0.5, 0.5]]),
    )
    found = summarise([hit, hit, miss, empty])
    assert (found.n, found.hits, found.empty) == (4, 2, 1) and found.rate == wilson(2, 4)
    assert found.inside == pytest.approx(2 / 3) and found.area == pytest.approx((3 * 0.5 + 0.25) / 4)
    assert found.centre == 0.25
    nothing = summarise([])
    assert nothing.n == 0 and np.isnan(nothing.rate.value) and np.isnan(nothing.area)


@pytest.mark.parametrize("values", [[1, 2], [[-1, 0]], [[np.nan, 0]], np.zeros((0, 3))])
def test_what_is_no_map_is_refused(values: object) -> None:
    with pytest.raises(InputError, match="saliency map"):
        point(values, LEFT_HALF)  # type: ignore[arg-type]


@pytest.mark.parametrize("boxes", [[], [[0, 0, 1]], [[0, 0, np.nan, 1]]])
def test_what_is_no_box_is_refused(boxes: object) -> None:
    with pytest.raises(InputError, match="Boxes"):
        point([[1]], boxes)  # type: ignore[arg-type]
