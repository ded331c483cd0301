"""A process that stays warm beside a run: who asks leaves a file, it answers with another, and ends when nobody asks.

Between the asker and the process (:mod:`core.asking.service`) there are files alone, in a folder of the run:

    questions/<name>.json        what is asked, until it is answered: it may hold words that name a patient
    answers/<name>.safetensors   the answer and its manifest, kept: the same question needs no process again
    refused/<name>.json          why there is none

A name is a hash of the run's weights and of what is asked; typed words stand nowhere else, in no log and no URL.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from core import jobs
from core.errors import ArtefactError, ConfigError, RunBusy, RunError
from core.files import read_json, write_json
from core.jobs import JobState
from core.runs import Run, list_runs
from core.work import Work, read_progress

IDLE = "FLUOROSCOPE_ASKING_IDLE"
"""The environment variable with the seconds without a question after which a process ends."""

MINUTES = 10
LONGEST = 500
WARM = "answering"
"""The stage in ``progress.json`` of a process that has its towers."""


class Posed(Protocol):
    """A question that waits: what it is called, and the weights that the run had when it was asked."""

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str: ...


@dataclass(frozen=True)
class Warm(Work):
    """``runs/<id>/<kind>``: questions, answers, and the process that answers."""

    kind: ClassVar[str]
    """The name of its folder."""

    loads: ClassVar[str]
    """What its process needs to have, in words."""

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(run.folder / cls.kind)

    @property
    def run(self) -> Run:
        return Run(self.folder.parent)

    @property
    def id(self) -> str:
        return f"{self.run.id[:8]}/{self.kind}"

    def arguments(self) -> list[str]:
        """What the interpreter is called with to start the process."""
        raise NotImplementedError

    def waiting(self) -> Sequence[Posed]:
        """The questions that wait, for the process."""
        raise NotImplementedError

    def answerer(self) -> Callable[[Any], None]:
        """Load what answers; it is called with each question, in the process alone."""
        raise NotImplementedError

    def state(self) -> JobState:
        """Of the process; one that is running says whether it is warm."""
        found = jobs.state(self.folder)
        if not found.running:
            return found
        return replace(found, told="warm: it answers at once" if self._loaded() else f"starting: it loads {self.loads}")

    @property
    def warm(self) -> bool:
        """Whether it answers at once."""
        return jobs.state(self.folder).running and self._loaded()

    def _loaded(self) -> bool:
        now = read_progress(self.folder)["now"]
        return bool(now) and now["stage"] == WARM

    def start(self) -> None:
        """Start the process.

        Raises:
            RunBusy: it is already at work.
        """
        if self.state().busy:
            raise RunBusy(f"The process that answers for run {self.run.id[:8]} is at work already.")
        self._make("questions")
        (self.folder / "progress.json").unlink(missing_ok=True)  # of the start before
        jobs.start(self.folder, self.arguments())

    def weights(self) -> str:
        """The SHA-256 of what the run has learned.

        Raises:
            RunError: it is not trained yet.
        """
        try:
            return str(read_json(self.run.folder / "checkpoints" / "head.json")["file"]["sha256"])
        except (ArtefactError, KeyError, TypeError):
            raise RunError(f"Run {self.run.id[:8]} is not trained yet: it can be asked when it is.") from None

    def pose(self, name: str, data: dict[str, Any]) -> None:
        """Leave a question for the process; where none is at work, one is started."""
        self._wake()  # before the words are on the disk: if it fails, they never are
        write_json(self._path("questions", name), data)

    def under_way(self, name: str) -> bool:
        """Whether a question waits for its answer."""
        return self._path("questions", name).exists()

    def see_to(self, name: str) -> None:
        """Look after a question without an answer: say why there will be none, or start a process that ended.

        Raises:
            RunError: there will be none; says why. To ask again is to try again.
        """
        self._raise_refused(name)
        if not self.under_way(name):
            return
        state = self.state()
        if state.busy:
            return
        if state.done or state.state == "new":  # it ended for want of questions, and one came in that moment
            self._wake()
            return
        reason = self.failure() or f"The process that answers {state.words}. {state.what_to_do}"
        if self.under_way(name):
            self.refuse(name, reason.strip())
            self._raise_refused(name)

    def refuse(self, name: str, reason: str) -> None:
        """Leave the reason why a question has no answer, and forget the words."""
        write_json(self._path("refused", name), {"message": reason})
        self.forget(name)

    def forget(self, name: str) -> None:
        """A question that is answered, or never will be, is nobody's business any more."""
        self._path("questions", name).unlink(missing_ok=True)

    def try_again(self, name: str) -> None:
        """Forget why a question had no answer."""
        self._path("refused", name).unlink(missing_ok=True)

    def _wake(self) -> None:
        if not self.state().busy:
            with contextlib.suppress(RunBusy):  # another one was faster
                self.start()

    def _raise_refused(self, name: str) -> None:
        with contextlib.suppress(ArtefactError):
            raise RunError(str(read_json(self._path("refused", name))["message"]))

    def _posed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Names and contents of the questions that wait."""
        for path in sorted((self.folder / "questions").glob("*.json")):
            with contextlib.suppress(ArtefactError):  # answered or given up between the look and the reading
                yield path.stem, read_json(path)

    def _make(self, kind: str) -> None:
        """Folders that their owner alone may look into."""
        for folder in (self.folder, self.folder / kind):
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)

    def stem(self, name: str) -> Path:
        """Where an answer is kept, without the endings of its files."""
        return self.folder / "answers" / name

    def _path(self, kind: str, name: str) -> Path:
        return self.folder / kind / f"{name}.json"


def checked(text: str) -> str:
    """The words without blanks around them.

    Raises:
        ConfigError: none, or too many.
    """
    found = text.strip()
    if not 1 <= len(found) <= LONGEST:
        raise ConfigError(f"The text has {len(found)} characters; give 1 to {LONGEST}, such as: large left effusion.")
    return found


def idle_seconds() -> float:
    """After so many seconds without a question a process ends.

    Raises:
        ConfigError: the environment variable is no positive number.
    """
    given = os.environ.get(IDLE, "")
    try:
        found = float(given) if given else MINUTES * 60.0
    except ValueError:
        found = float("nan")
    if not 0 < found < float("inf"):
        raise ConfigError(f"{IDLE} is {given!r}; it must be a number of seconds above 0, such as 600.")
    return found


def at_work(*kinds: type[Warm]) -> list[Warm]:
    """The processes of these kinds that are at work in this workspace."""
    found: list[Warm] = [kind.of(run) for run in list_runs(archived=None) for kind in kinds]
    return [one for one in found if one.folder.is_dir() and one.state().busy]
