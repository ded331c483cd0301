"""What the figures of a study share: one colour per split, shares within a split, names of bounded length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.figures.theme import Theme, distinct, plain

SPLITS = ("train", "val", "test")
MARKS = ("circle", "diamond", "square")
FILL = 0.18
"""Opacity of the area under the first split's outline; the others are lines over it."""

LONGEST = 30
"""Letters of a name that stand beside an axis; the rest is in the hover text and in the CSV."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def split_colour(number: int, theme: Theme) -> str:
    """The colour of a split, the same in every figure of a study: train, val and test are 0, 1 and 2."""
    return theme.colour(number)


def table(counts: ArrayLike, rows: int, columns: int, what: str) -> Counts:
    """The counts as integers, refused unless there is one for each row and column."""
    found = np.asarray(counts, np.int64)
    if found.shape != (rows, columns):
        raise InputError(f"{what} must have shape ({rows}, {columns}); got {found.shape}. Pass one count for each.")
    if (found < 0).any():
        raise InputError(f"{what} are counts; the smallest is {found.min()}. Pass numbers of 0 and more.")
    return found


def percent(part: Counts, whole: Counts) -> Floats:
    """100 part / whole, NaN where the whole is 0: nothing was seen, which is not 0 %."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(100.0 * part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def in_words(share: float) -> str:
    """``17 %``, ``3.1 %``, ``0.12 %``: two digits that count."""
    if share in (0, 100) or share >= 9.95:
        return f"{share:.0f} %"
    return f"{share:.2g} %" if share >= 0.01 else "< 0.01 %"


def cut(name: str) -> str:
    """A name of a length that an axis has room for, with its beginning and its end; not yet ``plain``."""
    one_line = " ".join(str(name).split())
    if len(one_line) <= LONGEST:
        return one_line
    end = LONGEST // 3
    return one_line[: LONGEST - end - 1].rstrip() + "…" + one_line[-end:].lstrip()


def short_names(names: Sequence[str]) -> list[str]:
    """Names for an axis: cut, ``plain``, and the second of two equal ones with a (2)."""
    return distinct([cut(name) for name in names])


def at_bars(numbers: Sequence[tuple[float, float, str]], theme: Theme) -> list[dict[str, Any]]:
    """Annotations (x, y, text) to the right of bars, all at once: adding them one by one takes quadratic time."""
    style = {"xanchor": "left", "xshift": 3, "showarrow": False, "font": {"size": 10, "color": theme.muted}}
    return [{"x": x, "y": y, "text": plain(text), **style} for x, y, text in numbers]


def steps(shares: Floats) -> list[float]:
    """Heights (B + 2,) of a step line over B bins: from 0 at the first edge, over all bins, to 0 at the last edge."""
    return [0.0, *shares.astype(np.float32).tolist(), 0.0]


def translucent(colour: str, opacity: float) -> str:
    """``#0072b2`` as ``rgba``."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"
