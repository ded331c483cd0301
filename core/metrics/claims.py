"""From a difference of two models to what may be said of it: the rule behind every sentence of the Compare view.

With a 95 % interval (paired, over patients):

- ``higher`` or ``lower``: the interval leaves out 0, and so does p after Holm's correction where one was made;
- ``unchanged``: it holds 0 and lies wholly within a margin that was set before (equivalence: Schuirmann, 1987, here
  with an interval of 95 % where two tests at 5 % would need one of 90 %);
- ``open``: it holds 0 and is wider than that: a difference is neither shown nor ruled out;
- ``unknown``: there is no interval.

Without one, of numbers in which no patient takes part, the weights alone decide: ``unchanged`` within the margin, else
``higher`` or ``lower``. That is true of these weights and says nothing about others.
"""

from __future__ import annotations

import math
from typing import Literal

from core.metrics.comparison import ALPHA, NAN

Verdict = Literal["higher", "lower", "unchanged", "open", "unknown"]


def verdict(low: float, high: float, *, margin: float, p: float = NAN) -> Verdict:
    """What a 95 % interval of a difference says.

    Args:
        low, high: its ends; NaN where there is none.
        margin: differences up to this one count as none.
        p: after Holm's correction; NaN where none was made.
    """
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if (low > 0 or high < 0) and not p >= ALPHA:
        return "higher" if low > 0 else "lower"
    return "unchanged" if max(-low, high) <= margin else "open"


def verdict_of_weights(difference: float, *, margin: float) -> Verdict:
    """What a difference without chance in it says."""
    if math.isnan(difference):
        return "unknown"
    if abs(difference) <= margin:
        return "unchanged"
    return "higher" if difference > 0 else "lower"
