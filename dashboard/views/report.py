"""Report: which figures go into the paper?"""

from __future__ import annotations

import functools

import streamlit as st

from core.errors import ConfigError, FluoroscopeError
from core.figures.export import chromium_available
from core.report.entry import Entry
from core.report.folder import FIRST, Report, list_reports
from core.work import read_progress
from dashboard import cached, selection, status
from dashboard.components.plot import Report as Done
from dashboard.showing import show
from dashboard.widgets import header, plain

EVERY = 0.7
"""Seconds between two looks at a report that is being made."""

INSIDE = (
    "In the ZIP: each figure as SVG, PDF and PNG, one and two columns wide (89 and 183 mm), and as HTML; its numbers "
    "as CSV; its specification, and the command that makes it again; a draft of the methods; settings, seeds and "
    "versions of every run."
)


def choose() -> Report:
    """Which report is looked at, and goes on growing."""
    names = [one.id for one in list_reports()] or [FIRST]
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        name = selection.one("Report", names, name="report", always_in_url=len(names) > 1)
    with right, st.popover("New report", icon=":material/add:"):
        wanted = st.text_input("Name", key="report-new", help="a-z, 0-9, '.', '-', '_'").strip()
        st.button("Begin", disabled=not wanted, on_click=functools.partial(begin, wanted))
    return Report.named(name)


def begin(name: str) -> None:
    """An empty report, into which figures go from now on."""
    try:
        Report.named(name).begin()
    except ConfigError as error:
        st.toast(plain(str(error)))
        return
    selection.put("report", name)


def files(report: Report) -> None:
    """Make the ZIP, watch it being made, take it."""
    state = report.state()
    if state.busy:
        under_way(report)
        return
    if state.failed:
        st.error(status.reason(report, state))
        status.log(report, expanded=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        words = "Make the files again" if report.archive.is_file() else "Make the files"
        if st.button(words, icon=":material/folder_zip:", type="secondary" if report.current else "primary"):
            try:
                report.start()
            except FluoroscopeError as error:
                st.error(plain(str(error)))
            else:
                st.rerun()
        if report.archive.is_file():
            st.download_button(
                "Download the ZIP",
                data=report.archive.read_bytes,
                file_name=f"fluoroscope_{report.id}.zip",
                mime="application/zip",
                icon=":material/download:",
                type="primary" if report.current else "secondary",
                on_click="ignore",
            )
            if not report.current:
                st.caption("The figures changed since it was made.")
    st.caption(INSIDE)
    if not chromium_available():
        st.warning(
            "SVG, PDF and PNG need Chromium (`apt-get install chromium fonts-dejavu-core`): without it the ZIP has "
            "HTML and CSV."
        )


@st.fragment(run_every=EVERY)
def under_way(report: Report) -> None:
    """How far it is; when it ends, the page is drawn anew."""
    if not report.state().busy:
        st.rerun()
    if read_progress(report.folder)["now"] is not None:
        status.progress(report)
    else:
        st.progress(0.0, text="Starting …")
    if st.button("Stop", icon=":material/stop:"):
        report.stop()


def figure(report: Report, number: int, entry: Entry, count: int) -> None:
    """One figure as it will be, its words, and its place."""
    with st.container(border=True):
        words, up, down, out = st.columns([12, 1, 1, 1], vertical_alignment="center")
        words.markdown(f"**Figure {number}: {plain(entry.recipe.title)}**")
        up.button("", icon=":material/arrow_upward:", key=f"up-{entry.key}", help="Forward", disabled=number == 1,
                  on_click=report.move, args=(entry.key, -1))  # fmt: skip
        down.button("", icon=":material/arrow_downward:", key=f"down-{entry.key}", help="Back",
                    disabled=number == count, on_click=report.move, args=(entry.key, 1))  # fmt: skip
        out.button("", icon=":material/delete:", key=f"out-{entry.key}", help="Take it out",
                   on_click=report.remove, args=(entry.key,))  # fmt: skip
        try:
            if selection.switch("Show it", name=f"shown-{entry.key}", default=count <= SHOWN):
                drawn(report, entry)
            st.caption(plain(f"{entry.recipe.alt(cached)}; {entry.recipe.of(cached)}."))
        except FluoroscopeError as error:
            st.error(f"It cannot be drawn any more, and will be missing: {plain(str(error))}")
            return
        st.text_input(
            "Caption", entry.caption, key=f"caption-{entry.key}", placeholder="What it shows, in your words",
            on_change=_describe, args=(report, entry.key),
        )  # fmt: skip


def drawn(report: Report, entry: Entry) -> None:
    """The figure; a scene can be turned."""
    made = entry.draw(cached)
    turnable = bool(made.layout.scene.to_plotly_json())
    show(
        made,
        key=f"entry-{entry.key}",
        alt=entry.recipe.alt(cached),
        name=entry.recipe.name(cached),
        turns=turnable,
        react=functools.partial(turned, report, entry.key) if turnable else None,
        help="Turn it: the files show it as you leave it." if turnable else "",
        csv=functools.partial(entry.recipe.csv, cached),
    )


def turned(report: Report, key: str, done: Done) -> None:
    """From where a scene is seen goes into the files."""
    if done.camera is not None:
        report.turn(key, done.camera)


SHOWN = 6
"""Figures of a report that are drawn at once; of more only those that somebody wants to see."""


def _describe(report: Report, key: str) -> None:
    report.describe(key, selection.typed(f"caption-{key}"))


def page() -> None:
    header("Report", "Which figures go into the paper, and how did they come about?")
    report = choose()
    for reason in report.unreadable():
        st.warning(f"A figure of this report cannot be read, and stays in its file: {plain(reason)}")
    entries = report.entries()
    if not entries:
        st.info(
            "Nothing is in this report yet. Below every figure of the other views stands *Add to report*: it comes "
            "here as you see it.",
            icon=":material/article:",
        )
        return
    files(report)
    for number, entry in enumerate(entries, 1):
        figure(report, number, entry, len(entries))


page()
