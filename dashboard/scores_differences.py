"""AUROC of the first run minus each other: a sentence, a forest plot and a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.pictures import scores as pictures
from core.pictures.scores_words import diseases_sentence, macro_sentence
from core.recipes.scores import AurocDifference
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached
from dashboard.showing import present
from dashboard.widgets import label, plain


def differences(runs: Sequence[Run], study: Study) -> None:
    """The first run minus each other one.

    Args:
        runs: of this study; with one alone the page says what to do.
        study: with findings and a test split.
    """
    if len(runs) < 2:
        st.info("A difference needs a second run: choose one above, beside this one.")
        return
    names = [display_name(name) for name in study.findings]
    for other in runs[1:]:
        st.markdown(f"**{plain(label(runs[0]))}** minus **{plain(label(other))}**")
        macro = pictures.macro_differences(cached, runs[0], other, study)
        said = [macro_sentence(title, macro[name]) for name, title in pictures.MACRO.items()]
        said.append(diseases_sentence(names, cached.auroc_differences(runs[0], other, study)))
        st.markdown(plain("\n".join(said)))
    present(
        AurocDifference(runs=tuple(run.id for run in runs)), key="diseases-auroc-difference",
        help="Diseases: DeLong with patients as clusters (Obuchowski, 1997); filled: larger than chance, p < 0.05 "
        "after Holm's correction over the diseases of a pair of runs. Means: resampled test patients, not corrected. "
        "The models are as they are trained; other seeds are not in it.",
    )  # fmt: skip
    st.dataframe(_table(runs, study), hide_index=True, width="stretch", placeholder="–")


def _table(runs: Sequence[Run], study: Study) -> pd.DataFrame:
    """AUROC in percent, differences in percentage points."""
    rows = []
    for other in runs[1:]:
        for name, one in zip(study.findings, cached.auroc_differences(runs[0], other, study), strict=True):
            rows.append(
                {
                    "Disease": display_name(name), "Minus": label(other), "n with": one.n_positive,
                    "First": 100 * one.first, "Other": 100 * one.second, "Points": 100 * one.value,
                    "95 % from": 100 * one.low, "to": 100 * one.high, "p": _p(one.p), "p (Holm)": _p(one.p_holm),
                    "Beyond chance": None if np.isnan(one.p) else "yes" if one.beyond_chance else "no",
                }
            )  # fmt: skip
    table = pd.DataFrame(rows).round(1)
    return table.drop(columns="Minus") if len(runs) == 2 else table


def _p(value: float) -> str | None:
    if np.isnan(value):
        return None
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"
