"""A map in the order of a study's samples, so that a row is the same radiograph in every map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.figures.drawing import Anchor
from core.store import Projection
from core.studies.study import Study
from core.studies.vocabulary import display_name

Points = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One map.

    Attributes:
        samples: (N, 3) in the study's order; NaN where the map does not have the sample.
        anchors: disease prompts, then disease centroids.
        per_point: scores (N,) of each sample's place, NaN where they were not measured.
        parameters, faithfulness: of the projection.
    """

    samples: Points
    anchors: tuple[Anchor, ...]
    per_point: Mapping[str, Points]
    parameters: Mapping[str, Any]
    faithfulness: Mapping[str, Any]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which samples (N,) the map has."""
        return ~np.isnan(self.samples[:, 0])

    @cached_property
    def ends(self) -> Points:
        """The smallest and the largest coordinates of its samples, (2, 3)."""
        places = self.samples[self.known]
        return np.stack([places.min(axis=0), places.max(axis=0)])


def chart(projection: Projection, study: Study) -> Chart:
    """Lay a projection out in the order of a study."""
    kinds, ids = np.asarray(projection.kinds, dtype=object), np.asarray(projection.ids, dtype=object)
    own = np.flatnonzero(kinds == "sample")
    row = pd.Index(study.samples["id"].to_numpy(object)).get_indexer(ids[own])
    own, row = own[row >= 0], row[row >= 0]

    def laid_out(values: Points) -> Points:
        found = np.full((len(study), *values.shape[1:]), np.nan, np.float32)
        found[row] = values[own]
        return found

    anchors = [
        Anchor(label=display_name(ids[at]), xyz=projection.coordinates[at].tolist(), symbol=kind)
        for kind in ("prompt", "centroid")
        for at in np.flatnonzero(kinds == kind)
    ]
    return Chart(
        samples=laid_out(projection.coordinates),
        anchors=tuple(anchors),
        per_point={name: laid_out(values) for name, values in projection.per_point.items()},
        parameters=projection.parameters,
        faithfulness=projection.faithfulness,
    )
