"""Start, stop and watch a background process through files alone.

A process of its own (:mod:`core.runner`) holds ``FOLDER/lock`` and starts the worker, which inherits it. No process
needs to remember another: a restarted app, a second app and the command line all read the same state.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core import endings, waiting
from core.endings import BUSY, NO_ROOM_CODE, STOPPED
from core.errors import ArtefactError, RunBusy, RunError
from core.files import read_json
from core.processes import age, locked, process_of, told
from core.workspace import ROOT, home

GRACE = 30.0
"""Seconds between asking a worker to stop and killing its process tree."""

ON_CLUSTER = "slurm.json"
"""The file in a job's folder that says that Slurm runs it."""

State = Literal["new", "waiting", "running", "exited", "lost"]


@dataclass(frozen=True)
class JobState:
    """What the files say: ``exited`` carries the return code (negative: killed by that signal).

    Attributes:
        state: ``waiting``: its folder is locked, and its worker starts when accelerators are free.
        code: of a worker that ended.
        forced: it was asked to stop, did not within the grace period, and was killed by its runner.
        memory: it was killed, and the kernel says that it was for memory.
        before: how many wait for the same accelerators and come first.
        told: what a cluster says of it, in words; empty: the words are made from the rest.
    """

    state: State
    code: int | None = None
    forced: bool = False
    memory: bool = False
    before: int = 0
    told: str = ""

    @property
    def running(self) -> bool:
        """Its worker is at work."""
        return self.state == "running"

    @property
    def busy(self) -> bool:
        """It has a process: it is at work, or waits for an accelerator. Nobody else may start it or change it."""
        return self.state in ("running", "waiting")

    @property
    def done(self) -> bool:
        return self.state == "exited" and self.code == 0

    @property
    def stopped(self) -> bool:
        """It ended because it was asked to, and can be resumed (SIGTERM itself: it came before it could listen)."""
        return self.forced or (self.state == "exited" and self.code in (STOPPED, -signal.SIGTERM))

    @property
    def failed(self) -> bool:
        """It ended, and neither well nor because it was asked to."""
        return self.state in ("exited", "lost") and not self.done and not self.stopped

    @property
    def words(self) -> str:
        """The state as a user reads it."""
        if self.told:
            return self.told
        if self.forced:
            return "stopped by force: it did not end when it was asked to"
        if self.state == "exited":
            return endings.in_words(self.code or 0, memory=self.memory)
        if self.state == "waiting":
            return f"waiting for the accelerator: {f'{self.before} before it' if self.before else 'next in line'}"
        return {"new": "not started", "running": "running", "lost": "lost: its process is gone"}[self.state]

    @property
    def what_to_do(self) -> str:
        """Why it failed and what helps, where the state alone tells; else empty."""
        if self.state == "lost" and self.told:
            return "Go on: it continues from its last checkpoint."
        if self.state == "lost":
            return "Its process is gone without a word: the machine was restarted, or somebody killed it. Go on."
        return "" if self.code is None or not self.failed else endings.what_to_do(self.code, memory=self.memory)


def state(folder: Path) -> JobState:
    """Lock held: running, or waiting; else what ``exit.json`` says; else lost (or never started).

    Of a job on a cluster :mod:`core.slurm.state` knows more.
    """
    if (folder / ON_CLUSTER).exists():
        from core.slurm.state import state as on_cluster

        return on_cluster(folder, state_of_end(folder))
    if locked(folder / "lock"):
        return _waiting(folder) or JobState("running")
    return state_of_end(folder) or JobState("lost" if (folder / "process.json").exists() else "new")


