"""Confusion matrices: of every disease as small multiples, and of one disease large."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, dress, empty, figure, plain

COLUMNS = 4
LABELS = ("absent", "present")


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One disease: counts [[tn, fp], [fn, tp]], the ends (2, 2) of the 95 % intervals of each cell's share of its row
    (NaN in a row without radiographs), the probability from which the disease is called present, and the radiographs
    whose label is unknown."""

    name: str
    counts: ArrayLike
    low: ArrayLike
    high: ArrayLike
    threshold: float
    unknown: int = 0

    @property
    def cells(self) -> NDArray[np.int64]:
        """(2, 2)

        Raises:
            InputError: it has another shape, or the intervals have.
        """
        found = np.asarray(self.counts, np.int64)
        shapes = [found.shape, np.shape(self.low), np.shape(self.high)]
        if set(shapes) != {(2, 2)}:
            raise InputError(f"A confusion matrix of one disease and its intervals are 2 x 2; got {shapes}.")
        return found

    @property
    def rates(self) -> NDArray[np.float64]:
        """(2, 2) shares of each row; NaN in a row without radiographs."""
        totals = np.broadcast_to(self.cells.sum(axis=1, keepdims=True), (2, 2))
        return np.divide(self.cells, totals, out=np.full((2, 2), np.nan), where=totals > 0)

    @property
    def support(self) -> str:
        """``n=237, 3 unknown``"""
        return f"n={self.cells.sum():,}" + (f", {self.unknown:,} unknown" if self.unknown else "")


