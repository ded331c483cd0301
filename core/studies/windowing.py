"""From stored grey values to the 256 that a screen shows: the percentile window of pictures that name none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = (0.5, 99.5)
"""Percentiles of the intensities that become 0 and 255 where a picture has more than 8 bits and no window."""


def percentile_window(levels: NDArray[Any], counts: NDArray[np.int64]) -> tuple[float, float]:
    """The levels that become black and white, so that a few burnt pixels do not darken the rest.

    Args:
        levels: (n,), each grey value that can occur, in any order.
        counts: (n,), how many pixels have it.

    Returns:
        The smallest levels that at least 0.5 % and 99.5 % of the pixels do not exceed; (0, 0) where no pixel counts.
    """
    present = np.flatnonzero(counts)
    if not present.size:
        return 0.0, 0.0
    present = present[np.argsort(levels[present], kind="stable")]
    below = np.cumsum(counts[present])
    low, high = (levels[present[np.searchsorted(below, below[-1] * share / 100)]] for share in WINDOW)
    return float(low), float(high)


def scaled(levels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """``levels`` as bytes: ``low`` and all below it 0, ``high`` and all above it 255, a straight line between."""
    share = (levels.astype(np.float64) - low) / max(high - low, 1e-6)
    return np.round(np.clip(share, 0, 1) * 255).astype(np.uint8)
