"""Home: what is here, how it is going, what to do next."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import first_light
from core.ablation.folder import list_ablations
from core.config.presets import preset
from core.demands import new_run
from core.runs import Run, list_runs
from core.studies.study import Study, load_studies
from dashboard import cached, selection, status
from dashboard.run_card import card
from dashboard.widgets import findings_of, guarded, header, label, plain, warn_of_broken

MOST_WAITING = 3
"""Runs that wait are named so far."""

SHOWN = 12
"""Radiographs on the contact sheet."""


def sheet(study: Study) -> None:
    """A dozen radiographs of the study, always the same ones, with their findings."""
    rows = np.random.default_rng(0).permutation(len(study))[:SHOWN]
    columns = st.columns(6)
    for place, row in enumerate(sorted(rows.tolist())):
        columns[place % 6].image(
            study.images[row], caption=findings_of(study, row), width="stretch", output_format="JPEG"
        )


def describe(study: Study) -> None:
    """One study: counts, what it is made of, radiographs."""
    facts = study.manifest
    tag = " :orange-badge[synthetic]" if study.synthetic else ""
    st.markdown(f"**{plain(facts['title'])}** · `{study.name}`{tag}")
    splits = ", ".join(f"{split} {count:,}" for split, count in facts["splits"].items())
    text = "with text" if study.has_text else "without text"
    st.caption(
        f"{facts['samples']:,} radiographs of {facts['patients']:,} patients · {splits} · {text} · "
        f"{sum(facts['set_aside'].values()):,} rows set aside · fingerprint {study.fingerprint[:8]}"
    )
    sheet(study)
    st.page_link("views/studies.py", label="What is in it, who is in it", icon=":material/photo_library:")


def results(runs: list[Run]) -> None:
    """Finished runs as a table, with the numbers that matter first."""
    rows = [row for run in runs if run.has("evaluate") and (row := _row(run))]
    if rows:
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            width="stretch",
            column_config={
                "Macro AUROC": st.column_config.NumberColumn(format="%.3f", help="mean over findings, test patients"),
                "Prompt |cos|": st.column_config.NumberColumn(
                    format="%.3f", help="mean |cosine| between disease prompts; 0 is orthogonal"
                ),
                "Took": st.column_config.TextColumn(help="seconds of each stage"),
                "Gap": st.column_config.NumberColumn(format="%.3f", help="distance between image and text means"),
            },
        )


def _row(run: Run) -> dict[str, Any]:
    data = cached.evaluation(run)
    test, space = data["test"], data["space"]
    return {
        "Run": label(run),
        "Study": run.config.study,
        "Encoder": run.config.encoder.key,
        "Preset": run.config.preset,
        "Macro AUROC": test["macro"]["auroc"]["value"] if test else None,
        "95 % interval": _interval(test["macro"]["auroc"]) if test else data["missing"]["test"],
        "Prompt |cos|": space["prompts"]["mean_abs"] if space["prompts"] else None,
        "Gap": space["gap"],
        "Took": status.timings(run),
    }


def _interval(values: dict[str, float | None]) -> str:
    low, high = values["low"], values["high"]
    return "–" if low is None or high is None else f"{low:.3f} – {high:.3f}"


def next_step(runs: list[Run]) -> None:
    """The one thing to do next."""
    done = [run for run in runs if run.has("project")]
    if not done:
        return
    presets = {run.config.preset for run in runs if run.config.study == done[0].config.study}
    st.subheader("Next", anchor=False)
    if "zero-shot" not in presets:
        st.markdown("What did training change? Run the same towers untrained, and put both side by side.")
        if st.button("Launch a zero-shot run", icon=":material/play_circle:"):
            same = done[0].config
            new_run(preset("zero-shot", study=same.study, encoder="lite").replace(encoder=same.encoder)).start()
            st.rerun()
    columns = st.columns(4)
    for column, (view, words) in zip(
        columns,
        (
            ("space", "Where do diseases lie?"),
            ("similarity", "Are their prompts apart?"),
            ("gap", "Are images far from texts?"),
            ("diseases", "Which are told apart?"),
        ),
        strict=True,
    ):
        column.page_link(f"views/{view}.py", label=words, icon=":material/arrow_forward:")


@st.fragment(run_every=1.0)
def live(seen: tuple[int, int]) -> None:
    """Runs under way; the whole page is drawn again when a study or a run is finished."""
    runs = list_runs()
    for ablation in list_ablations():
        if ablation.state().busy:
            guarded(partial(status.ablation_card, ablation, controls=False))
    for run in runs:
        if run.state().running:
            guarded(partial(card, run, controls=False))
    if waiting := [label(run) for run in runs if run.state().state == "waiting"]:
        st.caption(f"Waiting for the accelerator: {plain(', '.join(waiting[::-1][:MOST_WAITING]))}"
                   f"{f' and {len(waiting) - MOST_WAITING} more' if len(waiting) > MOST_WAITING else ''}")  # fmt: skip
    if seen != marks(runs):
        st.rerun()


def marks(runs: list[Run]) -> tuple[int, int]:
    """What the rest of the page depends on: finished studies, and runs under way."""
    return len(load_studies()), sum(run.state().busy for run in runs)


def page() -> None:
    header("Fluoroscope", "Does a model of radiographs and text really pull diseases apart, or does it only look so?")
    started = first_light.begin()
    runs = list_runs()
    if started or (any(run.state().busy for run in runs) and not load_studies()):
        st.info(
            "This workspace is empty, so a demo study is being made and a first model trained on it. Its radiographs "
            "are drawn by a program, none is of a person. The first pictures appear in half a minute.",
            icon=":material/auto_awesome:",
        )
    if any(work.state().busy for work in (*runs, *list_ablations())):
        live(marks(runs))
    next_step(runs)
    warn_of_broken()
    studies = load_studies()
    if studies:
        if any(run.has("evaluate") for run in runs):
            st.subheader("Runs", anchor=False)
            results(runs)
        st.subheader("Studies", anchor=False)
        names = [study.name for study in studies]
        chosen = names[0]
        if len(names) > 1:
            chosen = selection.one(
                "Study",
                names,
                name="study",
                always_in_url=True,
                draw=st.segmented_control,
                label_visibility="collapsed",
            )
        describe(cached.study(chosen))


page()
