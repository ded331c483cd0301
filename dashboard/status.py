"""How work is going: progress, state, stop, resume and log, drawn alike wherever it is listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import streamlit as st

from core import jobs
from core.ablation.folder import Ablation
from core.errors import FluoroscopeError
from core.imported import remove_set
from core.runs import Run
from core.studies.imports import Import
from core.vectors.making import Making
from core.work import Work, duration, read_progress
from dashboard import clusters, selection
from dashboard.widgets import plain

W = TypeVar("W", bound=Work)

DOING = {
    "import": "Reading radiographs",
    "study": "Making the study",
    "features": "Passing radiographs through the frozen towers",
    "train": "Training",
    "embed": "Embedding",
    "evaluate": "Evaluating",
    "project": "Drawing the 3D map",
    "ablate": "Working off runs",
    "orthogonalise": "Training the orthogonal module",
}
UNSAID = "It ended without saying why: the end of its log is below."
COLOURS = {"finished": "green", "running": "blue", "waiting": "violet", "stopped": "orange", "not started": "gray"}


def badge(state: jobs.JobState) -> str:
    """A run's state as a coloured word; whatever is not expected is red."""
    words = state.state if state.busy else state.words
    return f":{COLOURS.get(words, 'red')}-badge[{plain(words)}]"


def progress(work: Work) -> None:
    """The stage under way with its share, rate and time to go; or the place in the queue."""
    state = work.state()
    if state.state == "waiting":
        st.caption(f":material/hourglass_empty: {state.words[0].upper()}{state.words[1:]}")
        return
    now: dict[str, Any] | None = read_progress(work.folder)["now"]
    if now is None:
        st.progress(0.0, text="Starting …")
        return
    text = DOING.get(now["stage"], now["stage"])
    if not now["total"]:
        st.progress(0.0, text=f"{text} …")
        return
    rate = now["rate"]
    left = (now["total"] - now["done"]) / rate if rate else 0.0
    st.progress(
        min(1.0, now["done"] / now["total"]),
        text=f"{text}: {now['done']:,} of {now['total']:,} {now['unit']}"
        + (f" · {rate:,.0f}/s" if rate >= 0.5 else "")
        + (f" · {duration(left)} to go" if rate else ""),
    )


def reason(work: Work, state: jobs.JobState) -> str:
    """Why work failed, and what helps."""
    return plain(work.failure() or state.what_to_do or UNSAID)


MOST_LISTED = 20


def cards(works: Sequence[W], draw: Callable[[W], None], *, name: str) -> None:
    """The newest ones, and all of them where that is wanted."""
    shown = works
    if len(works) > MOST_LISTED and not selection.switch(f"Show all {len(works):,}", name=name):
        shown = works[:MOST_LISTED]
    for work in shown:
        draw(work)


def import_card(job: Import) -> None:
    """One import: how it stands, why it failed, and what can be done about it."""
    state = job.state()
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(f"**{plain(job.id)}** · {plain(job.config.source)} &nbsp; {badge(state)}")
        if state.busy:
            progress(job)
            if right.button("Stop", key=f"stop-import-{job.id}", icon=":material/stop_circle:", width="stretch"):
                job.stop()
                st.toast("Asked to stop: what is decoded stays.")
            return
        if state.done:
            if right.button("Look at it", key=f"show-{job.id}", icon=":material/photo_library:", width="stretch"):
                selection.put("study", job.id)
                st.switch_page("views/studies.py")
            return
        if state.stopped or state.state == "new":
            st.caption("What was decoded is kept: it can go on from there.")
        else:
            st.error(reason(job, state))
        if right.button("Go on", key=f"resume-import-{job.id}", icon=":material/replay:", width="stretch"):
            begin(job)
        if right.button("Discard", key=f"discard-import-{job.id}", icon=":material/delete:", width="stretch"):
            _discard(job.discard)
        log(job)


def ablation_card(job: Ablation, *, controls: bool = True) -> None:
    """One ablation: how far it is, which run is under way, why some have no result, and what can be done about it."""
    state = job.state()
    done = sum(cell.done for cell in job.cells)
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(
            f"**{plain(job.id)}** · {plain(job.config.study)} &nbsp; {badge(state)} &nbsp; "
            f":small[{done} of {len(job.cells)} runs have a result]"
        )
        clusters.told(job)
        if state.busy:
            clusters.progress(job, done) if job.on_cluster else progress(job)
            if cell := job.under_way():
                st.caption(f"{plain(cell.label)}, seed {cell.seed}")
                progress(cell.run)
        elif state.failed:
            st.error(reason(job, state))
        if not controls:
            return
        if state.busy:
            if right.button("Stop", key=f"stop-ablation-{job.id}", icon=":material/stop_circle:", width="stretch"):
                job.stop()
                st.toast("Asked to save and stop: the runs that are done stay.")
        elif done < len(job.cells) and right.button(
            "Go on", key=f"resume-ablation-{job.id}", icon=":material/replay:", width="stretch"
        ):
            begin(job, scope="app")
        log(job)


def making_card(job: Making) -> None:
    """One set of embeddings that is not finished: how it stands, why it failed, and what can be done about it."""
    state = job.state()
    with st.container(border=True):
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(f"**{plain(job.id)}** &nbsp; {badge(state)}")
        if state.busy:
            progress(job)
            if right.button("Stop", key=f"stop-set-{job.id}", icon=":material/stop_circle:", width="stretch"):
                job.stop()
            return
        if state.failed:
            st.error(reason(job, state))
        if right.button("Start again", key=f"start-set-{job.id}", icon=":material/replay:", width="stretch"):
            begin(job)
        if right.button("Discard", key=f"discard-set-{job.id}", icon=":material/delete:", width="stretch"):
            _discard(lambda: remove_set(job.id))
        log(job)


def _discard(discard: Callable[[], None]) -> None:
    try:
        discard()
    except FluoroscopeError as error:
        st.toast(plain(str(error)), icon=":material/info:")  # it stays while the page is drawn again
    st.rerun(scope="fragment")


def begin(job: Work, scope: Literal["fragment", "app"] = "fragment") -> None:
    """Start work, or go on with it; where another page was faster, this one is told."""
    try:
        job.start()
    except FluoroscopeError as error:
        st.toast(plain(str(error)), icon=":material/info:")  # it stays while the page is drawn again
    st.rerun(scope=scope)


def log(work: Work, *, expanded: bool = False) -> None:
    with st.expander("Log", expanded=expanded):
        st.code(work.log_tail() or "Nothing yet.", language=None, wrap_lines=True)


def timings(run: Run) -> str:
    """``study 14 s, features 20 s, ...``"""
    return ", ".join(f"{part['stage']} {part['seconds']:.0f} s" for part in read_progress(run.folder)["finished"])
