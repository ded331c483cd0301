"""The modality gap: shares by a slow count, and what does not belong together."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.gap import cosine_cones, paired_map, shift_curve


def test_shares_are_those_of_a_slow_count() -> None:
    values = np.random.default_rng(0).uniform(-1, 1, 300)
    trace = cosine_cones(values, [], []).data[0]
    for middle, share in zip(trace.x, trace.y, strict=True):
        inside = sum(middle - 0.01 <= value < middle + 0.01 for value in values)
        assert share == pytest.approx(inside / 300, abs=1e-9)


def test_a_cosine_a_little_above_one_is_counted() -> None:
    assert cosine_cones([1.0 + 1e-7], [], []).data[0].y[-1] == 1


def test_one_scale_for_both_axes_of_a_map() -> None:
    made = paired_map([[0, 0], [1, 5]], [[1, 1], [2, 2]])
    assert (made.layout.yaxis.scaleanchor, made.layout.yaxis.scaleratio) == ("x", 1)


def test_curves_are_those_given_and_a_gap_stays_one() -> None:
    x, one, other, task = [-1, 0, 1], [3, np.nan, 2], [4, 5, 6], [0.5, np.nan, 0.6]
    made = shift_curve(x, one, other, task)
    for trace, values in zip(made.data[:3], (one, other, task), strict=True):
        assert np.allclose(trace.x, x) and np.allclose(trace.y, values, equal_nan=True)
        assert not trace.connectgaps


def test_without_a_task_there_is_one_row_and_no_best() -> None:
    made = shift_curve([0, 1], [1, 2], [1, 2], [np.nan, np.nan])
    assert len(made.data) == 2 and "yaxis2" not in made.layout


def test_an_infinite_score_is_not_the_best() -> None:
    best = shift_curve([0, 1], [1, 2], [1, 2], [np.inf, 0.5]).data[-1]
    assert best.y.tolist() == [0.5]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (([0, 1], [1], [1, 2], None), "2 distances, 1 losses, 2 losses back"),
        (([0, 1], [1, 2], [1], None), "1 losses back"),
        (([0, 1], [1, 2], [1, 2], [0.5]), "2 distances, 1 scores"),
    ],
)
def test_what_does_not_fit_is_refused(arrays: tuple[list[float], ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        shift_curve(*arrays)


@pytest.mark.parametrize("shape", [(3,), (3, 3), (0,)])
def test_a_map_needs_two_coordinates(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="two arrays"):
        paired_map(np.zeros(shape), np.zeros(shape))
