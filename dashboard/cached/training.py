"""What training leaves: metrics, the radiographs under way, and its snapshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import snapshots as kept
from core.logbook import Logbook, Metrics
from core.metrics import similarity
from core.pictures.seen import Sheet, sheet
from core.runs import Run
from core.seen import FILE, Seen
from core.store import EmbeddingSet
from core.studies.study import Study
from dashboard.cached.stamps import Stamp, stamp


def metrics(run: Run) -> Metrics:
    """What ``metrics.jsonl`` holds so far; of one that grew since the last look only the new lines are read."""
    return _logbook(run.folder / "metrics.jsonl").read()


@st.cache_resource(max_entries=20, show_spinner=False)
def _logbook(path: Path) -> Logbook:
    """Keyed on the path alone: it sees for itself what is new in the file, and whether it is another one."""
    return Logbook(path)


def seen(run: Run, of: Study) -> Sheet | None:
    """The radiographs that a run was looking at when it last wrote them down; None where it has not yet."""
    key = stamp(run.folder / FILE)
    return _seen(key, of.fingerprint, run, of) if key[1] else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _seen(key: Stamp, fingerprint: str, _run: Run, _of: Study) -> Sheet:
    return sheet(_of, _run.config, Seen.load(_run.folder))


def snapshots(run: Run) -> list[kept.Snapshot]:
    """The moments of its training that a run has kept so far."""
    return _snapshots(stamp(run.folder / kept.FOLDER), run)


@st.cache_resource(max_entries=100, show_spinner=False)
def _snapshots(key: Stamp, _run: Run) -> list[kept.Snapshot]:
    return kept.snapshots_of(_run)


def snapshot_embeddings(run: Run, step: int, name: str) -> EmbeddingSet:
    """``images``, ``texts``, ``prompts`` or ``negatives`` of a moment that :func:`snapshots` lists."""
    folder = run.folder / kept.FOLDER / kept.step_name(step)
    return _snapshot_embeddings(stamp(folder / f"{name}.json"), folder, name)


@st.cache_resource(max_entries=64, show_spinner=False)
def _snapshot_embeddings(key: Stamp, _folder: Path, name: str) -> EmbeddingSet:
    found = EmbeddingSet.load(_folder / name)
    found.vectors.setflags(write=False)
    return found


def snapshot_centroids(run: Run, step: int, of: Study) -> NDArray[np.float32]:
    """Disease centroids (K, d) of the test samples in a snapshot, NaN without support."""
    folder = run.folder / kept.FOLDER / kept.step_name(step)
    return _snapshot_centroids(stamp(folder / "images.json"), of.fingerprint, of.findings, run, step, of)


@st.cache_resource(max_entries=400, show_spinner=False)
def _snapshot_centroids(
    key: Stamp, fingerprint: str, findings: tuple[str, ...], _run: Run, step: int, _of: Study
) -> NDArray[np.float32]:
    images = EmbeddingSet.load(_run.folder / kept.FOLDER / kept.step_name(step) / "images")  # wanted once
    return similarity.centroids(*kept.judged_part(images, _of))[0]


def snapshot_maps_of(run: Run) -> list[kept.SnapshotMap]:
    """The maps of those moments, as far as they belong to the map that the run has now."""
    projections = run.folder / "projections"
    return _snapshot_maps(stamp(run.folder / kept.MAPS / kept.MANIFEST), stamp(projections / "umap.json"), run)


@st.cache_resource(max_entries=100, show_spinner=False)
def _snapshot_maps(key: Stamp, frame: Stamp, _run: Run) -> list[kept.SnapshotMap]:
    return kept.snapshot_maps(_run)
