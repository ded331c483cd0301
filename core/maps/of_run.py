"""The map of a run: its radiographs, its disease prompts and its disease centroids."""

from __future__ import annotations

import numpy as np

from core.maps.anchoring import laid_over, reference_map, starting_points, what_of_reference
from core.maps.making import project_points
from core.maps.pca import Points
from core.metrics import similarity
from core.metrics.faithfulness import knn_recall, trustworthiness
from core.runs import Run
from core.store import Projection
from core.studies.study import Study


def project_run(run: Run, study: Study) -> Projection:
    """Map a run's images (all splits) together with its disease prompts and the centroids of the test split.

    The first map of a study is the reference: later ones start from its coordinates and are then turned, mirrored
    and scaled onto it (Procrustes), so that maps of one study can be compared side by side.
    """
    ids, kinds, vectors = gather(run, study)
    reference = reference_map(run, study)
    start = starting_points(ids, kinds, reference[1]) if reference else None
    coordinates, parameters = project_points(vectors, run.config.projection, run.config.seed, start)
    if reference:
        coordinates, disparity = laid_over(ids, kinds, coordinates, reference[1])
        parameters |= what_of_reference(reference[0], disparity)
    samples = np.array(kinds) == "sample"
    projection = Projection(
        ids=ids,
        kinds=kinds,
        coordinates=coordinates,
        parameters={**parameters, "study": study.fingerprint},
        faithfulness={
            "trustworthiness": trustworthiness(vectors[samples], coordinates[samples]),
            "knn_recall": knn_recall(vectors[samples], coordinates[samples]),
            "neighbours": 15,
        },
    )
    projection.save(run.folder / "projections" / "umap")
    return projection


def gather(run: Run, study: Study) -> tuple[list[str], list[str], Points]:
    """Ids, kinds and vectors (n, d) of everything on the map; a centroid without support is left out."""
    images, prompts = run.embeddings("images"), run.embeddings("prompts")
    rows = study.judged_rows()
    centres, support = similarity.centroids(images.vectors[rows], study.labels[rows])
    kept = np.flatnonzero(support)
    ids = [*images.ids, *prompts.ids, *(study.findings[row] for row in kept)]
    kinds = ["sample"] * len(images.ids) + ["prompt"] * len(prompts.ids) + ["centroid"] * len(kept)
    return ids, kinds, np.concatenate([images.vectors, prompts.vectors, centres[kept]]).astype(np.float32)
