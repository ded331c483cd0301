"""Search: a folder in which worker processes try settings, each trial as a run of its own."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self

from filelock import FileLock

from core import jobs
from core.config.search import SearchConfig
from core.config.space import Value
from core.errors import ArtefactError, FluoroscopeError, RunBusy, RunError
from core.files import read_json, write_json
from core.jobs import JobState
from core.work import Work
from core.workspace import checked_slug, home

PATIENCE = 2 * jobs.GRACE + 15
"""Seconds that a worker has to stop: its run has a grace period of its own, which ends first."""

TrialState = Literal["running", "interrupted", "complete", "pruned", "failed"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial, as ``trials.json`` tells it.

    Attributes:
        number: from 0, in the order in which they began.
        state: ``interrupted``: its worker is gone; the next one goes on with it.
        value: what it is judged by, of the weights that its run keeps; of a pruned one the last value; None without.
        parameters: the varied settings by their dotted paths.
        run: the id of its run; None where its settings were refused.
        values: the judged value at the end of each epoch so far.
        reason: why it failed or was pruned.
        seconds: from its beginning to its end, pauses between workers too; None before it ended.
    """

    number: int
    state: TrialState
    value: float | None
    parameters: dict[str, Value]
    run: str | None
    values: dict[int, float]
    reason: str
    seconds: float | None = None


@dataclass(frozen=True)
class SearchWorker(Work):
    """``searches/NAME/workers/N``: state and log of one of the processes that work on a search."""

    @property
    def search(self) -> Search:
        return Search(self.folder.parent.parent)

    def start(self) -> None:
        arguments = ["-m", "scripts.worker", "search", self.search.id, "--worker", self.id]
        jobs.start(self.folder, arguments, grace=PATIENCE)


