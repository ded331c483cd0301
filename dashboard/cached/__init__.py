"""Files that were read once are not read again while they stay the same.

The only place with Streamlit's caches. A cache is keyed on (path, mtime_ns, size) of the manifest that names the data,
never on the data; what lies in somebody's folder is looked up again after half a minute, and a log that grows is read
on from where it was. Arrays are kept as they are and marked read-only (``cache_resource``): ``cache_data`` would copy
them at every rerun.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.imported import ImportedSet, folder_of
from core.maps.first import first_picture
from core.metrics.comparison import PatientScores
from core.metrics.neighbours import Neighbours, nearest
from core.metrics.plane import Plane
from core.metrics.plane import plane as plane_of
from core.metrics.sampling import stratified
from core.pictures.chart import Chart
from core.pictures.chart import chart as make_chart
from core.pictures.source import judged_centroids, judged_pairs, scores_of
from core.runs import Run
from core.searches import Search, Trial
from core.store import EmbeddingSet, Projection
from core.studies.study import Study
from core.workspace import home
from dashboard.cached.attention import pointing
from dashboard.cached.drawn import drawn
from dashboard.cached.folders import embedding_files, folder, guessed, model, model_folders, proposal, subfolders
from dashboard.cached.predicted import draws, judged, predictions
from dashboard.cached.reports import report_keys
from dashboard.cached.retrieval import pair_scores, searched
from dashboard.cached.scores import auroc_differences, bands, gaps, recalibrations
from dashboard.cached.stamps import Stamp, stamp
from dashboard.cached.training import (
    metrics,
    seen,
    snapshot_centroids,
    snapshot_embeddings,
    snapshot_maps_of,
    snapshots,
)

__all__ = [  # from the other files of this package; everything below is public, too
    "auroc_differences",
    "bands",
    "drawn",
    "draws",
    "embedding_files",
    "folder",
    "gaps",
    "guessed",
    "judged",
    "metrics",
    "model",
    "model_folders",
    "pair_scores",
    "pointing",
    "predictions",
    "proposal",
    "recalibrations",
    "report_keys",
    "searched",
    "seen",
    "snapshot_centroids",
    "snapshot_embeddings",
    "snapshot_maps_of",
    "snapshots",
    "stamp",
    "subfolders",
]

FOUND = 12
"""So many radiographs are found by text."""


def study(name: str, findings: tuple[str, ...] = ()) -> Study:
    """A study with its table and labels, asked for its own or other findings; images stay on disk."""
    key = stamp(home() / "studies" / name / "study.json")  # first: a study that is replaced meanwhile is read again
    return _study(key, findings, Study.load(name).asked_for(findings))


@st.cache_resource(max_entries=3, show_spinner=False)
def _study(key: Stamp, findings: tuple[str, ...], _opened: Study) -> Study:
    """All of it is opened now, so that a study which is replaced later does not mix with this one."""
    _ = _opened.images, _opened.boxes, _opened.set_aside, _opened.summary
    _opened.labels.setflags(write=False)
    _opened.stated.setflags(write=False)
    return _opened


def first_rows(of: Study, most: int) -> NDArray[np.int64]:
    """So many radiographs of a study to draw first, rare findings among them."""
    return _first_rows(of.fingerprint, of.findings, most, of)


@st.cache_resource(max_entries=8, show_spinner=False)
def _first_rows(fingerprint: str, findings: tuple[str, ...], most: int, _of: Study) -> NDArray[np.int64]:
    found = stratified(_of.labels, most)
    found.setflags(write=False)
    return found


def embeddings(run: Run, name: str) -> EmbeddingSet:
    """``images``, ``texts``, ``prompts``, ``negatives`` or ``prompts-frozen`` of a run."""
    read = _of_samples if name in ("images", "texts") else _of_findings
    return read(stamp(run.folder / "embeddings" / f"{name}.json"), run, name)


@st.cache_resource(max_entries=8, show_spinner=False)  # 230 MB each for 112,120 radiographs
def _of_samples(key: Stamp, _run: Run, name: str) -> EmbeddingSet:
    return _read_only(_run.embeddings(name))


@st.cache_resource(max_entries=60, show_spinner=False)
def _of_findings(key: Stamp, _run: Run, name: str) -> EmbeddingSet:
    return _read_only(_run.embeddings(name))


def _read_only(found: EmbeddingSet) -> EmbeddingSet:
    found.vectors.setflags(write=False)
    return found


def found(run: Run, name: str, vector: NDArray[np.float32]) -> Neighbours:
    """The radiographs nearest to words that were looked for, by the name of the question."""
    return _found(stamp(run.folder / "embeddings" / "images.json"), name, run, vector)


@st.cache_resource(max_entries=100, show_spinner=False)
def _found(key: Stamp, name: str, _run: Run, _vector: NDArray[np.float32]) -> Neighbours:
    return nearest(embeddings(_run, "images").vectors, _vector, FOUND, normalised=True)


def neighbours(run: Run, row: int, count: int) -> Neighbours:
    """The radiographs nearest to one, by its row, in a run's own space."""
    return _neighbours(stamp(run.folder / "embeddings" / "images.json"), row, count, run)


