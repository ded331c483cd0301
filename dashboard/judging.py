"""Judging a finished run on any study, or with other prompts, in the Train view."""

from __future__ import annotations

import typing

import streamlit as st

from core.config.run import PromptConfig, RunConfig
from core.demands import on_another_study
from core.errors import FluoroscopeError
from core.runs import list_runs
from core.studies.study import load_studies
from dashboard import selection
from dashboard.widgets import form, label, plain


def judged() -> RunConfig | None:
    """The settings of a run that takes what another has learned; None where there is nothing to judge yet."""
    runs = {run.id: run for run in list_runs() if run.has("embed")}
    names = [study.name for study in load_studies()]
    if not runs or not names:
        st.info("No run has finished its embed stage yet: train one first.", icon=":material/hourglass_empty:")
        return None
    left, right = st.columns(2)
    with left:
        run = runs[
            selection.one(
                "Run", list(runs), name="judge-run", always_in_url=True, format_func=lambda one: label(runs[one])
            )
        ]
    with right:
        study = selection.one(
            "Study", names, name="judge-study", always_in_url=True, help="its own, with other prompts, or any other"
        )
    st.caption(
        "Nothing is trained: towers and head are those of the run. A head made for the findings of its study is asked "
        "for these; those that the other study lacks are unknown there. Patients it was trained on are refused."
    )
    try:
        config = on_another_study(run, study)
        with st.expander("Prompts"):
            prompts = typing.cast(PromptConfig, form(config.prompts, key=f"judge-{run.id}-{study}", main=False))
        return config.replace(prompts=prompts)
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return None
