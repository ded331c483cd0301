"""Where a launch goes, and what a card says of a job on a cluster."""

from __future__ import annotations

import typing

import streamlit as st

from core.ablation.folder import Ablation
from core.config.slurm import SlurmConfig
from core.errors import ConfigError
from core.jobs import JobState
from core.slurm.commands import available
from core.slurm.listing import of_partitions
from core.slurm.placing import Place, asked_to_stop, placement
from core.slurm.state import last_known
from core.slurm.words import ENDINGS
from core.work import Work
from dashboard import selection
from dashboard.widgets import form, plain

PLACES = {"here": "This machine", "slurm": "Slurm"}
ROWS = (("partition", "gpus", "cpus", "time"), ("requeue",))
MORE = (("memory", "warning", "at_once"), ("extra",))
"""The settings of a cluster as they stand beside each other."""

TITLES = {
    "gpus": "GPUs",
    "cpus": "CPU cores",
    "time": "Time limit",
    "requeue": "Goes on by itself after preemption, a lost node or the time limit",
    "memory": "Memory in GB",
    "warning": "Seconds of warning",
    "at_once": "Runs at once",
    "extra": "More options of sbatch",
}


def where(name: str, *, but: tuple[str, ...] = ()) -> Place | None:
    """Where a launch is to go: here, or to Slurm, which is offered where its commands are.

    Args:
        name: of the page, for what is kept of the choice.
        but: settings of :class:`SlurmConfig` that this page does not ask for.

    Returns:
        None where something is not allowed; the page says what.
    """
    if not available():
        return "here"
    chosen = selection.one(
        "Where",
        list(PLACES),
        name=f"{name}-where",
        draw=st.segmented_control,
        format_func=PLACES.get,
        help="on a cluster it waits for its turn, and goes on after preemption; this page may be closed",
    )
    if chosen == "here":
        return "here"
    with st.container(border=True):
        try:
            made = _demands(f"{name}-slurm", but)
        except ConfigError as error:
            st.error(plain(str(error)))
            made = None
        _partitions()
    return made


def _demands(key: str, but: tuple[str, ...]) -> SlurmConfig:
    """What is asked of Slurm."""
    made = SlurmConfig()
    for rows, place in ((ROWS, st.container()), (MORE, st.expander("More for Slurm"))):
        for row in rows:
            shown = [name for name in row if name not in but]
            for column, name in zip(place.columns(len(shown)), shown, strict=True):
                with column:
                    made = _field(made, name, key)
    return made


def _field(made: SlurmConfig, name: str, key: str) -> SlurmConfig:
    others = tuple(one for one in SlurmConfig.help() if one != name)
    title = TITLES.get(name, "{}")
    return typing.cast(SlurmConfig, form(made, key=key, main=name in (*ROWS[0], *ROWS[1]), but=others, titles=title))


def _partitions() -> None:
    answer = of_partitions()
    if answer.value:
        st.caption(f"Partitions: {plain(', '.join(map(str, answer.value)))}")
    if answer.trouble:
        st.warning(f"{plain(answer.trouble)}  \nA launch will be refused until it answers.")


def told(work: Work, state: JobState | None = None) -> None:
    """One line on a job of Slurm, with what its state has to say beyond one word; nothing of any other."""
    own = placement(work.folder)
    if own is None or not own.id:
        return
    last = last_known(work.folder)
    told = [f"Slurm job {own.id}"]
    if state and state.busy and last and last.node:
        told[0] += f" on {last.node}"
    if state and state.running and state.words != "running":
        told.append(state.words)
    if state and state.stopped and last and last.state in ENDINGS and not asked_to_stop(work.folder):
        told.append(ENDINGS[last.state])
    st.caption(plain(" · ".join(told)))


def progress(job: Ablation, done: int) -> None:
    """How many runs of an ablation are done, and what the others are about: each is a job of its own."""
    words = job.state().words.partition(": ")[2] or "at work in Slurm"
    st.progress(done / len(job.cells), text=plain(f"{words[0].upper()}{words[1:]}"))
