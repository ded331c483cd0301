"""A figure's CSV gives its numbers back, with the names that belong to them."""

from __future__ import annotations

import csv
import io

import numpy as np
import plotly.graph_objects as go
import pytest

from core.figures.tabular import COLUMNS, figure_csv
from core.figures.theme import LIGHT
from tests.figures.examples import CATEGORIES, COUNTS, FIGURES, HOSTILE, NAMES, VALUES, WORST, XYZ, K, auroc, cosines


def rows(figure: go.Figure, trace: str | None = None) -> list[dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(figure_csv(figure).decode())))
    return [row for row in found if trace is None or row["trace"] == trace]


def numbers(found: list[dict[str, str]], column: str) -> np.ndarray:
    return np.array([float(row[column] or "nan") for row in found])


def test_a_heatmap_has_a_line_for_each_cell() -> None:
    found = rows(FIGURES["similarity"](LIGHT))
    assert [(row["y"], row["x"]) for row in found] == [(one, other) for one in WORST for other in WORST]
    assert np.allclose(numbers(found, "z").reshape(K, K), cosines(missing=True), equal_nan=True, atol=1e-6)
    assert {row["trace"] for row in found} == {HOSTILE}
    assert [row["text"] for row in found if not row["z"]] == ["n=0"] * 27


def test_intervals_keep_their_ends_and_diseases() -> None:
    found, given = rows(FIGURES["auroc"](LIGHT), "b"), auroc()
    assert [row["text"] for row in found] == WORST
    for column, key in (("x", "values"), ("low", "lows"), ("high", "highs")):
        assert np.allclose(numbers(found, column), given[key][1], equal_nan=True, atol=1e-6)


def test_a_confusion_keeps_its_counts() -> None:
    found = rows(FIGURES["confusion"](LIGHT))
    assert [row["customdata"].split()[0] for row in found] == [
        str(count) for matrix in COUNTS for count in matrix.ravel()
    ]
    assert [row["trace"] for row in found[::4]] == [HOSTILE, *NAMES[1:]]


def test_the_map_keeps_categories_and_rows() -> None:
    found = rows(FIGURES["space-categories"](LIGHT), "radiographs")
    assert [row["value"] for row in found] == ["unknown" if value is None else value for value in CATEGORIES]
    assert [row["customdata"] for row in found] == [str(at) for at in range(60)]
    assert np.allclose(np.stack([numbers(found, axis) for axis in "xyz"], axis=1), XYZ, atol=1e-6)


def test_an_unknown_number_stays_empty() -> None:
    found = rows(FIGURES["space-numbers"](LIGHT), "radiographs")
    assert np.allclose(numbers(found, "value"), VALUES, equal_nan=True, atol=1e-5)


def test_legend_entries_and_breaks_have_no_line() -> None:
    assert len(rows(FIGURES["paired-map"](LIGHT), "pairs")) == 120
    assert not rows(FIGURES["space-numbers"](LIGHT), "unknown")


@pytest.mark.parametrize(
    ("name", "cell"), [("=1+1", "'=1+1"), ("@x", "'@x"), ("-cmd", "'-cmd"), ("-1.5", "-1.5"), ("a,b", "a,b")]
)
def test_a_spreadsheet_runs_nothing(name: str, cell: str) -> None:
    assert rows(go.Figure(go.Scatter(x=[1], y=[2], name=name)))[0]["trace"] == cell


def test_numbers_come_back_exactly() -> None:
    values = np.array([1 / 3, 1e-30, 123456.79], np.float32)
    found = rows(go.Figure(go.Scatter(x=values, y=[1 / 3, 0.1, 2])))
    assert numbers(found, "x").astype(np.float32).tolist() == values.tolist()
    assert numbers(found, "y").tolist() == [1 / 3, 0.1, 2]


def test_a_figure_without_traces_has_only_its_header() -> None:
    assert figure_csv(go.Figure()).decode() == ",".join(COLUMNS) + "\n"
