"""One run in a list: what it is, how it stands, why it failed, and what can be done about it."""

from __future__ import annotations

import time

import streamlit as st

from core import jobs
from core.errors import FluoroscopeError
from core.runs import Run
from dashboard import clusters, selection, status
from dashboard.card_download import model_folder
from dashboard.widgets import label, plain


def card(run: Run, *, controls: bool = True) -> None:
    """A run with its state; ``controls``: with what can be done about it, and its log."""
    state = run.state()
    with st.container(border=True):
        left, right = st.columns([4, 1]) if controls else (st.container(), None)
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        put_away = " :gray-badge[archived]" if run.archived else ""
        left.markdown(f"**{plain(label(run))}** &nbsp; {status.badge(state)}{put_away} &nbsp; :small[{made}]")
        with left:
            clusters.told(run, state)
            _standing(run, state)
        if controls:
            with right:
                _button(run, state)
                _more(run, state)
            status.log(run, expanded=state.failed and not run.whole)


def _standing(run: Run, state: jobs.JobState) -> None:
    """How far it is; or why it ended, and where it goes on."""
    if state.busy:
        status.progress(run)
        if held := jobs.device_words(run.folder):
            since = jobs.seconds(run.folder)
            age = f" for {status.duration(since)}" if since is not None else ""
            st.caption(f"at work on {plain(held)}{age}")
        return
    if state.failed and not run.whole:
        st.error(status.reason(run, state))
    took = status.timings(run)
    if state.done and took:
        st.caption(f"took {took}")
    elif state.state != "new":
        words = run.goes_on()
        st.caption(f"{words[0].upper()}{words[1:]}.")


def _button(run: Run, state: jobs.JobState) -> None:
    if state.busy:
        if st.button("Stop", key=f"stop-{run.id}", icon=":material/stop_circle:", width="stretch"):
            run.stop()
            st.toast("Asked to save and stop.")
    elif not run.whole:
        words = "Start" if state.state == "new" else "Resume"
        if st.button(words, key=f"resume-{run.id}", icon=":material/replay:", width="stretch"):
            status.begin(run)


def _more(run: Run, state: jobs.JobState) -> None:
    """What is done now and then: another label, a changed copy, out of the lists and back."""
    with st.popover("More", icon=":material/more_horiz:", width="stretch"):
        st.text_input(
            "Label", run.title, key=f"label-{run.id}", on_change=_rename, args=(run,), max_chars=200,
            help="for lists and figures; its settings stay as they are",
        )  # fmt: skip
        if st.button("Duplicate with changes", key=f"copy-{run.id}", icon=":material/content_copy:", width="stretch"):
            selection.put("train-mode", "again")
            selection.put("train-from", run.id)
            st.toast("The form above holds the settings of this run.")
            st.rerun(scope="app")
        model_folder(run)
        if run.archived:
            if st.button("Bring back", key=f"restore-{run.id}", icon=":material/unarchive:", width="stretch"):
                run.restore()
                st.rerun(scope="app")
        elif st.button(
            "Archive", key=f"archive-{run.id}", icon=":material/archive:", width="stretch", disabled=state.busy,
            help="out of the lists; nothing is deleted" if not state.busy else "stop it first",
        ):  # fmt: skip
            run.archive()
            st.rerun(scope="app")


def _rename(run: Run) -> None:
    try:
        run.rename(selection.typed(f"label-{run.id}"))
    except FluoroscopeError as error:
        st.toast(plain(str(error)))
