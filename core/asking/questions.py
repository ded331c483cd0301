"""Words that somebody looks for, and the vectors that a run makes of them, through a process that stays warm.

Between the asker and the process (:mod:`core.asking.service`) there are files alone, in ``runs/<id>/asking/``:

    questions/<name>.json        the words, until they are answered: they may name a patient
    answers/<name>.safetensors   the vector and its manifest, kept: the same words need no process again
    refused/<name>.json          why there is none

A name is a hash of the run's weights and the words; the words stand nowhere else, in no log and no URL.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core import jobs
from core.errors import ArtefactError, ConfigError, RunBusy, RunError
from core.files import read_json, write_json
from core.jobs import JobState
from core.runs import Run, list_runs
from core.store import EmbeddingSet
from core.work import Work, read_progress

IDLE = "FLUOROSCOPE_ASKING_IDLE"
"""The environment variable with the seconds without a question after which the process ends."""

MINUTES = 10
LONGEST = 500
WARM = "answering"
"""The stage in ``progress.json`` of a process that has its towers."""


@dataclass(frozen=True)
class Question:
    """Words that wait for their vector.

    Attributes:
        name: hash of weights and words.
        text: the words.
        weights: of the run, when it was asked.
    """

    name: str
    text: str
    weights: str


@dataclass(frozen=True)
class Asked(Work):
    """``runs/<id>/asking``: questions, answers, and the process that answers."""

    @classmethod
    def of(cls, run: Run) -> Self:
        return cls(run.folder / "asking")

    @property
    def run(self) -> Run:
        return Run(self.folder.parent)

    @property
    def id(self) -> str:
        return f"{self.run.id[:8]}/asking"

    def state(self) -> JobState:
        """Of the process; one that is running says whether it is warm."""
        found = jobs.state(self.folder)
        if not found.running:
            return found
        return replace(
            found, told="warm: it answers at once" if self._loaded() else "starting: it loads the text tower"
        )

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
        jobs.start(self.folder, ["-m", "scripts.answer", self.run.id])

    def weights(self) -> str:
        """The SHA-256 of what the run has learned.

        Raises:
            RunError: it is not trained yet.
        """
        try:
            return str(read_json(self.run.folder / "checkpoints" / "head.json")["file"]["sha256"])
        except (ArtefactError, KeyError, TypeError):
            raise RunError(f"Run {self.run.id[:8]} is not trained yet: it can be asked when it is.") from None

    def name(self, text: str) -> str:
        """What a question of these words is called.

        Raises:
            ConfigError: no words, or too many.
            RunError: the run is not trained yet.
        """
        return hashlib.sha256(json.dumps([self.weights(), checked(text)]).encode()).hexdigest()[:32]

    def ask(self, text: str) -> str:
        """Ask for the vector of some words; where no process is at work, one is started.

        Returns:
            The question's name, for :meth:`answer`.

        Raises:
            ConfigError, RunError: see :meth:`name`; or the process did not start.
        """
        name = self.name(text)
        self._path("refused", name).unlink(missing_ok=True)
        if self._answered(name) is None:
            self._wake()  # before the words are on the disk: if it fails, they never are
            data = {"text": checked(text), "weights": self.weights()}
            write_json(self._path("questions", name), data)
        return name

    def under_way(self, name: str) -> bool:
        """Whether a question waits for its answer."""
        return self._path("questions", name).exists()

    def answer(self, name: str) -> NDArray[np.float32] | None:
        """The vector (d,) of norm 1; None where it is not there yet, or was never asked for.

        Raises:
            RunError: there will be none; says why. To ask again is to try again.
        """
        found = self._answered(name)
        if found is None:
            self._raise_refused(name)
            if self.under_way(name):
                self._see_to(name)
        return found

    def waiting(self) -> list[Question]:
        """The questions that wait, for the process."""
        found = []
        for path in sorted((self.folder / "questions").glob("*.json")):
            with contextlib.suppress(ArtefactError):  # answered or given up between the look and the reading
                data = read_json(path)
                found.append(Question(path.stem, str(data["text"]), str(data["weights"])))
        return found

    def give(self, question: Question, vector: NDArray[np.float32]) -> None:
        """Keep an answer, (d,) of norm 1, and forget the words."""
        made_by: dict[str, Any] = {"run": self.run.id, "learned": question.weights}
        answer = EmbeddingSet(ids=[question.name], vectors=vector[None], modality="text", made_by=made_by)
        answer.save(self._stem(question.name))
        self._path("questions", question.name).unlink(missing_ok=True)

    def refuse(self, name: str, reason: str) -> None:
        """Leave the reason why a question has no answer, and forget the words."""
        write_json(self._path("refused", name), {"message": reason})
        self._path("questions", name).unlink(missing_ok=True)

    def _wake(self) -> None:
        if not self.state().busy:
            with contextlib.suppress(RunBusy):  # another one was faster
                self.start()

    def _see_to(self, name: str) -> None:
        """A question whose process is gone: one that ended for want of questions is started again."""
        state = self.state()
        if state.busy:
            return
        if state.done or state.state == "new":
            self._wake()
            return
        reason = self.failure() or f"The process that answers {state.words}. {state.what_to_do}"
        if self.under_way(name):
            self.refuse(name, reason.strip())
            self._raise_refused(name)

    def _raise_refused(self, name: str) -> None:
        with contextlib.suppress(ArtefactError):
            raise RunError(str(read_json(self._path("refused", name))["message"]))

    def _answered(self, name: str) -> NDArray[np.float32] | None:
        """A damaged answer counts as none: it is made again."""
        if not self._stem(name).with_suffix(".json").exists():
            return None
        try:
            return EmbeddingSet.load(self._stem(name)).vectors[0]
        except ArtefactError:
            return None

    def _make(self, kind: str) -> None:
        """Folders that their owner alone may look into."""
        for folder in (self.folder, self.folder / kind):
            folder.mkdir(mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)

    def _stem(self, name: str) -> Path:
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
    """After so many seconds without a question the process ends.

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


def list_asked() -> list[Asked]:
    """The processes of this workspace that are at work."""
    found = (Asked.of(run) for run in list_runs(archived=None))
    return [one for one in found if one.folder.is_dir() and one.state().busy]
