"""Maps of one study, comparable side by side: each starts from the study's first map and is laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.errors import FluoroscopeError, InputError
from core.maps.pca import Points, in_space
from core.metrics.faithfulness import procrustes
from core.runs import Run, list_runs
from core.store import Projection
from core.studies.study import Study


def reference_map(run: Run, study: Study) -> tuple[str, Projection] | None:
    """The oldest map of the same study by another, earlier run, and that run's id."""
    for other in reversed(list_runs(archived=None)):
        if other.id == run.id or other.config.study != study.name or not other.has("project"):
            continue
        try:
            found = other.projection()
        except FluoroscopeError:
            continue
        own = found.parameters.get("reference") is None and found.parameters.get("study") == study.fingerprint
        if own and other.created < run.created:
            return other.id, found
    return None


def starting_points(ids: Sequence[str], kinds: Sequence[str], reference: Projection) -> Points:
    """The reference's coordinates (n, 3) for everything that it knows, its centre for the rest."""
    known = dict(zip(zip(reference.kinds, reference.ids, strict=True), reference.coordinates, strict=True))
    centre = reference.coordinates.mean(axis=0)
    return np.array([known.get(pair, centre) for pair in zip(kinds, ids, strict=True)], np.float32)


def laid_over(
    ids: Sequence[str], kinds: Sequence[str], coordinates: Points, reference: Projection
) -> tuple[Points, float]:
    """Turn, mirror and scale (n, 3) onto the reference by the samples that both have; returns the disparity too.

    A flat map stays flat: it is laid over what is seen of the reference from above. Where one map's samples all lie
    on one spot (a study of one radiograph), or the maps share none, nothing is moved, and the disparity is NaN.
    """
    row = {name: index for index, (kind, name) in enumerate(zip(kinds, ids, strict=True)) if kind == "sample"}
    names, target = reference.of_kind("sample")
    shared = [(row[name], index) for index, name in enumerate(names) if name in row]
    if not shared:
        return coordinates, float("nan")
    own, theirs = (np.array(part) for part in zip(*shared, strict=True))
    seen = 3 if coordinates[:, 2].any() else 2
    try:
        fit = procrustes(target[theirs, :seen], coordinates[own, :seen])
    except InputError:
        return coordinates, float("nan")
    return in_space(fit.apply(coordinates[:, :seen])), float(fit.disparity)


def what_of_reference(reference: str, disparity: float) -> dict[str, Any]:
    """What a map's parameters say of the run whose map it was laid over; or only started from, where it was not."""
    return {"started_from": reference} if np.isnan(disparity) else {"reference": reference, "disparity": disparity}
