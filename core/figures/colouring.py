"""How the samples of a map are coloured: one trace for all of them, its colours as steps or stops of one scale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.figures.theme import Theme, plain

Kind = Literal["categorical", "continuous", "binary"]
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """One value per sample, and how it is drawn.

    Attributes:
        values: (n,): numbers (NaN unknown), 0/1/NaN (``binary``), or names (None unknown; ``categorical``).
        kind: how they are coloured.
        title: what they are, for the colour bar or the legend.
        limits: ends of a continuous scale; None: the smallest and the largest value.
    """

    values: NDArray[Any]
    kind: Kind
    title: str = ""
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Colours:
    """Markers of the samples, entries (name, colour) of the legend, and what the numbers in
    ``marker["color"]`` mean."""

    marker: dict[str, Any]
    entries: list[tuple[str, str]]
    meta: dict[str, Any] | None = None


def colours(of: Colouring, theme: Theme) -> Colours:
    """The colours of all samples together, so that parts of them can be drawn apart."""
    if of.kind == "continuous":
        return _scaled(of, theme)
    return _listed(_few(_names(of), len(theme.categorical)), of.kind, theme)


def _scaled(of: Colouring, theme: Theme) -> Colours:
    """Numbers on the sequential scale."""
    numbers = np.array(of.values, np.float32)
    numbers[~np.isfinite(numbers)] = np.nan
    unknown = np.isnan(numbers)
    low, high = of.limits or ((0.0, 1.0) if unknown.all() else (float(np.nanmin(numbers)), float(np.nanmax(numbers))))
    bar = {"title": {"text": plain(of.title), "font": {"size": 12}}, "thickness": 10, "len": 0.5, "x": 0.98}
    scale = [list(stop) for stop in theme.sequential]
    marker = {"color": numbers, "colorscale": scale, "cmin": low, "cmax": high, "colorbar": bar, "showscale": True}
    if not unknown.any():
        return Colours(marker, [])
    # unknown values get a place of their own below the scale: plotly would draw them as its lowest colour
    below = low - 0.05 * max(high - low, 1e-6)
    squeezed = [[0.05 + 0.95 * at, colour] for at, colour in theme.sequential]
    marker["colorscale"] = [[0.0, theme.unknown], [0.04, theme.unknown], *squeezed]
    marker |= {"color": np.where(unknown, below, numbers), "cmin": below}
    return Colours(marker, [(UNKNOWN, theme.unknown)], {"unknown": below})


def _listed(named: Sequence[str], kind: Kind, theme: Theme) -> Colours:
    """Names as steps of a scale: one colour string per sample takes plotly seconds to check at 100,000 samples."""
    labels = sorted(set(named) - {UNKNOWN}, key=_order)
    gathered = {"Several": theme.muted, "No finding": theme.grounded}
    palette = {name: gathered.get(name, theme.colour(at)) for at, name in enumerate(labels)}
    if kind == "binary":  # present and absent are a signal and its ground, not two equals
        palette = {name: theme.grounded if name.startswith("without") else theme.colour(1) for name in labels}
    if UNKNOWN in named:
        palette[UNKNOWN] = theme.unknown
    codes = {name: code for code, name in enumerate(palette)}
    stops = np.arange(len(codes) + 1) / len(codes)
    steps = [[float(stops[code + end]), palette[name]] for name, code in codes.items() for end in (0, 1)]
    marker = {
        "color": np.array([codes[name] for name in named], np.int16),
        "colorscale": steps,
        "cmin": -0.5,
        "cmax": len(codes) - 0.5,
        "showscale": False,
    }
    return Colours(marker, list(palette.items()), {"names": [plain(name) for name in palette]})


def _few(named: list[str], most: int) -> list[str]:
    """At most so many names: the rarer ones become one, because colours that repeat say something false."""
    counts = Counter(name for name in named if name not in (UNKNOWN, "Several", "No finding"))
    if len(counts) <= most:
        return named
    kept = sorted(counts, key=lambda name: (-counts[name], name))[: most - 1]
    rest = f"{len(counts) - len(kept)} others"
    return [rest if name in counts and name not in kept else name for name in named]


def _names(of: Colouring) -> list[str]:
    if of.kind == "binary":
        words = {1.0: f"with {of.title}".strip(), 0.0: f"without {of.title}".strip()}
        return [words.get(value, UNKNOWN) for value in np.asarray(of.values, np.float64).tolist()]
    return [
        UNKNOWN if value is None or (isinstance(value, float) and np.isnan(value)) else str(value)
        for value in np.asarray(of.values).tolist()
    ]


def _order(name: str) -> tuple[int, str]:
    """Diseases first, by name; what gathers others comes last."""
    return {"Several": 1, "No finding": 2}.get(name, 0), name
