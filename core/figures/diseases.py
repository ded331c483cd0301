"""Diseases: AUROC with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, empty, figure, hover, plain, same_length


def auroc_intervals(
    names: Sequence[str],
    values: Sequence[ArrayLike],
    lows: Sequence[ArrayLike],
    highs: Sequence[ArrayLike],
    *,
    n_positive: Sequence[int],
    series: Sequence[str],
    references: Sequence[tuple[str, float]] = (("chance", 0.5),),
    theme: Theme = LIGHT,
) -> go.Figure:
    """A dot and a 95 % interval for each disease (K) and each run; a disease without support has no dot and says so.

    Args:
        names: K diseases, drawn from top to bottom.
        values, lows, highs: one array (K,) per run, NaN where undefined.
        n_positive: positives of each disease.
        series: names of the runs.
        references: dashed lines.
        theme: light or dark.
    """
    if not len(names) or not len(values):
        return empty(theme, "No disease was scored")
    same_length("AUROC of several runs", values=values, lows=lows, highs=highs, names_of_runs=series)
    same_length("AUROC of several diseases", names=names, numbers_of_positives=n_positive)
    count = len(names)
    made = figure(theme, height=120 + 34 * count)
    places = np.arange(count, dtype=np.float32)
    spread = 0.5 / max(1, len(values))
    for number, (value, low, high, name) in enumerate(zip(values, lows, highs, series, strict=True)):
        middle, bottom, top = _checked((value, low, high), count, name)
        made.add_scatter(
            x=middle, y=places + spread * (number - (len(values) - 1) / 2), mode="markers", name=plain(name),
            marker={"size": 8, "color": theme.colour(number)}, customdata=np.stack([bottom, top], axis=1),
            text=[plain(one) for one in names],
            error_x={"type": "data", "symmetric": False, "array": top - middle, "arrayminus": middle - bottom,
                     "thickness": 1.5, "width": 3, "color": theme.colour(number)},
            hovertemplate="%{x:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<extra>" + hover(name) + "</extra>",
        )  # fmt: skip
    for at in np.flatnonzero(np.isnan(np.array([np.asarray(value, float) for value in values])).all(axis=0)).tolist():
        made.add_annotation(x=0.52, y=at, text="one class only", showarrow=False, xanchor="left",
                            font={"size": 11, "color": theme.muted})  # fmt: skip
    _add_references(made, references, theme)
    ticks = [f"{plain(name)}  (n={positive})" for name, positive in zip(names, n_positive, strict=True)]
    made.update_yaxes(tickvals=places, ticktext=ticks, range=[count - 0.4, -0.6], showgrid=False, ticks="")
    made.update_xaxes(title_text="AUROC, 95 % interval", range=[_lowest(lows), 1.01])
    # the legend's room is counted in pixels: as a part of the height it would lie over the axis of a single disease
    room = 20 * len(values) if len(values) > 1 else 0
    made.update_layout(showlegend=room > 0, height=made.layout.height + room)
    made.update_layout(margin={"t": 24 + 14 * len(references), "b": 54 + room})
    made.update_layout(legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    return made


def _add_references(made: go.Figure, references: Sequence[tuple[str, float]], theme: Theme) -> None:
    """Dashed levels with their names above the frame, one line of text each."""
    for number, (text, level) in enumerate(references):
        made.add_vline(x=level, line={"color": theme.muted, "width": 1, "dash": "dash"})
        made.add_annotation(
            x=level, y=1, yref="paper", yanchor="bottom", yshift=14 * number, showarrow=False,
            xanchor="center" if level < 0.7 else "right",  # centred, a long name would leave the paper
            text=f"{plain(text)} {level:.3g}", font={"size": 11, "color": theme.muted},
        )  # fmt: skip


def _checked(parts: Sequence[ArrayLike], count: int, name: str) -> list[NDArray[np.float32]]:
    found = [np.asarray(part, np.float32) for part in parts]
    if any(part.shape != (count,) for part in found):
        shapes = ", ".join(str(part.shape) for part in found)
        raise InputError(f"{count} diseases, but values, lows and highs of {name!r} have shapes {shapes}.")
    return found


def _lowest(lows: Sequence[ArrayLike]) -> float:
    known = np.concatenate([np.asarray(low, np.float64).ravel() for low in lows])
    known = known[np.isfinite(known)]
    return float(min(0.4, known.min() - 0.02)) if len(known) else 0.4
