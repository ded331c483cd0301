"""Snapshots: what a run's model made of some samples at chosen moments of its training.

snapshots/step-000120/  images, texts, prompts, negatives .safetensors + .json; manifest.json, written last
projections/epochs/  one map of each, step-000120 .parquet + .json; manifest.json, written last
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.config.run import RunConfig, TrainingConfig
from core.errors import ArtefactError
from core.files import read_json, stamp, sync_folder, write_json
from core.store import EmbeddingSet, Projection
from core.studies.study import Study

FOLDER = "snapshots"
MAPS = "projections/epochs"
MANIFEST = "manifest.json"
SETS = ("images", "texts", "prompts", "negatives")
MOST = 2000
"""Samples of which a snapshot is made: all splits, stratified, the same rows at each moment."""


class OfRun(Protocol):
    """What is asked of a run here."""

    @property
    def folder(self) -> Path: ...

    @property
    def config(self) -> RunConfig: ...


@dataclass(frozen=True)
class Snapshot:
    """One moment.

    Attributes:
        folder: ``.../snapshots/step-N``.
        epoch: passes over the training split by then; 0: before the first step.
        step: steps done by then.
    """

    folder: Path
    epoch: float
    step: int

    def embeddings(self, name: str) -> EmbeddingSet:
        """``images``, ``texts``, ``prompts`` or ``negatives`` at this moment.

        Raises:
            ArtefactError: absent, torn or altered.
        """
        return EmbeddingSet.load(self.folder / name)


def judged_part(images: EmbeddingSet, study: Study) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the samples in a snapshot those that space is measured on (all of them where the draw met none of these):
    vectors (m, d), and labels (m, K)."""
    rows = pd.Index(study.samples["id"]).get_indexer(list(images.ids))
    own = np.isin(rows, study.judged_rows())
    own |= not own.any()
    return images.vectors[own], study.labels[rows[own]]


def moments(training: TrainingConfig, steps_per_epoch: int) -> dict[int, int]:
    """The steps after which a snapshot is made, in rising order, and the epoch that each ends (0: none has begun)."""
    last, count = training.epochs, training.snapshots
    if not count:
        return {}
    if training.snapshot_epochs:
        epochs = {0, *(epoch for epoch in training.snapshot_epochs if epoch < last), last}
    elif count == 1:
        epochs = {last}
    else:
        epochs = {round(epoch) for epoch in np.linspace(0, last, min(count, last + 1)).tolist()}
    return {epoch * steps_per_epoch: epoch for epoch in sorted(epochs)}


def snapshots_of(run: OfRun) -> list[Snapshot]:
    """The whole ones of a run, in the order of training; also while it trains.

    Files have the sizes that the manifest says; their SHA-256 is looked at when they are read.
    """
    found = [_whole(path) for path in (run.folder / FOLDER).glob(f"step-*/{MANIFEST}") if not path.parent.suffix]
    return sorted((one for one in found if one is not None), key=lambda one: one.step)


def _whole(path: Path) -> Snapshot | None:
    try:
        data = read_json(path)
        sizes = {Path(name).name: int(own["bytes"]) for name, own in data["files"].items()}
        if {f"{name}.json" for name in SETS} <= sizes.keys() and all(
            (path.parent / name).stat().st_size == size for name, size in sizes.items()
        ):
            return Snapshot(path.parent, float(data["epoch"]), int(data["step"]))
    except (ArtefactError, AttributeError, KeyError, OSError, TypeError, ValueError):
        return None  # half written, or cut off by a full disk: it is made anew where training comes by again
    return None


def write_snapshot(run: OfRun, step: int, epoch: float, sets: Mapping[str, EmbeddingSet]) -> Snapshot:
    """Write one; it appears under its name only when all of it is on the disk.

    Raises:
        OSError: a full disk; the others are whole.
    """
    final = run.folder / FOLDER / step_name(step)
    draft = final.with_name(f"{final.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    for name in SETS:
        sets[name].save(draft / name)
    files = {path.name: stamp(path) for path in sorted(draft.iterdir())}
    write_json(draft / MANIFEST, {"step": step, "epoch": epoch, "files": files})
    shutil.rmtree(final, ignore_errors=True)
    os.replace(draft, final)
    sync_folder(final.parent)
    return Snapshot(final, epoch, step)


def forget_after(run: OfRun, step: int) -> None:
    """Remove what lies beyond a step that training goes on from, and what was left half written."""
    for path in (run.folder / FOLDER).glob("step-*"):
        number = path.name.removeprefix("step-")
        if not number.isdigit() or int(number) > step:
            shutil.rmtree(path)


@dataclass(frozen=True)
class SnapshotMap:
    """The map of one moment; see :mod:`core.maps.through_training`.

    Attributes:
        stem: of its files.
        epoch, step: as those of its snapshot.
    """

    stem: Path
    epoch: float
    step: int

    def projection(self) -> Projection:
        """Its samples, prompts and centroids.

        Raises:
            ArtefactError: absent, torn or altered.
        """
        return Projection.load(self.stem)


def snapshot_maps(run: OfRun) -> list[SnapshotMap]:
    """The maps of a run's snapshots in the order of training; none where they belong to a map that it had before."""
    folder = run.folder / MAPS
    try:
        data = read_json(folder / MANIFEST)
        if data["map"] != map_of_run(run):
            return []
        found = [(int(one["step"]), float(one["epoch"])) for one in data["maps"]]
    except (ArtefactError, KeyError, TypeError, ValueError):
        return []  # not made yet, or half written: the project stage makes them anew
    return [SnapshotMap(folder / step_name(step), epoch, step) for step, epoch in found]


def map_of_run(run: OfRun) -> str:
    """What tells a run's own map from others.

    Raises:
        ArtefactError: it has none yet.
    """
    return str(read_json(run.folder / "projections" / "umap.json")["file"]["sha256"])


def step_name(step: int) -> str:
    """What the files of a moment are called."""
    return f"step-{step:06d}"


def no_snapshots(run: OfRun) -> str | None:
    """Why a run has no embeddings through its training, in a sentence that says what to do; None where it has some."""
    if snapshots_of(run):
        return None
    training = run.config.training
    if not run.config.losses:
        return "It trains nothing (zero-shot), so there is one moment alone and nothing to follow."
    if not training.snapshots:
        return "Its settings keep none (snapshots is 0): start a run with 2 or more to see its embeddings move."
    if (run.folder / "checkpoints" / "head.json").is_file():
        return "It was trained before snapshots were kept: start it anew to see its embeddings move."
    return "Its first one is made just before the first step of training."
