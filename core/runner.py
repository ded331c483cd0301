"""``python -m core.runner FOLDER JOB``: the process that holds a job's lock and starts its worker.

It keeps JOB as ``job.json``, waits for the accelerators that the job asks for, starts the worker, which inherits the
locks of folder and accelerators, and writes ``exit.json`` when it ends. Killing the runner alone frees nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core.endings import BUSY, NO_ROOM, NO_ROOM_CODE, STOPPED, MemoryKills
from core.files import sync_folder, write_json
from core.processes import here, hold, identity, kill_tree
from core.waiting import Granted, Ticket
from core.workspace import ROOT

LOOK = 0.2
"""Seconds between two looks at the worker, or at the queue."""

WORKER_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads that wait give their core away: spinning, two busy processes slow each other down threefold (measured)."""

RESERVE = ".exit.reserve"
"""A file of the size of ``exit.json``: how a worker ended can be written down on a disk that it has filled."""


def run(folder: Path, job: dict[str, Any]) -> int:
    """Hold the lock, wait for the accelerators, run the worker, write down how it ended. Returns the exit code."""
    lock = hold(folder / "lock")
    if lock is None:
        return BUSY
    asked: list[float] = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(time.monotonic()))
    for of_another_start in ("exit.json", "failure.json"):
        (folder / of_another_start).unlink(missing_ok=True)
    (folder / RESERVE).write_bytes(b" " * 4096)
    write_json(folder / "job.json", job)
    granted = _granted(folder, int(job.get("accelerators", 0)), asked)
    if granted is None:
        _tell_end(folder, {"code": STOPPED})
        return 0
    worker = _started(folder, job["arguments"], lock, granted)
    _tell_end(folder, _wait(worker, asked, job["grace"]))
    return 0


def _started(folder: Path, arguments: list[str], lock: int, granted: Granted) -> subprocess.Popen[bytes]:
    with (folder / "log.txt").open("ab", buffering=0) as log:
        worker = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[lock, *granted.handles],
            env={**WORKER_ENVIRONMENT, **os.environ, "PYTHONUNBUFFERED": "1", **granted.environment},
        )
    try:
        _tell_process(folder, worker=identity(worker.pid), accelerators=granted.names)
    except OSError:  # nobody could stop a worker that nobody knows
        kill_tree(worker.pid)
        worker.wait()
        raise
    return worker


def _granted(folder: Path, wanted: int, asked: list[float]) -> Granted | None:
    """The accelerators, when it is this job's turn; None where it was asked to stop before."""
    if not wanted:
        return Granted()
    ticket = Ticket.draw(wanted)
    told = False
    while not asked:
        if granted := ticket.take():
            return granted
        if not told:
            _tell_process(folder, ticket=ticket.number)
            told = True
        time.sleep(LOOK)
    ticket.give_up()
    return None


def _tell_process(folder: Path, **more: Any) -> None:
    write_json(folder / "process.json", {**here(), "runner": identity(os.getpid()), **more})


def _tell_end(folder: Path, how: dict[str, Any]) -> None:
    try:
        write_json(folder / "exit.json", how)
        (folder / RESERVE).unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        with (folder / RESERVE).open("r+b") as stream:  # its blocks are there already: nothing grows
            stream.write(json.dumps(how).encode().ljust(4096))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(folder / RESERVE, folder / "exit.json")
        sync_folder(folder)


def _wait(worker: subprocess.Popen[bytes], asked: list[float], grace: float) -> dict[str, Any]:
    """Wait for the worker; pass a request to stop on, and kill the tree when the grace period is over."""
    told = forced = False
    kills = MemoryKills()
    while True:
        try:
            code = worker.wait(timeout=LOOK)
            killed = code == -signal.SIGKILL
            memory = killed and not forced and kills.just_now()
            return {"code": code, "forced": forced and killed, "memory": memory}
        except subprocess.TimeoutExpired:
            kills.look()
            if asked and not told:
                worker.terminate()
                told = True
            if asked and time.monotonic() - asked[0] > grace:
                forced = True
                kill_tree(worker.pid)


def main() -> int:
    try:
        return run(Path(sys.argv[1]), json.loads(sys.argv[2]))
    except OSError as error:
        if error.errno in NO_ROOM:
            return NO_ROOM_CODE
        raise


if __name__ == "__main__":
    sys.exit(main())
