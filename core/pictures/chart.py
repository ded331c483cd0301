"""A map in the order of a study's samples, so that a row is the same radiograph in every map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which samples (N,) the map has."""
        return ~np.isnan(self.samples[:, 0])

    @property
    def flat(self) -> bool:
        """Whether it has two dimensions, so that its third coordinate is 0."""
        return self.parameters.get("dimensions") == 2


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
        per_point={name: laid_out(values) for name, values in getattr(projection, "per_point", {}).items()},
        parameters=projection.parameters,
        faithfulness=projection.faithfulness,
    )
