"""The Run folder: config, provenance, progress, metrics, log and results of one run."""

from __future__ import annotations

import platform
import re
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any, Self

import pandas as pd

from core import jobs
from core.accelerators import CPU, accelerators
from core.config.run import RunConfig
from core.errors import ArtefactError, FluoroscopeError, RunError, StudyError
from core.files import read_json, verify, write_json
from core.shelf import Shelved, last_checkpoint
from core.slurm.placing import Place, check_devices
from core.store import EmbeddingSet, Projection
from core.studies.study import Study
from core.workspace import ROOT, home

PACKAGES = ("torch", "open_clip_torch", "transformers", "timm", "umap-learn", "scikit-learn", "numpy", "pandas")
MANIFESTS = {
    "train": "checkpoints/head.json",
    "embed": "embeddings/embeddings.json",
    "evaluate": "evaluation/evaluation.json",
    "project": "projections/umap.json",
}
"""The stages of a run in their order, and the file that each writes last."""

WITHOUT_TOWERS = ("evaluate", "project")
"""Stages that read what was embedded: alone they need no accelerator, so they wait for none."""


@dataclass(frozen=True)
class Run(Shelved):
    """One trained or zero-shot model on one study; everything is read from its folder."""

    @classmethod
    def create(cls, config: RunConfig, run_id: str | None = None) -> Self:
        """Make a new folder with the config and what made it; nothing is started.

        Args:
            config: the full settings.
            run_id: of work that planned the run before (a folder that a kill left without its config is completed);
                None: a new one.

        Raises:
            ConfigError: settings that do not fit together.
        """
        config.check()
        folder = home() / "runs" / (run_id or str(uuid.uuid4()))
        folder.mkdir(parents=True, exist_ok=run_id is not None)
        created = time.time()
        write_json(
            folder / "config.json", {"config": config.to_json(), "created": created, "provenance": _provenance()}
        )
        return cls(folder)

    @classmethod
    def load(cls, run_id: str) -> Self:
        """Open a run by its id or by an unambiguous beginning of it.

        Raises:
            RunError: there is none, or more than one.
        """
        if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", run_id):  # the whole id: no need to look at all
            folder = home() / "runs" / run_id
            if (folder / "config.json").is_file():
                return cls(folder)
        found = [run for run in list_runs(archived=None) if run_id and run.id.startswith(run_id)]
        if len(found) != 1:
            raise RunError(
                f"{len(found)} runs begin with {run_id[:40]!r}; give the id of one: "
                f"{', '.join(run.id[:8] for run in list_runs()[:8]) or 'there is none yet'}."
            )
        return cls(found[0].folder)

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        data: dict[str, Any] = read_json(self.folder / "config.json")
        return data

    @cached_property
    def config(self) -> RunConfig:
        """The full settings.

        Raises:
            ConfigError, ArtefactError: the file is not of our form.
        """
        return RunConfig.from_json(self._manifest["config"])

    @property
    def created(self) -> float:
        """Seconds since the epoch, for sorting and display alone."""
        return float(self._manifest["created"])

    @property
    def title(self) -> str:
        """What lists and legends call it: the label that it was given since, or what its settings say."""
        return self.label() or self.config.title

    @property
    def whole(self) -> bool:
        """Whether all stages are done."""
        return all(self.has(stage) for stage in MANIFESTS)

    def goes_on(self) -> str:
        """Where the next start goes on, in words."""
        stage = next((name for name in MANIFESTS if not self.has(name)), None)
        if stage is None:
            return "all stages are done"
        if stage != "train":
            return f"resume goes on with the {stage} stage"
        step = last_checkpoint(self.folder / "checkpoints")
        return f"resume goes on at step {step:,}" if step else "no checkpoint yet: resume begins anew"

    def start(self, stage: str | None = None) -> None:
        """Start, or resume, in the background, when an accelerator is free: all stages that are not done, or one alone.

        Raises:
            RunBusy: it is already running, or waits.
        """
        wanted = 0 if stage in WITHOUT_TOWERS else self._accelerators()
        jobs.start(self.folder, self.arguments(stage), accelerators=wanted)

    def _accelerators(self) -> int:
        """How many it takes; without any, its processes share the CPU."""
        wanted = self.config.training.devices
        return wanted if wanted > 1 and accelerators() != [CPU] else 1

    def place(self, where: Place) -> None:
        """Say where it runs from its next start on.

        Raises:
            RunBusy: it is at work, or waits for its turn.
            ConfigError: it would get another number of GPUs than it uses.
        """
        check_devices(where, self.config.training.devices)
        super().place(where)

    def arguments(self, stage: str | None = None) -> list[str]:
        """What the interpreter is called with."""
        return ["-m", "scripts.worker", "run", self.id, *(["--stage", stage] if stage else [])]

    def check_is_of(self, study: Study) -> None:
        """Whether a study is still the one that this run was made from: rows of another would be mixed up.

        Raises:
            StudyError: it was imported anew with other images, labels or splits.
        """
        try:
            own = read_json(self.folder / "study.json")
        except ArtefactError:
            return  # its first stage has not begun
        if own != identity(study):
            raise StudyError(
                f"Study {study.name!r} changed since run {self.id[:8]} began (other images, labels or splits). "
                "Start a new run, or import the study again as it was."
            )

    def embeddings(self, name: str) -> EmbeddingSet:
        """``images``, ``texts``, ``prompts``, ``negatives``, ``prompts-frozen`` or ``templates``."""
        return EmbeddingSet.load(self.folder / "embeddings" / name)

    def predictions(self) -> pd.DataFrame:
        """One row per sample: id, split, ``probability:<finding>`` and ``cosine:<finding>``."""
        path = self.folder / "embeddings" / "predictions.parquet"
        manifest = path.with_name("embeddings.json")
        if not manifest.is_file():
            raise ArtefactError("This run has no predictions yet: its embed stage has not finished.")
        verify(path, read_json(manifest)["files"][path.name])
        return pd.read_parquet(path)

    def evaluation(self) -> dict[str, Any]:
        """What the evaluate stage wrote."""
        data: dict[str, Any] = read_json(self.folder / "evaluation" / "evaluation.json")
        return data

    def projection(self) -> Projection:
        return Projection.load(self.folder / "projections" / "umap")

    def has(self, stage: str) -> bool:
        """Whether a stage's manifest, which is written last, is there."""
        return (self.folder / MANIFESTS[stage]).is_file()


