"""What every figure of the app keeps, drawn by its recipe from a real workspace and written in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pypdfium2
import pytest
from PIL import Image

from core.errors import ConfigError, FluoroscopeError
from core.figures.export import chromium_available, figure_bytes, figure_csv, file_name
from core.figures.theme import DARK, LIGHT, template
from core.recipes.base import Recipe
from core.recipes.files import Files
from core.recipes.listing import RECIPES, all_in_words, recipe_from_json, recipe_in_words
from tests.finished import Finished
from tests.recipes.examples import EXAMPLES, ids

EVERY = pytest.mark.parametrize("number", range(len(EXAMPLES)))
WITHOUT_AXES = (
    "space",
    "similarity",
    "difference",
    "similarity-moment",
    "combinations",
    "attention",
)
"""Figures whose axes are names, or mean nothing."""


@pytest.fixture
def recipe(number: int, stocked: Finished) -> Recipe:
    return EXAMPLES[number](stocked)


def test_there_is_an_example_of_every_figure(stocked: Finished) -> None:
    assert sorted(make(stocked).figure for make in EXAMPLES) == sorted(RECIPES)


def drawn(figure: go.Figure) -> int:
    """Finite numbers in the traces of a figure."""
    count = 0
    for trace in figure.data:
        parts = [trace[name] for name in ("z", "x", "y", "r", "values") if name in trace and trace[name] is not None]
        for part in parts:
            array = np.asarray(part)
            count += int(np.isfinite(array.astype(np.float64)).sum()) if array.dtype.kind in "fiu" else array.size
    return count


@EVERY
def test_it_is_drawn_in_light_and_dark(recipe: Recipe) -> None:
    for theme in (LIGHT, DARK):
        figure = recipe.draw(Files(), theme)
        assert figure.layout.template == template(theme) and figure.layout.paper_bgcolor == theme.paper
        assert drawn(figure) > 0 and figure.layout.height >= 180
        axes = [figure.layout[key] for key in figure.layout if re.fullmatch(r"[xy]axis\d*", key)]
        assert all(axis.tickfont.size is None or axis.tickfont.size >= 11 for axis in axes)
        if recipe.figure not in WITHOUT_AXES:
            assert any(axis.title.text for axis in axes), "no axis says what it is"
    assert recipe.draw(Files()).to_json() == recipe.draw(Files()).to_json()


@EVERY
def test_words_say_what_it_is_and_of_how_many(recipe: Recipe) -> None:
    where = Files()
    assert len(recipe.title) > 2 and len(recipe.alt(where)) > 20
    assert re.search(r"(n = |^)\d+|^radiograph ", recipe.of(where)), recipe.of(where)
    name = file_name(recipe.name(where), "svg")
    assert re.fullmatch(r"fluoroscope_[a-z0-9_.-]+\.svg", name) and recipe.figure in name


@EVERY
def test_it_comes_back_from_a_file(recipe: Recipe) -> None:
    again = recipe_from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe and type(again) is type(recipe)


@EVERY
def test_its_data_are_a_table(recipe: Recipe) -> None:
    made = recipe.csv(Files())
    assert made == recipe.csv(Files())
    rows = list(csv.reader(io.StringIO(made.decode())))
    assert len(rows) > 1 and all(len(row) == len(rows[0]) for row in rows)
    assert not {"nan", "inf"} & {cell for row in rows for cell in row}
    assert len(figure_csv(recipe.draw(Files())).splitlines()) > 1


@EVERY
def test_it_leaves_in_every_format(recipe: Recipe) -> None:
    if not chromium_available():
        pytest.skip("no Chromium on this machine")
    figure = recipe.draw(Files())
    assert b"plotly" in figure_bytes(figure, "html")
    svg = figure_bytes(figure, "svg")
    assert b'width="89.0mm"' in svg[:400] and b"@font-face" in svg[:400]
    with pypdfium2.PdfDocument(figure_bytes(figure, "pdf", columns=2)) as pdf:
        assert len(pdf) == 1 and pdf[0].get_width() == pytest.approx(183 / 25.4 * 72, abs=1.5)
        page = pdf[0].render(scale=1).to_pil().convert("L")
    png = Image.open(io.BytesIO(figure_bytes(figure, "png", columns=2)))
    assert png.info["dpi"][0] == pytest.approx(360, abs=1)
    apart = np.abs(np.asarray(page, float) - np.asarray(png.convert("L").resize(page.size), float))
    assert apart.mean() < 8, "the PDF shows something else than the PNG: shifted, or cut off"


def refused(**settings: Any) -> str:
    with pytest.raises(ConfigError) as error:
        recipe_from_json(settings)
    return str(error.value)


def test_what_is_no_recipe_is_refused() -> None:
    assert "There is no figure 'nothing'" in refused(figure="nothing")
    assert "name of its figure" in refused(runs=["a"])
    assert "does not know ['sauce']" in refused(figure="auroc", runs=["a"], sauce=1)
    assert "must be one of" in refused(figure="curves", runs=["a"], quantity="sauce")
    assert "must lie between" in refused(figure="curves", runs=["a"], smoothing=7)
    assert "stem is '../../etc'" in refused(figure="space", runs=["a"], stem="../../etc")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"smoothing": ["much"]}, "must be a number"),
        ({"log_x": ["maybe"]}, "must be yes or no"),
        ({"axis": ["step", "epoch"]}, "takes one value"),
        ({"sauce": ["a"]}, "has no setting sauce"),
    ],
)
def test_words_that_do_not_fit(words: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recipe_in_words("curves", {"runs": ["a"], **words})


def test_words_become_settings(stocked: Finished) -> None:
    made = recipe_in_words("space", {"runs": list(ids(stocked, "linear")), "labelled": ["prompt"], "flat": ["yes"]})
    assert made.to_json()["flat"] is True and made.draw(Files()).data
    assert all(name in all_in_words() for name in RECIPES)


def test_a_run_that_is_gone_is_named(stocked: Finished) -> None:
    lost = recipe_from_json({"figure": "auroc", "runs": ["ffffffff-ffff-ffff-ffff-ffffffffffff"]})
    with pytest.raises(FluoroscopeError, match="0 runs begin with 'ffffffff"):
        lost.draw(Files())
