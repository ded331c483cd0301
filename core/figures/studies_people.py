"""Who is in a study: age, sex and view by split, and how many radiographs patients have.

Splits differ in size, so what is drawn by split are shares within it; counts are in the hover text and in the CSV.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.studies import (
    FILL,
    SPLITS,
    Counts,
    Floats,
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
from core.figures.theme import LIGHT, Theme, dress, empty, figure, hover, plain, same_length


def ages(
    edges: ArrayLike,
    counts: ArrayLike,
    unknown: ArrayLike,
    *,
    sexes: Sequence[str] = ("Female", "Male", "Sex unknown"),
    splits: Sequence[str] = SPLITS,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Age as a population pyramid, the splits over one another: bins add to 100 % of a split over all sexes.

    Args:
        edges: B + 1 ascending ages in years.
        counts: radiographs (S, X, B) by split, sex and bin. A sex that nobody has gets no panel.
        unknown: radiographs without a known age (S,); stated in the legend.
        sexes: X names; the first is drawn to the left.
        splits: S names.
        theme: light or dark.
    """
    bounds, held = np.asarray(edges, np.float64), np.asarray(counts, np.int64)
    shape = (len(splits), len(sexes), len(bounds) - 1)
    if held.shape != shape:
        raise InputError(f"Ages by split, sex and bin must have shape {shape}; got {held.shape}.")
    same_length("Ages by split", splits=splits, numbers_of_unknown_ages=np.asarray(unknown))
    if not held.any():
        return empty(theme, "No age is known in this study")
    panels = [at for at in range(len(sexes)) if held[:, at].any()]
    made = make_subplots(rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04,
                         subplot_titles=[plain(sexes[at]) for at in panels])  # fmt: skip
    dress(made, theme, height=460)
    wholes, missing = held.sum(axis=(1, 2)), np.asarray(unknown, np.int64)
    for number, split in enumerate(splits):
        label = f"{cut(split)} (n={wholes[number]:,})"
        if missing[number]:
            label += f", age unknown in {missing[number]:,}"
        if wholes[number]:
            _outlines(made, held[number], bounds, panels, number, (split, plain(label)), theme)
    most = 1.08 * float(np.nanmax(percent(held, wholes[:, None, None])))
    mirrored = len(panels) > 1 and panels[0] == 0
    for place in range(len(panels)):
        made.update_xaxes(range=[most, 0] if mirrored and not place else [0, most], nticks=6,
                          title_text="% of the split", row=1, col=place + 1)  # fmt: skip
    seen = np.flatnonzero(held.sum(axis=(0, 1)))
    made.update_yaxes(range=[bounds[seen[0]] - 1, bounds[seen[-1] + 1] + 1])
    made.update_yaxes(title_text="Age, years", row=1, col=1)
    made.update_annotations(font={"size": 13, "color": theme.ink, "family": theme.font})
    made.update_layout(margin={"t": 30, "b": 110}, legend={"yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    made.update_layout(legend_orientation="v", legend_tracegroupgap=0)
    return made


def _outlines(
    made: go.Figure,
    counts: Counts,
    bounds: NDArray[np.float64],
    panels: list[int],
    number: int,
    words: tuple[str, str],
    theme: Theme,
) -> None:
    """One split's outline in each panel, from the youngest to the oldest that there is."""
    seen = np.flatnonzero(counts.sum(axis=0))
    first, last = int(seen[0]), int(seen[-1]) + 1
    shares = percent(counts, counts.sum())
    text = [f"{low:g} to {high:g} years" for low, high in pairwise(bounds[first : last + 1])]
    for place, at in enumerate(panels):
        made.add_scatter(
            x=steps(shares[at, first:last]), y=[bounds[first], *bounds[first : last + 1]], text=["", *text, ""],
            customdata=[None, *counts[at, first:last].tolist(), None], mode="lines", connectgaps=False,
            line={"color": split_colour(number, theme), "width": 2, "shape": "vh"},
            fill="none" if number else "tozerox", fillcolor=translucent(split_colour(number, theme), FILL),
            name=words[1], legendgroup=str(number), showlegend=place == 0, row=1, col=place + 1,
            hovertemplate="%{text}: %{x:.2f} % (%{customdata:,})<extra>" + hover(words[0]) + "</extra>",
        )  # fmt: skip


def category_shares(
    names: Sequence[str],
    counts: ArrayLike,
    *,
    title: str,
    splits: Sequence[str] = SPLITS,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Shares of sexes or views within each split as bars side by side, in the given order.

    Args:
        names: C categories, "Unknown" among them where some are.
        counts: radiographs (C, S); a category adds to its split's total even where the total is 0.
        title: of the axis, such as "Sex" or "View".
        splits: S names; one without radiographs has no bars and says so in the legend.
        theme: light or dark.
    """
    held = table(counts, len(names), len(splits), f"Numbers of radiographs by {title} and split")
    if not held.any():
        return empty(theme, f"{title}: there is nothing to count")
    made = figure(theme, height=150 + (14 + 14 * len(splits)) * len(names))
    wholes = held.sum(axis=0)
    shares = percent(held, wholes)
    for number, split in enumerate(splits):
        made.add_bar(
            x=shares[:, number].astype(np.float32), y=np.arange(len(names)), orientation="h",
            marker={"color": split_colour(number, theme), "line": {"width": 0}}, customdata=held[:, number],
            name=plain(f"{cut(split)} (n={wholes[number]:,})"), text=[plain(name) for name in names],
            textposition="none",
            hovertemplate="%{text}: %{x:.3g} % (%{customdata:,})<extra>" + hover(split) + "</extra>",
        )  # fmt: skip
    most = float(np.nanmax(shares))
    made.update_yaxes(title_text=plain(title), tickvals=np.arange(len(names)), ticktext=short_names(names),
                      range=[len(names) - 0.5, -0.5], showgrid=False, ticks="")  # fmt: skip
    made.update_xaxes(title_text="Share of the split, %", range=[0, most * 1.14])
    made.update_layout(
        annotations=at_bars(_beside(shares), theme), barmode="group", bargap=0.24, margin={"t": 16, "b": 84}
    )
    made.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _beside(shares: Floats) -> list[tuple[float, float, str]]:
    """The number at the end of each bar; bars of a group stand downwards within 0.76 of its row."""
    count = shares.shape[1]
    return [
        (share, row + 0.76 * ((number + 0.5) / count - 0.5), in_words(share))
        for (row, number), share in np.ndenumerate(shares)
        if not np.isnan(share)
    ]


def per_patient(counts: ArrayLike, *, theme: Theme = LIGHT) -> go.Figure:
    """How many patients have one radiograph, two, and so on; numbers at the bars are shares of the patients.

    Args:
        counts: patients (M + 1,) with 1, 2 .. M radiographs, and with more than M.
        theme: light or dark.
    """
    given = np.asarray(counts, np.int64)
    held = table(given[None], 1, len(given), "Numbers of patients")[0]
    if not held.any():
        return empty(theme, "No patient is known in this study")
    names = [*map(str, range(1, len(held))), f"> {len(held) - 1}"]
    shares = percent(held, held.sum())
    made = figure(theme, height=360)
    made.add_bar(
        x=np.arange(len(held)), y=held, name="patients", customdata=shares, hovertext=[plain(name) for name in names],
        text=[plain(in_words(share)) if share else "" for share in shares.tolist()], textposition="outside",
        textfont={"size": 10, "color": theme.muted}, constraintext="none", cliponaxis=False,
        marker={"color": theme.grounded, "line": {"width": 0}},
        hovertemplate="%{hovertext} radiographs: %{y:,} patients (%{customdata:.3g} %)<extra></extra>",
    )  # fmt: skip
    made.update_xaxes(title_text="Radiographs of a patient", tickvals=np.arange(len(held)), ticks="", showgrid=False,
                      ticktext=[plain(name) for name in names])  # fmt: skip
    made.update_yaxes(title_text=f"Patients (n={held.sum():,})", range=[0, 1.12 * float(held.max())])
    made.update_layout(margin={"t": 16, "b": 50}, bargap=0.25)
    return made