def state_of_end(folder: Path) -> JobState | None:
    """What ``exit.json`` says; None without one."""
    try:
        ended = read_json(folder / "exit.json")
        code, forced, memory = int(ended["code"]), bool(ended.get("forced")), bool(ended.get("memory"))
        return JobState("exited", code, forced=forced, memory=memory)
    except (ArtefactError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _waiting(folder: Path) -> JobState | None:
    try:
        data = read_json(folder / "process.json")
        if "worker" in data:
            return None
        return JobState("waiting", before=waiting.before(waiting.queue_of(str(data["host"])), int(data["ticket"])))
    except (ArtefactError, KeyError, TypeError, ValueError):
        return None


def accelerators_of(folder: Path) -> list[str]:
    """The accelerators that a job has, or had when it was last at work here."""
    names = told(folder).get("accelerators")
    return list(map(str, names)) if isinstance(names, list) else []


def device_words(folder: Path) -> str:
    """Its accelerators as a user reads them: of a GPU's long name the beginning, which no other one shares."""
    return ", ".join(name[:12] for name in accelerators_of(folder))


def seconds(folder: Path) -> float | None:
    """For how long a job that is busy has been at work, or has waited; by a clock that nobody sets.

    None where that cannot be known: it is at work on another machine.
    """
    data = told(folder)
    own = data.get("worker") or data.get("runner")
    return age(float(own["born"])) if isinstance(own, dict) and own.get("born") is not None else None


def start(
    folder: Path, arguments: list[str], *, wait: float = 20.0, grace: float = GRACE, accelerators: int = 0
) -> None:
    """Start ``python ARGUMENTS`` in the background, its output in ``folder/log.txt``.

    Args:
        folder: of the job; made if need be.
        arguments: after the interpreter, such as ``["-m", "scripts.run", "--resume", ID]``; never through a shell.
        wait: seconds to wait until the runner has the lock.
        grace: seconds between a request to stop and the killing of the worker's process tree.
        accelerators: how many it needs for itself; it waits until it has them. A job that starts others, and waits
            for them, must ask for none.

    Raises:
        RunBusy: a process is already at work in this folder, or waits in it.
        RunError: the runner did not come up, or there are fewer accelerators.
        NoRoom: the disk is full.
        ConfigError: ``FLUOROSCOPE_SLOTS`` is no number.
    """
    if (folder / ON_CLUSTER).exists():
        from core.slurm.submitting import Task, submit

        submit(Task(folder, arguments, grace))
        return
    if locked(folder / "lock"):
        raise RunBusy("A process is already at work on this; stop it first, or watch it.")
    if accelerators:
        waiting.refuse(accelerators)
    folder.mkdir(parents=True, exist_ok=True)
    job = {"arguments": arguments, "grace": grace, "accelerators": accelerators}
    runner = subprocess.Popen(  # it writes the job down once it has the lock
        [sys.executable, "-m", "core.runner", str(folder.absolute()), json.dumps(job)],
        cwd=ROOT,
        env={**os.environ, "FLUOROSCOPE_HOME": str(home())},  # a relative path would mean another place from ROOT
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if (code := runner.poll()) == BUSY:
            raise RunBusy("Another start was faster: a process is already at work on this.")
        if code == NO_ROOM_CODE:
            raise endings.no_room()
        if code not in (None, 0):
            raise RunError(f"The background process ended at once (exit code {code}): may {folder} be written to?")
        if code == 0 or process_of(folder, "runner") == runner.pid:
            threading.Thread(target=runner.wait, daemon=True).start()  # leaves no zombie in an app that runs for days
            return
        time.sleep(0.02)
    raise RunError(f"The background process did not start within {wait:.0f} s; see {folder.name}/log.txt.")


def stop(folder: Path) -> bool:
    """Ask the job to save and end; its tree is killed after a grace period. Returns whether anything was asked."""
    if (folder / ON_CLUSTER).exists():
        from core.slurm.submitting import stop as stop_on_cluster

        return stop_on_cluster(folder)
    for role in ("runner", "worker"):
        pid = process_of(folder, role)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended between the look and the signal
                os.kill(pid, signal.SIGTERM)
                return True
    return False