@st.cache_resource(max_entries=500, show_spinner=False)
def _neighbours(key: Stamp, row: int, count: int, _run: Run) -> Neighbours:
    return nearest(embeddings(_run, "images").vectors, row, count, normalised=True)


def imported(name: str) -> ImportedSet:
    """An imported set of embeddings."""
    return _imported(stamp(folder_of(name) / "set.json"), name)


@st.cache_resource(max_entries=40, show_spinner=False)
def _imported(key: Stamp, name: str) -> ImportedSet:
    found = ImportedSet.load(name)
    found.embedding.vectors.setflags(write=False)
    return found


def projection(run: Run) -> Projection:
    return _projection(stamp(run.folder / "projections" / "umap.json"), run)


@st.cache_resource(max_entries=12, show_spinner=False)
def _projection(key: Stamp, _run: Run) -> Projection:
    found = _run.projection()
    found.coordinates.setflags(write=False)
    return found


def chart(run: Run, of: Study, stem: str = "umap") -> Chart:
    """A map of a run in the order of its study.

    Args:
        run: whose.
        of: its study.
        stem: the map's files in the run's folder of projections, without their endings; its own by default.
    """
    path = run.folder / "projections" / stem
    return _chart(stamp(path.with_suffix(".json")), of.fingerprint, path, of)


def first_chart(run: Run, of: Study, dimensions: int) -> Chart:
    """The first picture of a run in the order of its study: its principal components."""
    return _first_chart(stamp(run.folder / "embeddings" / "embeddings.json"), of.fingerprint, dimensions, run, of)


@st.cache_resource(max_entries=12, show_spinner="Drawing the first picture …")
def _first_chart(key: Stamp, fingerprint: str, dimensions: int, _run: Run, _of: Study) -> Chart:
    return make_chart(first_picture(_run, _of, dimensions), _of)


@st.cache_resource(max_entries=60, show_spinner=False)
def _chart(key: Stamp, fingerprint: str, _path: Path, _of: Study) -> Chart:
    found = make_chart(Projection.load(_path), _of)
    found.samples.setflags(write=False)
    return found


def evaluation(run: Run) -> dict[str, Any]:
    return _evaluation(stamp(run.folder / "evaluation" / "evaluation.json"), run)


@st.cache_resource(max_entries=300, show_spinner=False)
def _evaluation(key: Stamp, _run: Run) -> dict[str, Any]:
    return _run.evaluation()


def trials(search: Search) -> list[Trial]:
    """The trials of a search so far."""
    return _trials(stamp(search.folder / "trials.json"), search.state().busy, search)


@st.cache_resource(max_entries=20, show_spinner=False)
def _trials(key: Stamp, running: bool, _search: Search) -> list[Trial]:
    return _search.trials()


def centroids(run: Run, of: Study) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Disease centroids (K, d) of the test split, NaN without support, and their support (K,)."""
    return _centroids(stamp(run.folder / "embeddings" / "embeddings.json"), of.fingerprint, run, of)


@st.cache_resource(max_entries=20, show_spinner=False)
def _centroids(key: Stamp, fingerprint: str, _run: Run, _of: Study) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return judged_centroids(embeddings(_run, "images"), _of)


def pairs(run: Run, of: Study) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Image and text vectors of the test samples that have both, and the samples' rows in the study."""
    return _pairs(stamp(run.folder / "embeddings" / "embeddings.json"), of.fingerprint, run, of)


@st.cache_resource(max_entries=6, show_spinner=False)  # 92 MB each for 22,000 pairs
def _pairs(
    key: Stamp, fingerprint: str, _run: Run, _of: Study
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    return judged_pairs(embeddings(_run, "images"), embeddings(_run, "texts"), _of)


def plane(run: Run, of: Study) -> Plane:
    """The test pairs on two axes, along the modality gap and across it; there must be a gap."""
    return _plane(stamp(run.folder / "embeddings" / "embeddings.json"), of.fingerprint, run, of)


@st.cache_resource(max_entries=40, show_spinner=False)
def _plane(key: Stamp, fingerprint: str, _run: Run, _of: Study) -> Plane:
    return plane_of(*pairs(_run, _of)[:2])


def patient_scores(run: Run, of: Study) -> PatientScores:
    """Scores of a run on the test split and on resampled test patients."""
    keys = (stamp(run.folder / path) for path in ("embeddings/embeddings.json", "evaluation/patients.json"))
    return _patient_scores(tuple(keys), of.fingerprint, run, of)


@st.cache_resource(max_entries=1000, show_spinner="Resampling test patients …")
def _patient_scores(key: tuple[Stamp, ...], fingerprint: str, _run: Run, _of: Study) -> PatientScores:
    return scores_of(_run, lambda: predictions(_run), _of)
