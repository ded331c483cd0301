"""Is a disease missed more often in some people? Gaps between subgroups, as in CheXclusion."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.errors import RunError
from core.pictures.scores_words import gap_sentence
from core.pictures.scoring import ATTRIBUTES
from core.recipes.scores import Subgroups
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.showing import present
from dashboard.widgets import label, plain

MEASURES = {"gap": "True-positive-rate gap", "auroc": "AUROC"}
HELP = {
    "gap": "The gap of a subgroup: its true-positive rate (TPR) minus the other's, or minus the median of all where "
    "there are more than two (CheXclusion, 2021), at the best F1 of validation. Intervals: reweighted test patients "
    "(Bayesian bootstrap); not corrected for how many there are.",
    "auroc": "Within each subgroup. Intervals: DeLong with patients as clusters; none where every pair is in order or "
    "one patient alone has the disease.",
}


def people(runs: Sequence[Run], study: Study) -> None:
    """Subgroups by sex, age or view.

    Args:
        runs: of this study.
        study: with findings and a test split.
    """
    left, right = st.columns(2)
    with left:
        by = selection.one(
            "Subgroups by", list(ATTRIBUTES), name="subgroups", draw=st.segmented_control, format_func=ATTRIBUTES.get
        )
    with right:
        measure = selection.one(
            "Measure", list(MEASURES), name="subgroup-measure", draw=st.segmented_control, format_func=MEASURES.get
        )
    found = [cached.gaps(run, study, by) for run in runs]
    if found[0].left_out:
        st.caption(f"{ATTRIBUTES[by]} is not known of {found[0].left_out:,} test radiographs: left out.")
    if measure == "gap" and found[0].names:
        names = [display_name(name) for name in study.findings]
        for run, gaps in zip(runs, found, strict=True):
            st.markdown(f"**{plain(label(run))}**: {plain(gap_sentence(names, gaps))}")
    try:
        present(
            Subgroups(runs=tuple(run.id for run in runs), by=by, measure=measure), key=f"diseases-{by}-{measure}",
            help=HELP[measure],
        )  # fmt: skip
    except RunError as error:
        st.info(plain(str(error)))
        return
    with st.expander("Numbers"):
        st.dataframe(_table(runs, study, by), hide_index=True, width="stretch", placeholder="–")


def _table(runs: Sequence[Run], study: Study, by: str) -> pd.DataFrame:
    rows = []
    for run in runs:
        found = cached.gaps(run, study, by)
        for group, name in enumerate(found.names):
            for at, disease in enumerate(study.findings):
                rows.append(
                    {
                        "Disease": display_name(disease), "Subgroup": name, "Run": label(run),
                        "Positives": int(found.positives[group, at]), "True-positive rate": found.rate[group, at],
                        "95 % from": found.rate_low[group, at], "to": found.rate_high[group, at],
                        "Gap": found.gap[group, at], "gap from": found.gap_low[group, at],
                        "gap to": found.gap_high[group, at], "AUROC": found.auroc[group, at],
                        "AUROC from": found.auroc_low[group, at], "AUROC to": found.auroc_high[group, at],
                    }
                )  # fmt: skip
    return pd.DataFrame(rows).sort_values("Disease", kind="stable").round(3)
