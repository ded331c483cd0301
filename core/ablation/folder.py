"""Ablation: the folder of one ablation, from which a supervised process works its runs off."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from filelock import FileLock

from core import jobs
from core.ablation import arrays
from core.config.ablation import AblationConfig
from core.config.run import RunConfig
from core.demands import check_study, wanted_study
from core.errors import ConfigError, FluoroscopeError, RunBusy, RunError, StudyError
from core.files import read_json, write_json
from core.jobs import JobState
from core.runs import Run
from core.slurm.placing import Place, check_devices, placement
from core.work import Work, read_progress
from core.workspace import checked_slug, home

FORM = 1
MOST_NAMED = 5


@dataclass(frozen=True)
class Cell:
    """One planned run: its configuration's label, its seed, its full settings, and the run it is or will be."""

    label: str
    seed: int
    config: RunConfig
    run: Run

    @property
    def begun(self) -> bool:
        return (self.run.folder / "config.json").is_file()

    @property
    def done(self) -> bool:
        return self.run.whole

    def why_not(self) -> str | None:
        """Why there is no result of it, in words; None where it is done, at work or waiting for its turn."""
        if self.done or not self.begun:
            return None
        state = self.run.state()
        if state.busy or state.state == "new":
            return None
        return f"{state.words}: {self.run.failure()}" if self.run.failure() else state.words


