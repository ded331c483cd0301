"""Retrieval: recall against how many are looked at, and at which ranks partners are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain, same_length

DASHES = ("dot", "dash", "dashdot")
"""Of the lines of chance, where there are several."""
NOTHING = "No radiograph has a text to be looked for"


@dataclass(frozen=True, kw_only=True)
class Recall:
    """Recall of one model: at each of ``ks`` (m,) the value and the ends of its 95 % interval, in [0, 1]."""

    name: str
    ks: ArrayLike
    values: ArrayLike
    lows: ArrayLike
    highs: ArrayLike


def recall_curves(
    series: Sequence[Recall], *, chance: Sequence[tuple[str, ArrayLike, ArrayLike]], theme: Theme = LIGHT
) -> go.Figure:
    """Recall at k against k (logarithmic), a band for each 95 % interval, dotted lines for chance.

    Args:
        series: a line each, the first in the first colour.
        chance: a name, k (m,) and recall (m,) for each pool that is searched; one where all search the same.
        theme: light or dark.
    """
    if not series or not any(len(np.asarray(one.ks)) for one in series):
        return empty(theme, NOTHING)
    made = figure(theme, height=360)
    for place, (name, ks, values) in enumerate(chance):
        made.add_scatter(
            x=np.asarray(ks), y=np.asarray(values, np.float32), mode="lines", name=plain(name),
            line={"color": theme.muted, "width": 1.5, "dash": DASHES[place % len(DASHES)]},
            hovertemplate="%{y:.3f}<extra>" + hover(name) + "</extra>",
        )  # fmt: skip
    for number, one in enumerate(series):
        _add_recall(made, one, number, theme)
    most = max(int(np.asarray(one.ks).max()) for one in series)
    ends = (-0.03, np.log10(max(2, most)) + 0.03)
    made.update_xaxes(title_text="k, among the nearest", type="log", range=ends, minor_showgrid=False, dtick=1)
    made.update_yaxes(title_text="Recall at k", range=[-0.02, 1.02])
    made.update_layout(hovermode="x unified")
    return made


def _add_recall(made: go.Figure, one: Recall, number: int, theme: Theme) -> None:
    ks = np.asarray(one.ks)
    middle, low, high = (np.asarray(part, np.float32) for part in (one.values, one.lows, one.highs))
    same_length(f"Recall of {one.name!r}", ks=ks, values=middle, lows=low, highs=high)
    colour = theme.colour(number)
    if np.isfinite(low).all() and np.isfinite(high).all():
        made.add_scatter(
            x=np.concatenate([ks, ks[::-1]]), y=np.concatenate([high, low[::-1]]), mode="lines", fill="toself",
            fillcolor=colour, line={"width": 0, "color": colour}, opacity=0.18, hoverinfo="skip", showlegend=False,
            name=f"{plain(one.name)}: 95 % interval", legendgroup=str(number),
        )  # fmt: skip
    made.add_scatter(
        x=ks, y=middle, mode="lines+markers", name=plain(one.name), legendgroup=str(number), connectgaps=False,
        line={"color": colour, "width": 2}, marker={"size": 5, "color": colour},
        customdata=np.stack([low, high], axis=1),
        hovertemplate="%{y:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<extra>" + hover(one.name) + "</extra>",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """The ranks (n,) at which one model found partners, and their middle."""

    name: str
    ranks: ArrayLike
    median: float


def rank_shares(series: Sequence[Ranks], *, chance: Sequence[tuple[str, ArrayLike]], theme: Theme = LIGHT) -> go.Figure:
    """The share of queries whose partner has rank 1, 2, 3 to 4, 5 to 8 and so on, beside chance.

    Args:
        series: bars each, in the order of the models.
        chance: a name, and the recall by chance at each end of :func:`bins` of the largest number of ranks, for each
            pool that is searched; a bin's share is what recall gains in it.
        theme: light or dark.

    Raises:
        InputError: a rank below 1, or chance is not of as many bins as there are.
    """
    sizes = [len(np.asarray(one.ranks)) for one in series]
    if not any(sizes):
        return empty(theme, NOTHING)
    edges = bins(max(sizes))
    same_length("Shares of ranks", bins=edges, **{f"chance of {name}": np.asarray(own) for name, own in chance})
    ticks = [_bin(low, high) for low, high in zip([0, *edges[:-1]], edges, strict=True)]
    places = np.arange(len(edges))
    made = figure(theme, height=340)
    for number, one in enumerate(series):
        found = np.asarray(one.ranks, np.float64)
        if not len(found) or found.min() < 1:
            raise InputError(f"Ranks begin at 1 and there must be one; those of {one.name!r} do not.")
        share = np.diff([0.0, *((found <= edge).mean() for edge in edges)])
        made.add_bar(
            x=places, y=share.astype(np.float32), name=f"{plain(one.name)} (median {one.median:,g})",
            marker={"color": theme.colour(number), "line": {"width": 0}}, customdata=ticks,
            hovertemplate="rank %{customdata}: %{y:.1%}<extra>" + hover(one.name) + "</extra>",
        )  # fmt: skip
    for place, (name, recall) in enumerate(chance):
        made.add_scatter(
            x=places, y=np.diff([0.0, *np.asarray(recall, np.float64)]).astype(np.float32), mode="lines+markers",
            name=plain(name),
            line={"color": theme.muted, "width": 1.5, "dash": DASHES[place % len(DASHES)]},
            marker={"size": 5, "color": theme.muted},
            hovertemplate="%{y:.1%}<extra>" + hover(name) + "</extra>",
        )  # fmt: skip
    made.update_xaxes(title_text="Rank of the partner", tickvals=places, ticktext=ticks, showgrid=False)
    made.update_yaxes(title_text="Share of queries", rangemode="tozero", tickformat=".0%")
    made.update_layout(barmode="group", bargap=0.25)
    return made


def bins(most: int) -> NDArray[np.int64]:
    """The upper ends of the bins, powers of two up to the first that holds ``most``."""
    return 2 ** np.arange(int(np.ceil(np.log2(max(1, most)))) + 1)


def _bin(low: int, high: int) -> str:
    return f"{high:,}" if high - low <= 1 else f"{low + 1:,}–{high:,}"
