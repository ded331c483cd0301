"""Heatmaps of cosines: several models on one scale, the difference of two, and all pairs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.printing import cells
from core.figures.theme import LIGHT, Theme, distinct, dress, empty, figure, hover, plain, same_length, wrapped

ANNOTATED = 16
"""Heatmaps with at most this many rows carry their numbers."""

LETTERS = {1: 60, 2: 28, 3: 18}
"""About so many letters fit into a line over one of so many heatmaps on a narrow page."""

TREE = 0.14
"""Width of a tree beside heatmaps, as a part of theirs."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What hangs together: lines beside the rows of a heatmap.

    Attributes:
        lines: corners of each line: places (rows, from 0) and heights (0 at the rows themselves).
        title: what the height is.
        measured: whether it is a number; else no scale is drawn.
    """

    lines: Sequence[tuple[ArrayLike, ArrayLike]]
    title: str
    measured: bool = True


def similarity_panels(
    matrices: Sequence[ArrayLike],
    titles: Sequence[str],
    labels: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    tree: Tree | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Cosines (K, K) of one or more models side by side, on the one scale from -1 to 1, in the one order of ``labels``.

    A NaN cell has no support and says so; it is never drawn as 0. A ``tree`` of the labels stands beside the last one.
    """
    if not len(matrices) or not len(labels):
        return empty(theme, "There is nothing to compare")
    same_length("A row of heatmaps", matrices=matrices, titles=titles)
    found = [_checked(matrix, len(labels), len(labels if columns is None else columns)) for matrix in matrices]
    shown = [wrapped(title, LETTERS.get(len(found), 16)) or " " for title in titles]
    grown = [1.0] * len(found) + ([TREE * len(found)] if tree else [])
    made = make_subplots(
        cols=len(grown), rows=1, subplot_titles=shown, shared_yaxes=True, horizontal_spacing=0.03, column_widths=grown
    )
    for number, (matrix, title) in enumerate(zip(found, titles, strict=True)):
        trace = _heatmap(matrix, labels, labels if columns is None else columns, theme, room=len(found))
        trace.update(zmin=-1, zmax=1, showscale=number == len(found) - 1, colorbar=_bar("cosine", theme))
        trace.update(name=plain(title))
        made.add_trace(trace, row=1, col=number + 1)
    _framed(made, theme, height=560, panels=len(found))
    made.layout.margin.t += 16 * max(title.count("<br>") for title in shown)
    return made if tree is None else _with_tree(made, tree, len(labels), theme)


def similarity_difference(
    a: ArrayLike, b: ArrayLike, labels: Sequence[str], *, title: str = "", theme: Theme = LIGHT
) -> go.Figure:
    """a minus b, cell by cell, on a scale that is symmetric about 0; NaN where either has no support."""
    if not len(labels):
        return empty(theme, "There is nothing to compare")
    difference = _checked(a, len(labels), len(labels)) - _checked(b, len(labels), len(labels))
    most = float(np.nanmax(np.abs(difference))) if not np.isnan(difference).all() else 1.0
    trace = _heatmap(difference, labels, labels, theme, room=1)
    trace.update(zmin=-(most or 1.0), zmax=most or 1.0, colorbar=_bar("difference", theme), name=plain(title))
    made = make_subplots(rows=1, cols=1, subplot_titles=[plain(title) or " "])
    made.add_trace(trace, row=1, col=1)
    return _framed(made, theme, height=560, panels=1)


def off_diagonal_distribution(
    pairs: Sequence[ArrayLike],
    names: Sequence[str],
    *,
    references: Sequence[tuple[str, float]] = (),
    theme: Theme = LIGHT,
) -> go.Figure:
    """The off-diagonal cosines of each model as dots with their quartiles, and lines at what is reachable."""
    same_length("A distribution of pairs", models=pairs, names=names)
    values = [np.asarray(one, np.float64) for one in pairs]
    if not any(np.isfinite(one).any() for one in values):
        return empty(theme, "Fewer than two diseases have support")
    made = figure(theme, height=140 + 70 * len(values))
    for number, (one, name) in enumerate(zip(values, names, strict=True)):
        made.add_box(
            x=one[np.isfinite(one)], name=plain(name), boxpoints="all", jitter=0.6, pointpos=0, whiskerwidth=0,
            marker={"size": 4, "color": theme.colour(number), "opacity": 0.7}, line={"width": 1, "color": theme.ink},
            fillcolor="rgba(0,0,0,0)", showlegend=False, orientation="h", y0=number, width=0.5,
        )  # fmt: skip
    levels = sorted(level for _, level in references)
    for text, level in references:
        made.add_vline(x=level, line={"color": theme.muted, "dash": "dash", "width": 1})
        made.add_annotation(  # the lowest to the left of its line, the others to the right, one above the other
            x=level, y=1, yref="paper", yanchor="bottom", yshift=14 * max(0, levels.index(level) - 1), showarrow=False,
            xanchor="right" if level == levels[0] and len(levels) > 1 else "left",
            text=plain(text), font={"size": 11, "color": theme.muted},
        )  # fmt: skip
    made.update_xaxes(title_text="Cosine between two diseases", range=[-1.02, 1.02])
    places, shown = list(range(len(values))), [wrapped(name, 20) for name in names]
    made.update_yaxes(tickvals=places, ticktext=shown, range=[len(values) - 0.5, -0.5], showgrid=False, ticks="")
    made.update_layout(margin={"t": 30 + 14 * max(0, len(references) - 2)})
    return made


