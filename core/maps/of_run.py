"""The map of a run: its radiographs, its disease prompts and its disease centroids."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from core.config.run import ProjectionConfig
from core.errors import ArtefactError
from core.maps.anchoring import laid_over, reference_map, starting_points, what_of_reference
from core.maps.judging import measured, unmeasured
from core.maps.making import Maker, beginning, maker, parameters_of
from core.maps.pca import Points, principal
from core.metrics import similarity
from core.runs import Run
from core.store import EmbeddingSet, Projection
from core.studies.study import Study

LARGE = 20_000
"""With more points one other random state has to do: each takes as long as the map."""

Tell = Callable[[int, int], None]
"""Told how many of how many steps are done; may raise to end the work."""


def project_run(run: Run, study: Study, tell: Tell = lambda done, total: None) -> Projection:
    """Map a run's images (all splits) together with its disease prompts and the centroids of the test split, measure
    the map, and keep it as the run's own.

    The first map of a study is the reference: later ones start from its coordinates and are then turned, mirrored
    and scaled onto it (Procrustes), so that maps of one study can be compared side by side.
    """
    work = Mapping(run, study, run.config.projection, run.config.seed, reference_map(run, study))
    steps = 2 + work.repeats
    tell(0, steps)
    made = work.drawn()
    tell(1, steps)
    others = work.others(lambda done, total: tell(1 + done, steps))
    projection = work.measured(made, others)
    projection.save(run.folder / "projections" / "umap")
    return projection


class Mapping:
    """One map of a run's embeddings, from drawing to measuring.

    Args:
        run, study: what is mapped.
        config, seed: how.
        reference: the map to start from and to lie over, and the id of its run; None: this is the study's first.
    """

    def __init__(
        self, run: Run, study: Study, config: ProjectionConfig, seed: int, reference: tuple[str, Projection] | None
    ) -> None:
        self.study, self.config, self.seed, self.reference = study, config, seed, reference
        self.ids, self.kinds, self.vectors = gather(run, study)

    @cached_property
    def maker(self) -> Maker:
        return maker(self.vectors, self.config)

    @cached_property
    def start(self) -> Points:
        given = starting_points(self.ids, self.kinds, self.reference[1]) if self.reference else None
        return beginning(self.vectors, self.config, given)

    @property
    def repeats(self) -> int:
        """How many maps under other random states are made: none of principal components, which know no random state,
        and of many points none by scikit-learn's t-SNE, which takes half an hour for each."""
        made_by, many = self.maker.parameters, len(self.vectors) > LARGE
        if made_by["method"] == "pca" or (many and made_by["engine"] == "scikit-learn"):
            return 0
        return min(self.config.repeats, 1) if many else self.config.repeats

    def drawn(self) -> Projection:
        """The map, not measured yet."""
        coordinates = self.maker.layout(self.seed, self.start)
        parameters = parameters_of(self.maker, self.seed)
        if self.reference:
            name, below = self.reference
            coordinates, disparity = laid_over(self.ids, self.kinds, coordinates, below)
            parameters |= what_of_reference(name, disparity)
        else:
            coordinates = principal(coordinates, self.config.dimensions)  # seen flat, it shows its widest sides
        return Projection(
            ids=self.ids,
            kinds=self.kinds,
            coordinates=coordinates,
            parameters={**parameters, "study": self.study.fingerprint},
            faithfulness=unmeasured(),
        )

    def others(self, tell: Tell) -> list[Points]:
        """The same vectors under other random states; what they keep of the map is stable.

        UMAP draws while it works, from the same start; t-SNE draws nothing but its start.
        """
        found = []
        for at in range(1, self.repeats + 1):
            start = self.start
            if self.maker.parameters["method"] == "tsne":
                start = np.random.default_rng(self.seed + at).normal(size=start.shape).astype(np.float32)
            found.append(self.maker.layout(self.seed + at, start))
            tell(at, self.repeats)
        return found

    def measured(self, projection: Projection, others: list[Points]) -> Projection:
        return measured(projection, self.vectors, others, self.study.labels)


def gather(run: Run, study: Study) -> tuple[list[str], list[str], Points]:
    """Ids, kinds and vectors (n, d) of everything on the map; a centroid without support is left out.

    Raises:
        ArtefactError: the run has not been embedded yet, or its radiographs are not those of the study.
    """
    images, prompts = run.embeddings("images"), run.embeddings("prompts")
    if len(images.ids) != len(study.labels):
        raise ArtefactError(
            f"Run {run.id[:8]} embedded {len(images.ids)} radiographs, study {study.name!r} has {len(study.labels)}: "
            "embed it again (`python -m scripts.embed`)."
        )
    rows = study.judged_rows()
    return arranged(images, prompts, images.vectors[rows], study.labels[rows])


def arranged(
    images: EmbeddingSet, prompts: EmbeddingSet, judged: Points, labels: Points
) -> tuple[list[str], list[str], Points]:
    """Ids, kinds and vectors (n, d): images, prompts, then the centroids of the judged images.

    Args:
        images: (m, d).
        prompts: (K, d), one for each finding.
        judged: (j, d) of the images that centroids are made of.
        labels: (j, K) of these; a finding without a positive has no centroid.
    """
    centres, support = similarity.centroids(judged, labels)
    kept = np.flatnonzero(support)
    ids = [*images.ids, *prompts.ids, *(prompts.ids[row] for row in kept.tolist())]
    kinds = ["sample"] * len(images.ids) + ["prompt"] * len(prompts.ids) + ["centroid"] * len(kept)
    return ids, kinds, np.concatenate([images.vectors, prompts.vectors, centres[kept]]).astype(np.float32)
