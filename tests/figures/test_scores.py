"""Figures of scores: what is drawn, where, and what they say where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.dots import Dots
from core.figures.mistaken import mistaken_for
from core.figures.operating import MOST, pr_curves, roc_curves
from core.figures.scores import differences, groups, subgroups
from tests.figures.examples_scores import bins, calibration_curves, dots, line


def named(figure: object, name: str) -> object:
    return next(trace for trace in figure.data if trace.name == name)  # type: ignore[attr-defined]


def test_curves_have_chance_band_and_operating_point() -> None:
    made = roc_curves([line("a"), line("b", band=False)], n_positive=9, n_negative=90)
    names = [trace.name for trace in made.data]
    assert names == [
        "chance: 0.5", "a, lower end of the band", "a, upper end of the band", "a<br>0.8 [0.7, 0.9]",
        "a: threshold 0.3", "b<br>0.8 [0.7, 0.9]",
    ]  # fmt: skip
    point = made.data[4]
    assert (point.x[0], point.y[0]) == (0.25, 0.5)
    assert "n=90 " in made.layout.xaxis.title.text and "n=9 " in made.layout.yaxis.title.text
    chance = pr_curves([line("a")], n_positive=9, n_negative=91).data[0]
    assert list(chance.y) == [0.09, 0.09] and "0.090" in chance.name


def test_a_long_curve_is_thinned_but_keeps_its_shape_and_ends() -> None:
    curve = roc_curves([line("a")], n_positive=9, n_negative=90).data[3]
    assert len(curve.x) <= MOST
    assert (curve.x[0], curve.x[-1]) == (0, 1)
    np.testing.assert_allclose(np.asarray(curve.y), np.asarray(curve.x) ** 0.5, atol=1e-6)
    assert np.hypot(np.diff(curve.x), np.diff(curve.y)).max() < 0.02


def test_without_one_class_the_figure_says_how_many_there_are() -> None:
    made = roc_curves([line("a")], n_positive=0, n_negative=1234)
    assert made.layout.annotations[0].text == "No curve: 0 radiographs with this disease and 1,234 without it"


def test_empty_bins_are_not_drawn() -> None:
    made = calibration_curves([bins("a")], n=17)
    curve, bars = made.data[1], made.data[2]
    assert list(curve.x) == pytest.approx([0.1, 0.4, 0.9])
    assert list(curve.error_y.array) == pytest.approx([0.4, 0.27, 0.0], abs=1e-6)
    assert list(bars.y) == [5, 3, 9] and list(bars.x) == pytest.approx([0.125, 0.375, 0.875])


def test_differences_fill_what_is_beyond_chance() -> None:
    made = differences(["a", "b", "c"], [dots("x", 3, beyond=True)], reference="first", n=["n=1", "n=2", "n=0"])
    trace = named(made, "x")
    assert list(trace.marker.symbol) == ["circle", "circle-open", "circle"]  # type: ignore[attr-defined]
    assert [note.text for note in made.layout.annotations] == ["one class only"]
    assert made.layout.yaxis.ticktext[1] == "b  (n=2)"
    assert "no interval" in trace.text[1] and "first minus" in made.layout.xaxis.title.text  # type: ignore[attr-defined]


def test_bars_end_where_the_interval_does() -> None:
    one = Dots(name="x", values=[0.5], lows=[0.2], highs=[0.6])
    trace = differences(["a"], [one], reference="r", n=["n=1"]).data[0]
    assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(0.2)
    assert trace.x[0] + trace.error_x.array[0] == pytest.approx(0.6)


def test_a_subgroup_without_the_disease_says_so() -> None:
    made = subgroups(
        ["Edema", "Mass"], ["F (n=3)", "M (n=4)"], [("a", [dots("F", 2), dots("M", 2)])], [[5, 0], [6, 7]],
        measure="gap", zero=0.0,
    )  # fmt: skip
    assert [note.text for note in made.layout.annotations] == ["n=0", "M: undefined"]
    assert list(made.layout.yaxis.ticktext) == ["Edema  (n=5 | 6)", "Mass  (n=0 | 7)"]
    assert len(made.layout.shapes) == 1 and made.layout.shapes[0].x0 == 0
    with pytest.raises(InputError, match="subgroups by diseases"):
        subgroups(["Edema"], ["F"], [("a", [])], [[1, 2]], measure="gap", zero=0.0)


def test_groups_have_a_panel_for_each_measure() -> None:
    made = groups(["all", "tail"], [("AUROC", [dots("a", 2)]), ("AP", [dots("a", 2)])])
    assert [trace.xaxis for trace in made.data] == ["x", "x2"]
    assert [note.text for note in made.layout.annotations] == ["n=0", "n=0"]
    with pytest.raises(InputError, match="as many of each"):
        groups(["all"], [("AUROC", [dots("a", 1)]), ("AP", [])])


def test_misses_show_shares_and_colour_by_distance_to_the_base_rate() -> None:
    made = mistaken_for(
        ["a", "b", "c"], [4, 10, 0], [[0, 1, 2], [5, 0, 0], [0, 0, 0]], [0.5, 0.25, 0.1], np.zeros((3, 3))
    )
    trace = made.data[0]
    assert [list(row) for row in trace.text] == [["·", "25", "50"], ["50", "·", "0"], ["n=0"] * 3]
    np.testing.assert_allclose(trace.z, [[0, 0, 40], [0, 0, -10], [np.nan] * 3], atol=1e-5)
    assert list(trace.y) == ["a (n=4)", "b (n=10)", "c (n=0)"] and trace.x[0] == "a (50%)"
    assert [trace.customdata[row][column][2] for row, column in ((0, 2), (1, 0), (2, 0))] == ["5.00", "1.00", "–"]
    assert trace.zmax == 40 == -trace.zmin
