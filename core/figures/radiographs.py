"""Radiographs in a row, each with what was done to it."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from PIL import Image
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.printing import placed
from core.figures.theme import LIGHT, Theme, dress, empty, hover, plain, same_length

PAGE = 980
"""Width in pixels that the row is laid out for; on a narrower page the pictures become smaller."""


def radiograph_row(
    pictures: Sequence[ArrayLike], titles: Sequence[str], done: Sequence[Sequence[str]], *, theme: Theme = LIGHT
) -> go.Figure:
    """Pictures side by side under their titles, with lines of words below each.

    Args:
        pictures: (S, S) grey levels in 0..255 each, all of one size.
        titles: one for each.
        done: lines of words for each, none or more; they are in the CSV, too.
        theme: light or dark.

    Raises:
        InputError: pictures that are not square or not of one size, or not as many titles and words as pictures.
    """
    same_length("A row of radiographs", pictures=pictures, titles=titles, done=done)
    if not len(pictures):
        return empty(theme, "There is no radiograph to show")
    found = [np.asarray(picture) for picture in pictures]
    side = len(found[0]) if found[0].ndim else 0
    if not side or any(picture.shape != (side, side) for picture in found):
        shapes = sorted({picture.shape for picture in found})
        raise InputError(f"A row of radiographs needs square pictures of one size; got shapes {shapes}.")
    made = dress(make_subplots(rows=1, cols=len(found)), theme)
    for at, (picture, title, words) in enumerate(zip(found, titles, done, strict=True)):
        own = {"xaxis": f"x{at + 1}" if at else "x", "yaxis": f"y{at + 1}" if at else "y"}
        name = plain(title)
        made.add_image(source=png(picture), name=name, hoverinfo="skip", **own)
        made.add_scatter(  # what the pointer and the CSV read: an image trace holds neither words nor one point
            x=[side / 2], y=[side / 2], mode="markers", marker={"size": 1, "opacity": 0, "color": theme.ink}, name=name,
            text=[", ".join(plain(word) for word in words)], showlegend=False, **own,
            hovertemplate=f"{hover(title)}<br>%{{text}}<extra></extra>",
        )  # fmt: skip
        at_edges = ((name, 13, theme.ink, -0.5, "bottom"), (_lines(words), 11, theme.muted, side - 0.5, "top"))
        for text, size, colour, y, anchor in at_edges:
            made.add_annotation(
                text=text, font={"size": size, "color": colour}, showarrow=False, x=side / 2 - 0.5, y=y,
                xref=own["xaxis"], yref=own["yaxis"], yanchor=anchor, align="center",
            )  # fmt: skip
    made.update_xaxes(visible=False, range=[-0.5, side - 0.5], constrain="domain", constraintoward="left")
    made.update_yaxes(visible=False, range=[side - 0.5, -0.5], constrain="domain", constraintoward="top")
    for at in range(len(found)):
        made.layout[f"yaxis{at + 1 if at else ''}"].scaleanchor = f"x{at + 1}" if at else "x"
    made.update_layout(margin={"l": 8, "r": 8, "t": 4, "b": 4}, hovermode="closest")
    made.update_layout(meta={"pictures": len(found), "lines": max(map(len, done))})
    return placed(made, per_row=len(found), width=PAGE)


def _lines(words: Sequence[str]) -> str:
    return "<br>".join(plain(word) for word in words)


def png(picture: np.ndarray) -> str:
    """A picture inside the figure: nothing is fetched when it is drawn."""
    stream = io.BytesIO()
    Image.fromarray(np.clip(np.rint(picture), 0, 255).astype(np.uint8)).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
