"""A selection against the rest: how much more, or less, often each finding is present in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, distinct, empty, figure, plain, same_length

KINDS = ("beyond chance", "not beyond chance")


def selection_prevalence(
    names: Sequence[str],
    differences: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    beyond: Sequence[bool],
    words: Sequence[str],
    theme: Theme = LIGHT,
) -> go.Figure:
    """A dot and a 95 % interval for each finding (K), in percentage points, the most enriched on top, a line at 0.

    Args:
        names: K findings, in any order.
        differences, lows, highs: (K,) of share in the selection minus share in the rest, -1 to 1; NaN where one side
            knows nothing of a finding, which then has no dot and says so.
        beyond: whether each is beyond chance: a filled dot, else a hollow one.
        words: the shares of each as words, for the hover.
        theme: light or dark.

    Raises:
        InputError: not as many of each.
    """
    if not len(names):
        return empty(theme, "There is no finding to compare the selection by")
    same_length("A selection against the rest", names=names, beyond=beyond, words=words)
    middle, low, high = _checked((differences, lows, highs), len(names))
    order = np.argsort(-np.nan_to_num(middle, nan=-np.inf), kind="stable")
    middle, low, high = middle[order], low[order], high[order]
    filled = np.asarray(beyond, bool)[order]
    told = [plain(words[at]) for at in order]
    made = figure(theme, height=130 + 28 * len(names))
    made.add_vline(x=0, line={"color": theme.muted, "width": 1, "dash": "dash"})
    places = np.arange(len(names), dtype=np.float32)
    for wanted, kind in zip((True, False), KINDS, strict=True):
        own = (filled == wanted) & np.isfinite(middle)
        made.add_scatter(
            x=middle[own], y=places[own], mode="markers", name=kind,
            marker={"size": 9, "color": theme.colour(0), "symbol": "circle" if wanted else "circle-open",
                    "line": {"width": 2, "color": theme.colour(0)}},
            error_x={"type": "data", "symmetric": False, "array": high[own] - middle[own],
                     "arrayminus": middle[own] - low[own], "thickness": 1.5, "width": 3, "color": theme.colour(0)},
            text=[text for text, mine in zip(told, own, strict=True) if mine],
            customdata=np.stack([low[own], high[own]], axis=1),
            hovertemplate="%{x:+.1f} [%{customdata[0]:+.1f}, %{customdata[1]:+.1f}] points<br>%{text}<extra></extra>",
        )  # fmt: skip
    for at in np.flatnonzero(np.isnan(middle)).tolist():
        made.add_annotation(x=0, y=at, text="not known on one side", showarrow=False, xanchor="left", xshift=6,
                            font={"size": 11, "color": theme.muted})  # fmt: skip
    made.update_yaxes(tickvals=places, ticktext=[distinct(names)[at] for at in order],
                      range=[len(names) - 0.4, -0.6], showgrid=False, ticks="")  # fmt: skip
    made.update_xaxes(title_text="Selection minus rest, percentage points", range=_range(low, high))
    made.update_layout(margin={"t": 40, "b": 54}, showlegend=True)
    return made


def _checked(parts: Sequence[ArrayLike], count: int) -> list[NDArray[np.float32]]:
    """In percentage points."""
    found = [100 * np.asarray(part, np.float32) for part in parts]
    if any(part.shape != (count,) for part in found):
        shapes = ", ".join(str(part.shape) for part in found)
        raise InputError(f"{count} findings, but differences, lows and highs have shapes {shapes}.")
    return found


def _range(low: NDArray[np.float32], high: NDArray[np.float32]) -> list[float]:
    """All that is drawn, and 0, with some room on both sides."""
    known = np.concatenate([low, high, [0.0]])
    known = known[np.isfinite(known)]
    room = 0.08 * float(np.ptp(known)) or 1.0
    return [float(known.min() - room), float(known.max() + room)]
