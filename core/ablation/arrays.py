"""An ablation on a cluster: one array of jobs, a run of the grid in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.endings import STOPPED
from core.errors import RunBusy, RunError
from core.files import write_json
from core.jobs import JobState
from core.runs import Run
from core.slurm.placing import STOP, asked_to_stop, placement
from core.slurm.submitting import Task, cancel, submit_array

if TYPE_CHECKING:
    from core.ablation.folder import Ablation, Cell


def start(ablation: Ablation) -> None:
    """Hand every run that is not done over, as one array; a run goes on from its checkpoint.

    Raises:
        RunBusy: some are at work, or wait in Slurm.
        ClusterError: Slurm refuses them.
        RunError: all are done.
    """
    own = placement(ablation.folder)
    wanted = [cell for cell in ablation.cells if not cell.done]
    if own is None or not wanted:
        raise RunError(f"All runs of ablation {ablation.id!r} are done: `python -m scripts.ablate show {ablation.id}`.")
    if ablation.state().busy:
        raise RunBusy(f"Ablation {ablation.id!r} is at work in Slurm: stop it first, or watch it.")
    ablation.forget_failure()
    for cell in wanted:
        if not cell.begun:
            Run.create(cell.config, cell.run.id)
    submit_array(ablation.folder, own.config, [Task(cell.run.folder, cell.run.arguments()) for cell in wanted])


def state(cells: Sequence[Cell]) -> JobState:
    """Of all runs together: at work while one is; else how those ended that have no result."""
    states = [JobState("exited", 0) if cell.done else cell.run.state() for cell in cells]
    at_work = sum(one.state == "running" for one in states)
    waiting = [one for one in states if one.state == "waiting"]
    if at_work:
        told = f"running: {at_work} at work, {len(waiting)} waiting in Slurm" if waiting else "running"
        return JobState("running", told=told)
    if waiting:
        return JobState("waiting", told=waiting[0].words)
    if all(one.done for one in states):
        return JobState("exited", 0)
    if all(one.state == "new" for one in states):
        return JobState("new")
    if all(one.done or one.stopped or one.state == "new" for one in states):
        return JobState("exited", STOPPED)
    return JobState("exited", 1)


def stop(ablation: Ablation) -> bool:
    """Ask the runs at work to save and end, and take those that wait out of the queue."""
    own = placement(ablation.folder)
    busy = [cell.run for cell in ablation.cells if not cell.done and cell.run.state().busy]
    in_array = [run for run in busy if own and (at := placement(run.folder)) and at.id.startswith(f"{own.id}_")]
    again = any(asked_to_stop(run.folder) for run in in_array)
    for run in busy:
        if run not in in_array:
            run.stop()  # it was started alone, here or as a job of its own
        else:
            write_json(run.folder / STOP, {"ablation": ablation.id})
    if own and in_array and again:
        cancel([own.id])
    elif own and in_array:
        cancel(["--state=PENDING", own.id], ["--state=RUNNING", "--batch", "--signal=TERM", own.id])
    return bool(busy)
