"""The modality gap: pairs and their connecting lines, cones of cosines, loss and task against the shift."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, dress, empty, figure, plain, same_length

IMAGE, TEXT, ACROSS = 0, 1, 2
"""Which of the theme's colours an image, a text, and what lies between them have, in every figure."""

Floats = NDArray[np.float32]


def paired_map(
    images: ArrayLike,
    texts: ArrayLike,
    *,
    x_title: str = "First component",
    y_title: str = "Second component",
    theme: Theme = LIGHT,
) -> go.Figure:
    """Images and texts (n, 2), row i of both belonging together, each pair connected by a line (one trace for all)."""
    left, right = np.asarray(images, np.float32), np.asarray(texts, np.float32)
    if left.shape != right.shape or left.ndim != 2 or left.shape[1] != 2:
        raise InputError(f"A paired map needs two arrays (n, 2); got {left.shape} and {right.shape}.")
    if not len(left):
        return empty(theme, "No radiograph has a text")
    made = figure(theme, height=420)
    breaks = np.full(len(left), np.nan, np.float32)
    lines = [np.stack([left[:, axis], right[:, axis], breaks], axis=1).ravel() for axis in (0, 1)]
    made.add_scatter(
        x=lines[0], y=lines[1], mode="lines", line={"color": theme.muted, "width": 0.6}, opacity=0.35,
        hoverinfo="skip", showlegend=False, name="pairs", connectgaps=False,
    )  # fmt: skip
    for points, name, number in ((left, "images", IMAGE), (right, "texts", TEXT)):
        made.add_scatter(
            x=points[:, 0], y=points[:, 1], mode="markers", name=name,
            marker={"size": 5, "color": theme.colour(number), "opacity": 0.8, "symbol": ("circle", "diamond")[number]},
        )  # fmt: skip
    made.update_xaxes(title_text=plain(x_title))
    made.update_yaxes(title_text=plain(y_title), scaleanchor="x", scaleratio=1)
    return made


def cosine_cones(images: ArrayLike, texts: ArrayLike, across: ArrayLike, *, theme: Theme = LIGHT) -> go.Figure:
    """Histograms of cosines of random pairs: two images, two texts, an image and another's text; each sums to 1."""
    made = figure(theme, height=320)
    edges = np.linspace(-1, 1, 101)
    drawn = 0
    for values, name, number in ((images, "two images", IMAGE), (texts, "two texts", TEXT), (across, "across", ACROSS)):
        known = np.asarray(values, np.float64)
        known = known[np.isfinite(known)]
        if not len(known):
            continue
        share = np.histogram(known.clip(-1, 1), edges)[0] / len(known)
        made.add_scatter(
            x=(edges[1:] + edges[:-1]) / 2, y=share, mode="lines", line={"color": theme.colour(number), "shape": "hvh"},
            fill="tozeroy", name=f"{name} (n={len(known):,})", opacity=0.8,
        )  # fmt: skip
        drawn += 1
    if not drawn:
        return empty(theme, "There are no two rows to compare")
    made.update_xaxes(title_text="Cosine", range=[-1, 1])
    made.update_yaxes(title_text="Share of pairs", rangemode="tozero")
    return made


def shift_curve(
    distance: ArrayLike,
    loss_image_to_text: ArrayLike,
    loss_text_to_image: ArrayLike,
    task: ArrayLike | None = None,
    *,
    task_name: str = "Task",
    marker: float | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Contrastive loss in both directions, and a task metric, against the shift (m,).

    Dashed: no shift; dotted: ``marker``, where the reader is.
    """
    x = np.asarray(distance, np.float32)
    if not len(x):
        return empty(theme, "There is no shift to draw")
    scores = None if task is None else np.asarray(task, np.float32)
    both = [np.asarray(one, np.float32) for one in (loss_image_to_text, loss_text_to_image)]
    same_length("A shift curve", distances=x, losses=both[0], losses_back=both[1])
    same_length("A shift curve with a task", distances=x, scores=x if scores is None else scores)
    with_task = scores is not None and bool(np.isfinite(scores).any())
    made = make_subplots(rows=2 if with_task else 1, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    dress(made, theme, height=380)
    for values, name, number in ((both[0], "image → text", IMAGE), (both[1], "text → image", TEXT)):
        made.add_scatter(
            x=x, y=values, name=name, mode="lines", row=1, col=1,
            line={"color": theme.colour(number), "width": 2, "dash": "solid" if number == IMAGE else "dot"},
        )  # fmt: skip
    made.update_yaxes(title_text="Loss (nats)", row=1, col=1)
    if with_task and scores is not None:
        _add_task(made, x, scores, plain(task_name), theme)
    made.update_xaxes(title_text="Shift", row=2 if with_task else 1, col=1)
    made.add_vline(x=0, line={"color": theme.muted, "width": 1, "dash": "dash"})
    if marker:
        made.add_vline(x=marker, line={"color": theme.ink, "width": 1, "dash": "dot"})
    return made


def _add_task(made: go.Figure, x: Floats, scores: Floats, name: str, theme: Theme) -> None:
    """The second row: the task metric, its best value marked."""
    best = int(np.nanargmax(np.where(np.isfinite(scores), scores, np.nan)))
    colour = theme.colour(ACROSS)
    made.add_scatter(x=x, y=scores, name=name, mode="lines", row=2, col=1, line={"color": colour, "width": 2})
    made.add_scatter(
        x=x[[best]], y=scores[[best]], mode="markers+text", name="best", showlegend=False, row=2, col=1,
        text=[f"best {scores[best]:.3f}"], textposition="top center", marker={"size": 8, "color": colour},
        cliponaxis=False,
    )  # fmt: skip
    made.update_yaxes(title_text=name, row=2, col=1)
