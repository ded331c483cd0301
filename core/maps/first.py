"""The first picture of a run: its principal components, there at once, while better maps are still being made."""

from __future__ import annotations

from core.maps.anchoring import laid_over, reference_map, what_of_reference
from core.maps.judging import unmeasured
from core.maps.of_run import gather
from core.maps.pca import principal
from core.runs import Run
from core.store import Projection
from core.studies.study import Study


def first_picture(run: Run, study: Study, dimensions: int = 3) -> Projection:
    """Principal components of a run's embeddings, laid over the study's first map, not measured; nothing is saved.

    Needs numpy alone: seconds for 112,120 x 512.

    Raises:
        ArtefactError: the run has not been embedded yet.
    """
    ids, kinds, vectors = gather(run, study)
    coordinates, parameters = principal(vectors, dimensions), {"method": "pca", "because": "the first picture"}
    if reference := reference_map(run, study):
        coordinates, disparity = laid_over(ids, kinds, coordinates, reference[1])
        parameters |= what_of_reference(reference[0], disparity)
    return Projection(
        ids=ids,
        kinds=kinds,
        coordinates=coordinates,
        parameters={**parameters, "study": study.fingerprint},
        faithfulness=unmeasured(),
    )
