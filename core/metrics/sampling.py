"""Which samples are drawn first when there are too many for one picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.metrics.checks import label_matrix

RARE = 0.5
"""Share of the picture that is reserved for positives, finding by finding; the rest is drawn from all samples."""


def stratified(labels: ArrayLike, most: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Rows of at most ``most`` samples in which rare findings are not lost.

    Args:
        labels: (n, K): 1 present, 0 absent, NaN unknown.
        most: how many rows; all of them where n is not larger.
        seed: of the draw; the same arguments give the same rows.

    Returns:
        Sorted row numbers. Half of the places are shared out among the findings, the others drawn from all samples.
    """
    known = label_matrix(labels)
    count, findings = known.shape
    if count <= most:
        return np.arange(count)
    order = np.random.default_rng(seed).permutation(count)
    share = int(most * RARE) // max(1, findings)
    positives = [order[known[order, column] == 1][:share] for column in range(findings)]
    chosen = np.unique(np.concatenate([order[:0], *positives]))[:most]
    rest = order[~np.isin(order, chosen)][: most - len(chosen)]
    return np.sort(np.concatenate([chosen, rest]))
