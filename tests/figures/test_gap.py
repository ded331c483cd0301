"""The modality gap: shares by a slow count, and what does not belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.figures.gap import ShiftLine, ShiftRow, cosine_cones, paired_map, shift_curve


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


def rows(*values: list[float], **more: Any) -> list[ShiftRow]:
    """One row of a figure with a line for each list of values."""
    return [
        ShiftRow(title="m", lines=[ShiftLine(name=f"l{n}", values=v, number=n) for n, v in enumerate(values)], **more)
    ]


def test_curves_are_those_given_and_a_gap_stays_one() -> None:
    x, one, other, task = [-1, 0, 1], [3, np.nan, 2], [4, 5, 6], [0.5, np.nan, 0.6]
    made = shift_curve(x, [*rows(one, other), *rows(task)])
    for trace, values in zip(made.data, (one, other, task), strict=True):
        assert np.allclose(trace.x, x) and np.allclose(trace.y, values, equal_nan=True)
        assert not trace.connectgaps
    assert [trace.yaxis for trace in made.data] == ["y", "y", "y2"]


def test_a_row_without_a_finite_value_is_left_out() -> None:
    made = shift_curve([0, 1], [*rows([1, 2]), *rows([np.nan, np.inf])])
    assert len(made.data) == 1 and "yaxis2" not in made.layout


def test_the_best_of_a_row_is_where_it_was_said_to_be() -> None:
    made = shift_curve([0, 1, 2], [*rows([1, 2, 3]), *rows([5, 4, 5], best=[(1.0, 4.0)], lowest=True)])
    best = made.data[-1]
    assert (best.x.tolist(), best.y.tolist(), best.yaxis) == ([1], [4], "y2")
    assert (best.text, best.textposition) == (("4.000 at 1",), ("bottom center",))
    assert made.layout.yaxis2.range[0] < 3.9  # room for the words


@pytest.mark.parametrize(("shift", "side"), [(0.0, "top right"), (1.0, "top center"), (2.0, "top left")])
def test_what_a_best_point_says_stays_in_the_frame(shift: float, side: str) -> None:
    made = shift_curve([0, 1, 2], rows([1, 1, 1], best=[(shift, 1.0)]))
    assert made.data[-1].textposition == (side,)


def test_noise_is_not_blown_up() -> None:
    low, high = shift_curve([0, 1], rows([0.99999, 1.0])).layout.yaxis.range
    assert high - low >= 0.01


@pytest.mark.parametrize("values", [[[1.0]], [[1, 2], [1.0]]])
def test_what_does_not_fit_is_refused(values: list[list[float]]) -> None:
    with pytest.raises(InputError, match=r"2 shifts, .*1 l"):
        shift_curve([0, 1], rows(*values))


def test_the_frame_stays_where_it_is() -> None:
    made = paired_map([[0, 0]], [[1, 1]], x_range=(-1, 1), y_range=(-0.5, 0.5))
    assert (made.layout.xaxis.range, made.layout.yaxis.range) == ((-1, 1), (-0.5, 0.5))


@pytest.mark.parametrize("shape", [(3,), (3, 3), (0,)])
def test_a_map_needs_two_coordinates(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="two arrays"):
        paired_map(np.zeros(shape), np.zeros(shape))