def _checked(matrix: ArrayLike, rows: int, columns: int) -> Floats:
    found = np.asarray(matrix, np.float64)
    if found.shape != (rows, columns):
        raise InputError(f"{rows} labels of rows and {columns} of columns do not fit a matrix of shape {found.shape}.")
    return found


def _heatmap(matrix: Floats, rows: Sequence[str], columns: Sequence[str], theme: Theme, *, room: int) -> go.Heatmap:
    text = cells(matrix)
    annotated = len(rows) <= ANNOTATED and room == 1  # beside others the cells of a narrow page cannot hold them
    return go.Heatmap(
        z=matrix.astype(np.float32),
        x=distinct(columns),
        y=distinct(rows),
        colorscale=[list(stop) for stop in theme.diverging],
        text=text if annotated else np.where(np.isnan(matrix), "n=0", ""),
        texttemplate="%{text}",
        meta={"numbers": len(rows) <= ANNOTATED},
        textfont={"size": 10 if room == 1 else 8, "color": theme.ink},
        hovertemplate="%{y} · %{x}: %{z:.3f}<extra></extra>",
        hoverongaps=False,
        xgap=1,
        ygap=1,
    )


def _bar(title: str, theme: Theme) -> dict[str, Any]:
    return {"title": {"text": title, "side": "right"}, "thickness": 10, "outlinewidth": 0, "tickfont": {"size": 11}}


def _framed(made: go.Figure, theme: Theme, *, height: int, panels: int) -> go.Figure:
    dress(made, theme, height=height)
    axis = {"showgrid": False, "showline": False, "ticks": "", "tickfont": {"size": 11, "color": theme.ink}}
    # a finding called "2" is a name, not a number
    made.update_xaxes(tickangle=-45, type="category", **axis)
    made.update_yaxes(autorange="reversed", type="category", **axis)
    made.update_annotations(font={"size": 13, "color": theme.ink, "family": theme.font})
    made.update_layout(margin={"t": 40, "l": 20, "r": 20, "b": 20})
    made.update_layout(meta={"panels": panels, "per_row": [1, 3], "bar": True})
    return made


def _with_tree(made: go.Figure, tree: Tree, rows: int, theme: Theme) -> go.Figure:
    """The lines of a tree in the last column, each row's beginning at its height in the heatmaps."""
    number = made.layout.meta["panels"] + 1
    places: list[float] = []
    heights: list[float] = []
    for own, high in tree.lines:
        places += [*np.asarray(own, np.float64).tolist(), np.nan]
        heights += [*np.asarray(high, np.float64).tolist(), np.nan]
    top = float(np.nanmax(heights, initial=0)) or 1.0
    made.add_trace(
        go.Scatter(
            x=heights, y=places, mode="lines", line={"color": theme.ink, "width": 1}, name=plain(tree.title),
            hovertemplate=f"{hover(tree.title)} %{{x:.3f}}<extra></extra>" if tree.measured else None,
            hoverinfo=None if tree.measured else "skip", showlegend=False, connectgaps=False,
        ),
        row=1,
        col=number,
    )  # fmt: skip
    made.layout[f"xaxis{number}"].update(
        type="linear", title={"text": plain(tree.title), "font": {"size": 11}, "standoff": 4}, tickangle=0,
        range=[0, 1.04 * top], tickvals=[0, top], ticktext=["0", f"{top:.2g}"] if tree.measured else ["", ""],
    )  # fmt: skip
    # the heatmaps' rows are names on an axis of their own kind: the same places, counted from 0
    made.layout[f"yaxis{number}"].update(
        type="linear", matches=None, range=[rows - 0.5, -0.5], autorange=False, showticklabels=False
    )
    made.update_layout(meta={**made.layout.meta, "tree": True})
    return made
