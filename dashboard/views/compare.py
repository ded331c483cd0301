"""Compare: which model, and what does the difference rest on?"""

from __future__ import annotations

import streamlit as st

from core.pictures.claims import claims
from core.pictures.compare import IN_POINTS, of_claims
from core.pictures.compared import POINT, scored
from core.pictures.missing import no_test
from core.recipes.compare import Comparison
from dashboard import cached
from dashboard.comparing_pictures import pictures
from dashboard.comparing_words import configured, measured, said
from dashboard.showing import present
from dashboard.widgets import header, pick_runs, study_of, theme

MOST = 4


def page() -> None:
    header("Compare", "Which model, and what does the difference rest on?")
    runs = pick_runs("evaluate", most=MOST)
    study = study_of(runs)
    if len(runs) < 2:
        st.info("Choose a second run of the same study: the first one is the reference that it is compared with.")
        return
    if reason := no_test(study):
        st.caption(reason)
    found = [scored(cached, run, study) for run in runs]
    st.subheader("What the data say", anchor=False)
    made = claims(found, study)
    said(found, made)
    if any(name in one.drawn for one in found for name in IN_POINTS):
        present(
            Comparison(runs=tuple(run.id for run in runs)),
            key="comparison",
            figure=of_claims(found, made, theme=theme()),
            help=f"To the right: better than the first run. Shaded: up to {100 * POINT:g} point counts as no "
            "difference. Filled: shown; hollow: not shown.",
        )
    configured(runs)
    measured(found, study)
    pictures(runs, study)


page()
