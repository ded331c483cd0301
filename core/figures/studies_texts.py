"""What was written in a study: lengths of texts and their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.errors import InputError
from core.figures.studies import (
    FILL,
    SPLITS,
    at_bars,
    cut,
    in_words,
    percent,
    short_names,
    split_colour,
    steps,
    table,
    translucent,
)
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain, same_length

NO_TEXT = "No radiograph of this study has a text"


def text_lengths(
    edges: ArrayLike,
    counts: ArrayLike,
    *,
    quantiles: Mapping[str, float] | None = None,
    splits: Sequence[str] = SPLITS,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Lengths of texts in words as step lines, shares within each split.

    Args:
        edges: B + 1 ascending whole numbers; a bin holds its lower edge and not its upper one. A last bin that is
            wider than the first is drawn as wide as it and says how far it reaches.
        counts: texts (S, B) by split and bin.
        quantiles: "5", "50", "95" (per cent of all texts) and their lengths, drawn as dashed lines.
        splits: S names.
        theme: light or dark.
    """
    bounds = np.asarray(edges, np.int64)
    if len(bounds) < 2 or (np.diff(bounds) <= 0).any():
        raise InputError(f"Edges of bins must ascend and be at least two; got {bounds.tolist()[:8]}.")
    held = table(counts, len(splits), len(bounds) - 1, "Numbers of texts by split and length")
    if not held.any():
        return empty(theme, NO_TEXT)
    width = int(bounds[1] - bounds[0])
    longest = int(bounds[-1]) - 1
    text = [f"{low:,} to {high - 1:,} words" if high > low + 1 else f"{low:,} words"
            for low, high in pairwise(bounds.tolist())]  # fmt: skip
    ends = bounds.astype(np.float64)
    wider = len(bounds) > 2 and int(bounds[-1] - bounds[-2]) > width
    if wider:
        ends[-1] = ends[-2] + width
    made = figure(theme, height=380)
    for number, split in enumerate(splits):
        whole = int(held[number].sum())
        if whole:
            made.add_scatter(
                x=[ends[0], *ends], y=steps(percent(held[number], np.array(whole))), text=["", *text, ""],
                customdata=[None, *held[number].tolist(), None], mode="lines", connectgaps=False,
                fill="none" if number else "tozeroy",
                line={"color": split_colour(number, theme), "width": 2, "shape": "hv"},
                fillcolor=translucent(split_colour(number, theme), FILL), name=plain(f"{cut(split)} (n={whole:,})"),
                hovertemplate="%{text}: %{y:.2f} % (%{customdata:,})<extra>" + hover(split) + "</extra>",
            )  # fmt: skip
    _quantiles(made, quantiles or {}, ends, theme)
    if wider:
        made.add_annotation(
            x=1, xref="x domain", xanchor="right", y=0.5, yref="y domain", showarrow=False, align="right",
            text=f"last step: {bounds[-2]:,} words<br>and more, up to {longest:,}",
            font={"size": 11, "color": theme.muted},
        )  # fmt: skip
    made.update_xaxes(title_text="Length of a text, words", range=[0, float(ends[-1])])
    made.update_yaxes(title_text="Share of the split's texts, %", rangemode="tozero")
    made.update_layout(margin={"t": 40, "b": 84}, showlegend=True)
    made.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _quantiles(made: go.Figure, quantiles: Mapping[str, float], ends: np.ndarray, theme: Theme) -> None:
    """Dashed lines; words above the frame in two lines, so that near ones do not meet."""
    for number, (name, length) in enumerate(quantiles.items()):
        if length <= ends[-1]:
            made.add_vline(x=length, line={"color": theme.muted, "width": 1, "dash": "dash"})
            made.add_annotation(
                x=length, y=1, yref="paper", yanchor="bottom", yshift=14 * (number % 2), showarrow=False,
                xanchor="left", text=plain("median" if name == "50" else f"{name}th percentile") + f": {length:,.0f}",
                font={"size": 11, "color": theme.muted},
            )  # fmt: skip


def words(names: Sequence[str], counts: ArrayLike, total: int, *, most: int = 30, theme: Theme = LIGHT) -> go.Figure:
    """The words that most texts contain, and the share of the texts that contain each.

    Args:
        names: W words.
        counts: texts that contain each (W,).
        total: texts.
        most: how many words are drawn, the most frequent first.
        theme: light or dark.
    """
    if most < 1:
        raise InputError(f"most is {most}; at least 1 word must be drawn.")
    same_length("A list of words", words=names, counts=np.asarray(counts))
    held = np.asarray(counts, np.int64)
    if not total or not len(names):
        return empty(theme, NO_TEXT if not total else "The texts of this study have no words of three letters or more")
    order = np.argsort(-held, kind="stable")[:most]
    chosen, held = [names[at] for at in order], held[order]
    shares = percent(held, np.array(total))
    made = figure(theme, height=110 + 19 * max(5, len(order)))
    made.add_bar(
        x=shares.astype(np.float32), y=np.arange(len(order)), orientation="h", name="texts that contain the word",
        text=[plain(word) for word in chosen], textposition="none", customdata=held,
        marker={"color": theme.grounded, "line": {"width": 0}},
        hovertemplate="%{text}: %{x:.3g} % (%{customdata:,} texts)<extra></extra>",
    )  # fmt: skip
    beside = [
        (share, row, f"{in_words(share)} · {count:,}")
        for row, (share, count) in enumerate(zip(shares.tolist(), held.tolist(), strict=True))
    ]
    made.update_layout(annotations=at_bars(beside, theme))
    made.update_yaxes(title_text="Word", tickvals=np.arange(len(order)), ticktext=short_names(chosen), ticks="",
                      range=[len(order) - 0.4, -0.6], showgrid=False)  # fmt: skip
    made.update_xaxes(title_text=f"Share of the {total:,} texts, %", range=[0, 1.3 * float(shares.max())])
    made.update_layout(margin={"t": 16, "b": 50}, bargap=0.25)
    return made
