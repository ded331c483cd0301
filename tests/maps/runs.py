"""Runs with embeddings and nothing else: what maps are made of, without a tower."""

from __future__ import annotations

import numpy as np

from core.config.presets import preset
from core.config.run import ProjectionConfig
from core.files import write_json
from core.runs import Run, identity
from core.store import EmbeddingSet
from core.studies.study import Study
from tests.maps.vectors import groups


def embedded_run(study: Study, config: ProjectionConfig | None = None, seed: int = 0) -> Run:
    """A run of the study whose images and prompts lie around four directions, drawn with ``seed``."""
    made = preset("linear", study=study.name, encoder="lite")
    run = Run.create(made.replace(seed=seed, projection=config or ProjectionConfig(epochs=30, repeats=1)))
    count, findings = len(study), list(study.findings)
    vectors = groups(count + len(findings), seed=seed)
    for name, ids, rows in (
        ("images", study.samples["id"].tolist(), vectors[:count]),
        ("prompts", findings, vectors[count:]),
    ):
        modality = "image" if name == "images" else "prompt"
        EmbeddingSet(ids=ids, vectors=np.ascontiguousarray(rows), modality=modality).save(
            run.folder / "embeddings" / name
        )
    write_json(run.folder / "embeddings" / "embeddings.json", {})
    write_json(run.folder / "study.json", identity(study))
    return run
