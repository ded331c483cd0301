"""What Slurm says of jobs: asked in the background, kept for some seconds, so that no page waits for a controller."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from core.errors import ClusterError
from core.slurm.commands import Partition, call, partitions

T = TypeVar("T")

AGE = 3.0
"""Seconds for which an answer counts as new."""

FIRST_WAIT, LATER_WAIT = 3.0, 0.3
"""Seconds that a caller waits: who asks for the very first time, and everybody afterwards."""

FORMAT = "%i|%T|%r|%N"


@dataclass(frozen=True)
class Listed:
    """One job, or one task of an array, as Slurm tells it: state, reason of a pending one, nodes of others."""

    state: str
    reason: str = ""
    node: str = ""


def read_squeue(text: str) -> dict[str, Listed]:
    """Job number -> what ``squeue --array --noheader --format=%i|%T|%r|%N`` says of it."""
    found = {}
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) == 4 and re.fullmatch(r"\d+(_\d+)?", parts[0]):
            job, state, reason, node = parts
            found[job] = Listed(state, "" if reason == "None" else reason, node)
    return found


def read_sacct(text: str) -> Listed | None:
    """From ``sacct --noheader --parsable2 --format=State,NodeList``: its last line, which is the last start's."""
    lines = [line.split("|") for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    state, node = (*lines[-1], "")[:2]
    return Listed(state.split(" ")[0], "", "" if node == "None assigned" else node)  # "CANCELLED by 1000"


@dataclass
class Answer(Generic[T]):
    """The last answer to a question.

    Attributes:
        value: None where there was none yet.
        trouble: why the last try gave none; empty where it did.
        at: when it was asked for, by the monotonic clock; None before the first try ended.
    """

    value: T | None = None
    trouble: str = ""
    at: float | None = None


@dataclass
class Question(Generic[T]):
    """Something that is asked again and again, one asking at a time, never longer than a caller has patience."""

    ask: Callable[[], T]
    answer: Answer[T] = field(default_factory=Answer)
    tried: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event | None = None

    def get(self) -> Answer[T]:
        with self._lock:
            new = self.tried is not None and time.monotonic() - self.tried < AGE
            if self._over is None and new:
                return self.answer
            if begun := self._over is None:
                self._over = threading.Event()
                threading.Thread(target=self._work, args=(self._over,), daemon=True).start()
            over, first = self._over, self.answer.at is None
        if begun or first:
            over.wait(FIRST_WAIT if begun and first else LATER_WAIT)
        return self.answer

    def _work(self, over: threading.Event) -> None:
        now = time.monotonic()
        try:
            made = Answer(self.ask(), "", now)
        except ClusterError as error:
            made = Answer(self.answer.value, str(error), now)
        with self._lock:
            self.answer, self.tried, self._over = made, time.monotonic(), None
        over.set()


_of_users: dict[int, Question[dict[str, Listed]]] = {}
_of_old: dict[str, Question[Listed | None]] = {}


def listed(user: int) -> Answer[dict[str, Listed]]:
    """All jobs of a user that Slurm still knows (the ended ones for some minutes), by number."""
    question = _of_users.setdefault(
        user,
        Question(lambda: read_squeue(call("squeue", f"--user={user}", *_SQUEUE, env={"LC_ALL": "C"}))),
    )
    return question.get()


_SQUEUE = ("--array", "--noheader", "--states=all", f"--format={FORMAT}")


def remembered(job: str) -> Listed | None:
    """What Slurm's accounting says of a job that left the queue; None without accounting, or where it knows nothing."""
    question = _of_old.setdefault(job, Question(lambda: _accounted(job)))
    return question.get().value


def _accounted(job: str) -> Listed | None:
    words = ("--allocations", "--noheader", "--parsable2", "--format=State,NodeList", f"--jobs={job}")
    return read_sacct(call("sacct", *words, env={"LC_ALL": "C"}))


_of_partitions: list[Question[list[Partition]]] = []


def of_partitions() -> Answer[list[Partition]]:
    """The partitions that are up."""
    if not _of_partitions:
        _of_partitions.append(Question(partitions))
    return _of_partitions[0].get()


def forget() -> None:
    """Ask anew at the next look: something was just changed."""
    for question in _of_users.values():
        question.tried = None
