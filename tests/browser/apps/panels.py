"""Find by text alone, with what the Space view puts around it: the query names the runs."""

from __future__ import annotations

import streamlit as st

from core.runs import Run
from dashboard import finding, selection
from dashboard.widgets import guarded, study_of

st.set_page_config(layout="wide")
selection.restore()


def draw() -> None:
    st.title("Panels", anchor=False)
    runs = [Run.load(one) for one in selection.values_of("runs")]
    study = study_of(runs)
    found = finding.find(runs, study)
    st.caption("nothing found yet" if found is None else f"found rows {found.indices.tolist()}")
    if chosen := selection.get("sample"):
        st.caption(f"looked at {chosen}")


guarded(draw)
selection.publish()
