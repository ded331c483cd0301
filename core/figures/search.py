"""A search: how good trials became, where good settings lie, which settings matter, how trials went."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from core.figures.theme import LIGHT, Theme, distinct, dress, empty, figure, hover, plain, wrapped

COLUMNS = 3
"""Settings side by side."""

PANEL = 210
"""Pixels of a row of settings."""

Setting = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """A trial as it is drawn.

    Attributes:
        number: of the trial.
        state: complete, pruned, failed, or what it is while it is at work.
        value: what it is judged by; None where it has none.
        parameters: values of the varied settings by name.
        values: of the epochs that ended so far.
        run: what a click brings back.
    """

    number: int
    state: str
    value: float | None
    parameters: Mapping[str, Setting]
    values: Mapping[int, float]
    run: str | None = None


def best_so_far(values: Sequence[float], *, maximised: bool) -> NDArray[np.float64]:
    """The best of the first, of the first two, ... of n values (n,)."""
    found = np.asarray(values, np.float64)
    return np.maximum.accumulate(found) if maximised else np.minimum.accumulate(found)


def history(points: Sequence[Point], *, maximised: bool, y_title: str, theme: Theme = LIGHT) -> go.Figure:
    """The value of each trial and the best so far; pruned trials at their last value, failed ones as crosses below.

    Args:
        points: trials by number.
        maximised: whether a high value is good.
        y_title: what is judged.
        theme: light or dark.
    """
    complete, pruned = _valued(points, "complete"), _valued(points, "pruned")
    failed = [one.number for one in points if one.state == "failed"]
    if not complete and not pruned and not failed:
        return empty(theme, "No trial has ended yet")
    made = figure(theme, height=320)
    for name, some, marker in (
        ("complete", complete, {"size": 8, "color": theme.colour(0)}),
        ("pruned", pruned, {"size": 7, "color": theme.muted, "symbol": "circle-open"}),
    ):
        if some:
            made.add_scatter(
                x=[one.number for one in some], y=[one.value for one in some], mode="markers", name=name, marker=marker,
                text=[_settings(one) for one in some], customdata=[one.run for one in some],
                hovertemplate="trial %{x}: %{y:.4g}<br>%{text}<extra></extra>",
            )  # fmt: skip
    if complete:
        line = best_so_far([one.value or 0.0 for one in complete], maximised=maximised).tolist()
        made.add_scatter(
            x=[*(one.number for one in complete), max(one.number for one in points)], y=[*line, line[-1]], mode="lines",
            line={"color": theme.colour(1), "width": 2, "shape": "hv"}, name="best so far", hoverinfo="skip",
        )  # fmt: skip
    for number in failed:  # marks, not points: they have no value
        made.add_annotation(
            x=number, y=0, yref="paper", yanchor="bottom", text="✕", showarrow=False,
            font={"size": 12, "color": theme.colour(1)}, hovertext=f"trial {number} failed",
        )  # fmt: skip
    made.update_xaxes(title_text="Trial" + (" (✕ failed)" if failed else ""), range=_room(points))
    made.update_yaxes(title_text=plain(y_title))
    if not complete and not pruned:
        made.update_yaxes(showticklabels=False, range=[0, 1])
    return made


def _room(points: Sequence[Point]) -> list[float]:
    last = max(one.number for one in points)
    return [-0.5 - 0.01 * last, last + 0.5 + 0.01 * last]


def _valued(points: Sequence[Point], state: str) -> list[Point]:
    return [one for one in points if one.state == state and one.value is not None and math.isfinite(one.value)]


def _settings(point: Point) -> str:
    return "<br>".join(f"{hover(name)}: {hover(_short(value))}" for name, value in point.parameters.items())


def _short(value: Setting) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def slices(
    points: Sequence[Point], names: Sequence[str], *, logarithmic: Sequence[str] = (), y_title: str,
    theme: Theme = LIGHT,
) -> go.Figure:  # fmt: skip
    """The value against each setting, one panel a setting; later trials in stronger colour.

    Args:
        points: trials by number; those without a value are left out.
        names: settings, as in each trial's parameters.
        logarithmic: those of them that vary by orders of magnitude.
        y_title: what is judged.
        theme: light or dark.
    """
    shown = [*_valued(points, "complete"), *_valued(points, "pruned")]
    names = [name for name in names if any(name in one.parameters for one in shown)]
    if not names:
        return empty(theme, "No trial has a value yet")
    columns = min(COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    height = rows * PANEL + 70
    made = make_subplots(
        rows=rows, cols=columns, shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=70 / height
    )
    dress(made, theme, height=height)
    for at, name in enumerate(names):
        row, column = at // columns + 1, at % columns + 1
        _slice(
            made,
            shown,
            name,
            log=name in logarithmic,
            place=(row, column),
            last=max(one.number for one in shown),
            theme=theme,
        )
        made.update_xaxes(title_text=wrapped(name, 40), row=row, col=column)
        if column == 1:
            made.update_yaxes(title_text=plain(y_title), row=row, col=column)
    made.update_layout(showlegend=False)
    return made


def _slice(
    made: go.Figure, shown: Sequence[Point], name: str, *, log: bool, place: tuple[int, int], last: int, theme: Theme
) -> None:
    own = [one for one in shown if name in one.parameters]
    found = [one.parameters[name] for one in own]
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in found)
    few: list[str] = []
    if not numbers:
        few = sorted({str(value) for value in found})
    elif len(set(found)) <= 5 and all(isinstance(value, int) for value in found):  # such as batch sizes
        few = [str(value) for value in sorted(set(found), key=lambda value: float(value or 0))]
    x = [few.index(str(value)) for value in found] if few else found
    row, column = place
    made.add_scatter(
        x=x, y=[one.value for one in own], mode="markers", name=plain(name), row=row, col=column,
        marker={"size": 8, "symbol": ["circle" if one.state == "complete" else "circle-open" for one in own],
                "color": [one.number for one in own], "cmin": 0, "cmax": max(1, last),
                "colorscale": [[0, theme.grounded], [1, theme.colour(0)]]},
        customdata=[one.run for one in own],
        text=[f"trial {one.number} ({one.state})<br>{_settings(one)}" for one in own],
        hovertemplate="%{text}<br>%{y:.4g}<extra></extra>",
    )  # fmt: skip
    if few:
        made.update_xaxes(
            tickvals=list(range(len(few))), ticktext=distinct(few), range=[-0.5, len(few) - 0.5], row=row, col=column
        )
    elif log:
        ticks = _powers([float(value or 0) for value in found])
        made.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks], row=row, col=column)


def _powers(values: Sequence[float]) -> list[float]:
    """Ticks of a logarithmic axis: powers of ten, every second or third where there are many, and 2 and 5 times these
    where there are few; written out, because plotly's own would say 100µ."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    step = max(1, math.ceil((high - low) / 3))
    steps = (1, 2, 5) if high - low < 2 else (1,)
    return [times * 10.0**power for power in range(low, high + 1, step) for times in steps]


