"""Figures of a search: what is drawn of which trial."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures.search import Point, best_so_far, history, importance_bars, intermediate, slices
from core.figures.theme import DARK, LIGHT


def point(number: int, state: str, value: float | None, **parameters: object) -> Point:
    values = {1: 0.5, 2: value} if value is not None else {}
    return Point(number=number, state=state, value=value, parameters=parameters, values=values)  # type: ignore[arg-type]


FOUR = [
    point(0, "complete", 0.7, rate=1e-3, form="a"),
    point(1, "failed", None, rate=1e-1, form="b"),
    point(2, "pruned", 0.6, rate=1e-4, form="b"),
    point(3, "complete", 0.65, rate=1e-2, form="c"),
]


@pytest.mark.parametrize(("maximised", "expected"), [(True, [2, 3, 3, 4]), (False, [2, 2, 1, 1])])
def test_the_best_so_far(maximised: bool, expected: list[float]) -> None:
    assert best_so_far([2, 3, 1, 4], maximised=maximised).tolist() == expected


def test_history_has_each_trial_once_and_failed_ones_without_a_value() -> None:
    made = history(FOUR, maximised=True, y_title="AUROC")
    traces = {trace.name: (list(trace.x), list(trace.y)) for trace in made.data}
    assert traces == {
        "complete": ([0, 3], [0.7, 0.65]),
        "pruned": ([2], [0.6]),
        "best so far": ([0, 3, 3], [0.7, 0.7, 0.7]),
    }
    assert [mark.x for mark in made.layout.annotations] == [1]


def test_nothing_but_failures_is_still_a_picture() -> None:
    made = history([FOUR[1]], maximised=True, y_title="AUROC")
    assert not made.data and [mark.x for mark in made.layout.annotations] == [1]
    assert made.layout.yaxis.showticklabels is False  # no number is made up


def test_slices_show_values_against_settings() -> None:
    made = slices(FOUR, ["rate", "form", "gone"], logarithmic=["rate"], y_title="AUROC")
    rate, form = made.data
    assert sorted(zip(rate.x, rate.y, strict=True)) == [(1e-4, 0.6), (1e-3, 0.7), (1e-2, 0.65)]
    assert made.layout.xaxis.type == "log" and list(made.layout.xaxis.ticktext) == ["0.0001", "0.001", "0.01"]
    assert dict(zip(form.x, form.y, strict=True)) == {0: 0.7, 1: 0.6, 2: 0.65}
    assert list(made.layout.xaxis2.ticktext) == ["a", "b", "c"]
    assert list(rate.marker.symbol) == ["circle", "circle", "circle-open"]


def test_a_few_whole_numbers_stand_side_by_side() -> None:
    trials = [point(at, "complete", 0.5, size=size) for at, size in enumerate((128, 16, 16, 64))]
    made = slices(trials, ["size"], y_title="AUROC")
    assert list(made.data[0].x) == [2, 0, 0, 1] and list(made.layout.xaxis.ticktext) == ["16", "64", "128"]


def test_many_values_of_a_logarithmic_setting_have_such_an_axis() -> None:
    trials = [point(at, "complete", 0.5 + at / 100, rate=10.0 ** (-5 + at / 3)) for at in range(10)]
    made = slices(trials, ["rate"], logarithmic=["rate"], y_title="AUROC")
    assert made.layout.xaxis.type == "log"
    assert list(made.data[0].x) == pytest.approx([10.0 ** (-5 + at / 3) for at in range(10)])
    assert list(made.layout.xaxis.ticktext) == ["1e-05", "0.0001", "0.001", "0.01"]


def test_importances_stand_in_order() -> None:
    made = importance_bars({"a": 0.2, "b": 0.7, "c": 0.1}, complete=12, needed=10, theme=DARK)
    assert list(made.data[0].x) == [0.1, 0.2, 0.7]
    assert list(made.layout.yaxis.ticktext) == ["c", "a", "b"]
    assert "12 complete" in made.layout.xaxis.title.text


def test_epochs_of_one_kind_are_one_trace_with_gaps() -> None:
    trials = [*FOUR, point(4, "complete", 0.6)]
    made = intermediate(trials, best=0, y_title="AUROC", theme=LIGHT)
    traces = {trace.name: trace for trace in made.data}
    assert set(traces) == {"pruned", "complete", "best: trial 0"}
    np.testing.assert_equal(np.array(traces["complete"].y, float), [0.5, 0.65, np.nan, 0.5, 0.6, np.nan])
    assert traces["complete"].text[0] == "trial 3" and traces["complete"].text[3] == "trial 4"
    assert traces["best: trial 0"].line.width > traces["complete"].line.width
