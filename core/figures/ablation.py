"""Ablations: differences to a baseline with their intervals, one row for each configuration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, distinct, empty, figure, hover, plain, same_length

KINDS = ("larger than chance", "not larger than chance")


def differences(
    names: Sequence[str],
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    beyond: Sequence[bool],
    per_seed: Sequence[Sequence[float]],
    measure: str,
    baseline: str,
    theme: Theme = LIGHT,
) -> go.Figure:
    """A forest plot: a dot and a 95 % interval for each configuration (C), its seeds as small marks, a line at 0.

    Args:
        names: C configurations, drawn from top to bottom.
        values, lows, highs: (C,), NaN where there is no result, or no interval.
        beyond: whether each is larger than chance: a filled dot, else a hollow one.
        per_seed: the differences of each configuration seed by seed.
        measure: what was measured.
        baseline: the configuration that all are compared with.
        theme: light or dark.
    """
    if not len(names):
        return empty(theme, f"There is no configuration to compare with {baseline}")
    same_length("Differences of several configurations", names=names, beyond=beyond, per_seed=per_seed)
    middle, low, high = _checked((values, lows, highs), len(names))
    made = figure(theme, height=130 + 34 * len(names))
    places = np.arange(len(names), dtype=np.float32)
    made.add_vline(x=0, line={"color": theme.muted, "width": 1, "dash": "dash"})
    _add_seeds(made, per_seed, names, theme)
    for wanted, words in zip((True, False), KINDS, strict=True):
        chosen = np.array([one == wanted for one in beyond]) & np.isfinite(middle)
        made.add_scatter(
            x=middle[chosen], y=places[chosen], mode="markers", name=words,
            marker={"size": 10, "color": theme.colour(0), "symbol": "circle" if wanted else "circle-open",
                    "line": {"width": 2, "color": theme.colour(0)}},
            text=[plain(name) for name, own in zip(names, chosen, strict=True) if own],
            customdata=np.stack([low[chosen], high[chosen]], axis=1),
            error_x={"type": "data", "symmetric": False, "array": high[chosen] - middle[chosen],
                     "arrayminus": middle[chosen] - low[chosen], "thickness": 1.5, "width": 4,
                     "color": theme.colour(0)},
            hovertemplate="%{x:+.3f} [%{customdata[0]:+.3f}, %{customdata[1]:+.3f}]<extra>%{text}</extra>",
        )  # fmt: skip
    for at in np.flatnonzero(np.isnan(middle)).tolist():
        made.add_annotation(x=0, y=at, text="no result yet", showarrow=False, xanchor="left", xshift=6,
                            font={"size": 11, "color": theme.muted})  # fmt: skip
    made.update_yaxes(tickvals=places, ticktext=distinct(names), range=[len(names) - 0.4, -0.6], showgrid=False,
                      ticks="")  # fmt: skip
    made.update_xaxes(title_text=plain(f"{measure}: difference to {baseline}"), range=_range(low, high, per_seed))
    made.update_layout(margin={"t": 40, "b": 54})
    return made


def _add_seeds(made: go.Figure, per_seed: Sequence[Sequence[float]], names: Sequence[str], theme: Theme) -> None:
    """All seeds of all configurations as one trace of small marks, a little below their row."""
    points = [(x, at + 0.22, names[at]) for at, own in enumerate(per_seed) for x in own if np.isfinite(x)]
    made.add_scatter(
        x=np.array([x for x, _, _ in points], np.float32), y=np.array([y for _, y, _ in points], np.float32),
        mode="markers", name="seed by seed", text=[plain(name) for _, _, name in points],
        marker={"size": 6, "symbol": "line-ns-open", "color": theme.muted, "line": {"width": 1.5}},
        hovertemplate=f"%{{x:+.3f}}<extra>%{{text}}, {hover('one seed')}</extra>",
    )  # fmt: skip


def _checked(parts: Sequence[ArrayLike], count: int) -> list[NDArray[np.float32]]:
    found = [np.asarray(part, np.float32) for part in parts]
    if any(part.shape != (count,) for part in found):
        shapes = ", ".join(str(part.shape) for part in found)
        raise InputError(f"{count} configurations, but values, lows and highs have shapes {shapes}.")
    return found


def _range(low: NDArray[np.float32], high: NDArray[np.float32], per_seed: Sequence[Sequence[float]]) -> list[float]:
    """All that is drawn, and 0, with some room on both sides."""
    seeds = np.array([x for own in per_seed for x in own], np.float64)
    known = np.concatenate([low, high, seeds, [0.0]])
    known = known[np.isfinite(known)]
    room = 0.08 * float(np.ptp(known)) or 0.01
    return [float(known.min() - room), float(known.max() + room)]
