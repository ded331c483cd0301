"""What heatmaps of cosines say in numbers, beside what is reachable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.metrics.similarity import effective_rank_of_cosines, off_diagonal, simplex_target, welch_bound
from core.pictures.similarity import Panel

NONE = "–"

READING = {
    "own": "Apart: mean |cosine| near 0, every pair at right angles; or every pair at the simplex, as far from each "
    "other as can be at once. Effective rank: how many directions are in use.",
    "cross": "Good: each prompt nearest to its own disease's centroid, and the own cosine well above the others.",
    "signs": "Diagonal: a finding against its own denial. Good is low: near 1 the model does not hear the word “no”, "
    "0 is unrelated, −1 the opposite. Zero-shot scores live on this difference.",
}
"""What a good value is, by what rows and columns are."""

Cells = NDArray[np.float64]


def reading(kind: str) -> str:
    """What a good value of a kind is."""
    return READING.get(kind, READING["own"])


def numbers(panels: Sequence[Panel]) -> pd.DataFrame:
    """A table of words: one row per number, one column per panel, then what is reachable."""
    own = [_numbers(panel) for panel in panels]
    counts = sorted({len(panel.names) for panel in panels if not panel.cross and len(panel.names) > 1})
    columns = [(panel.title, cells) for panel, cells in zip(panels, own, strict=True)]
    if counts:
        columns.append(("Right angles", _right_angles(counts)))
    for count in counts:
        columns.append(("Simplex" if len(counts) == 1 else f"Simplex of {count}", _simplex(count)))
    rows = list(dict.fromkeys(name for cells in own for name in cells))
    table = pd.DataFrame([[cells.get(name, NONE) for _, cells in columns] for name in rows], index=rows)
    table.columns = pd.Index([title for title, _ in columns])
    return table


def unreachable(panels: Sequence[Panel]) -> list[str]:
    """Which panels have more labels than directions, so that they cannot be apart, one sentence each."""
    told = []
    for panel in panels:
        count = len(panel.names)
        if not panel.cross and count > max(panel.width, 1):
            bound = welch_bound(count, panel.width)
            told.append(
                f"{panel.title}: {count} labels in {panel.width} dimensions cannot all be at right angles; the nearest "
                f"pair is at |cosine| {bound.max_abs:.3f} at least."
            )
    return told


def _numbers(panel: Panel) -> Mapping[str, str]:
    if panel.kind == "cross":
        return _cross(panel.cosines)
    return _signs(panel) if panel.kind == "signs" else _own(panel)


def _own(panel: Panel) -> dict[str, str]:
    found = off_diagonal(panel.cosines)
    if not found.n_pairs or found.nearest_pair is None:
        return {"Mean cosine": "no pair"}
    one, other = (panel.names[at] for at in found.nearest_pair)
    known = int((~np.isnan(np.diagonal(panel.cosines))).sum())
    return {
        "Mean cosine": signed(found.mean),
        "Mean |cosine|": f"{found.mean_abs:.3f}",
        "Spread (std)": f"{found.std:.3f}",
        "Smallest": signed(found.min),
        "Largest": signed(found.max),
        "Nearest pair": f"{one}, {other}",
        "Effective rank": f"{effective_rank_of_cosines(panel.cosines):.1f} of {known}",
    }


def _right_angles(counts: Sequence[int]) -> dict[str, str]:
    rank = f"{counts[0]} of {counts[0]}" if len(counts) == 1 else "all"
    return {
        **dict.fromkeys(("Mean cosine", "Smallest", "Largest"), signed(0.0)),
        **dict.fromkeys(("Mean |cosine|", "Spread (std)"), "0.000"),
        "Effective rank": rank,
    }


def _simplex(count: int) -> dict[str, str]:
    target = simplex_target(count)
    return {
        **dict.fromkeys(("Mean cosine", "Smallest", "Largest"), signed(target)),
        "Mean |cosine|": f"{-target:.3f}",
        "Spread (std)": "0.000",
        "Effective rank": f"{count - 1} of {count}",
    }


def _cross(cosines: Cells) -> dict[str, str]:
    own, others = parted(cosines)
    known = np.flatnonzero(~np.isnan(own))
    return {
        "Own centroid (mean)": _mean(own),
        "Other centroids (mean)": _mean(others),
        "Own above others by": signed(float(np.nanmean(own) - np.nanmean(others)))
        if len(known) and not np.isnan(others).all()
        else "no support",
        "Nearest is own": f"{nearest_is_own(cosines)} of {len(known)}" if len(known) else "no support",
    }


def _signs(panel: Panel) -> dict[str, str]:
    own, others = parted(panel.cosines)
    worst = int(np.argmax(own))
    return {
        "Own denial (mean)": _mean(own),
        "Other denials (mean)": _mean(others) if len(own) > 1 else NONE,
        "Own denial, smallest": signed(float(own.min())),
        "Own denial, largest": signed(float(own.max())),
        "Hardest to deny": panel.names[worst],
        "Nearest is the own denial": f"{nearest_is_own(panel.cosines)} of {len(own)}",
    }


def parted(cosines: Cells) -> tuple[Cells, Cells]:
    """The diagonal (K,), and all other cells (K * (K - 1),)."""
    return np.diagonal(cosines), cosines[~np.eye(len(cosines), dtype=bool)]


def nearest_is_own(cosines: Cells) -> int:
    """Rows whose largest cell stands on the diagonal; a row without a known diagonal takes no part."""
    known = np.flatnonzero(~np.isnan(np.diagonal(cosines)))
    return sum(int(np.nanargmax(cosines[row]) == row) for row in known)


def _mean(values: Cells) -> str:
    return signed(float(np.nanmean(values))) if not np.isnan(values).all() else "no support"


def signed(value: float) -> str:
    """``+0.653``; no ``-0.000``."""
    return f"{round(value, 3) + 0.0:+.3f}".replace("+0.000", "0.000")
