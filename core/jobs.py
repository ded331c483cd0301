"""Start, stop and watch a background process through files alone.

``python -m core.jobs FOLDER JOB`` is the runner: it holds ``FOLDER/lock`` (the worker inherits it), keeps JOB as
``job.json``, starts its command, and writes ``exit.json`` when it ends. No process needs to remember another: a
restarted app, a second app and the command line all read the same state.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from core.errors import ArtefactError, RunBusy, RunError
from core.files import read_json, write_json
from core.workspace import ROOT, home

BUSY, STOPPED = 75, 85
"""Exit codes: somebody else holds the lock; stopped on request after saving (can be resumed)."""

GRACE = 30.0
"""Seconds between asking a worker to stop and killing its process tree."""

WORKER_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait give their core away: spinning, two busy processes slow each other down threefold (measured)."""

State = Literal["new", "running", "exited", "lost"]


@dataclass(frozen=True)
class JobState:
    """What the files say: ``exited`` carries the return code (negative: killed by that signal).

    ``forced``: it was asked to stop, did not within the grace period, and was killed by its runner.
    """

    state: State
    code: int | None = None
    forced: bool = False

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def done(self) -> bool:
        return self.state == "exited" and self.code == 0

    @property
    def stopped(self) -> bool:
        """It ended because it was asked to, and can be resumed (SIGTERM itself: it came before it could listen)."""
        return self.forced or (self.state == "exited" and self.code in (STOPPED, -signal.SIGTERM))

    @property
    def words(self) -> str:
        """The state as a user reads it."""
        if self.forced:
            return "stopped by force: it did not end when it was asked to"
        if self.stopped:
            return "stopped"
        if self.state == "exited":
            return _exit_words(self.code or 0)
        return {"new": "not started", "running": "running", "lost": "lost: its process is gone"}[self.state]


def _exit_words(code: int) -> str:
    if code == 0:
        return "finished"
    if code == -signal.SIGKILL:
        return "killed (signal 9), possibly out of memory"
    return f"killed by signal {-code}" if code < 0 else "failed"


def state(folder: Path) -> JobState:
    """Lock held: running; else what ``exit.json`` says; else lost (or never started)."""
    if _locked(folder / "lock"):
        return JobState("running")
    try:
        ended = read_json(folder / "exit.json")
        return JobState("exited", int(ended["code"]), forced=bool(ended.get("forced")))
    except (ArtefactError, AttributeError, KeyError, TypeError, ValueError):
        return JobState("lost" if (folder / "process.json").exists() else "new")


def start(folder: Path, arguments: list[str], *, wait: float = 20.0, grace: float = GRACE) -> None:
    """Start ``python ARGUMENTS`` in the background, its output in ``folder/log.txt``.

    Args:
        folder: of the job; made if need be.
        arguments: after the interpreter, such as ``["-m", "scripts.run", "--resume", ID]``; never through a shell.
        wait: seconds to wait until the runner has the lock.
        grace: seconds between a request to stop and the killing of the worker's process tree.

    Raises:
        RunBusy: a process is already at work in this folder.
        RunError: the runner did not come up.
    """
    if _locked(folder / "lock"):
        raise RunBusy("A process is already at work on this; stop it first, or watch it.")
    folder.mkdir(parents=True, exist_ok=True)
    job = json.dumps({"arguments": arguments, "grace": grace})  # the runner writes it down once it has the lock
    runner = subprocess.Popen(
        [sys.executable, "-m", "core.jobs", str(folder.absolute()), job],
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
        if code not in (None, 0):
            raise RunError(f"The background process ended at once (exit code {code}): is the disk full?")
        if code == 0 or _process_of(folder, "runner") == runner.pid:
            threading.Thread(target=runner.wait, daemon=True).start()  # leaves no zombie in an app that runs for days
            return
        time.sleep(0.02)
    raise RunError(f"The background process did not start within {wait:.0f} s; see {folder.name}/log.txt.")


def stop(folder: Path) -> bool:
    """Ask the job to save and end; its tree is killed after a grace period. Returns whether anything was asked."""
    for role in ("runner", "worker"):
        pid = _process_of(folder, role)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended between the look and the signal
                os.kill(pid, signal.SIGTERM)
                return True
    return False


def _locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))


def _identity(pid: int) -> dict[str, Any]:
    return {"pid": pid, "born": _born(pid)}


def _born(pid: int) -> float:
    """When a process started, on a clock that nobody sets: ticks since boot (else psutil's seconds since 1970).

    Raises:
        psutil.NoSuchProcess: there is none of that number.
    """
    try:  # the second field is the program's name in brackets and may hold anything, brackets too
        return float(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return psutil.Process(pid).create_time()


def _process_of(folder: Path, role: str) -> int | None:
    """The pid of a live process of this job; never a stranger's that got the same number."""
    try:
        data = read_json(folder / "process.json")
        if data["host"] != socket.gethostname() or data["boot"] != _boot_id():
            return None
        own = data[role]
        pid = int(own["pid"])
        same = _born(pid) == own["born"] and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        return pid if same else None
    except (ArtefactError, psutil.Error, KeyError, TypeError, ValueError):
        return None


def run(folder: Path, job: dict[str, Any]) -> int:
    """The runner: hold the lock, run the worker, write down how it ended. Returns the exit code for this process."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return BUSY
    asked: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(time.monotonic()))
    (folder / "exit.json").unlink(missing_ok=True)
    write_json(folder / "job.json", job)
    with (folder / "log.txt").open("ab", buffering=0) as log:
        worker = subprocess.Popen(
            [sys.executable, *job["arguments"]],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            env={**WORKER_ENVIRONMENT, **os.environ, "PYTHONUNBUFFERED": "1"},
        )
    write_json(
        folder / "process.json",
        {
            "host": socket.gethostname(),
            "boot": _boot_id(),
            "runner": _identity(os.getpid()),
            "worker": _identity(worker.pid),
        },
    )
    write_json(folder / "exit.json", _wait(worker, asked, job["grace"]))
    return 0


def _wait(worker: subprocess.Popen[bytes], asked: list[float], grace: float) -> dict[str, Any]:
    """Wait for the worker; pass a request to stop on, and kill the tree when the grace period is over."""
    told = forced = False
    while True:
        try:
            code = worker.wait(timeout=0.2)
            return {"code": code, "forced": forced and code == -signal.SIGKILL}
        except subprocess.TimeoutExpired:
            if asked and not told:
                worker.terminate()
                told = True
            if asked and time.monotonic() - asked[0] > grace:
                forced = True
                _kill_tree(worker.pid)


def _kill_tree(pid: int) -> None:
    """The worker first, so that it starts no more children; each child even where another one just ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), json.loads(sys.argv[2])))
