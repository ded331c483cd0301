"""The panels that stand around the maps, alone: the query names the runs, the radiograph and the selected rows."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.runs import Run
from dashboard import finding, radiograph, selected, selection
from dashboard.widgets import guarded, study_of

st.set_page_config(layout="wide")
selection.restore()


def draw() -> None:
    st.title("Panels", anchor=False)
    runs = [Run.load(one) for one in selection.values_of("runs")]
    study = study_of(runs)
    if not (caught := selection.values_of("rows")):
        field, below = st.container(), st.container()
        with field:
            found = finding.find(runs, study, below)
        st.caption("nothing found yet" if found is None else f"found rows {found.indices.tolist()}")
        radiograph.go_to(study)
        chosen = radiograph.row_of(study, selection.get("sample"))
        if chosen is not None:
            st.caption(f"looked at {study.samples['id'].iloc[chosen]}")
            radiograph.inspect(study, chosen, runs)
    elif caught == ["none"]:
        selected.selected(study, np.array([], np.int64), runs)
    elif selected.selected(study, np.array(caught, np.int64), runs):
        st.caption("the selection is let go")


guarded(draw)
selection.publish()