def importance_bars(shares: Mapping[str, float], *, complete: int, needed: int, theme: Theme = LIGHT) -> go.Figure:
    """The share of each setting in what tells good trials from the others, the largest on top.

    Args:
        shares: 0 to 1 by setting; they sum to 1.
        complete, needed: complete trials, and so many that shares are told.
        theme: light or dark.
    """
    if not shares:
        made = empty(theme, f"Told from {needed} complete trials on; there are {complete}")
        made.layout.annotations[0].text = f"Told from {needed} complete trials on;<br>there are {complete}"
        return made
    ordered = sorted(shares.items(), key=lambda pair: pair[1])
    made = figure(theme, height=110 + 30 * len(ordered))
    made.add_bar(
        x=[share for _, share in ordered], y=list(range(len(ordered))), orientation="h", width=0.6,
        marker={"color": theme.colour(0)}, text=[f"{share:.0%}" for _, share in ordered], textposition="outside",
        hovertext=[plain(name) for name, _ in ordered], hovertemplate="%{hovertext}: %{x:.1%}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip
    made.update_xaxes(
        title_text=f"Share of importance, {complete} complete trials", tickformat=".0%",
        range=[0, 1.12 * max(share for _, share in ordered)],
    )  # fmt: skip
    made.update_yaxes(
        title_text="Setting", tickvals=list(range(len(ordered))), ticktext=distinct([name for name, _ in ordered]),
        showgrid=False, range=[-0.6, len(ordered) - 0.4],
    )  # fmt: skip
    return made


KINDS = (("pruned", "pruned", 1), ("complete", "complete", 1), ("running", "at work", 2))


def intermediate(points: Sequence[Point], *, best: int | None, y_title: str, theme: Theme = LIGHT) -> go.Figure:
    """The value at the end of each epoch, one line a trial; the best one thick, pruned ones end where they were pruned.

    Args:
        points: trials by number.
        best: the number of the best one; None where there is none yet.
        y_title: what is judged.
        theme: light or dark.
    """
    drawn = [one for one in points if one.values and one.number != best]
    first = [one for one in points if one.values and one.number == best]
    if not drawn and not first:
        return empty(theme, "No epoch has ended yet")
    made = figure(theme, height=320)
    colours = {"pruned": theme.muted, "complete": theme.colour(0), "running": theme.colour(2)}
    for state, name, width in KINDS:
        _lines(made, [one for one in drawn if one.state == state], name, colours[state], width)
    _lines(made, [one for one in drawn if one.state in ("failed", "interrupted")], "not ended", theme.unknown, 1)
    _lines(made, first, f"best: trial {best}", theme.colour(1), 3)
    made.update_xaxes(title_text="Epoch")
    made.update_yaxes(title_text=plain(y_title))
    made.update_layout(showlegend=True, hovermode="closest")
    return made


def _lines(made: go.Figure, points: Sequence[Point], name: str, colour: str, width: int) -> None:
    """One trace for all trials of a kind, with a gap after each: a hundred traces would be a legend of a hundred."""
    x: list[float] = []
    y: list[float] = []
    numbers: list[str] = []
    for one in points:
        x += [*one.values, math.nan]
        y += [*one.values.values(), math.nan]
        numbers += [f"trial {one.number}"] * (len(one.values) + 1)
    if not x:
        return
    single = all(len(one.values) == 1 for one in points)
    made.add_scatter(
        x=x, y=y, mode="lines+markers" if len(x) < 60 or single else "lines", name=name, connectgaps=False,
        line={"color": colour, "width": width}, marker={"size": 4 + width, "color": colour}, text=numbers,
        hovertemplate="%{text}, epoch %{x}: %{y:.4g}<extra></extra>",
    )  # fmt: skip
