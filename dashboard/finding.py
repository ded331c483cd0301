"""Find by text: the model that looks ranks the radiographs by the words that somebody types."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.asking.questions import Asked
from core.asking.warm import LONGEST
from core.errors import FluoroscopeError
from core.metrics.neighbours import Neighbours
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name, spoken_name
from dashboard import cached, selection
from dashboard.thumbnails import thumbnails
from dashboard.widgets import findings_of, label, plain

WIDTH, TOGETHER, NAMED = 148, 6, 3
SOON = 0.25
"""Seconds that the page waits for a process that is warm, before it shows that it waits."""

EVERY = 0.4
"""Seconds between two looks for the answer of one that is not."""


def find(runs: Sequence[Run], study: Study, below: st.delta_generator.DeltaGenerator) -> Neighbours | None:
    """A field for words; elsewhere on the page the twelve nearest radiographs, and what they show.

    The words stay in this session and are on the disk only until they are answered.

    Args:
        runs: the user chooses which of them looks.
        study: of all of them.
        below: where the radiographs stand.

    Returns:
        Rows of the study (12,), nearest first, and their cosines; None while there are none.
    """
    left, right = st.columns([2, 3], vertical_alignment="bottom") if len(runs) > 1 else (st.container(), None)
    with left:
        text = selection.words(
            "Find by text", name="find", max_chars=LONGEST, placeholder="large left effusion",
            icon=":material/search:", help="The model's text tower ranks all radiographs. The words are not kept.",
        )  # fmt: skip
    run = runs[0]
    if right is not None:
        with right:
            named = {one.id: one for one in runs}
            chosen = selection.one(
                "Model that looks", list(named), name="finder", draw=st.segmented_control,
                format_func=lambda run_id: label(named[run_id]), wrap=True,
            )  # fmt: skip
            run = named[chosen]
    if not text:
        return None
    found = _ranked(run, text)
    if found is not None:
        with below:
            _results(run, study, text, found)
    return found


def _ranked(run: Run, text: str) -> Neighbours | None:
    """The nearest radiographs; else the page says what it waits for, or why there are none."""
    asked = Asked.of(run)
    try:
        name = asked.name(text)
        vector = asked.answer(name)
        if vector is None and not asked.under_way(name):
            with st.spinner("Starting the process that reads the words …"):
                asked.ask(text)
        until = time.monotonic() + SOON
        while vector is None and asked.warm and time.monotonic() < until:
            time.sleep(0.01)
            vector = asked.answer(name)
    except FluoroscopeError as error:
        st.error(plain(str(error)))
        if st.button("Ask again", icon=":material/refresh:", key="find-again"):
            asked.ask(text)
            st.rerun()
        return None
    if vector is None:
        _wait(asked, name, label(run))
        return None
    return cached.found(run, name, vector)


@st.fragment(run_every=EVERY)
def _wait(asked: Asked, name: str, who: str) -> None:
    """Says how far it is; when there is an answer, or none will come, the page is drawn anew."""
    try:
        over = asked.answer(name) is not None or not asked.under_way(name)
    except FluoroscopeError:
        over = True
    if over:
        st.rerun()
    with st.status(f"{plain(who)}: {asked.state().words}", state="running", type="compact", expanded=True):
        st.caption("The first words after a pause take about ten seconds, the next ones a tenth of one.")


def _results(run: Run, study: Study, text: str, found: Neighbours) -> None:
    rows = found.indices.tolist()
    st.markdown(f"**Nearest to “{plain(text)}” in the space of {plain(label(run))}** (by cosine, of {len(study):,})")
    if warning := _doubt(run):
        st.caption(f":material/info: {warning}")
    if study.findings:
        st.caption(" · ".join(_share(study, rows, at) for at in _worth_counting(study, rows, text)))
    words = [
        f"{cosine:+.3f}" + (f" · {findings_of(study, row)}" if study.findings else "")
        for row, cosine in zip(rows, found.cosines.tolist(), strict=True)
    ]
    thumbnails(study, rows, words, key=f"find-{run.id}", width=WIDTH, together=TOGETHER)


def _doubt(run: Run) -> str:
    """Why this model's answer may mean little."""
    config = run.config
    if config.head.kind == "disease-tokens":
        return "This model was trained on its disease prompts alone: what it makes of other words is a guess."
    if config.head.kind == "none" and not config.encoder.aligned and not config.tuning.learns:
        return "The towers of this model were never trained together: its ranking is at chance."
    return ""


def _worth_counting(study: Study, rows: Sequence[int], text: str) -> list[int]:
    """The findings that the words name; where they name none, the most frequent ones of these radiographs."""
    typed = set(re.findall(r"[^\W_]+", text.lower()))
    named = [
        at for at, name in enumerate(study.findings)
        if typed & {word for word in spoken_name(name).lower().split() if len(word) > 3 and word != "pleural"}
    ]  # fmt: skip
    if named:
        return named
    counts = np.nansum(study.labels[rows], axis=0)
    return [int(at) for at in np.argsort(-counts, kind="stable")[:NAMED] if counts[at] > 0]


def _share(study: Study, rows: Sequence[int], at: int) -> str:
    """How many of these radiographs have a finding, and how many of all."""
    own, all_ = study.labels[rows, at], study.labels[:, at]
    name = plain(display_name(study.findings[at]))
    if np.isnan(own).all():
        return f"{name}: not known of these"
    known = f"{np.nansum(own):.0f} of {np.isfinite(own).sum()}"
    return f"**{name}: {known}** (of all {np.nanmean(all_):.1%})"
