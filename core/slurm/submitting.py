"""Handing jobs to Slurm, and stopping them there."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from core import jobs
from core.config.slurm import SlurmConfig
from core.errors import ClusterError, RunBusy
from core.files import write_json
from core.slurm import listing
from core.slurm.commands import call, partitions
from core.slurm.options import words
from core.slurm.placing import BEAT, FILE, LAST, PLAN, STOP, Placement, asked_to_stop, placement
from core.slurm.state import look
from core.slurm.words import PENDING
from core.workspace import home

log = logging.getLogger(__name__)

HANDING_OVER = 30.0
"""Seconds that sbatch may take."""


@dataclass(frozen=True)
class Task:
    """One job for the runner: its folder, the arguments of its interpreter, and its grace period in seconds."""

    folder: Path
    arguments: list[str]
    grace: float = jobs.GRACE

    def to_json(self) -> dict[str, Any]:
        job = {"arguments": self.arguments, "grace": self.grace, "accelerators": 0}  # Slurm gives it accelerators
        return {"folder": str(self.folder.absolute()), "job": job}


def submit(task: Task) -> None:
    """Hand one job over, with the settings of its folder.

    Raises:
        RunBusy: it is at work, or waits for its turn.
        ClusterError: Slurm refuses it, with the reason; nothing was changed.
    """
    own = placement(task.folder)
    if own is None:
        raise ClusterError(f"{FILE} of {task.folder.name} cannot be read: say again where it is to run.")
    _submit(task.folder, own.config, [task], array=False)


def submit_array(folder: Path, config: SlurmConfig, tasks: Sequence[Task]) -> None:
    """Hand jobs over as one array, of which so many work at once as the settings say.

    Args:
        folder: of the work that they belong to; its own number is that of the array.
        config: what each asks for.
        tasks: one or more.

    Raises:
        RunBusy, ClusterError: see :func:`submit`.
    """
    _submit(folder, config, tasks, array=True)


def _submit(folder: Path, config: SlurmConfig, tasks: Sequence[Task], *, array: bool) -> None:
    with FileLock(folder / ".slurm.lock"):
        if any(jobs.state(task.folder).busy for task in tasks):
            raise RunBusy("A process is already at work on this, or waits in Slurm; stop it first, or watch it.")
        folders = dict.fromkeys([folder, *(task.folder for task in tasks)])
        restore = [_set_aside(one, config) for one in folders]
        write_json(folder / PLAN, [task.to_json() for task in tasks])
        try:
            number = _hand_over(folder, config, len(tasks) if array else None)
        except ClusterError:
            for undo in restore:
                undo()
            raise
        own = {task.folder: f"{number}_{place}" for place, task in enumerate(tasks)} if array else {}
        for one in folders:
            Placement(config, own.get(one, number), os.getuid()).write(one)
    listing.forget()


def _set_aside(folder: Path, config: SlurmConfig) -> Callable[[], None]:
    """Forget how an earlier start ended; returns what brings it back."""
    kept = {path: path.read_bytes() for name in (FILE, "exit.json") if (path := folder / name).exists()}
    for name in ("exit.json", "process.json", STOP, LAST, BEAT):
        (folder / name).unlink(missing_ok=True)
    Placement(config).write(folder)

    def undo() -> None:
        for path, content in kept.items():
            path.write_bytes(content)

    return undo


def _hand_over(folder: Path, config: SlurmConfig, tasks: int | None) -> str:
    """The job's number."""
    command = words(config, folder.name[:40], folder.absolute(), (folder / PLAN).absolute(), tasks)
    try:
        said = call(*command, env={"FLUOROSCOPE_HOME": str(home())}, patience=HANDING_OVER)
    except ClusterError as error:
        raise ClusterError(f"Slurm does not take this. {error}.{_there()}") from error
    number = said.strip().partition(";")[0]
    if not number.isdecimal():
        raise ClusterError(f"sbatch answered {said[:200]!r} and no job number: see `squeue --me`.")
    return number


def _there() -> str:
    """The partitions, as the end of a message; nothing where Slurm does not tell."""
    try:
        return f" Its partitions: {', '.join(map(str, partitions()))}."
    except ClusterError:
        return ""


def stop(folder: Path) -> bool:
    """Ask a job to save and end; a second time, Slurm ends it after its own grace period. Returns at once.

    A file says so, too: a job that begins, or cannot be reached through Slurm, finds it there.
    """
    own = placement(folder)
    if own is None or not own.id or not jobs.state(folder).busy:
        return False
    again = asked_to_stop(folder)
    write_json(folder / STOP, {"id": own.id})
    found, _ = look(folder, own)
    if again or (found and found.state in PENDING):
        cancel([own.id])
    else:
        cancel(["--batch", "--signal=TERM", own.id])
    return True


def cancel(*commands: Sequence[str]) -> None:
    """``scancel`` with these words, in the background: it may take as long as a controller is away."""

    def work() -> None:
        for own in commands:
            try:
                call("scancel", *own)
            except ClusterError as error:
                log.warning("%s", error)
        listing.forget()

    threading.Thread(target=work).start()
