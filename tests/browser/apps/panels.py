"""The panels that stand around the maps, alone: the query names the runs, the radiograph and the selected rows."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.recipes.base import Where
from core.recipes.space import Selection
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, finding, radiograph, selected, selection
from dashboard.widgets import guarded, study_of

st.set_page_config(layout="wide")
selection.restore()


class Caught(Selection):
    """The rows of the query instead of those inside an outline."""

    def rows(self, where: Where, study: Study) -> NDArray[np.int64]:
        named = [row for row in selection.values_of("rows") if row != "none"]
        return np.array(named, np.int64)


def draw() -> None:
    st.title("Panels", anchor=False)
    runs = [Run.load(one) for one in selection.values_of("runs")]
    study = study_of(runs)
    if not selection.values_of("rows"):
        field, below = st.container(), st.container()
        with field:
            found = finding.find(runs, study, below)
        st.caption("nothing found yet" if found is None else f"found rows {found.indices.tolist()}")
        radiograph.go_to(study)
        chosen = radiograph.row_of(study, selection.get("sample"))
        if chosen is not None:
            st.caption(f"looked at {study.samples['id'].iloc[chosen]}")
            radiograph.inspect(study, chosen, runs)
        return
    recipe = Caught(runs=(runs[0].id,), lasso=())
    if selected.selected(study, recipe.rows(cached, study), runs, recipe):
        st.caption("the selection is let go")


guarded(draw)
selection.publish()
