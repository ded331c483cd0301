"""ROC and precision-recall curves with bands, operating points and chance lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.figures.dots import legend_below
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain

MOST = 1000
"""Points of a curve that are drawn; those between lie closer than a line is wide."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The curve of one model.

    Attributes:
        name: of the model.
        words: stands behind it in the legend, such as ``AUROC 0.812 [0.776, 0.843]``.
        x, y: its points, both in [0, 1].
        grid, low, high: a 95 % band; NaN or empty without.
        point: where one threshold stands, (x, y); None or NaN without.
        told: what the threshold is, such as ``threshold 0.31``.
    """

    name: str
    words: str
    x: ArrayLike
    y: ArrayLike
    grid: ArrayLike = ()
    low: ArrayLike = ()
    high: ArrayLike = ()
    point: tuple[float, float] | None = None
    told: str = ""


def roc_curves(lines: Sequence[Line], *, n_positive: int, n_negative: int, theme: Theme = LIGHT) -> go.Figure:
    """ROC curves of one disease; the diagonal is chance.

    Args:
        lines: of the models.
        n_positive, n_negative: radiographs with and without the disease.
        theme: light or dark.
    """
    if why := _without(lines, n_positive, n_negative):
        return empty(theme, why)
    made = _frame(theme)
    made.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="chance: 0.5", hoverinfo="skip",
        line={"color": theme.muted, "width": 1, "dash": "dash"},
    )  # fmt: skip
    _draw(made, lines, theme, ("false-positive rate", "sensitivity"), "linear")
    made.update_xaxes(title_text=f"1 − specificity (n={n_negative:,} without it)")
    made.update_yaxes(title_text=f"Sensitivity (n={n_positive:,} with it)")
    return _finished(made, len(lines))


def pr_curves(lines: Sequence[Line], *, n_positive: int, n_negative: int, theme: Theme = LIGHT) -> go.Figure:
    """Precision-recall curves of one disease, as steps; the prevalence is chance. Arguments as :func:`roc_curves`."""
    if why := _without(lines, n_positive, n_negative):
        return empty(theme, why)
    made = _frame(theme)
    chance = n_positive / (n_positive + n_negative)
    made.add_scatter(
        x=[0, 1], y=[chance, chance], mode="lines", name=f"chance: prevalence {chance:.3f}", hoverinfo="skip",
        line={"color": theme.muted, "width": 1, "dash": "dash"},
    )  # fmt: skip
    _draw(made, lines, theme, ("recall", "precision"), "vh")
    made.update_xaxes(title_text=f"Recall (n={n_positive:,} with it)")
    made.update_yaxes(title_text=f"Precision (n={n_negative:,} without it)")
    return _finished(made, len(lines))


def _without(lines: Sequence[Line], n_positive: int, n_negative: int) -> str:
    if n_positive and n_negative and len(lines):
        return ""
    return f"No curve: {n_positive:,} radiographs with this disease and {n_negative:,} without it"


def _frame(theme: Theme) -> go.Figure:
    made = figure(theme, height=440)
    made.update_xaxes(range=[-0.01, 1.01], dtick=0.2)
    made.update_yaxes(range=[-0.01, 1.02], dtick=0.2)
    return made


def _draw(made: go.Figure, lines: Sequence[Line], theme: Theme, words: tuple[str, str], shape: str) -> None:
    for number, line in enumerate(lines):
        colour, name = theme.colour(number), plain(line.name)
        grid, low, high = (np.asarray(part, np.float32) for part in (line.grid, line.low, line.high))
        for end, fill in ((low, None), (high, "tonexty")):
            if len(grid) and np.isfinite(low).all():
                made.add_scatter(
                    x=grid, y=end, mode="lines", line={"width": 0, "color": colour}, fill=fill, showlegend=False,
                    fillcolor=_pale(colour), hoverinfo="skip", legendgroup=name,
                    name=f"{name}, {'upper' if fill else 'lower'} end of the band",
                )  # fmt: skip
    for number, line in enumerate(lines):  # above all bands
        x, y = _thinned(line.x, line.y)
        made.add_scatter(
            x=x, y=y, mode="lines", line={"color": theme.colour(number), "width": 2, "shape": shape},
            name=f"{plain(line.name)}<br>{plain(line.words)}", legendgroup=plain(line.name),
            hovertemplate=f"{words[0]} %{{x:.3f}}<br>{words[1]} %{{y:.3f}}<extra>{hover(line.name)}</extra>",
        )  # fmt: skip
        if line.point is not None and np.isfinite(line.point).all():
            made.add_scatter(
                x=[line.point[0]], y=[line.point[1]], mode="markers", showlegend=False, legendgroup=plain(line.name),
                name=f"{plain(line.name)}: {plain(line.told)}",
                marker={"size": 11, "color": theme.colour(number), "line": {"color": theme.ink, "width": 2}},
                hovertemplate=f"{hover(line.told)}<br>{words[0]} %{{x:.3f}}<br>{words[1]} %{{y:.3f}}"
                f"<extra>{hover(line.name)}</extra>",
            )  # fmt: skip


def _thinned(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """At most MOST points, as far apart along the curve as can be."""
    places = np.asarray(x, np.float32), np.asarray(y, np.float32)
    if len(places[0]) <= MOST:
        return places
    along = np.cumsum(np.append(0.0, np.hypot(*(np.diff(part.astype(np.float64)) for part in places))))
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], MOST)))
    return places[0][kept], places[1][kept]


def _pale(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def _finished(made: go.Figure, lines: int) -> go.Figure:
    legend_below(made, lines + 1, below=56, top=16, lines=lines)
    return made