@dataclass(frozen=True)
class Search(Work):
    """``searches/NAME``: settings, optuna's journal, what it tells of the trials, and its workers."""

    @classmethod
    def begin(cls, config: SearchConfig, workers: int = 1) -> Self:
        """Keep the settings of a search and start it; with the settings of one that is there, go on with that.

        Raises:
            ConfigError: a search of that name has other settings (only the number of trials may change).
            RunBusy: as many workers are at work on it already.
        """
        made = cls.create(config)
        made.start(workers)
        return made

    @classmethod
    def create(cls, config: SearchConfig) -> Self:
        """Keep the settings; nothing is started.

        Raises:
            ConfigError: see :meth:`begin`.
        """
        made = cls(home() / "searches" / checked_slug(config.name, "search"))
        made.folder.mkdir(parents=True, exist_ok=True)
        with made.lock("begin"):
            with contextlib.suppress(ArtefactError):
                made.config.check_same(config)
            write_json(made.folder / "config.json", config.to_json())
        return cls(made.folder)

    @classmethod
    def load(cls, name: str) -> Self:
        """The search of a name.

        Raises:
            RunError: there is none.
        """
        found = cls(home() / "searches" / checked_slug(name, "search"))
        if not (found.folder / "config.json").is_file():
            there = ", ".join(one.id for one in list_searches()[:8]) or "there is none yet"
            raise RunError(f"No search {name!r}; give the name of one: {there}.")
        return found

    @cached_property
    def config(self) -> SearchConfig:
        """The full settings.

        Raises:
            ConfigError, ArtefactError: the file is absent, or not of our form.
        """
        return SearchConfig.from_json(read_json(self.folder / "config.json"))

    def lock(self, what: str, *, wait: float = -1) -> FileLock:
        """A lock of the kernel among all processes at this search: it is free as soon as its holder is gone."""
        return FileLock(self.folder / f".{what}.lock", timeout=wait)

    def workers(self) -> list[SearchWorker]:
        """Those that were ever started, in order."""
        numbers = sorted(int(path.name) for path in (self.folder / "workers").glob("*") if path.name.isdigit())
        return [SearchWorker(self.folder / "workers" / str(number)) for number in numbers]

    def running(self) -> list[SearchWorker]:
        return [one for one in self.workers() if one.state().busy]

    def start(self, workers: int = 1) -> None:
        """Start, or go on, in the background, so that as many workers are at it.

        Raises:
            RunBusy: as many are at work already.
        """
        with self.lock("begin"):
            there = len(self.running())
            if there >= workers:
                raise RunBusy(f"The search {self.id!r} is at work with {there} worker{'s' * (there > 1)} already.")
            if not there:
                self._forget_endings()
            free = (one for one in map(self._worker, range(1, 1000)) if not one.state().busy)
            for _ in range(workers - there):
                next(free).start()

    def _worker(self, number: int) -> SearchWorker:
        return SearchWorker(self.folder / "workers" / str(number))

    def _forget_endings(self) -> None:
        """How workers of an earlier start ended says nothing of this one."""
        (self.folder / "finished.json").unlink(missing_ok=True)
        for worker in self.workers():
            for old in ("exit.json", "process.json", "failure.json"):
                (worker.folder / old).unlink(missing_ok=True)

    def stop(self) -> bool:
        """Ask all workers to save and end; their trials wait for the next start."""
        return any([one.stop() for one in self.workers()])  # a list: each is asked

    def state(self) -> JobState:
        """Of all workers together: running while one is, finished when the best trial's run is, else how they ended."""
        states = [one.state() for one in self.workers()]
        if any(state.busy for state in states):
            return JobState("running")
        if self.finished():
            return JobState("exited", 0)
        ended = [state for state in states if state.state != "new" and not state.done]
        # one that failed says more than those that were stopped therefore
        return min(ended, key=lambda state: state.stopped, default=JobState("new"))

    def failure(self) -> str | None:
        return next((told for one in self.workers() if (told := one.failure())), None)

    def log_tail(self, lines: int = 40) -> str:
        tails = [f"worker {one.id}\n{one.log_tail(lines)}" for one in self.workers()]
        return "\n\n".join(tails) if len(tails) > 1 else tails[0].partition("\n")[2] if tails else ""

    def trials(self) -> list[Trial]:
        """All trials so far, by number; those of workers that are gone are ``interrupted``."""
        try:
            rows = read_json(self.folder / "trials.json")["trials"]
        except ArtefactError:
            return []
        found = [_trial(row) for row in rows]
        if self.state().busy:
            return found
        return [replace(one, state="interrupted") if one.state == "running" else one for one in found]

    def importances(self) -> dict[str, Any]:
        """``{"trials": finished ones, "needed": so many, "values": {path: share}}``; empty before the first trial."""
        try:
            data: dict[str, Any] = read_json(self.folder / "importances.json")
            return data
        except ArtefactError:
            return {}

    def finished(self) -> bool:
        """Whether all trials that are asked for have ended and the best one's run went through all stages."""
        try:
            return bool(read_json(self.folder / "finished.json")["trials"] >= self.config.trials)
        except ArtefactError:
            return False

    def finish(self, trials: int, best: Trial) -> None:
        """Write down that so many trials have ended and the best one's run is whole."""
        write_json(self.folder / "finished.json", {"trials": trials, "best": best.number, "run": best.run})

    def best(self) -> Trial | None:
        """The best trial that went to its end."""
        return best_of(self.trials(), maximised=self.config.maximised)


def best_of(trials: list[Trial], *, maximised: bool) -> Trial | None:
    """The best complete trial; of equal ones the first."""
    complete = [one for one in trials if one.state == "complete" and one.value is not None]
    sign = -1.0 if maximised else 1.0
    return min(complete, key=lambda one: (sign * (one.value or 0.0), one.number), default=None)


def _trial(row: dict[str, Any]) -> Trial:
    return Trial(**{**row, "values": {int(epoch): value for epoch, value in row["values"].items()}})


def list_searches() -> list[Search]:
    """The searches of this workspace whose settings can be read, the last begun first."""
    found = []
    for path in (home() / "searches").glob("*/config.json"):
        one = Search(path.parent)
        try:
            _ = one.config  # reading it is the check
            found.append((path.stat().st_mtime_ns, one))
        except (FluoroscopeError, OSError):
            continue
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]
