"""Where pictures get their data from: the app's caches, or the files themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.attention.boxed import Boxed, Result
from core.logbook import Logbook, Metrics
from core.metrics import similarity
from core.metrics.comparison import PatientScores, patient_scores
from core.metrics.cutting import Cut
from core.metrics.delong import AurocDifference
from core.metrics.operating import Bands
from core.metrics.plane import Plane, plane
from core.metrics.rates import Draws, draws
from core.metrics.recalibration import Recalibration
from core.metrics.retrieval import Searched
from core.metrics.subgroups import Gaps
from core.patients import kept_scores
from core.pictures import scoring
from core.pictures.judged import Judged, thresholds, told
from core.pictures.partners import pair_scores, searched_pairs
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

    def searched(self, run: Run, study: Study, *, whole: bool = False) -> Searched:
        """Where images find their texts and texts their images among the judged pairs; there must be one."""

    def pair_scores(self, run: Run, study: Study) -> PatientScores:
        """The gap and recall, and on resampled patients; there must be a pair."""

    def judged(self, run: Run, study: Study, cut: Cut) -> Judged:
        """What a run calls present on the test split."""

    def draws(self, study: Study) -> Draws:
        """Test patients drawn again and again, the same for every run of the study; there must be a test split."""

    def bands(self, run: Run, study: Study, at: int) -> Bands:
        """Bands of the ROC and precision-recall curve of finding ``at``."""

    def auroc_differences(self, first: Run, second: Run, study: Study) -> list[AurocDifference]:
        """AUROC of each finding on the test split, first minus second."""

    def gaps(self, run: Run, study: Study, by: str) -> Gaps:
        """Gaps between subgroups of the test patients by ``sex``, ``age`` or ``view``."""

    def recalibrations(self, run: Run, study: Study) -> list[Recalibration]:
        """Slope and intercept of calibration of each finding on the test split."""

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
        return scores_of(run, run.predictions, study)

    def searched(self, run: Run, study: Study, *, whole: bool = False) -> Searched:
        return searched_pairs(run, study, self.pairs(run, study), whole=whole)

    def pair_scores(self, run: Run, study: Study) -> PatientScores:
        return pair_scores(study, self.pairs(run, study), self.searched(run, study))

    def judged(self, run: Run, study: Study, cut: Cut) -> Judged:
        table = run.predictions()
        test = told(table, study, "test")
        return Judged(test.labels, test.probabilities, test.rows, thresholds(run, table, study, cut))

    def draws(self, study: Study) -> Draws:
        return test_draws(study)

    def bands(self, run: Run, study: Study, at: int) -> Bands:
        return scoring.bands_of(self.judged(run, study, scoring.PLAIN), study, at)

    def auroc_differences(self, first: Run, second: Run, study: Study) -> list[AurocDifference]:
        one, other = (self.judged(run, study, scoring.PLAIN) for run in (first, second))
        return scoring.differences_of(one, other, study)

    def gaps(self, run: Run, study: Study, by: str) -> Gaps:
        return scoring.gaps_of(self.judged(run, study, scoring.CHEXCLUSION), study, by)

    def recalibrations(self, run: Run, study: Study) -> list[Recalibration]:
        return scoring.recalibrations_of(self.judged(run, study, scoring.PLAIN), study)

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


def scores_of(run: Run, predictions: Callable[[], pd.DataFrame], study: Study) -> PatientScores:
    """Scores on resampled test patients: those that were kept when the run was judged, else made now."""
    kept = kept_scores(run)
    return test_scores(predictions(), study) if kept is None else kept


def test_scores(predictions: pd.DataFrame, study: Study) -> PatientScores:
    """Scores on the test split, and on resampled test patients."""
    test = study.rows("test")
    probabilities, cosines = (
        predictions[[f"{kind}:{name}" for name in study.findings]].to_numpy(np.float64)[test]
        for kind in ("probability", "cosine")
    )
    return patient_scores(study.labels[test], probabilities, cosines, study.samples["patient"].to_numpy()[test])


def test_draws(study: Study) -> Draws:
    """Test patients drawn again and again."""
    return draws(study.samples["patient"].to_numpy()[study.rows("test")])


def short(run: Run) -> str:
    """A run in titles and legends: its title and the beginning of its id."""
    return f"{run.title} · {run.id[:4]}"
