"""Whether probabilities mean what they say: predicted against observed, and how many there are of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from core.figures.dots import legend_below
from core.figures.theme import LIGHT, Theme, dress, empty, hover, plain


@dataclass(frozen=True, kw_only=True)
class Bins:
    """Probabilities of one model in b bins.

    Attributes:
        name: of the model.
        words: stands behind it in the legend.
        edges: (b + 1,).
        count: (b,) radiographs.
        predicted, observed, low, high: (b,) mean probability, share of positives, its 95 % ends; NaN in an empty bin.
    """

    name: str
    words: str
    edges: ArrayLike
    count: ArrayLike
    predicted: ArrayLike
    observed: ArrayLike
    low: ArrayLike
    high: ArrayLike


def calibration_curves(models: Sequence[Bins], *, n: int, theme: Theme = LIGHT) -> go.Figure:
    """Predicted against observed with intervals, above a histogram of the probabilities; the diagonal is calibrated.

    Args:
        models: of one disease.
        n: radiographs with a known label.
        theme: light or dark.
    """
    if not n or not models:
        return empty(theme, "No calibration: no radiograph has a known label of this disease (n=0)")
    made = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.05)
    dress(made, theme, height=520)
    made.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="calibrated", hoverinfo="skip",
        line={"color": theme.muted, "width": 1, "dash": "dash"}, row=1, col=1,
    )  # fmt: skip
    for number, one in enumerate(models):
        _add(made, one, theme.colour(number))
    made.update_yaxes(title_text="Observed share, 95 %", range=[-0.02, 1.02], row=1, col=1)
    made.update_yaxes(title_text=f"Radiographs (n={n:,})", type="log", dtick=1, row=2, col=1)
    made.update_xaxes(range=[-0.01, 1.01], dtick=0.2)
    made.update_xaxes(title_text="Predicted probability", row=2, col=1)
    made.update_layout(barmode="group", bargap=0.1)
    legend_below(made, len(models) + 1, below=56, top=16, lines=len(models))
    return made


def _add(made: go.Figure, one: Bins, colour: str) -> None:
    count = np.asarray(one.count, np.int64)
    held = count > 0
    predicted, observed, low, high = (
        np.asarray(part, np.float32)[held] for part in (one.predicted, one.observed, one.low, one.high)
    )
    made.add_scatter(
        x=predicted, y=observed, mode="lines+markers", name=f"{plain(one.name)}<br>{plain(one.words)}",
        legendgroup=plain(one.name), line={"color": colour, "width": 1.5}, marker={"size": 7, "color": colour},
        error_y={"type": "data", "symmetric": False, "array": high - observed, "arrayminus": observed - low,
                 "thickness": 1.2, "width": 3, "color": colour},
        customdata=np.stack([low, high, count[held]], axis=1),
        hovertemplate="predicted %{x:.3f}<br>observed %{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]"
        f"<br>n=%{{customdata[2]:,}}<extra>{hover(one.name)}</extra>", row=1, col=1,
    )  # fmt: skip
    edges = np.asarray(one.edges, np.float64)
    made.add_bar(
        x=((edges[1:] + edges[:-1]) / 2)[held], y=count[held], marker={"color": colour, "line": {"width": 0}},
        name=plain(one.name), showlegend=False, legendgroup=plain(one.name),
        hovertemplate=f"n=%{{y:,}}<extra>{hover(one.name)}</extra>", row=2, col=1,
    )  # fmt: skip
