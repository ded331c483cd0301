"""Zero-shot, disease by disease: what positive and negative prompts tell, and how much the wording matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain, same_length

ROW = 30
MARKS = ("circle", "diamond", "x-thin-open")


def prompt_scores(
    names: Sequence[str],
    kinds: Sequence[tuple[str, ArrayLike]],
    templates: ArrayLike,
    texts: Sequence[str],
    *,
    n_positive: Sequence[int],
    theme: Theme = LIGHT,
) -> go.Figure:
    """A row for each disease (K): one mark per kind of score, over a tick for each template by itself.

    Args:
        names: K diseases, drawn from top to bottom.
        kinds: up to three names of scores, each with its AUROCs (K,), NaN where undefined.
        templates: (T, K) AUROCs of each template.
        texts: the T templates.
        n_positive: positives of each disease.
        theme: light or dark.

    Raises:
        InputError: shapes do not fit.
    """
    if not len(names) or not kinds:
        return empty(theme, "No disease was scored")
    same_length("Zero-shot of several diseases", names=names, numbers_of_positives=n_positive)
    each = np.asarray(templates, np.float32).reshape(len(texts), -1)
    scores = [(name, np.asarray(values, np.float32)) for name, values in kinds]
    if any(values.shape != (len(names),) for _, values in scores) or (len(texts) and each.shape[1] != len(names)):
        raise InputError(f"{len(names)} diseases, but the scores have {[len(values) for _, values in scores]} values.")
    made = figure(theme, height=130 + ROW * len(names) + 20 * len(scores))
    places = np.arange(len(names), dtype=np.float32)
    _ticks(made, each, texts, places, names, theme)
    for number, (name, values) in enumerate(scores):
        made.add_scatter(
            x=values, y=places, mode="markers", name=plain(name), text=[plain(one) for one in names],
            marker={"symbol": MARKS[number], "size": 10, "color": theme.colour(number),
                    "line": {"width": 2, "color": theme.colour(number)}},
            hovertemplate="%{text}: %{x:.3f}<extra>" + hover(name) + "</extra>",
        )  # fmt: skip
    unknown = np.isnan(np.array([values for _, values in scores])).all(axis=0)
    for at in np.flatnonzero(unknown).tolist():
        made.add_annotation(x=0.52, y=at, text="one class only", showarrow=False, xanchor="left",
                            font={"size": 11, "color": theme.muted})  # fmt: skip
    _axes(made, names, n_positive, np.concatenate([each.ravel(), *(values for _, values in scores)]), theme)
    return made


def _ticks(
    made: go.Figure, each: np.ndarray, texts: Sequence[str], places: np.ndarray, names: Sequence[str], theme: Theme
) -> None:
    """One trace for all templates, so that the legend names them once."""
    if not len(texts):
        return
    made.add_scatter(
        x=each.ravel(), y=np.tile(places, len(texts)), mode="markers", name="each template by itself",
        text=[f"{plain(text)}: {plain(name)}" for text in texts for name in names],
        marker={"symbol": "line-ns-open", "size": 12, "color": theme.muted, "line": {"width": 1.5}},
        hovertemplate="%{text} %{x:.3f}<extra></extra>",
    )  # fmt: skip


def _axes(made: go.Figure, names: Sequence[str], n_positive: Sequence[int], values: np.ndarray, theme: Theme) -> None:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.4, 0.6)
    made.add_vline(x=0.5, line={"color": theme.muted, "width": 1, "dash": "dash"})
    made.add_annotation(x=0.5, y=1, yref="paper", yanchor="bottom", showarrow=False, text="chance 0.5",
                        font={"size": 11, "color": theme.muted})  # fmt: skip
    labels = [f"{plain(name)}  (n={positive})" for name, positive in zip(names, n_positive, strict=True)]
    made.update_yaxes(
        tickvals=list(range(len(names))), ticktext=labels, range=[len(names) - 0.4, -0.6], showgrid=False, ticks=""
    )
    made.update_xaxes(title_text="AUROC", range=[min(0.45, low - 0.02), max(0.55, high + 0.02)])
    made.update_layout(showlegend=True, margin={"t": 40, "b": 60 + 20 * len(made.data)})
    made.update_layout(legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
