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
from dashboard.card_form import choose_model, settings_with
from dashboard.widgets import form, label, plain

SOURCES = {"run": "A run of this workspace", "folder": "A model folder"}


def judged() -> RunConfig | None:
    """The settings of a run that takes what another has learned; None where there is nothing to judge yet."""
    names = [study.name for study in load_studies()]
    if not names:
        st.info("There is no study to judge on yet: import one first.", icon=":material/hourglass_empty:")
        return None
    source = selection.one(
        "What is judged", list(SOURCES), name="judge-what", draw=st.segmented_control, format_func=SOURCES.get
    )
    try:
        config = _of_folder(names) if source == "folder" else _of_run(names)
        if config is None:
            return None
        with st.expander("Prompts"):
            key = f"judge-{config.start_from}-{config.study}"
            prompts = typing.cast(PromptConfig, form(config.prompts, key=key, main=False))
        return config.replace(prompts=prompts)
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        return None


def _of_run(names: list[str]) -> RunConfig | None:
    runs = {run.id: run for run in list_runs() if run.has("embed")}
    if not runs:
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
        study = _study(names)
    st.caption(
        "Nothing is trained: towers and head are those of the run. A head made for the findings of its study is asked "
        "for these; those that the other study lacks are unknown there. Patients it was trained on are refused."
    )
    return on_another_study(run, study)


def _of_folder(names: list[str]) -> RunConfig | None:
    left, right = st.columns(2)
    with left:
        model = choose_model()
    with right:
        study = _study(names)
    return settings_with(model, study) if model else None


def _study(names: list[str]) -> str:
    return selection.one(
        "Study", names, name="judge-study", always_in_url=True, help="its own, with other prompts, or any other"
    )
