"""Where a launch goes, and what a card says of a job on a cluster."""

from __future__ import annotations

import typing

import streamlit as st

from core.config.slurm import SlurmConfig
from core.errors import ConfigError
from core.jobs import JobState
from core.slurm.commands import available
from core.slurm.listing import of_partitions
from core.slurm.placing import Place, placement
from core.slurm.state import node
from core.work import Work
from dashboard import selection
from dashboard.widgets import form, plain

PLACES = {"here": "This machine", "slurm": "Slurm"}
COLUMNS = (("partition", "cpus"), ("gpus", "memory"), ("time", "warning"), ("requeue", "at_once"))
"""The settings of a cluster as they stand beside each other; what is left stands below."""


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
    made, names = SlurmConfig(), list(SlurmConfig.help())
    for shown in (True, False):
        with st.container() if shown else st.expander("More of Slurm"):
            for column, own in zip(st.columns(len(COLUMNS)), COLUMNS, strict=True):
                others = tuple(one for one in names if one not in own or one in but)
                with column:
                    made = typing.cast(SlurmConfig, form(made, key=f"{key}-{shown}", main=shown, but=others))
            placed = {one for own in COLUMNS for one in own}
            made = typing.cast(SlurmConfig, form(made, key=f"{key}-{shown}", main=shown, but=(*placed, *but)))
    return made


def _partitions() -> None:
    answer = of_partitions()
    if answer.value:
        st.caption(f"Partitions: {plain(', '.join(map(str, answer.value)))}")
    if answer.trouble:
        st.warning(f"{plain(answer.trouble)}  \nA launch will be refused until it answers.")


def told(work: Work, state: JobState) -> None:
    """One line on a job of Slurm; nothing of any other."""
    own = placement(work.folder)
    if own is None or not own.id:
        return
    on = node(work.folder)
    words = f" · {state.words}" if state.running and state.words != "running" else ""
    st.caption(f"Slurm job {plain(own.id)}{f' on {plain(on)}' if on and state.busy else ''}{plain(words)}")
