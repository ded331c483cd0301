"""Maps of where runs look: kept ones at once, others from a process that stays warm."""

from __future__ import annotations

import time
from collections.abc import Sequence

import streamlit as st

from core.attention.looked import Looked
from core.attention.maps import Look, Saliency
from core.errors import FluoroscopeError
from core.runs import Run
from dashboard.widgets import label, plain

SOON = 0.6
"""Seconds that the page waits for processes that are warm, before it shows that it waits."""

EVERY = 0.5
"""Seconds between two looks for the map of one that is not."""

Pair = tuple[Looked, Look]


def maps_of(runs: Sequence[Run], looks: Sequence[Look], *, at_once: bool) -> list[tuple[Run, Saliency]]:
    """The maps that are there; the page says what the others wait for, or why there are none.

    Args:
        runs: the runs.
        looks: what is wanted of each.
        at_once: ask those that have no process yet, too, without a click: starting one takes seconds and memory.
    """
    pairs = [(Looked.of(run), look) for run, look in zip(runs, looks, strict=True)]
    cold = [pair for pair in pairs if _needs_a_start(pair)]
    if cold and not at_once:
        _offer(cold)
    else:
        for looked, look in cold:
            _ask(looked, look)
    for looked, look in pairs:
        if (looked, look) not in cold:
            _ask(looked, look)
    _wait_a_moment(pairs)
    found, waiting = [], []
    for run, (looked, look) in zip(runs, pairs, strict=True):
        made = _answer(looked, look)
        if made is not None:
            found.append((run, made))
        elif looked.under_way(look.name):
            waiting.append((looked, look))
    if waiting:
        _wait(waiting)
    return found


def _needs_a_start(pair: Pair) -> bool:
    looked, look = pair
    return looked.kept(look.name) is None and not looked.under_way(look.name) and not looked.state().busy


def _ask(looked: Looked, look: Look) -> None:
    """Ask where it was not asked, and was not refused, before."""
    try:
        if looked.answer(look) is None and not looked.under_way(look.name):
            looked.ask(look)
    except FluoroscopeError:
        return  # the answer is that error: it is shown where the map would be


def _offer(cold: Sequence[Pair]) -> None:
    who = ", ".join(plain(label(looked.run)) for looked, _ in cold)
    with st.container(border=True):
        st.markdown(f"**{who}**: no map of this radiograph is kept.")
        if st.button("Show where it looks" if len(cold) == 1 else "Show where they look", type="primary",
                     icon=":material/visibility:", key="attention-ask"):  # fmt: skip
            for looked, look in cold:
                looked.ask(look)
            st.rerun()
        st.caption("A process loads the image tower, which takes about ten seconds; maps then follow at once.")


def _wait_a_moment(pairs: Sequence[Pair]) -> None:
    until = time.monotonic() + SOON
    while time.monotonic() < until and any(looked.under_way(look.name) and looked.warm for looked, look in pairs):
        time.sleep(0.02)


def _answer(looked: Looked, look: Look) -> Saliency | None:
    """The map; where there will be none, the page says why."""
    try:
        return looked.answer(look)
    except FluoroscopeError as error:
        st.error(f"{plain(label(looked.run))}: {plain(str(error))}")
        if st.button("Ask again", icon=":material/refresh:", key=f"attention-again-{looked.run.id}"):
            looked.ask(look)
            st.rerun()
        return None


@st.fragment(run_every=EVERY)
def _wait(waiting: Sequence[Pair]) -> None:
    """Says how far they are; when there is a map, or none will come, the page is drawn anew."""
    for looked, look in waiting:
        try:
            over = looked.answer(look) is not None or not looked.under_way(look.name)
        except FluoroscopeError:
            over = True
        if over:
            st.rerun()
        words = f"{plain(label(looked.run))}: {looked.state().words}"
        with st.status(words, state="running", type="compact", expanded=True):
            st.caption("The first map after a pause takes about ten seconds, the next ones less than one.")
