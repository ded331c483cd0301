"""How far a map may be believed, each point and all together; at a bounded cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.maps.pca import Points
from core.metrics.pointwise import faithfulness, stability
from core.metrics.sampling import stratified
from core.store import Projection

NEIGHBOURS = 15
MEASURED = 10_000
"""So many radiographs are measured at most, each against all: 112,120 x 512 take 50 s of processor time."""


def unmeasured() -> dict[str, float | int]:
    """The scores of a map that is drawn, but not measured yet: every score is there, and unknown."""
    unknown = float("nan")
    return {
        "trustworthiness": unknown,
        "knn_recall": unknown,
        "stability": unknown,
        "neighbours": NEIGHBOURS,
        "measured": 0,
        "repeats": 0,
    }


def measured(
    projection: Projection, vectors: Points, others: Sequence[Points], labels: NDArray[np.float32]
) -> Projection:
    """The same map with its scores.

    Args:
        projection: of n points, whose first rows are the samples.
        vectors: (n, d) what it is a map of.
        others: maps (n, 3) of the same vectors under other random states; none: stability is not measured.
        labels: (samples, K) by which those that are measured are drawn, where there are more than ``MEASURED``.
    """
    samples = len(labels)
    rows = stratified(labels, MEASURED).astype(np.intp)
    found = faithfulness(vectors[:samples], projection.coordinates[:samples], rows=rows, k=NEIGHBOURS)
    kept = stability(projection.coordinates[:samples], [one[:samples] for one in others], rows=rows, k=NEIGHBOURS)
    scores = {"trustworthiness": found.trustworthiness, "knn_recall": found.knn_recall, "stability": kept}
    per_point = {name: np.full(len(projection.ids), np.nan, np.float32) for name in scores}
    for name, values in scores.items():
        per_point[name][rows] = values
    means = {name: float(values.mean()) for name, values in scores.items()}
    about = {"measured": len(rows), "repeats": len(others)}
    return replace(projection, faithfulness={**unmeasured(), **means, **about}, per_point=per_point)
