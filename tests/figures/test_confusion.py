"""Confusion matrices and differences: what is drawn is what was given, in cells, hovers and CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.figures.confusion import Matrix, confusion_grid, confusion_one, level
from core.figures.export import figure_csv
from core.figures.paired import Compared, confusion_difference, discordant_pairs, rate_differences
from core.figures.printing import for_print
from core.figures.theme import DARK, LIGHT, Theme
from tests.figures.examples import COUNTS, HOSTILE, NAMES, K, matrices
from tests.figures.test_theme import contrast

EDEMA = Matrix(
    name="Edema",
    counts=[[90, 10], [3, 7]],
    low=[[0.8, 0.05], [0.1, 0.4]],
    high=[[0.95, 0.2], [0.6, 0.9]],
    threshold=0.25,
    unknown=2,
)
COMPARED = [Compared(name=name, first=COUNTS[at], second=[[950, 50], [0, 0]], beyond=[True, True])
            for at, name in enumerate(NAMES)]  # fmt: skip


def test_a_cell_has_rate_count_and_interval_and_so_has_the_csv() -> None:
    made = confusion_grid([EDEMA])
    assert made.data[0].text[1] == ["30%<br>3<br>[10, 60]", "70%<br>7<br>[40, 90]"]
    rows = list(csv.DictReader(io.StringIO(figure_csv(made).decode())))
    assert rows[3]["customdata"] == "7 0.4 0.9" and float(rows[3]["z"]) == pytest.approx(0.7)
    assert made.layout.annotations[0].text == "Edema<br>0.25, n=110, 2 unknown"


def test_a_large_matrix_says_both_intervals() -> None:
    made = confusion_one(EDEMA, [[0.7, 0.0], [0.2, np.nan]], [[0.9, 0.3], [0.5, np.nan]])
    assert made.data[0].text[0][0] == "90.0%<br>90 of 100<br>W 80.0–95.0<br>P 70.0–90.0"
    assert made.data[0].text[1][1] == "70.0%<br>7 of 10<br>W 40.0–90.0"  # no patients to draw
    empty = confusion_one(replace(EDEMA, counts=[[0, 0], [3, 7]]), *np.full((2, 2, 2), np.nan))
    assert set(empty.data[0].text[0]) == {"n=0"}


def test_small_thresholds_are_told_apart() -> None:
    assert [level(value) for value in (0.0041, 0.0049, 0.5, np.nan)] == ["0.004", "0.005", "0.50", "no threshold"]


def test_intervals_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="2 x 2"):
        confusion_grid([replace(EDEMA, low=[0.1, 0.2])])


def test_a_difference_is_in_points_of_the_row_with_both_counts() -> None:
    one = Compared(name="Edema", first=[[90, 10], [3, 7]], second=[[80, 20], [5, 5]], beyond=[True, False])
    made = confusion_difference([one], "a", HOSTILE)
    assert np.allclose(made.data[0].z, [[10, -10], [-20, 20]])
    assert made.data[0].text[0][0] == "+10.0 *<br>90<br>80" and made.data[0].text[1][1] == "+20.0<br>7<br>5"
    assert made.data[0].zmax == -made.data[0].zmin == 20


def test_a_row_that_one_model_lacks_has_no_difference() -> None:
    made = confusion_difference(COMPARED, "a", "b")
    assert all(set(trace.text[1]) == {"n=0"} and np.isnan(trace.z[1]).all() for trace in made.data)


def test_noise_is_pale() -> None:
    one = Compared(name="Edema", first=[[90, 10], [3, 7]], second=[[91, 9], [3, 7]], beyond=[False, False])
    assert confusion_difference([one], "a", "b").data[0].zmax == 5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_numbers_are_legible_on_every_colour(theme: Theme) -> None:
    drawn = [
        confusion_difference(COMPARED, "a", "b", theme=theme),
        discordant_pairs("Edema", [[1, 2, 3, 4], [0, 0, 0, 1]], "a", "b", theme=theme),
        confusion_one(EDEMA, EDEMA.low, EDEMA.high, theme=theme),
    ]
    for trace in (figure.data[0] for figure in drawn):
        assert all(contrast(trace.textfont.color, colour) >= 4.5 for _, colour in trace.colorscale)


def test_pairs_are_counts_and_shares_of_the_label() -> None:
    made = discordant_pairs("Edema", [[50, 30, 15, 5], [0, 0, 0, 0]], "a", "b")
    assert made.data[0].text[0] == ["50<br>50.0%", "30<br>30.0%", "15<br>15.0%", "5<br>5.0%"]
    assert set(made.data[0].text[1]) == {"n=0"}
    with pytest.raises(InputError, match=r"\(2, 2\)"):
        discordant_pairs("Edema", [[1, 2], [3, 4]], "a", "b")


def test_differences_keep_their_ends_and_fill_what_is_beyond_chance() -> None:
    value, low, high = [0.1, np.nan], [-0.05, np.nan], [0.2, np.nan]
    made = rate_differences(
        ["Edema", "Hernia"], [value, value], [low, low], [high, high],
        beyond=[[True, False], [False, False]], support=[[5, 0], [50, 0]], words="a minus b",
    )  # fmt: skip
    first, second = made.data
    assert first.x[0] == pytest.approx(10) and np.isnan(first.x[1])
    assert (first.error_x.array[0], first.error_x.arrayminus[0]) == pytest.approx((10, 15))
    assert first.marker.color[0] != second.marker.color[0] == LIGHT.paper
    assert [note.text for note in made.layout.annotations].count("n=0") == 2
    assert made.layout.yaxis.ticktext[0] == "Edema  (5 / 50)"
    with pytest.raises(InputError, match="2 names, 1 entries"):
        rate_differences(["a", "b"], [[0], [0]], [[0], [0]], [[0], [0]], beyond=[[], []], support=[[], []], words="")


@pytest.mark.parametrize("columns", [1, 2])
def test_in_print_words_below_have_room_and_titles_are_whole(columns: int) -> None:
    printed = for_print(confusion_difference(COMPARED, "a", "b" * 80), columns)
    note = printed.layout.annotations[-1]
    assert note.yshift == -printed.layout.margin.b and printed.layout.margin.b > 46 + 18 * note.text.count("<br>")
    grid = for_print(confusion_grid(matrices(NAMES)), columns)
    titles = [note.text.split("<br>")[0] for note in grid.layout.annotations[:K]]
    assert titles == NAMES
    beside = [grid.layout[f"yaxis{at + 1}" if at else "yaxis"].title.text for at in range(K)]
    assert [at for at, text in enumerate(beside) if text] == list(range(0, K, {1: 3, 2: 4}[columns]))
