"""The modality gap over runs: of each disease, and against the temperature that a run ended at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain

ROOM_FOR_LABEL = (0.30, 0.05)
"""What a run's name takes up: decades of the temperature, and gap."""

SHORT = 14
"""Letters of a name that fits on the left of its point, where a long one would lie over the axis."""


@dataclass(frozen=True, kw_only=True)
class FindingGaps:
    """The gaps of one run.

    Attributes:
        name: of the run.
        gaps, expected: (K,) the gap of each finding, and what as many pairs drawn from all would show; NaN: too few.
        support: (K,) pairs with the finding.
        overall: the gap of all pairs.
    """

    name: str
    gaps: ArrayLike
    expected: ArrayLike
    support: ArrayLike
    overall: float


def finding_gaps(names: Sequence[str], runs: Sequence[FindingGaps], *, theme: Theme = LIGHT) -> go.Figure:
    """A dot per disease (K, from top to bottom) and run; an upright stroke where chance would put it.

    Dashed: the gap of all pairs. A disease with too few pairs has no dot and says ``n=`` instead.
    """
    if not len(names) or not runs:
        return empty(theme, "There is no disease whose gap could be measured")
    count, spread = len(names), 0.56 / len(runs)
    made = figure(theme, height=110 + (24 + 8 * len(runs)) * count + 20 * len(runs))
    places = np.arange(count, dtype=np.float32)
    supports = np.array([_of(run, run.support, count) for run in runs])
    for number, run in enumerate(runs):
        _add_run(made, run, names, places + spread * (number - (len(runs) - 1) / 2), number, theme)
    same = (supports == supports[0]).all(axis=0)
    ticks = [
        f"{plain(name)}  (n={support:g})" if alike else plain(name)
        for name, support, alike in zip(names, supports[0].tolist(), same, strict=True)
    ]
    made.update_yaxes(tickvals=places, ticktext=ticks, range=[count - 0.4, -0.6], showgrid=False, ticks="")
    made.update_xaxes(title_text="Gap (distance of the two means)", range=_range(runs))
    made.update_layout(margin={"t": 20, "b": 60 + 20 * len(runs)})
    made.update_layout(legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _add_run(
    made: go.Figure, run: FindingGaps, names: Sequence[str], at: NDArray[np.float32], number: int, theme: Theme
) -> None:
    gaps, expected, support = (_of(run, part, len(names)) for part in (run.gaps, run.expected, run.support))
    colour = theme.colour(number)
    made.add_scatter(
        x=expected, y=at, mode="markers", name=f"{plain(run.name)}: by chance", showlegend=False, hoverinfo="skip",
        marker={"symbol": "line-ns", "size": 10, "line": {"color": colour, "width": 1.5}, "color": colour},
        opacity=0.6,
    )  # fmt: skip
    made.add_scatter(
        x=gaps, y=at, mode="markers", name=f"{plain(run.name)} (all pairs: {run.overall:.3f})",
        marker={"size": 8, "color": colour}, text=[plain(name) for name in names],
        customdata=np.stack([expected, support], axis=1),
        hovertemplate="%{text}: %{x:.3f} (by chance %{customdata[0]:.3f}, n=%{customdata[1]})<extra>"
        + hover(run.name) + "</extra>",
    )  # fmt: skip
    made.add_vline(x=run.overall, line={"color": colour, "width": 1.2, "dash": "dash"}, opacity=0.8)
    for row in np.flatnonzero(np.isnan(gaps)).tolist():
        made.add_annotation(
            x=0, xref="paper", xanchor="left", xshift=4, y=float(at[row]), showarrow=False,
            text=f"n={support[row]:g}", font={"size": 11, "color": theme.muted},
        )  # fmt: skip


def _of(run: FindingGaps, part: ArrayLike, count: int) -> NDArray[np.float64]:
    values = np.asarray(part, np.float64)
    if values.shape != (count,):
        raise InputError(f"{count} diseases, but an array of {run.name!r} has the shape {values.shape}.")
    return values


def _range(runs: Sequence[FindingGaps]) -> tuple[float, float]:
    """From a little below the smallest value, with room for ``n=``, to a little above the largest."""
    every = [np.append(np.concatenate([np.asarray(run.gaps, float), run.expected]), run.overall) for run in runs]
    known = np.concatenate(every)
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    room = max(0.05, 0.12 * (high - low))
    return max(-0.02, low - room), high + room / 2


@dataclass(frozen=True, kw_only=True)
class TemperaturePoint:
    """A run's final temperature (1 / scale) and gap; ``number``: its colour where it is chosen, else None."""

    name: str
    temperature: float
    gap: float
    number: int | None = None


def temperature_gaps(
    points: Sequence[TemperaturePoint],
    *,
    published: Sequence[tuple[float, float]] = (),
    published_name: str = "",
    theme: Theme = LIGHT,
) -> go.Figure:
    """Gap against final temperature (logarithmic) of runs, beside a published line of (temperature, gap).

    Every run is named as far as its name does not lie over another's, chosen ones first; the others say theirs under
    the pointer.
    """
    if not points:
        return empty(theme, "No run of this study has a gap and a temperature yet")
    if wrong := [point.name for point in points if not (point.temperature > 0 and math.isfinite(point.gap))]:
        raise InputError(f"A temperature must be above 0 and a gap finite; they are not for {', '.join(wrong[:3])}.")
    made = figure(theme, height=420)
    if published:
        x, y = np.asarray(published, np.float64).T
        line = {"color": theme.muted, "width": 1.5, "dash": "dash"}
        made.add_scatter(x=x, y=y, mode="lines+markers", name=plain(published_name), line=line,
                         marker={"size": 5, "color": theme.muted, "symbol": "square"})  # fmt: skip
    others = [point for point in points if point.number is None]
    chosen = [point for point in points if point.number is not None]
    sides = _named([*chosen, *others])
    if others:
        beside = [sides.get(at, "") for at in range(len(chosen), len(points))]
        _add_points(made, others, beside, theme.grounded, "other runs", 8, theme)
    for at, point in enumerate(chosen):
        _add_points(made, [point], [sides.get(at, "")], theme.colour(point.number or 0), point.name, 12, theme)
    made.update_xaxes(title_text="Final temperature (1 / scale)", type="log", dtick=1, minor_showgrid=False)
    made.update_yaxes(title_text="Gap", rangemode="tozero")
    return made


def _add_points(
    made: go.Figure,
    points: Sequence[TemperaturePoint],
    sides: Sequence[str],
    colour: str,
    name: str,
    size: int,
    theme: Theme,
) -> None:
    made.add_scatter(
        x=[point.temperature for point in points], y=[point.gap for point in points], mode="markers+text",
        name=plain(name), customdata=[plain(point.name) for point in points],
        text=[plain(point.name) if side else "" for point, side in zip(points, sides, strict=True)],
        textposition=[side or "middle right" for side in sides],
        textfont={"size": 11, "color": theme.ink}, marker={"size": size, "color": colour}, cliponaxis=False,
        hovertemplate="%{customdata}: gap %{y:.3f} at temperature %{x:.4g}<extra></extra>",
    )  # fmt: skip


def _named(points: Sequence[TemperaturePoint]) -> dict[int, str]:
    """Where the names of the points stand, by the point's place in their order of rank: on the right, or on the left
    where another's stands there; points whose names would lie over those before them have none."""
    found: dict[int, str] = {}
    for at, point in enumerate(points):
        near = {
            found[other]
            for other in found
            if abs(math.log10(point.temperature / points[other].temperature)) < ROOM_FOR_LABEL[0]
            and abs(point.gap - points[other].gap) < ROOM_FOR_LABEL[1]
        }
        sides = ("middle right", "middle left") if len(point.name) <= SHORT else ("middle right",)
        free = [side for side in sides if side not in near]
        if free:
            found[at] = free[0]
    return found
