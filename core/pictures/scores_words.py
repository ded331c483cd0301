"""What the data say of scores, in a sentence each: larger than chance or not, which gap is the largest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.metrics.comparison import ALPHA, Difference
from core.metrics.delong import AurocDifference
from core.metrics.mistaken import Mistaken
from core.metrics.subgroups import Gaps
from core.pictures.scores import p_words


def macro_sentence(measure: str, found: Difference) -> str:
    """``Macro AUROC: -1.2 points, 95 % interval -2.0 to -0.4: larger than chance (p = 0.004).``"""
    if np.isnan(found.value):
        return f"{measure}: not defined for both."
    if np.isnan(found.p):
        return f"{measure}: {100 * found.value:+.1f} points; there are too few patients for an interval."
    verdict = "larger than chance" if found.p < ALPHA else "not larger than chance"
    ends = f"95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}"
    return f"{measure}: {100 * found.value:+.1f} points, {ends}: {verdict} ({p_words(found.p, 'p')})."


def diseases_sentence(names: Sequence[str], found: Sequence[AurocDifference]) -> str:
    """In which diseases the first model is better, and worse, by more than chance after Holm's correction."""
    defined = sum(not np.isnan(one.p) for one in found)
    if not defined:
        return "No disease has an AUROC by both models with an interval."
    beyond = [(name, one) for name, one in zip(names, found, strict=True) if one.beyond_chance]
    if not beyond:
        return f"No difference of the {defined} diseases is larger than chance (DeLong, patients as clusters, Holm)."
    parts = [
        f"{word} in {', '.join(own)}"
        for word, sign in (("higher", 1), ("lower", -1))
        if (own := [name for name, one in beyond if sign * one.value > 0])
    ]
    return (
        f"{len(beyond)} of {defined} diseases differ by more than chance (DeLong, patients as clusters, Holm): "
        f"the first run is {' and '.join(parts)}."
    )


def gap_sentence(diseases: Sequence[str], found: Gaps) -> str:
    """The largest gap whose interval leaves out 0, and how many do, of how many."""
    known = np.isfinite(found.gap)
    if len(found.names) == 2:
        known[1] = False  # that of the second is that of the first, turned round
    if not known.any():
        return "No gap is defined: no disease has positives in two subgroups."
    clear = known & ((found.gap_low > 0) | (found.gap_high < 0))
    told = f"{int(clear.sum())} of {int(known.sum())} intervals leave out 0; by chance alone about 1 in 20 would."
    if not clear.any():
        return told
    group, at = divmod(int(np.argmax(np.where(clear, np.abs(found.gap), -1))), clear.shape[1])
    ends = f"[{found.gap_low[group, at]:+.2f}, {found.gap_high[group, at]:+.2f}]"
    return (
        f"{told} The largest of those: {diseases[at]}, {found.names[group]}: {found.gap[group, at]:+.2f} {ends}, "
        f"n={found.positives[group, at]:,} with it."
    )


def missed_sentence(diseases: Sequence[str], found: Mistaken, at: int, *, most: int = 3) -> str:
    """What is called most often, beyond its base rate, where disease ``at`` is missed."""
    count = int(found.missed[at])
    if not count:
        return f"{diseases[at]} is never missed at this threshold (n=0)."
    more = np.where(np.arange(len(diseases)) == at, -np.inf, found.share[at] - found.base)
    first = [other for other in np.argsort(-more, kind="stable")[:most].tolist() if more[other] > 0]
    head = f"{diseases[at]} is missed in {count:,} radiographs"
    if not first:
        return f"{head}; nothing is called more often in these than in all."
    parts = [f"{diseases[other]} in {found.share[at, other]:.0%} (in all: {found.base[other]:.0%})" for other in first]
    return f"{head}. More often than in all, called in these: {', '.join(parts)}."
