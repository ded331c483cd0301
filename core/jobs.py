"""Start, stop and watch a background process through files alone.

``python -m core.jobs FOLDER`` is the runner: it holds ``FOLDER/lock`` (the worker inherits it), starts the command in
``job.json``, and writes ``exit.json`` when it ends. No process needs to remember another: a restarted app, a second
app and the command line all read the same state.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from core.errors import ArtefactError, RunBusy, RunError
from core.files import read_json, write_json
from core.workspace import ROOT

BUSY, STOPPED = 75, 85
"""Exit codes: somebody else holds the lock; stopped on request after saving (can be resumed)."""

GRACE = 30.0
"""Seconds between asking a worker to stop and killing its process tree."""

State = Literal["new", "running", "exited", "lost"]


@dataclass(frozen=True)
class JobState:
    """What the files say: ``exited`` carries the return code (negative: killed by that signal)."""

    state: State
    code: int | None = None

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def done(self) -> bool:
        return self.state == "exited" and self.code == 0

    @property
    def words(self) -> str:
        """The state as a user reads it."""
        if self.state == "exited":
            return _exit_words(self.code or 0)
        return {"new": "not started", "running": "running", "lost": "lost: its process is gone"}[self.state]


def _exit_words(code: int) -> str:
    if code in (0, STOPPED, -signal.SIGTERM):
        return "finished" if code == 0 else "stopped"
    if code == -signal.SIGKILL:
        return "killed (signal 9), possibly out of memory"
    return f"killed by signal {-code}" if code < 0 else "failed"


def state(folder: Path) -> JobState:
    """Lock held: running; else what ``exit.json`` says; else lost (or never started)."""
    if _locked(folder / "lock"):
        return JobState("running")
    try:
        return JobState("exited", int(read_json(folder / "exit.json")["code"]))
    except (ArtefactError, KeyError, TypeError, ValueError):
        return JobState("lost" if (folder / "process.json").exists() else "new")


def start(folder: Path, arguments: list[str], *, wait: float = 20.0) -> None:
    """Start ``python ARGUMENTS`` in the background, its output in ``folder/log.txt``.

    Args:
        folder: of the job; made if need be.
        arguments: after the interpreter, such as ``["-m", "scripts.run", "--resume", ID]``; never through a shell.
        wait: seconds to wait until the runner has the lock.

    Raises:
        RunBusy: a process is already at work in this folder.
        RunError: the runner did not come up.
    """
    if _locked(folder / "lock"):
        raise RunBusy("A process is already at work on this; stop it first, or watch it.")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "job.json", {"arguments": arguments})
    runner = subprocess.Popen(
        [sys.executable, "-m", "core.jobs", str(folder)],
        cwd=ROOT,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if (code := runner.poll()) == BUSY:
            raise RunBusy("Another start was faster: a process is already at work on this.")
        if code is not None or _process_of(folder, "runner") == runner.pid:
            return
        time.sleep(0.02)
    raise RunError(f"The background process did not start within {wait:.0f} s; see {folder.name}/log.txt.")


def stop(folder: Path) -> bool:
    """Ask the job to save and end; its tree is killed after a grace period. Returns whether anything was asked."""
    for role in ("runner", "worker"):
        pid = _process_of(folder, role)
        if pid is not None:
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
    return {"pid": pid, "created": psutil.Process(pid).create_time()}


def _process_of(folder: Path, role: str) -> int | None:
    """The pid of a live process of this job; never a stranger's that got the same number."""
    try:
        data = read_json(folder / "process.json")
        if data["host"] != socket.gethostname() or data["boot"] != _boot_id():
            return None
        own = data[role]
        process = psutil.Process(own["pid"])
        alive = abs(process.create_time() - own["created"]) < 1 and process.status() != psutil.STATUS_ZOMBIE
        return int(own["pid"]) if alive else None
    except (ArtefactError, psutil.Error, KeyError, TypeError):
        return None


def run(folder: Path) -> int:
    """The runner: hold the lock, run the worker, write down how it ended. Returns the exit code for this process."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return BUSY
    asked: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(time.monotonic()))
    (folder / "exit.json").unlink(missing_ok=True)
    arguments = read_json(folder / "job.json")["arguments"]
    with (folder / "log.txt").open("ab", buffering=0) as log:
        worker = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
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
    code = _wait(worker, asked)
    write_json(folder / "exit.json", {"code": code})
    return 0


def _wait(worker: subprocess.Popen[bytes], asked: list[float]) -> int:
    """Wait for the worker; pass a request to stop on, and kill the tree when the grace period is over."""
    told = False
    while True:
        try:
            return worker.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if asked and not told:
                worker.terminate()
                told = True
            if asked and time.monotonic() - asked[0] > GRACE:
                _kill_tree(worker.pid)


def _kill_tree(pid: int) -> None:
    try:
        process = psutil.Process(pid)
        for one in [*process.children(recursive=True), process]:
            one.kill()
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
