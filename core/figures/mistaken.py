"""What is predicted when a disease is missed: a heatmap of diseases by diseases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from core.errors import InputError
from core.figures.theme import LIGHT, Theme, distinct, empty, figure

LEAST = 10.0
"""The colours reach to this many percentage points at least, so that noise does not look like a pattern."""


def mistaken_for(
    names: Sequence[str],
    missed: ArrayLike,
    called: ArrayLike,
    base: ArrayLike,
    truly: ArrayLike,
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Of the radiographs in which the disease of a row is missed, the share in which that of a column is called;
    colours are its distance to how often that is called among all radiographs, in percentage points.

    Args:
        names: K diseases.
        missed: (K,) misses of each.
        called: (K, K) calls of the column among the misses of the row.
        base: (K,) share of all radiographs in which each is called.
        truly: (K, K) how many of these calls are right.
        theme: light or dark.

    Raises:
        InputError: shapes differ.
    """
    if not len(names):
        return empty(theme, "No disease was judged")
    each, counts, share = np.asarray(missed, np.int64), np.asarray(called, np.int64), np.asarray(base, np.float64)
    count = len(names)
    if each.shape != (count,) or counts.shape != (count, count) or share.shape != (count,):
        raise InputError(f"{count} diseases, but misses {each.shape}, calls {counts.shape}, base rates {share.shape}.")
    rates = np.divide(counts, each[:, None], out=np.full(counts.shape, np.nan), where=each[:, None] > 0)
    off = 100 * (rates - share)
    np.fill_diagonal(off, np.where(each > 0, 0.0, np.nan))  # missed: never called
    most = max(LEAST, float(np.nanmax(np.abs(off))) if np.isfinite(off).any() else 0.0)
    shown = distinct(names)
    made = figure(theme, height=170 + 32 * count)
    made.add_heatmap(
        z=off.astype(np.float32), x=[f"{name} ({own:.0%})" for name, own in zip(shown, share, strict=True)],
        y=[f"{name} (n={own:,})" for name, own in zip(shown, each, strict=True)], zmin=-most, zmax=most, zmid=0,
        colorscale=[list(stop) for stop in theme.diverging], xgap=1, ygap=1, hoverongaps=False,
        text=_texts(rates, each), texttemplate="%{text}", textfont={"size": 11, "color": theme.ink},
        customdata=np.stack([counts, np.asarray(truly, np.int64), _lift(rates, share)], axis=-1),
        hovertemplate="missed: %{y}<br>called: %{x}<br>%{customdata[0]:,} of them (%{text} %), right in "
        "%{customdata[1]:,}<br>%{z:+.1f} points, lift %{customdata[2]}<extra></extra>",
        colorbar={"title": {"text": "points", "font": {"size": 12}}, "thickness": 10, "tickfont": {"size": 11}},
    )  # fmt: skip
    made.update_xaxes(
        title_text="Called present instead (share of all radiographs)", showgrid=False, ticks="", tickangle=-45
    )
    made.update_yaxes(title_text="Missed", showgrid=False, ticks="", autorange="reversed")
    made.add_annotation(
        text="Called where another is missed, %", showarrow=False, xref="paper", yref="paper", x=0.5, xanchor="center",
        y=1, yanchor="bottom", font={"size": 12, "color": theme.ink},
    )  # fmt: skip
    made.update_layout(margin={"t": 28, "b": 60}, meta={"panels": 1, "per_row": [1, 1], "bar": True})
    return made


def _texts(rates: np.ndarray, missed: np.ndarray) -> list[list[str]]:
    """Shares in percent, without the sign; a point where a disease meets itself."""
    shown = np.char.mod("%.0f", np.nan_to_num(100 * rates)).astype(object)
    np.fill_diagonal(shown, "·")
    shown[missed == 0] = "n=0"
    return [[str(one) for one in row] for row in shown]


def _lift(rates: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Share over base as words; a dash where it has no value."""
    lifts = np.divide(rates, base, out=np.full(rates.shape, np.nan), where=base > 0)
    return np.where(np.isfinite(lifts), np.char.mod("%.2f", np.nan_to_num(lifts)), "–").astype(object)
