"""Do models point at boxes? The pointing game of each run: started, followed, and shown beside its baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.attention.boxed import Boxed, Result
from core.errors import FluoroscopeError
from core.metrics.pointing import Summary
from core.pictures.attention import boxed_findings
from core.recipes.attention import Pointing
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, status
from dashboard.showing import present
from dashboard.widgets import label, plain

EVERY = 0.7
"""Seconds between two looks at a game that is being played."""

HELP = (
    "A hit: the highest place of the map lies in a box of that disease. Compare it with both marks: a point drawn at "
    "random (the area in boxes), and one that always lies in the middle."
)


def pointing(runs: Sequence[Run], study: Study) -> None:
    """The section of the page."""
    st.subheader("Do they point at boxes?", anchor=False)
    if not boxed_findings(study):
        st.info(
            f"Study {plain(study.name)} has no boxes, so nothing can be pointed at. NIH marks 8 findings in 880 "
            "radiographs: lay `BBox_List_2017.csv` beside the table, and import the study again.",
            icon=":material/crop_free:",
        )
        return
    played = [run for run in runs if _of(run, study) is not None]
    if len({_rows(run) for run in played}) > 1:
        st.warning("These runs were asked over different radiographs. Ask them over the same to compare them.")
    elif played:
        _numbers(played)
        present(Pointing(runs=tuple(run.id for run in played)), key="attention-pointing", help=HELP)
        _table(played, study)


def _of(run: Run, study: Study) -> Result | None:
    """What a run's game found; else the page offers to play it, or says how far it is."""
    boxed, found = Boxed.of(run), cached.pointing(run)
    state = boxed.state()
    if state.busy:
        _follow(boxed)
    elif found is None:
        with st.container(horizontal=True, vertical_alignment="center"):
            count = boxed_findings(study, boxed.part())
            if state.failed:
                st.error(f"{plain(label(run))}: {plain(state.words)}. {status.reason(boxed, state)}")
            elif state.stopped:
                st.caption(f"{plain(label(run))}: stopped; the maps that were made are kept.")
            if st.button(f"Ask {plain(label(run))} over {count:,} boxed findings", key=f"boxes-{run.id}",
                         icon=":material/play_arrow:"):  # fmt: skip
                _begin(boxed)
    return found


def _begin(boxed: Boxed) -> None:
    try:
        boxed.start()
    except FluoroscopeError as error:
        st.toast(plain(str(error)), icon=":material/info:")
    st.rerun()


@st.fragment(run_every=EVERY)
def _follow(boxed: Boxed) -> None:
    """How far it is; when it ends the page is drawn anew."""
    if not boxed.state().busy:
        st.rerun()
    st.caption(f"{plain(label(boxed.run))}, on the CPU; this page may be closed.")
    status.progress(boxed)
    if st.button("Stop", key=f"boxes-stop-{boxed.run.id}", icon=":material/stop:"):
        boxed.stop()


def _rows(run: Run) -> str:
    found = cached.pointing(run)
    return found.rows if found else ""


def _numbers(runs: Sequence[Run]) -> None:
    """The number that matters, of each run, with its interval and its baselines."""
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        found = cached.pointing(run)
        if found is None:
            continue
        own = found.overall()
        with column:
            st.metric(plain(label(run)), _percent(own.rate.value), help="hit rate over all boxed findings")
            words = (
                f"95 % interval {_percent(own.rate.low)} – {_percent(own.rate.high)} · by chance {_percent(own.area)}"
            )
            words += f" · middle {_percent(own.centre)} · n = {own.n:,}, {found.rows}"
            st.caption(words + (f" · {own.empty:,} empty maps" if own.empty else ""))


def _table(runs: Sequence[Run], study: Study) -> None:
    with st.expander("Numbers"):
        lines = []
        for run in runs:
            found = cached.pointing(run)
            assert found is not None, "only runs that were asked are listed"
            each = [(display_name(name), own) for name, own in found.by_finding(study.findings).items()]
            lines += [_line(run, name, own) for name, own in [*each, ("All", found.overall())]]
        st.dataframe(pd.DataFrame(lines), hide_index=True, width="stretch")
        st.caption(
            "Intervals take radiographs as independent (Wilson). An empty map, which nothing raises, never hits. Share "
            "in boxes: how much of the map's sum lies in the boxes, over maps that are not empty; by chance it is the "
            "area."
        )


def _line(run: Run, name: str, own: Summary) -> dict[str, object]:
    return {
        "Run": label(run), "Disease": name, "n": own.n, "Hits": own.hits, "Hit rate": _percent(own.rate.value),
        "95 % interval": f"{_percent(own.rate.low)} – {_percent(own.rate.high)}", "By chance": _percent(own.area),
        "Middle": _percent(own.centre), "Share in boxes": _percent(own.inside), "Empty maps": own.empty,
    }  # fmt: skip


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.1%}"