def common_study(runs: Sequence[Run]) -> tuple[str, tuple[str, ...]]:
    """The name of the study that all these runs are of, and the findings that they ask it for (none: its own).

    Raises:
        RunError: they differ, so that nothing could be compared.
    """
    names = {run.config.study for run in runs}
    if len(names) > 1:
        raise RunError(f"These runs are of different studies ({', '.join(sorted(names))}): choose runs of one study.")
    asked = {run.config.findings for run in runs}
    if len(asked) > 1:
        raise RunError("These runs ask their study for different findings: choose runs that ask for the same.")
    return names.pop(), asked.pop()


def identity(study: Study) -> dict[str, str]:
    """What a run remembers of its study."""
    return {"name": study.name, "fingerprint": study.fingerprint, "split_hash": study.split_hash}


def list_runs(*, archived: bool | None = False) -> list[Run]:
    """All runs of this workspace whose config can be read, newest first; None: those that are ``archived``, too."""
    runs = []
    for path in (home() / "runs").glob("*/config.json"):
        run = Run(path.parent)
        if archived is not None and run.archived != archived:
            continue
        try:
            _ = run.config  # reading it is the check
            runs.append((run.created, run.id, run))
        except (FluoroscopeError, KeyError, TypeError, ValueError, OSError):
            continue
    return [run for _, _, run in sorted(runs, key=lambda item: item[:2], reverse=True)]


def _provenance() -> dict[str, Any]:
    versions = {name: metadata.version(name) for name in PACKAGES}
    git = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return {
        "python": platform.python_version(),
        "packages": versions,
        "git_commit": git.stdout.strip() if git.returncode == 0 else None,
    }