def confusion_grid(matrices: Sequence[Matrix], *, theme: Theme = LIGHT) -> go.Figure:
    """One 2 x 2 matrix per disease: trace k is disease k, row 0 labelled absent, column 0 called absent.

    Each cell has its share of the row, its count, and the 95 % interval of the share.
    """
    if not len(matrices):
        return empty(theme, "No disease was judged")
    made = go.Figure(grid_of(len(matrices), theme))  # a copy
    columns = min(COLUMNS, len(matrices))
    for number, matrix in enumerate(matrices):
        made.add_trace(_small(matrix, theme), number // columns + 1, number % columns + 1)
    return entitled(made, [(matrix.name, f"{level(matrix.threshold)}, {matrix.support}") for matrix in matrices])


def entitled(made: go.Figure, titles: Sequence[tuple[str, str]]) -> go.Figure:
    """Each panel's title: a name, and what is said of it in a second line."""
    for note, (name, words) in zip(made.layout.annotations, titles, strict=True):
        note.text = f"{plain(name)}<br>{words}"
    made.update_layout(meta={**made.layout.meta, "titles": [f"{plain(name)} · {words}" for name, words in titles]})
    return made


@functools.cache
def grid_of(count: int, theme: Theme) -> go.Figure:
    """The empty frames of so many matrices: putting one together takes ten times as long as copying it."""
    rows, columns = -(-count // COLUMNS), min(COLUMNS, count)
    made = make_subplots(rows=rows, cols=columns, subplot_titles=["title"] * count, horizontal_spacing=0.03,
                         vertical_spacing=0.3 / rows)  # fmt: skip
    dress(made, theme, height=90 + 205 * rows)
    axis = {"showgrid": False, "showline": False, "ticks": "", "tickfont": {"size": 11, "color": theme.ink}}
    made.update_xaxes(fixedrange=True, **axis)
    made.update_yaxes(fixedrange=True, autorange="reversed", tickangle=-90, **axis)
    for number in range(count):  # labels only along the outer edge: they are the same everywhere
        row, column = number // columns + 1, number % columns + 1
        made.update_yaxes(showticklabels=column == 1, title_text="label" if column == 1 else None, row=row, col=column)
        last = number + columns >= count
        made.update_xaxes(showticklabels=last, title_text="model" if last else None, row=row, col=column)
    made.update_annotations(font={"size": 12, "color": theme.ink, "family": theme.font})
    made.update_layout(margin={"l": 50, "r": 10, "t": 50, "b": 44})
    made.update_layout(meta={"panels": count, "per_row": [3, COLUMNS], "bar": False})
    return made


def level(threshold: float) -> str:
    """A threshold in words: two digits, three where it is small."""
    if not np.isfinite(threshold):
        return "no threshold"
    return f"{threshold:.2f}" if threshold >= 0.1 else f"{threshold:.3f}"


def _heat(matrix: Matrix, text: list[list[str]], size: int, theme: Theme) -> go.Heatmap:
    """Counts and both ends travel along, for hovering and as data."""
    low, high = np.asarray(matrix.low, float), np.asarray(matrix.high, float)
    held = [[[int(matrix.cells[r, c]), float(low[r, c]), float(high[r, c])] for c in (0, 1)] for r in (0, 1)]
    return go.Heatmap(
        name=plain(matrix.name),
        z=matrix.rates.astype(np.float32),
        x=list(LABELS),
        y=list(LABELS),
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        colorscale=[[0.0, theme.paper], [1.0, theme.diverging[-1][1]]],
        text=text,
        texttemplate="%{text}",
        textfont={"size": size, "color": theme.ink},
        customdata=held,
        hovertemplate="label %{y}, model %{x}: %{z:.1%} [%{customdata[1]:.1%}, %{customdata[2]:.1%}], "
        "%{customdata[0]:,} radiographs<extra></extra>",
        hoverongaps=False,
    )


def _small(matrix: Matrix, theme: Theme) -> go.Heatmap:
    rates, low, high = matrix.rates, np.asarray(matrix.low, float), np.asarray(matrix.high, float)

    def cell(r: int, c: int) -> str:
        if np.isnan(rates[r, c]):
            return "n=0"
        return f"{rates[r, c]:.0%}<br>{matrix.cells[r, c]:,}<br>[{100 * low[r, c]:.0f}, {100 * high[r, c]:.0f}]"

    return _heat(matrix, [[cell(r, c) for c in (0, 1)] for r in (0, 1)], 11, theme)


def confusion_one(
    matrix: Matrix, patients_low: ArrayLike, patients_high: ArrayLike, *, theme: Theme = LIGHT
) -> go.Figure:
    """The matrix of one disease, large: each cell with its share of the row, its count, and two intervals.

    Args:
        matrix: with Wilson's intervals, which take radiographs as independent.
        patients_low, patients_high: (2, 2) ends of the intervals over resampled patients; NaN where there are none.
        theme: light or dark.
    """
    made = figure(theme, height=390)
    rates, low, high = matrix.rates, np.asarray(matrix.low, float), np.asarray(matrix.high, float)
    under, over = np.asarray(patients_low, float), np.asarray(patients_high, float)
    rows = matrix.cells.sum(axis=1)

    def cell(r: int, c: int) -> str:
        if np.isnan(rates[r, c]):
            return "n=0"
        lines = [f"{rates[r, c]:.1%}", f"{matrix.cells[r, c]:,} of {rows[r]:,}",
                 f"W {100 * low[r, c]:.1f}–{100 * high[r, c]:.1f}"]  # fmt: skip
        if np.isfinite(under[r, c]):
            lines.append(f"P {100 * under[r, c]:.1f}–{100 * over[r, c]:.1f}")
        return "<br>".join(lines)

    made.add_trace(_heat(matrix, [[cell(r, c) for c in (0, 1)] for r in (0, 1)], 13, theme))
    axis = {"showgrid": False, "showline": False, "ticks": "", "fixedrange": True, "tickfont": {"size": 12}}
    made.update_xaxes(title_text="model", **axis)
    made.update_yaxes(title_text="label", autorange="reversed", tickangle=-90, **axis)
    words = f"{plain(matrix.name)} · called present from {level(matrix.threshold)}"
    words += f"<br>{matrix.support}; 95 %: W Wilson, P patients"
    made.add_annotation(
        text=words, showarrow=False, xref="paper", yref="paper", x=0.5, y=1, yanchor="bottom", font={"size": 13}
    )
    made.update_layout(margin={"l": 60, "r": 10, "t": 56, "b": 50})
    return made
