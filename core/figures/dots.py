"""Dots with intervals on named rows: what forest plots are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.errors import InputError
from core.figures.theme import Theme, hover, plain

LINE = 20
"""Height of a line of a legend in pixels."""


@dataclass(frozen=True, kw_only=True)
class Dots:
    """One series on R rows.

    Attributes:
        name: in the legend.
        values, lows, highs: (R,); NaN where undefined, ends alone too.
        beyond: (R,) filled where true, else hollow; all are filled without.
        words: (R,) more for the hover.
    """

    name: str
    values: ArrayLike
    lows: ArrayLike
    highs: ArrayLike
    beyond: Sequence[bool] | None = None
    words: Sequence[str] | None = None


def spread(rows: int, series: int, number: int) -> np.ndarray:
    """Where series ``number`` stands on each row."""
    step = 0.62 / max(1, series)
    return np.arange(rows, dtype=np.float32) + np.float32(step * (number - (series - 1) / 2))


def add_dots(
    made: go.Figure, dots: Dots, places: ArrayLike, colour: str, *, form: str = ".3f", col: int = 1, legend: bool = True
) -> None:
    """Draw a series at its places (R,); where an end is not known there is no bar."""
    value, low, high = (np.asarray(part, np.float32) for part in (dots.values, dots.lows, dots.highs))
    if not value.shape == low.shape == high.shape == np.asarray(places).shape:
        raise InputError(
            f"values {value.shape}, lows {low.shape} and highs {high.shape} of {dots.name!r} must be "
            f"{np.asarray(places).shape}, one for each row."
        )
    filled = np.ones(len(value), bool) if dots.beyond is None else np.asarray(dots.beyond, bool)
    words = [""] * len(value) if dots.words is None else [plain(one) for one in dots.words]
    ends = [f"[{b:{form}}, {t:{form}}]" if np.isfinite(b) else "no interval" for b, t in zip(low, high, strict=True)]
    made.add_scatter(
        x=value, y=np.asarray(places, np.float32), mode="markers", name=plain(dots.name), showlegend=legend,
        legendgroup=plain(dots.name),
        marker={"size": 8, "color": colour, "symbol": ["circle" if one else "circle-open" for one in filled],
                "line": {"width": 2, "color": colour}},
        error_x={"type": "data", "symmetric": False, "array": np.nan_to_num(high - value),
                 "arrayminus": np.nan_to_num(value - low), "thickness": 1.5, "width": 3, "color": colour},
        text=[f"{end}<br>{word}" if word else end for end, word in zip(ends, words, strict=True)],
        customdata=np.stack([low, high], axis=1),
        hovertemplate=f"%{{x:{form}}} %{{text}}<extra>{hover(dots.name)}</extra>",
        xaxis=_axis("x", col), yaxis=_axis("y", col),
    )  # fmt: skip


def _axis(letter: str, col: int) -> str:
    return f"{letter}{col}" if col > 1 else letter


def reach(parts: Sequence[Dots], *more: float) -> list[float]:
    """Ends of an axis that shows all of it and the given values, with some room."""
    ends = [np.asarray(end, np.float64).ravel() for dots in parts for end in (dots.values, dots.lows, dots.highs)]
    known = np.concatenate([*ends, np.asarray(more, np.float64)])
    known = known[np.isfinite(known)]
    room = 0.06 * float(np.ptp(known)) or 0.05
    return [float(known.min()) - room, float(known.max()) + room]


def legend_below(made: go.Figure, series: int, *, below: int = 54, top: int = 24, lines: int = 0) -> None:
    """A legend under the axis, one line for each series and so many ``lines`` more; its room is added to the height."""
    room = LINE * series + 15 * lines if series > 1 else 0
    made.update_layout(showlegend=room > 0, height=int(made.layout.height) + room)
    made.update_layout(margin={"t": top, "b": below + room})
    made.update_layout(
        legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "xanchor": "left"}
    )


def note(made: go.Figure, text: str, at: float, where: float, theme: Theme, *, col: int = 1) -> None:
    """Muted words on a row that has no dot."""
    made.add_annotation(
        x=where, y=at, text=plain(text), showarrow=False, xanchor="left", xshift=4,
        font={"size": 11, "color": theme.muted}, xref=_axis("x", col), yref=_axis("y", col),
    )  # fmt: skip
