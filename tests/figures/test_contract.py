"""What every figure keeps, whatever it shows."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures.export import figure_bytes, figure_csv
from core.figures.printing import for_print
from core.figures.theme import DARK, LIGHT, Theme, template
from tests.figures.examples import FIGURES, SMALLEST, WITHOUT_DATA

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
EVERY = pytest.mark.parametrize("name", FIGURES)
PLACEHOLDERS = ("#636efa", "#ef553b", "#2a3f5f", "#e5ecf6", "#000001")
"""Colours of plotly's own template, and of the one that Streamlit puts in its place."""


@functools.cache
def built(name: str, theme: Theme) -> go.Figure:
    """An example that no test changes."""
    return FIGURES[name](theme)


def strings(part: Any) -> list[str]:
    """Every text inside a figure's JSON."""
    if isinstance(part, str):
        return [part]
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [text for one in inside for text in strings(one)]


def axes(figure: go.Figure) -> list[Any]:
    return [figure.layout[key] for key in figure.layout if re.fullmatch(r"[xy]axis\d*", key)]


@THEMES
@EVERY
class TestEveryFigure:
    def test_colours_and_fonts_are_its_own(self, name: str, theme: Theme) -> None:
        figure = built(name, theme)
        assert isinstance(figure, go.Figure)
        assert figure.layout.template == template(theme)
        assert (figure.layout.paper_bgcolor, figure.layout.plot_bgcolor) == (theme.paper, theme.paper)
        assert (figure.layout.font.family, figure.layout.font.color) == (theme.font, theme.ink)
        assert figure.layout.font.size >= 12
        assert not [text for text in strings(json.loads(figure.to_json())) if text.lower() in PLACEHOLDERS]

    def test_tick_labels_are_legible(self, name: str, theme: Theme) -> None:
        for axis in axes(built(name, theme)):
            assert axis.tickfont.size >= 11

    def test_what_users_write_is_only_text(self, name: str, theme: Theme) -> None:
        found = strings(json.loads(built(name, theme).to_json()))
        tags = {tag for text in found for tag in re.findall(r"<[^>]*>?", text)}
        assert tags <= {"<br>", "<extra>", "</extra>"}
        assert any("example.invalid" in text for text in found) or name in ("cones", "curves-log", "per-patient")

    def test_the_height_is_stated_and_the_width_is_the_pages(self, name: str, theme: Theme) -> None:
        figure = built(name, theme)
        assert figure.layout.height >= 200
        assert figure.layout.width is None

    def test_the_same_arrays_give_the_same_figure(self, name: str, theme: Theme) -> None:
        assert FIGURES[name](theme).to_json() == built(name, theme).to_json()

    def test_the_csv_has_every_finite_point(self, name: str, theme: Theme) -> None:
        figure = built(name, theme)
        made = figure_csv(figure)
        assert made == figure_csv(FIGURES[name](theme))
        rows = list(csv.DictReader(io.StringIO(made.decode())))
        assert len(rows) >= sum(points(trace) for trace in figure.data)
        assert not [row for row in rows if "nan" in row.values() or "inf" in row.values()]

    @pytest.mark.parametrize("columns", [1, 2])
    def test_printing_leaves_the_original_alone(self, name: str, theme: Theme, columns: int) -> None:
        figure = built(name, theme)
        before = json.loads(figure.to_json())
        assert for_print(figure, columns).layout.width == {1: 420, 2: 864}[columns]
        assert json.loads(figure.to_json()) == before


def points(trace: Any) -> int:
    if trace.type == "heatmap":
        return int(np.asarray(trace.z).size)
    parts = [trace[axis] for axis in ("x", "y", "z") if axis in trace and trace[axis] is not None]
    known = [np.isfinite(np.asarray(part, dtype=np.float64)) for part in parts]
    return int(np.logical_and.reduce(known).sum()) if known else 0


@EVERY
def test_an_axis_says_what_it_is(name: str) -> None:
    figure = built(name, LIGHT)
    if name.startswith(("similarity", "difference", "space", "radiographs")):
        return  # their axes are names, or have no meaning
    one_by_one = (
        "pairs",
        "auroc",
        "zero-shot",
        "ablation",
        "gap-findings",
        "enrichment",
        "auroc-difference",
        "subgroups",
        "groups",
        "rate-differences",
        "comparison",
        "pointing",
    )  # rows are named one by one
    for letter in "x" if name in one_by_one else "xy":
        assert any(axis.title.text for axis in axes(figure) if axis.plotly_name.startswith(letter))


@pytest.mark.parametrize("name", WITHOUT_DATA)
@THEMES
def test_without_data_a_figure_says_so(name: str, theme: Theme) -> None:
    figure = WITHOUT_DATA[name](theme)
    assert not figure.data
    assert len(figure.layout.annotations) == 1 and len(figure.layout.annotations[0].text) > 10
    assert figure_csv(figure).decode().splitlines()[1:] == []


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("name", SMALLEST)
def test_one_of_everything_is_drawn(name: str, columns: int) -> None:
    figure = SMALLEST[name](DARK)
    assert figure.data
    figure_csv(figure)
    assert for_print(figure, columns).layout.height > 100


def test_html_stands_alone() -> None:
    made = figure_bytes(FIGURES["auroc"](LIGHT), "html").decode()
    assert not re.search(r"<(script|link|img)[^>]*\b(src|href)=", made)
    assert "plotly.js v" in made and len(made) > 1_000_000
    assert made == figure_bytes(FIGURES["auroc"](LIGHT), "html").decode()


COLOUR = re.compile(r"#[0-9a-f]{6}|rgba?\([^)]*\)", re.IGNORECASE)


def without_colours(part: Any) -> Any:
    if isinstance(part, str):
        return COLOUR.sub("colour", part)
    if isinstance(part, dict):
        return {key: without_colours(value) for key, value in part.items()}
    if isinstance(part, list):
        return [without_colours(value) for value in part]
    return part


@EVERY
def test_light_and_dark_differ_only_in_colours(name: str) -> None:
    light, dark = (json.loads(built(name, theme).to_json()) for theme in (LIGHT, DARK))
    assert light != dark
    for figure in (light, dark):  # the lighter scale of numbers has its stops elsewhere
        for trace in figure["data"]:
            trace.get("marker", {}).pop("colorscale", None)
    assert without_colours(light) == without_colours(dark)


@EVERY
def test_missing_is_not_zero(name: str) -> None:
    for trace in built(name, LIGHT).data:
        if trace.type == "heatmap":
            missing = np.isnan(np.asarray(trace.z))
            assert set(np.asarray(trace.text)[missing].tolist()) <= {"n=0"}
            assert "n=0" not in np.asarray(trace.text)[~missing]
        elif trace.type == "scatter" and "lines" in (trace.mode or ""):
            assert trace.connectgaps is not True
