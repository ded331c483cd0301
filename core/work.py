"""Work: what long work in the background shares, whatever it does: its folder, state, progress, log and failure."""

from __future__ import annotations

import os
import signal
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core import jobs
from core.errors import ArtefactError, FluoroscopeError, RunBusy, Stopped
from core.files import read_json, write_json
from core.slurm.placing import Place, output, place


@dataclass(frozen=True)
class Work:
    """A folder with the files of one supervised process."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    def state(self) -> jobs.JobState:
        return jobs.state(self.folder)

    def start(self) -> None:
        """Start, or go on, in the background.

        Raises:
            RunBusy: it is already running.
        """
        raise NotImplementedError

    def place(self, where: Place) -> None:
        """Say where it runs from its next start on.

        Raises:
            RunBusy: it is at work, or waits for its turn.
        """
        if self.state().busy:
            raise RunBusy("It is at work, or waits for its turn: stop it before it goes elsewhere, or watch it.")
        place(self.folder, where)

    def stop(self) -> bool:
        """Ask it to save and end; whether there was anything to ask."""
        return jobs.stop(self.folder)

    def fail(self, error: FluoroscopeError) -> None:
        """Leave the reason of a failure for whoever looks next."""
        write_json(self.folder / "failure.json", {"kind": type(error).__name__, "message": str(error)})

    def forget_failure(self) -> None:
        (self.folder / "failure.json").unlink(missing_ok=True)

    def failure(self) -> str | None:
        """Why it failed, in words; None where it did not, or did not say."""
        try:
            return str(read_json(self.folder / "failure.json")["message"])
        except (ArtefactError, KeyError, TypeError):
            return None

    def log_tail(self, lines: int = 40) -> str:
        """The end of the log; with what Slurm itself says of the job, where it runs there and Slurm says anything."""
        told = tail(self.folder / "log.txt", lines)
        of_slurm = tail(path, lines) if (path := output(self.folder)) else ""
        return "\n".join(part for part in (told, of_slurm) if part)


def tail(path: Path, lines: int) -> str:
    """The last lines of a text file (at most 64 kB of it are read); empty where there is none."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 65_536))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    # a progress bar draws itself anew after each carriage return: the last drawing is the one that counts
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.removesuffix("\n").split("\n")[-lines:])


class StopRequest:
    """Becomes true when the process is asked to end (SIGTERM, Ctrl-C); the work then saves and stops."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: types.FrameType | None) -> None:
        self.asked = True

    def check(self) -> None:
        """Raises Stopped where it was asked for."""
        if self.asked:
            raise Stopped


@dataclass
class StageProgress:
    """Where a stage stands, for how many seconds it has been at work, and how many units it does in a second.

    What was there before (a stage that goes on after a stop) does not count for the rate.
    """

    stage: str
    unit: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    rate: float = 0.0


class ProgressFile:
    """``progress.json``: the stage under way and the seconds that the finished ones took.

    ``silent``: nothing is written, because another process of the same work does.
    """

    def __init__(self, folder: Path, every: float = 0.4, *, silent: bool = False) -> None:
        self.path, self.every, self.silent = folder / "progress.json", every, silent
        self.finished: list[dict[str, Any]] = []
        self._written = 0.0

    @contextmanager
    def stage(self, name: str, unit: str = "steps") -> Iterator[Any]:
        """Yields a function of (done, total) that tells how far the stage is."""
        now, started = StageProgress(name, unit), time.monotonic()
        first: list[tuple[float, int]] = []

        def tell(done: int, total: int) -> None:
            if not first:
                first.append((time.monotonic(), done))
            since, before = first[0]
            now.done, now.total, now.seconds = done, total, time.monotonic() - started
            now.rate = (done - before) / max(time.monotonic() - since, 1e-9)
            if time.monotonic() - self._written >= self.every:
                self._write(now)

        self._write(now)
        yield tell
        now.seconds = time.monotonic() - started
        self.finished.append({"stage": name, "seconds": round(now.seconds, 2)})
        self._write(None)

    def _write(self, now: StageProgress | None) -> None:
        if self.silent:
            return
        write_json(self.path, {"now": asdict(now) if now else None, "finished": self.finished})
        self._written = time.monotonic()


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``"""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def read_progress(folder: Path) -> dict[str, Any]:
    """``{"now": stage or None, "finished": [...]}``; empty where nothing was written yet."""
    try:
        data: dict[str, Any] = read_json(folder / "progress.json")
        return data
    except ArtefactError:
        return {"now": None, "finished": []}
