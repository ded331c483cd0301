"""Findings of a study: how frequent each is, and which are seen together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from core.figures.similarity import ANNOTATED
from core.figures.studies import (
    MARKS,
    SPLITS,
    Counts,
    Floats,
    cut,
    in_words,
    percent,
    short_names,
    split_colour,
    table,
    translucent,
)
from core.figures.theme import LIGHT, Theme, dress, empty, figure, hover, plain, same_length

GROUPS = ("head", "medium", "tail")
ROW = 24
"""Pixels per finding."""


def prevalence(
    names: Sequence[str],
    present: ArrayLike,
    absent: ArrayLike,
    uncertain: ArrayLike,
    unknown: ArrayLike,
    *,
    groups: Sequence[str],
    limits: tuple[float, float],
    splits: Sequence[str] = SPLITS,
    log: bool = False,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Share of the radiographs with a finding among those in which it is known, the most frequent finding first.

    Bars are all splits together, in the colours of head, medium and tail as in CXR-LT (Holste et al., 2022); marks are
    the splits. A finding that is nowhere known has no bar and says so.

    Args:
        names: K findings.
        present, absent, uncertain, unknown: counts (K, S) of each finding and split.
        groups: ``head``, ``medium`` or ``tail`` for each finding; one of none of these has no bar.
        limits: prevalence in per cent above which a finding belongs to the head, and up to which to the tail.
        splits: S names.
        log: a logarithmic axis, which shows the tail; what is never present has no place on it.
        theme: light or dark.
    """
    if not len(names):
        return empty(theme, "This study has no findings")
    parts = ("present", "absent", "uncertain", "unknown")
    counts = np.stack([
        table(one, len(names), len(splits), f"Numbers of {part} findings by split")
        for one, part in zip((present, absent, uncertain, unknown), parts, strict=True)
    ])  # fmt: skip
    shares = percent(counts[0].sum(axis=1), counts[:2].sum(axis=(0, 2)))
    order = np.argsort(-np.nan_to_num(shares, nan=-1.0), kind="stable")
    same_length("Findings", findings=names, groups=groups)
    names, groups = [names[at] for at in order.tolist()], [groups[at] for at in order.tolist()]
    counts, shares = counts[:, order], shares[order]
    made = figure(theme, height=150 + ROW * len(names))
    _bars(made, names, counts.sum(axis=2), shares, groups, limits, theme)
    each = percent(counts[0], counts[0] + counts[1])
    _marks(made, names, splits, each, counts, theme)
    low, high = _range(np.concatenate([shares, each.ravel()]), log)
    _limits(made, limits, (low, high), log, theme)
    ticks = _ticks(names, shares, counts[0].sum(axis=1))
    made.update_yaxes(title_text="Finding", range=[len(names) - 0.4, -0.6], tickvals=np.arange(len(names)),
                      ticktext=ticks, showgrid=False, ticks="", ticklabelstandoff=6)  # fmt: skip
    made.update_xaxes(title_text="Prevalence, %", type="log" if log else "linear",
                      range=[np.log10(low), np.log10(high)] if log else [low, high])  # fmt: skip
    if log:
        made.update_xaxes(tickvals=[0.001, 0.01, 0.1, 1, 10, 100], ticktext=["0.001", "0.01", "0.1", "1", "10", "100"])
    made.update_layout(barmode="overlay", bargap=0.3, margin={"t": 30, "b": 90})
    made.update_layout(legend={"yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _marks(
    made: go.Figure, names: Sequence[str], splits: Sequence[str], each: Floats, counts: Counts, theme: Theme
) -> None:
    """The prevalence of each split (K, S) as marks over the bars."""
    for number, split in enumerate(splits):
        made.add_scatter(
            x=each[:, number].astype(np.float32), y=np.arange(len(names)), mode="markers", name=plain(split),
            text=[plain(name) for name in names], customdata=counts[:2, :, number].T,
            marker={"symbol": MARKS[number % len(MARKS)], "size": 7, "color": split_colour(number, theme),
                    "line": {"width": 1, "color": theme.paper}},
            cliponaxis=False,
            hovertemplate="%{text}: %{x:.3g} % (%{customdata[0]:,} present, %{customdata[1]:,} absent)<extra>"
            + hover(split) + "</extra>",
        )  # fmt: skip


def group_colour(number: int, theme: Theme) -> str:
    """Head, medium and tail: 0, 1 and 2."""
    return (theme.grounded, translucent(theme.colour(4), 0.5), theme.colour(3))[number]


def _ticks(names: Sequence[str], shares: Floats, present: Counts) -> list[str]:
    """``Effusion · 12 % (n=13,317)``; a finding that is nowhere known says that n is 0."""
    return [
        plain(f"{name} · not known (n=0)" if np.isnan(share) else f"{name} · {in_words(share)} (n={count:,})")
        for name, share, count in zip(map(cut, names), shares.tolist(), present.tolist(), strict=True)
    ]


def _bars(
    made: go.Figure,
    names: Sequence[str],
    counts: Counts,
    shares: Floats,
    groups: Sequence[str],
    limits: tuple[float, float],
    theme: Theme,
) -> None:
    """One trace per group, so that it has a place in the legend and a name in the CSV."""
    above, below = limits
    words = (f"> {above:g} %", f"{below:g} to {above:g} %", f"≤ {below:g} %")
    for number, (group, within) in enumerate(zip(GROUPS, words, strict=True)):
        rows = [row for row, own in enumerate(groups) if own == group]
        made.add_bar(
            x=shares[rows].astype(np.float32), y=rows, orientation="h", name=f"{group} ({within})",
            text=[plain(names[row]) for row in rows], textposition="none", customdata=counts[:, rows].T,
            marker={"color": group_colour(number, theme), "line": {"width": 0}},
            showlegend=bool(rows),
            hovertemplate="%{text}: %{x:.3g} %<br>%{customdata[0]:,} present, %{customdata[1]:,} absent, "
            "%{customdata[2]:,} uncertain, %{customdata[3]:,} unknown<extra>" + group + "</extra>",
        )  # fmt: skip


def _range(shares: Floats, log: bool) -> tuple[float, float]:
    known = shares[np.isfinite(shares)]
    most = float(known.max()) if len(known) else 0.0
    if not log:
        return 0.0, min(112.0, max(1.2, most * 1.15))
    least = float(known[known > 0].min()) if (known > 0).any() else 1.0
    return 10 ** float(np.floor(np.log10(max(0.001, least * 0.9)))), 200.0 if most > 50 else 100.0


def _limits(made: go.Figure, limits: tuple[float, float], shown: tuple[float, float], log: bool, theme: Theme) -> None:
    """Where the head and the tail begin; the words stand above the frame, away from each other."""
    words = (f"head > {limits[0]:g} %", f"tail ≤ {limits[1]:g} %")
    for level, text, anchor in zip(limits, words, ("left", "right"), strict=True):
        if shown[0] < level < shown[1]:
            made.add_vline(x=level, line={"color": theme.muted, "width": 1, "dash": "dash"})
            made.add_annotation(
                x=float(np.log10(level)) if log else level, y=1, yref="paper", yanchor="bottom", xanchor=anchor,
                showarrow=False, text=text, font={"size": 11, "color": theme.muted},
            )  # fmt: skip


def co_occurrence(
    names: Sequence[str], both: ArrayLike, support: ArrayLike, *, relative: bool, theme: Theme = LIGHT
) -> go.Figure:
    """Which findings are seen together; the framed diagonal says how many radiographs have the one.

    Args:
        names: K findings.
        both: counts (K, K) of radiographs with the row's and the column's finding; the diagonal: with the one.
        support: counts (K, K) that ``both`` is a part of; a cell without says n=0. Relative: radiographs with the row's
            finding in which the column's is known; else: those in which both are known.
        relative: colours and numbers are P(column | row) in per cent instead of counts.
        theme: light or dark.
    """
    count = len(names)
    if not count:
        return empty(theme, "This study has no findings")
    found = table(both, count, count, "Numbers of radiographs with both findings")
    whole = table(support, count, count, "Numbers of radiographs in which a pair is known")
    shares = percent(found, whole)
    values = shares if relative else np.where(whole > 0, found, np.nan)
    if np.isnan(values).all():
        return empty(theme, "No radiograph supports a pair of findings (n=0)")
    title = (
        "Of those with the row's finding · the share with the column's too"
        if relative
        else "Radiographs with the row's finding · and the column's"
    )
    made = make_subplots(rows=1, cols=1, subplot_titles=[title])
    made.add_trace(_heatmap(names, values, found, whole, relative, theme), 1, 1)
    dress(made, theme, height=max(360, min(900, 190 + 34 * count)))
    frame = {"type": "rect", "xref": "x", "yref": "y", "line": {"color": theme.muted, "width": 1}}
    places = [{"x0": at - 0.5, "x1": at + 0.5, "y0": at - 0.5, "y1": at + 0.5} for at in range(count)]
    made.update_layout(shapes=[{**frame, **place} for place in places])
    axis = {"showgrid": False, "showline": False, "ticks": "", "type": "category"}
    made.update_xaxes(tickangle=-45, title_text="also with" if relative else "and with", **axis)
    made.update_yaxes(autorange="reversed", title_text="with", **axis)
    made.update_annotations(font={"size": 12, "color": theme.ink, "family": theme.font})
    made.update_layout(margin={"t": 40, "l": 20, "r": 20, "b": 20})
    made.update_layout(meta={"panels": 1, "per_row": [1, 1], "bar": True})
    return made


def _heatmap(
    names: Sequence[str], values: Floats, both: Counts, support: Counts, relative: bool, theme: Theme
) -> go.Heatmap:
    aside = values[~np.eye(len(names), dtype=bool)]
    aside = aside[np.isfinite(aside)]
    most = float(aside.max()) if len(aside) and aside.max() > 0 else 1.0
    shown = short_names(names)
    text = _numbers(values, both, relative)
    if len(names) > ANNOTATED:
        text = np.where(np.isnan(values), text, "")
    full = [plain(name) for name in names]
    words = [[f"{row} and {column}" for column in full] for row in full]
    return go.Heatmap(
        z=values.astype(np.float32), x=shown, y=shown, zmin=0, zmax=most, text=text, texttemplate="%{text}",
        textfont={"size": 11 if len(names) <= ANNOTATED else 9, "color": theme.ink}, hovertext=words,
        customdata=np.stack([both, support], axis=2),
        colorscale=[[0.0, theme.paper], [1.0, theme.diverging[-1][1]]], colorbar=_bar(relative),
        hovertemplate="%{hovertext}: %{customdata[0]:,} of %{customdata[1]:,}<extra></extra>",
        hoverongaps=False, xgap=1, ygap=1,
    )  # fmt: skip


def _numbers(values: Floats, both: Counts, relative: bool) -> NDArray[np.object_]:
    """What stands in the cells; on the diagonal the number of radiographs with the finding."""
    text = np.empty(values.shape, object)
    for at, value in np.ndenumerate(values):
        if np.isnan(value):
            text[at] = "n=0"
        elif not relative:
            text[at] = f"{both[at]:,}"
        elif at[0] == at[1]:
            text[at] = f"n={both[at]:,}"
        else:
            text[at] = plain("<1") if 0 < value < 0.5 else f"{value:.0f}"
    return text


def _bar(relative: bool) -> dict[str, Any]:
    title = "%" if relative else "radiographs"
    return {"title": {"text": title, "side": "right"}, "thickness": 10, "outlinewidth": 0, "tickfont": {"size": 11}}
