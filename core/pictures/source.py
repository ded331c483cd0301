"""Where pictures get their data from: the app's caches, or the files themselves."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.attention.boxed import Boxed, Result
from core.logbook import Logbook, Metrics
from core.metrics import similarity
from core.metrics.comparison import PatientScores, patient_scores
from core.metrics.plane import Plane, plane
from core.runs import Run
from core.snapshots import FOLDER, Snapshot, judged_part, snapshots_of, step_name
from core.store import EmbeddingSet, Projection, paired_rows
from core.studies.study import Study

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


class Source(Protocol):
    """What every picture may ask of a run."""

    def embeddings(self, run: Run, name: str) -> EmbeddingSet: ...

    def projection(self, run: Run) -> Projection: ...

    def predictions(self, run: Run) -> pd.DataFrame: ...

    def evaluation(self, run: Run) -> dict[str, Any]: ...

    def metrics(self, run: Run) -> Metrics: ...

    def centroids(self, run: Run, study: Study) -> tuple[Vectors, Rows]:
        """Disease centroids (K, d) of the judged samples, NaN without support, and their support (K,)."""

    def pairs(self, run: Run, study: Study) -> tuple[Vectors, Vectors, Rows]:
        """Image and text vectors of the judged samples that have both, and their rows in the study."""

    def plane(self, run: Run, study: Study) -> Plane:
        """The judged pairs on two axes, along the modality gap and across it; there must be a gap."""

    def snapshots(self, run: Run) -> list[Snapshot]: ...

    def snapshot_embeddings(self, run: Run, step: int, name: str) -> EmbeddingSet: ...

    def snapshot_centroids(self, run: Run, step: int, study: Study) -> Vectors:
        """Disease centroids (K, d) of the judged samples in a snapshot, NaN without support."""

    def patient_scores(self, run: Run, study: Study) -> PatientScores:
        """Scores on the test split, and on resampled test patients, the same for every run of the study."""

    def pointing(self, run: Run) -> Result | None:
        """Whether a run points at boxes; None where it was not asked."""


class Files:
    """Reads anew at every call."""

    def embeddings(self, run: Run, name: str) -> EmbeddingSet:
        return run.embeddings(name)

    def projection(self, run: Run) -> Projection:
        return run.projection()

    def predictions(self, run: Run) -> pd.DataFrame:
        return run.predictions()

    def evaluation(self, run: Run) -> dict[str, Any]:
        return run.evaluation()

    def metrics(self, run: Run) -> Metrics:
        return Logbook(run.folder / "metrics.jsonl").read()

    def centroids(self, run: Run, study: Study) -> tuple[Vectors, Rows]:
        return judged_centroids(run.embeddings("images"), study)

    def pairs(self, run: Run, study: Study) -> tuple[Vectors, Vectors, Rows]:
        return judged_pairs(run.embeddings("images"), run.embeddings("texts"), study)

    def plane(self, run: Run, study: Study) -> Plane:
        return plane(*self.pairs(run, study)[:2])

    def snapshots(self, run: Run) -> list[Snapshot]:
        return snapshots_of(run)

    def snapshot_embeddings(self, run: Run, step: int, name: str) -> EmbeddingSet:
        return EmbeddingSet.load(run.folder / FOLDER / step_name(step) / name)

    def snapshot_centroids(self, run: Run, step: int, study: Study) -> Vectors:
        return similarity.centroids(*judged_part(self.snapshot_embeddings(run, step, "images"), study))[0]

    def patient_scores(self, run: Run, study: Study) -> PatientScores:
        return test_scores(run.predictions(), study)

    def pointing(self, run: Run) -> Result | None:
        return Boxed.of(run).result()


def judged_centroids(images: EmbeddingSet, study: Study) -> tuple[Vectors, Rows]:
    """Disease centroids (K, d) of the judged samples, NaN without support, and their support (K,)."""
    rows = study.judged_rows()
    return similarity.centroids(images.vectors[rows], study.labels[rows])


def judged_pairs(images: EmbeddingSet, texts: EmbeddingSet, study: Study) -> tuple[Vectors, Vectors, Rows]:
    """Image and text vectors of the judged samples that have both, and their rows in the study."""
    rows = study.judged_rows()
    own, paired, among = paired_rows(images, texts, study.samples["id"].to_numpy()[rows])
    return own, paired, rows[among]


def test_scores(predictions: pd.DataFrame, study: Study) -> PatientScores:
    """Scores on the test split, and on resampled test patients."""
    test = study.rows("test")
    probabilities, cosines = (
        predictions[[f"{kind}:{name}" for name in study.findings]].to_numpy(np.float64)[test]
        for kind in ("probability", "cosine")
    )
    return patient_scores(study.labels[test], probabilities, cosines, study.samples["patient"].to_numpy()[test])


def short(run: Run) -> str:
    """A run in titles and legends: its title and the beginning of its id."""
    return f"{run.title} · {run.id[:4]}"
