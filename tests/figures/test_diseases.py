"""Intervals and confusion matrices: labels beside their marks, ink on its ground, refusals."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.figures.confusion import confusion_grid
from core.figures.diseases import auroc_intervals
from core.figures.export import chromium_available, figure_bytes
from core.figures.theme import DARK, LIGHT, Theme
from tests.figures.examples import COUNTS, HOSTILE, NAMES, matrices
from tests.figures.test_theme import contrast

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
ONE = {"n_positive": [3], "series": ["a"]}


@pytest.mark.parametrize("runs", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 14])
def test_the_legend_has_room_below_the_axis(runs: int, count: int) -> None:
    part = [np.full(count, 0.7)] * runs
    made = auroc_intervals(NAMES[:count], part, part, part, n_positive=[1] * count, series=["same"] * runs)
    legend = made.layout.legend
    assert (legend.yref, legend.y, legend.yanchor) == ("container", 0, "bottom")
    assert made.layout.showlegend is (runs > 1)
    assert made.layout.margin.b >= 50 + (20 * runs if runs > 1 else 0)
    assert made.layout.height - made.layout.margin.b - made.layout.margin.t >= 34 * count


@pytest.mark.skipif(not chromium_available(), reason="Chromium is not on this machine")
@pytest.mark.parametrize("name", ["a", "orthogonal · biomedclip · nih-small · 3f2a", HOSTILE])
def test_the_legend_is_drawn_inside_the_paper_below_the_axis(name: str) -> None:
    part = [np.full(3, 0.7)] * 3
    made = auroc_intervals(NAMES[:3], part, part, part, n_positive=[1] * 3, series=[name, "b", "c"])
    svg = figure_bytes(made, "svg").decode()
    x, y = map(float, re.findall(r'class="legend"[^>]*translate\(([-\d.]+),\s*([-\d.]+)\)', svg)[0])
    height = float(re.findall(r'viewBox="0 0 [\d.]+ ([\d.]+)"', svg)[0])
    assert 0 <= x < 200
    assert height - made.layout.margin.b + 30 < y < height - 40


def test_names_of_levels_stand_one_over_the_other() -> None:
    part = [[0.7]]
    levels = [("chance", 0.5), ("published", 0.849), ("another", 0.811)]
    made = auroc_intervals(["Edema"], part, part, part, references=levels, **ONE)
    shifts = [note.yshift for note in made.layout.annotations]
    assert len(set(shifts)) == 3 and made.layout.margin.t >= max(shifts) + 14
    assert [shape.x0 for shape in made.layout.shapes] == [0.5, 0.849, 0.811]


def test_a_disease_of_one_run_only_has_one_dot() -> None:
    value = [[np.nan], [0.8]]
    made = auroc_intervals(["Edema"], value, value, value, n_positive=[3], series=["a", "b"], references=[])
    assert [np.isnan(trace.x[0]) for trace in made.data] == [True, False]
    assert not made.layout.annotations  # the other run knows both classes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": [[0.5], [0.6]]}, "2 values, 1 lows"),
        ({"series": []}, "0 names of runs"),
        ({"n_positive": [1, 2]}, "2 numbers of positives"),
        ({"lows": [[0.4, 0.3]]}, r"\(1,\), \(2,\), \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], words: str) -> None:
    given = {"names": ["Edema"], "values": [[0.5]], "lows": [[0.4]], "highs": [[0.6]], **ONE, **change}
    with pytest.raises(InputError, match=words):
        auroc_intervals(**given)  # type: ignore[arg-type]


def test_a_run_s_name_is_not_filled_in() -> None:
    part = [[0.7]]
    made = auroc_intervals(["Edema"], part, part, part, n_positive=[3], series=["%{x} <b>"])
    extra = made.data[0].hovertemplate.split("<extra>")[1]
    assert "%{" not in extra and "<b>" not in extra


@THEMES
def test_counts_are_legible_on_every_colour(theme: Theme) -> None:
    trace = confusion_grid(matrices(NAMES), theme=theme).data[0]
    assert all(contrast(trace.textfont.color, colour) >= 4.5 for _, colour in trace.colorscale)


def test_no_threshold_is_said_and_not_a_number() -> None:
    made = confusion_grid([replace(matrices(["Edema"], COUNTS[:1])[0], threshold=float("nan"))])
    assert made.layout.annotations[0].text == "Edema<br>no threshold, n=1,100, 4 unknown"


@pytest.mark.parametrize("count", [1, 5, 6, 14])
def test_axes_are_named_at_the_outer_edge(count: int) -> None:
    made = confusion_grid(matrices(NAMES[:count], COUNTS[:count]))
    named = [made.layout[f"xaxis{at}" if at > 1 else "xaxis"].title.text for at in range(1, count + 1)]
    assert [at for at, text in enumerate(named) if text == "model"] == list(range(max(0, count - 4), count))
