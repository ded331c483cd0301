"""Heatmaps: one scale, one order, legible numbers, and names that stay names."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.similarity import off_diagonal_distribution, similarity_difference, similarity_panels
from core.figures.theme import DARK, LIGHT, Theme
from tests.figures.examples import NAMES, K, cosines
from tests.figures.test_theme import contrast

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
TWO = np.array([[1.0, -0.25], [-0.25, 1.0]])


def test_models_share_scale_order_and_one_colour_bar() -> None:
    given = [cosines(), cosines(30), cosines(missing=True)]
    made = similarity_panels(given, ["a", "b", "c"], NAMES)
    for trace, matrix in zip(made.data, given, strict=True):
        assert np.allclose(trace.z, matrix, equal_nan=True, atol=1e-6)
        assert (trace.zmin, trace.zmax) == (-1, 1)
        assert list(trace.x) == list(trace.y) == NAMES
    assert [trace.showscale for trace in made.data] == [False, False, True]
    assert [title.text for title in made.layout.annotations] == ["a", "b", "c"]


def test_an_array_of_matrices_is_as_good_as_a_list() -> None:
    assert len(similarity_panels(np.stack([TWO, TWO]), ["a", "b"], ["x", "y"]).data) == 2


def test_rows_and_columns_may_differ() -> None:
    trace = similarity_panels([np.ones((2, 3))], ["a"], ["x", "y"], columns=["p", "q", "r"]).data[0]
    assert list(trace.y) == ["x", "y"] and list(trace.x) == ["p", "q", "r"]


@THEMES
@pytest.mark.parametrize("difference", [False, True])
def test_numbers_are_legible_on_every_colour(theme: Theme, difference: bool) -> None:
    made = (
        similarity_difference(cosines(), cosines(30), NAMES, theme=theme)
        if difference
        else similarity_panels([cosines()], ["a"], NAMES, theme=theme)
    )
    trace = made.data[0]
    assert all(contrast(trace.textfont.color, colour) >= 4.5 for _, colour in trace.colorscale)


def test_names_are_not_numbers_and_equal_ones_stay_apart() -> None:
    made = similarity_panels([TWO], ["a"], ["2", "2"])
    assert made.layout.xaxis.type == made.layout.yaxis.type == "category"
    assert list(made.data[0].x) == ["2", "2 (2)"]


@pytest.mark.parametrize(
    ("matrices", "titles", "columns", "words"),
    [
        ([TWO, TWO], ["a"], None, "2 matrices, 1 titles"),
        ([TWO], ["a"], ["x"], "1 of columns"),
        ([np.ones((2, 3))], ["a"], None, r"\(2, 3\)"),
        ([np.ones(2)], ["a"], None, r"\(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    matrices: list[np.ndarray], titles: list[str], columns: list[str] | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        similarity_panels(matrices, titles, ["x", "y"], columns=columns)


def test_a_difference_without_support_has_a_scale_all_the_same() -> None:
    trace = similarity_difference(TWO * np.nan, TWO, ["x", "y"]).data[0]
    assert (trace.zmin, trace.zmax) == (-1, 1) and np.isnan(trace.z).all()
    trace = similarity_difference(TWO, TWO, ["x", "y"]).data[0]
    assert (trace.zmin, trace.zmax) == (-1, 1)


def test_two_models_of_one_name_have_two_rows() -> None:
    long = "orthogonal · biomedclip · nih-small · 3f2a"
    made = off_diagonal_distribution([[0.1, 0.2], [0.3, np.nan]], [long, long])
    assert [trace.y0 for trace in made.data] == [0, 1]
    assert list(made.data[1].x) == [0.3]
    shown = made.layout.yaxis.ticktext[0]
    assert shown.replace("<br>", " ") == long and max(map(len, shown.split("<br>"))) <= 20


def test_labels_of_near_levels_do_not_meet() -> None:
    levels = [("orthogonal: 0", 0.0), ("simplex", -1 / 13), ("third", 0.1)]
    made = off_diagonal_distribution([cosines()[np.triu_indices(K, 1)]], ["a"], references=levels)
    places = {note.text: (note.xanchor, note.yshift) for note in made.layout.annotations}
    assert places == {"simplex": ("right", 0), "orthogonal: 0": ("left", 0), "third": ("left", 14)}


def test_pairs_and_names_must_fit() -> None:
    with pytest.raises(InputError, match="1 models, 2 names"):
        off_diagonal_distribution([[0.1]], ["a", "b"])
