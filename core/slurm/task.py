"""``python -m core.slurm.task PLAN``: inside a job of Slurm, the same runner as everywhere, and what a cluster adds.

A heartbeat for others to see; a warning (SIGUSR1, some time before the limit) that makes the worker save and then puts
the job back into the queue; a request to stop that came as a file.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import types
from pathlib import Path

from core import runner
from core.endings import BUSY, STOPPED
from core.errors import ClusterError
from core.files import read_json, write_json
from core.jobs import JobState, state_of_end
from core.slurm.commands import call
from core.slurm.placing import BEAT, LAST, adopt, asked_to_stop, placement

log = logging.getLogger(__name__)

BETWEEN = 2.0
"""Seconds between two heartbeats."""


class Heart:
    """A thread that counts up in a file, and passes on a request to stop that lies beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        count, told = 0, False
        begun = os.environ.get("SLURM_RESTART_COUNT", "0")
        while True:
            count += 1
            try:
                (self.folder / BEAT).write_text(f"{begun}.{count}")
            except OSError as error:  # a full disk must not end the run: the worker says so itself
                log.warning("no heartbeat: %s", error)
            if not told and asked_to_stop(self.folder):
                told = True
                os.kill(os.getpid(), signal.SIGTERM)
            if self._over.wait(BETWEEN):
                return


class Warned:
    """Whether Slurm said that time is running out; the runner is then asked to stop as by a user."""

    def __init__(self) -> None:
        self.yes = False
        signal.signal(signal.SIGUSR1, self._note)

    def _note(self, number: int, frame: types.FrameType | None) -> None:
        self.yes = True
        log.warning("Slurm warns that its time is running out: saving")
        os.kill(os.getpid(), signal.SIGTERM)


def number() -> str:
    """The job's number as ``squeue --array`` writes it."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def work(plan: Path) -> int:
    """Do this job's part of a plan; returns the exit code for Slurm."""
    task = read_json(plan)[int(os.environ.get("SLURM_ARRAY_TASK_ID") or 0)]
    folder = Path(task["folder"])
    if not adopt(folder, number()):
        log.error("job %s: %s belongs to another job by now", number(), folder)
        return BUSY
    (folder / LAST).unlink(missing_ok=True)
    if asked_to_stop(folder):
        write_json(folder / "exit.json", {"code": STOPPED})
        return STOPPED
    share_cores(folder)
    warned, before = Warned(), saved(folder)
    with Heart(folder):
        if code := runner.run(folder, task["job"]):
            log.error("job %s: another process holds %s", number(), folder / "lock")
            return code
    ended = state_of_end(folder)
    own = placement(folder)
    if warned.yes and ended and ended.stopped and own and own.config.requeue and not asked_to_stop(folder):
        again(progress=saved(folder) != before)
    return exit_code(ended)


def share_cores(folder: Path) -> None:
    """Each process uses as many cores as Slurm gave it: it may see all of the node's."""
    own = placement(folder)
    cores = os.environ.get("SLURM_CPUS_PER_TASK")
    if own and cores:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, int(cores) // max(1, own.config.gpus))))


def saved(folder: Path) -> set[tuple[str, int]]:
    """What a job has saved in the folders of its own, such as checkpoints, each with the time of its last change."""
    return {(str(path), path.stat().st_mtime_ns) for path in folder.glob("*/*")}


def again(*, progress: bool) -> None:
    """Back into the queue: the next start goes on from the checkpoint. Without progress it would go round for ever."""
    if not progress:
        log.error("nothing was saved in the time that Slurm gave: not put back into the queue. Ask for more time")
        return
    try:
        call("scontrol", "requeue", os.environ["SLURM_JOB_ID"])
    except ClusterError as error:
        log.error("saved, but not put back into the queue: %s", error)


def exit_code(ended: JobState | None) -> int:
    """What Slurm shall think of it."""
    code = 1 if ended is None or ended.code is None else ended.code
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    sys.exit(work(Path(sys.argv[1])))