@dataclass(frozen=True)
class Ablation(Work):
    """``ablations/NAME``: plan, progress, state and log.

    The plan names the id of every run before the first one begins, so that no kill leads to a run made twice.
    """

    @classmethod
    def begin(cls, config: AblationConfig, where: Place | None = None) -> Self:
        """Plan an ablation and start it, or go on with the one of that name; of two at once, one is told.

        Args:
            config: what is compared.
            where: it runs; None: where it ran before, at first here.

        Raises:
            ConfigError, StudyError: a configuration cannot work; nothing was made.
            RunBusy: it is at work.
            RunError: there is another one of that name.
        """
        lock = home() / "ablations" / f".{checked_slug(config.name, 'ablation')}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            made = cls.create(config)
            if where:
                made.place(where)
            made.start()
        return made

    @classmethod
    def create(cls, config: AblationConfig) -> Self:
        """Write the plan, or let an earlier one grow: its runs are kept; nothing is started.

        Raises:
            ConfigError, StudyError, RunBusy, RunError: see :meth:`begin`.
        """
        made = cls(home() / "ablations" / checked_slug(config.name, "ablation"))
        before: dict[str, str] = {}
        if (made.folder / "config.json").is_file():
            if made.config == config:
                return made
            before = made._growing(config)
        study = wanted_study(config.study)
        for variant in config.variants:
            try:
                variant.run.check()
                if study:
                    check_study(variant.run, study)
            except (ConfigError, StudyError) as error:
                raise type(error)(f"Configuration {variant.label!r} cannot work: {error}") from error
        made._write(config, before)
        return made

    @classmethod
    def load(cls, name: str) -> Self:
        """The ablation of that name.

        Raises:
            RunError: there is none.
        """
        found = cls(home() / "ablations" / checked_slug(name, "ablation"))
        if not (found.folder / "config.json").is_file():
            known = ", ".join(one.id for one in list_ablations()) or "none yet"
            raise RunError(f"No ablation {name!r}; there is: {known}. Start one with `python -m scripts.ablate`.")
        return found

    @cached_property
    def _plan(self) -> dict[str, Any]:
        data: dict[str, Any] = read_json(self.folder / "config.json")
        return data

    @cached_property
    def config(self) -> AblationConfig:
        """The full settings.

        Raises:
            ConfigError, ArtefactError: the file is not of our form.
        """
        return AblationConfig.from_json(self._plan["config"])

    @property
    def created(self) -> float:
        """Seconds since the epoch, for sorting and display alone."""
        return float(self._plan["created"])

    @cached_property
    def cells(self) -> list[Cell]:
        """Every planned run, in the order in which they are worked off."""
        runs = self._plan["runs"]
        return [
            Cell(label, seed, config, Run(home() / "runs" / runs[_place(label, seed)]))
            for label, seed, config in self.config.cells()
        ]

    @property
    def on_cluster(self) -> bool:
        """Whether each of its runs is a job of Slurm, instead of one after another here."""
        return placement(self.folder) is not None

    def place(self, where: Place) -> None:
        """Say where it runs from its next start on, with all its runs.

        Raises:
            RunBusy: some are at work.
            ConfigError: one would get another number of GPUs than it uses.
        """
        for variant in self.config.variants:
            check_devices(where, variant.run.training.devices)
        super().place(where)
        for cell in self.cells:
            if cell.begun and not cell.done:
                cell.run.place(where)

    def state(self) -> JobState:
        return arrays.state(self.cells) if self.on_cluster else super().state()

    def stop(self) -> bool:
        return arrays.stop(self) if self.on_cluster else super().stop()

    def failure(self) -> str | None:
        return self.lacking() if self.on_cluster and self.state().failed else super().failure()

    def lacking(self) -> str | None:
        """Which runs have no result, and why; None where all have one."""
        if not (lacking := [cell for cell in self.cells if not cell.done]):
            return None
        told = "\n".join(f"{cell.label}, seed {cell.seed}: {cell.why_not()}" for cell in lacking[:MOST_NAMED])
        more = f"\n… and {len(lacking) - MOST_NAMED} more" if len(lacking) > MOST_NAMED else ""
        return f"{len(lacking)} of {len(self.cells)} runs have no result; going on tries them again.\n{told}{more}"

    def under_way(self) -> Cell | None:
        """The run that its process is at; on a cluster the first one that is at work."""
        if self.on_cluster:
            return next((cell for cell in self.cells if not cell.done and cell.run.state().running), None)
        now = read_progress(self.folder)["now"]
        return self.cells[now["done"]] if now and now["done"] < len(self.cells) else None

    def start(self) -> None:
        """Start, or go on, in the background.

        Raises:
            RunBusy: it is already running.
            ClusterError: Slurm refuses its runs.
        """
        if self.on_cluster:
            arrays.start(self)
            return
        # a run that is asked to stop may take its whole grace period; the process that waits for it takes longer
        jobs.start(self.folder, ["-m", "scripts.worker", "ablation", self.id], grace=2 * jobs.GRACE)

    def _growing(self, config: AblationConfig) -> dict[str, str]:
        """The runs of the plan so far, where a new one holds all of them and more.

        Raises:
            RunBusy, RunError: it is at work, or it is another ablation.
        """
        old = {(label, seed): run for label, seed, run in self.config.cells()}
        new = {(label, seed): run for label, seed, run in config.cells()}
        if any(new.get(place) != run for place, run in old.items()):
            raise RunError(
                f"There is an ablation {self.id!r} of other configurations or seeds. It can grow (the same command "
                f"with more values or seeds), and `python -m scripts.ablate show {self.id}` prints its table; for "
                "anything else give --name, so that it stays what it was."
            )
        if self.state().busy:
            raise RunBusy(f"Ablation {self.id!r} is at work: stop it before it grows, or let it finish.")
        found: dict[str, str] = self._plan["runs"]
        return found

    def _write(self, config: AblationConfig, before: Mapping[str, str]) -> None:
        created = self.created if before else time.time()
        places = [_place(label, seed) for label, seed, _ in config.cells()]
        runs = {place: before.get(place) or str(uuid.uuid4()) for place in places}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(
            self.folder / "config.json",
            {"form": FORM, "config": config.to_json(), "created": created, "runs": runs},
        )
        for read in ("_plan", "config", "cells"):  # what was read before it grew
            self.__dict__.pop(read, None)


def _place(label: str, seed: int) -> str:
    return f"{label} · seed {seed}"


def list_ablations() -> list[Ablation]:
    """The ablations of this workspace whose plan can be read, newest first."""
    found = []
    for path in (home() / "ablations").glob("*/config.json"):
        one = Ablation(path.parent)
        try:
            _ = one.cells  # reading it is the check
            found.append((one.created, one.id, one))
        except (FluoroscopeError, KeyError, TypeError, ValueError, OSError):
            continue
    return [one for _, _, one in sorted(found, key=lambda item: item[:2], reverse=True)]
