"""A figure at column width: what stands where, and what is legible."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures.printing import DRAWN, MILLIMETRES, SMALLEST, _titles, cells, for_print
from core.figures.similarity import similarity_difference, similarity_panels
from core.figures.theme import LIGHT
from tests.figures.examples import FIGURES, NAMES, K, cosines


def test_both_widths_have_the_same_scale() -> None:
    assert DRAWN[1] / MILLIMETRES[1] == pytest.approx(120 / 25.4, rel=2e-3)
    assert DRAWN[2] / MILLIMETRES[2] == pytest.approx(120 / 25.4, rel=2e-3)


@pytest.mark.parametrize("name", ["similarity", "similarity-3", "difference", "confusion"])
@pytest.mark.parametrize("columns", [1, 2])
def test_cells_are_square_and_panels_apart(name: str, columns: int) -> None:
    made = for_print(FIGURES[name](LIGHT), columns)
    room = made.layout.margin
    inner = (made.layout.width - room.l - room.r, made.layout.height - room.t - room.b)
    places = []
    for at in range(len(made.data)):
        found = f"{at + 1}" if at else ""
        x, y = made.layout[f"xaxis{found}"].domain, made.layout[f"yaxis{found}"].domain
        assert (x[1] - x[0]) * inner[0] == pytest.approx((y[1] - y[0]) * inner[1], abs=1)
        places.append((*x, *y))
    for at, (x0, x1, y0, y1) in enumerate(places):
        for u0, u1, v0, v1 in places[:at]:
            assert x0 >= u1 or u0 >= x1 or y0 >= v1 or v0 >= y1


def test_models_are_stacked_in_one_column_and_side_by_side_in_two() -> None:
    figure = FIGURES["similarity-3"](LIGHT)
    narrow, wide = for_print(figure, 1), for_print(figure, 2)
    assert narrow.layout.xaxis.domain == narrow.layout.xaxis3.domain
    assert wide.layout.yaxis.domain == wide.layout.yaxis3.domain
    assert narrow.layout.yaxis2.showticklabels and not wide.layout.yaxis2.showticklabels
    assert narrow.layout.xaxis3.showticklabels and not narrow.layout.xaxis.showticklabels


@pytest.mark.parametrize(("columns", "panels", "begins"), [(2, 1, "0."), (2, 2, "."), (2, 3, ""), (1, 1, "")])
def test_numbers_have_one_size_and_are_legible_or_left_out(columns: int, panels: int, begins: str) -> None:
    three = [cosines(), cosines(30), cosines(missing=True)][-panels:]
    made = for_print(similarity_panels(three, ["a", "b", "c"][-panels:], NAMES), columns)
    sizes = {trace.textfont.size for trace in made.data}
    assert len(sizes) == 1 and sizes.pop() >= SMALLEST
    texts = {str(text) for trace in made.data for text in np.ravel(trace.text)} - {"n=0", "×", "1", "1.00"}
    assert all(text.lstrip("-").startswith(begins) for text in texts) if begins else texts == {""}
    missing = set(made.data[-1].text[-1])
    assert missing == {"n=0"} or (missing == {"×"} and "× n=0" in [note.text for note in made.layout.annotations])


def test_a_difference_names_both_runs_in_full() -> None:
    runs = ["orthogonal · biomedclip · nih-small · 3f2a", "linear · lite-minilm · nih-small · 91bc"]
    figure = similarity_difference(cosines(), cosines(30), NAMES, title=" minus ".join(runs))
    title = for_print(figure, 1).layout.annotations[0].text
    assert title.replace("<br>minus ", " minus ").replace("<br>", " · ") == " minus ".join(runs)
    assert title.count("<br>") >= 2


def test_numbers_that_do_not_fit_are_left_out_but_missing_support_is_not() -> None:
    matrix = np.eye(60)
    matrix[5] = np.nan
    made = for_print(similarity_panels([matrix], ["a"], [f"d{at}" for at in range(60)]), 1)
    assert set(made.data[0].text[5]) == {"×"} and set(made.data[0].text[0]) == {""}
    assert "× n=0" in [note.text for note in made.layout.annotations]


def test_a_long_title_keeps_its_last_part() -> None:
    assert _titles(["Edema · 0.31", "Mass · 0.19"], 200) == ["Edema · 0.31", "Mass · 0.19"]
    broken = _titles(["Edema · 0.31", "A very long name of a finding · 0.19"], 110)
    assert broken[0] == "Edema<br>0.31"
    assert broken[1].endswith("…<br>0.19")
    assert _titles(["a &lt;b&gt; " * 9], 60)[0].count("<") == 0


def test_a_cell_is_rounded_without_a_negative_zero() -> None:
    assert cells(np.array([[-0.001, 0.126, np.nan]])).tolist() == [["0.00", "0.13", "n=0"]]


def test_the_legend_of_a_map_stands_under_it() -> None:
    made = for_print(FIGURES["space-categories"](LIGHT), 1)
    assert made.layout.scene.domain.y[0] * made.layout.height > 100


def test_a_long_label_is_cut_and_leaves_room() -> None:
    made = for_print(FIGURES["similarity"](LIGHT), 1)
    assert made.layout.yaxis.ticktext[0].startswith("&lt;img") and made.layout.yaxis.ticktext[0].endswith("…")
    assert made.layout.margin.l <= 150


def test_labels_are_all_there() -> None:
    made = for_print(similarity_panels([cosines()], ["a"], NAMES), 1)
    assert list(made.layout.xaxis.ticktext) == list(made.layout.yaxis.ticktext) == NAMES
    assert made.layout.yaxis.tickfont.size * K < (made.layout.height - made.layout.margin.t - made.layout.margin.b)
