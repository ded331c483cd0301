"""The gap over runs: dots where the numbers are, words where there are none, names that do not lie over each other."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.gap_runs import FindingGaps, TemperaturePoint, finding_gaps, temperature_gaps

NAMES = ["Edema", "Mass", "Hernia"]


def run(name: str = "a", **changes: object) -> FindingGaps:
    parts = {"gaps": [0.5, 0.7, np.nan], "expected": [0.4, 0.45, np.nan], "support": [30, 20, 4], "overall": 0.42}
    return FindingGaps(name=name, **(parts | changes))  # type: ignore[arg-type]


def test_dots_strokes_and_lines_are_those_given() -> None:
    made = finding_gaps(NAMES, [run(), run("b", overall=0.6)])
    strokes, dots = made.data[0], made.data[1]
    np.testing.assert_allclose(dots.x, [0.5, 0.7, np.nan])
    np.testing.assert_allclose(strokes.x, [0.4, 0.45, np.nan])
    assert [shape.x0 for shape in made.layout.shapes] == [0.42, 0.6]
    assert [np.rint(trace.y).tolist() for trace in made.data] == [[0, 1, 2]] * 4
    assert len({tuple(trace.y) for trace in made.data}) == 2  # each run has a lane of its own


def test_too_few_pairs_say_how_many_they_are() -> None:
    made = finding_gaps(NAMES, [run()])
    assert [(note.text, round(note.y)) for note in made.layout.annotations] == [("n=4", 2)]
    assert made.layout.yaxis.ticktext[0] == "Edema  (n=30)"


def test_a_support_that_differs_between_runs_stands_in_no_tick() -> None:
    made = finding_gaps(NAMES, [run(), run("b", support=[30, 25, 4])])
    assert list(made.layout.yaxis.ticktext) == ["Edema  (n=30)", "Mass", "Hernia  (n=4)"]


def test_arrays_of_other_diseases_are_refused() -> None:
    with pytest.raises(InputError, match="3 diseases"):
        finding_gaps(NAMES, [run(gaps=[0.5])])


def point(name: str, temperature: float, gap: float, number: int | None = None) -> TemperaturePoint:
    return TemperaturePoint(name=name, temperature=temperature, gap=gap, number=number)


def test_runs_lie_at_their_temperature_and_gap() -> None:
    made = temperature_gaps([point("a", 0.07, 0.5), point("b", 0.01, 0.9, 0)], published=[(1, 0.2), (0.1, 0.3)])
    line, others, chosen = made.data
    np.testing.assert_allclose(np.stack([line.x, line.y]), [[1, 0.1], [0.2, 0.3]])
    assert (others.x[0], others.y[0], chosen.x[0], chosen.y[0]) == (0.07, 0.5, 0.01, 0.9)
    assert (chosen.name, made.layout.xaxis.type) == ("b", "log")
    assert chosen.marker.color != others.marker.color


def test_of_names_in_one_place_the_chosen_one_is_written() -> None:
    given = [point("a", 0.07, 0.5), point("b", 0.071, 0.51, 0), point("c", 0.07, 0.9), point("d", 0.07, 0.5, 1)]
    written = {}
    for trace in temperature_gaps(given).data:
        for name, text, side in zip(trace.customdata, trace.text, trace.textposition, strict=True):
            written[name] = (text, side.split()[1] if text else "")
    assert written == {"a": ("", ""), "b": ("b", "right"), "c": ("c", "right"), "d": ("d", "left")}


@pytest.mark.parametrize("wrong", [point("bad", 0, 0.5), point("bad", 0.1, np.nan)])
def test_what_has_no_place_is_refused(wrong: TemperaturePoint) -> None:
    with pytest.raises(InputError, match="bad"):
        temperature_gaps([wrong])
