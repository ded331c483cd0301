"""Diseases: AUROC with intervals, confusion matrices as small multiples."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, dress, empty, figure, hover, plain, same_length

COLUMNS = 5
LABELS = ("absent", "present")


def auroc_intervals(
    names: Sequence[str],
    values: Sequence[ArrayLike],
    lows: Sequence[ArrayLike],
    highs: Sequence[ArrayLike],
    *,
    n_positive: Sequence[int],
    series: Sequence[str],
    references: Sequence[tuple[str, float]] = (("chance", 0.5),),
    theme: Theme = LIGHT,
) -> go.Figure:
    """A dot and a 95 % interval for each disease (K) and each run; a disease without support has no dot and says so.

    Args:
        names: K diseases, drawn from top to bottom.
        values, lows, highs: one array (K,) per run, NaN where undefined.
        n_positive: positives of each disease.
        series: names of the runs.
        references: dashed lines.
        theme: light or dark.
    """
    if not len(names) or not len(values):
        return empty(theme, "No disease was scored")
    same_length("AUROC of several runs", values=values, lows=lows, highs=highs, names_of_runs=series)
    same_length("AUROC of several diseases", names=names, numbers_of_positives=n_positive)
    count = len(names)
    made = figure(theme, height=120 + 34 * count)
    places = np.arange(count, dtype=np.float32)
    spread = 0.5 / max(1, len(values))
    for number, (value, low, high, name) in enumerate(zip(values, lows, highs, series, strict=True)):
        middle, bottom, top = _checked((value, low, high), count, name)
        made.add_scatter(
            x=middle, y=places + spread * (number - (len(values) - 1) / 2), mode="markers", name=plain(name),
            marker={"size": 8, "color": theme.colour(number)}, customdata=np.stack([bottom, top], axis=1),
            text=[plain(one) for one in names],
            error_x={"type": "data", "symmetric": False, "array": top - middle, "arrayminus": middle - bottom,
                     "thickness": 1.5, "width": 3, "color": theme.colour(number)},
            hovertemplate="%{x:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<extra>" + hover(name) + "</extra>",
        )  # fmt: skip
    for at in np.flatnonzero(np.isnan(np.array([np.asarray(value, float) for value in values])).all(axis=0)).tolist():
        made.add_annotation(x=0.52, y=at, text="one class only", showarrow=False, xanchor="left",
                            font={"size": 11, "color": theme.muted})  # fmt: skip
    _add_references(made, references, theme)
    ticks = [f"{plain(name)}  (n={positive})" for name, positive in zip(names, n_positive, strict=True)]
    made.update_yaxes(tickvals=places, ticktext=ticks, range=[count - 0.4, -0.6], showgrid=False, ticks="")
    made.update_xaxes(title_text="AUROC, 95 % interval", range=[_lowest(lows), 1.01])
    # the legend's room is counted in pixels: as a part of the height it would lie over the axis of a single disease
    room = 20 * len(values) if len(values) > 1 else 0
    made.update_layout(showlegend=room > 0, height=made.layout.height + room)
    made.update_layout(margin={"t": 24 + 14 * len(references), "b": 54 + room})
    made.update_layout(legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _add_references(made: go.Figure, references: Sequence[tuple[str, float]], theme: Theme) -> None:
    """Dashed levels with their names above the frame, one line of text each."""
    for number, (text, level) in enumerate(references):
        made.add_vline(x=level, line={"color": theme.muted, "width": 1, "dash": "dash"})
        made.add_annotation(
            x=level, y=1, yref="paper", yanchor="bottom", yshift=14 * number, showarrow=False,
            xanchor="center" if level < 0.7 else "right",  # centred, a long name would leave the paper
            text=f"{plain(text)} {level:.3g}", font={"size": 11, "color": theme.muted},
        )  # fmt: skip


def _checked(parts: Sequence[ArrayLike], count: int, name: str) -> list[NDArray[np.float32]]:
    found = [np.asarray(part, np.float32) for part in parts]
    if any(part.shape != (count,) for part in found):
        shapes = ", ".join(str(part.shape) for part in found)
        raise InputError(f"{count} diseases, but values, lows and highs of {name!r} have shapes {shapes}.")
    return found


def _lowest(lows: Sequence[ArrayLike]) -> float:
    known = np.concatenate([np.asarray(low, np.float64).ravel() for low in lows])
    known = known[np.isfinite(known)]
    return float(min(0.4, known.min() - 0.02)) if len(known) else 0.4


def confusion_grid(
    counts: Sequence[ArrayLike], names: Sequence[str], thresholds: Sequence[float], *, theme: Theme = LIGHT
) -> go.Figure:
    """One 2 x 2 matrix per disease: trace k is disease k, row 0 labelled absent, column 0 called absent.

    Args:
        counts: K arrays [[tn, fp], [fn, tp]].
        names: K diseases.
        thresholds: K probabilities from which a disease is called present.
        theme: light or dark.
    """
    same_length("A grid of confusion matrices", matrices=counts, names=names, thresholds=thresholds)
    if not len(counts):
        return empty(theme, "No disease was judged")
    made = go.Figure(_grid(len(counts), theme))  # a copy
    columns = min(COLUMNS, len(counts))
    for number, matrix in enumerate(counts):
        trace = _matrix(np.asarray(matrix, np.int64), plain(names[number]), theme)
        made.add_trace(trace, number // columns + 1, number % columns + 1)
    for note, name, level in zip(made.layout.annotations, names, thresholds, strict=True):
        note.text = f"{plain(name)} · {_threshold(level)}"
    return made


@functools.cache
def _grid(count: int, theme: Theme) -> go.Figure:
    """The empty frames of so many matrices: putting one together takes ten times as long as copying it."""
    rows, columns = -(-count // COLUMNS), min(COLUMNS, count)
    made = make_subplots(rows=rows, cols=columns, subplot_titles=["title"] * count, horizontal_spacing=0.03,
                         vertical_spacing=0.28 / rows)  # fmt: skip
    dress(made, theme, height=70 + 175 * rows)
    axis = {"showgrid": False, "showline": False, "ticks": "", "tickfont": {"size": 11, "color": theme.ink}}
    made.update_xaxes(fixedrange=True, **axis)
    made.update_yaxes(fixedrange=True, autorange="reversed", tickangle=-90, **axis)
    for number in range(count):  # labels only along the outer edge: they are the same everywhere
        row, column = number // columns + 1, number % columns + 1
        made.update_yaxes(showticklabels=column == 1, title_text="label" if column == 1 else None, row=row, col=column)
        last = number + columns >= count
        made.update_xaxes(showticklabels=last, title_text="model" if last else None, row=row, col=column)
    made.update_annotations(font={"size": 12, "color": theme.ink, "family": theme.font})
    made.update_layout(margin={"l": 50, "r": 10, "t": 36, "b": 44})
    made.update_layout(meta={"panels": count, "per_row": [3, COLUMNS], "bar": False})
    return made


def _threshold(level: float) -> str:
    return f"{level:.2f}" if np.isfinite(level) else "no threshold"


def _matrix(counts: NDArray[np.int64], name: str, theme: Theme) -> go.Heatmap:
    if counts.shape != (2, 2):
        raise InputError(f"A confusion matrix of one disease is 2 x 2; got {counts.shape}.")
    totals = counts.sum(axis=1, keepdims=True)
    rates = np.divide(counts, totals, out=np.full((2, 2), np.nan), where=totals > 0)
    return go.Heatmap(
        name=name,
        z=rates.astype(np.float32),
        x=list(LABELS),
        y=list(LABELS),
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        colorscale=[[0.0, theme.paper], [1.0, theme.diverging[-1][1]]],
        text=[[f"{rates[r, c]:.0%}<br>{counts[r, c]:,}" if totals[r, 0] else "n=0" for c in (0, 1)] for r in (0, 1)],
        texttemplate="%{text}",
        textfont={"size": 11, "color": theme.ink},
        customdata=counts,
        hovertemplate="label %{y}, model %{x}: %{text}<extra></extra>",
        hoverongaps=False,
    )
