"""What a run calls present where it misses a disease, and the radiographs of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.metrics.cutting import Cut
from core.metrics.mistaken import missed_as
from core.pictures import scores as pictures
from core.pictures.diseases import judge
from core.pictures.judged import Judged
from core.pictures.scores_words import missed_sentence
from core.recipes.scores import MistakenFor
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.components.plot import Report
from dashboard.matrices import gallery
from dashboard.showing import present
from dashboard.widgets import label, plain

NAME = "missed-as"


def missed(runs: Sequence[Run], study: Study, rule: str, own: tuple[str, ...], at: int) -> None:
    """The heatmap of one of the runs; a click on a cell shows its radiographs.

    Args:
        runs: of this study.
        study: with findings and a test split.
        rule, own: where probabilities are cut, in a recipe's words.
        at: number of the disease that is looked at.
    """
    known = {run.id: run for run in runs}
    run = runs[0]
    if len(runs) > 1:
        run = known[
            selection.one("Misses of run", list(known), name="missed-run", format_func=lambda key: label(known[key]))
        ]
    judged = judge(cached, run, study, rule, own)
    names = [display_name(name) for name in study.findings]
    st.markdown(plain(missed_sentence(names, pictures.mistaken_of(judged), at)))

    def look(report: Report) -> None:
        if report.click is not None and isinstance(report.click.point, tuple):
            row, column = report.click.point[:2]
            if row != column:
                selection.put(NAME, f"{study.findings[row]}.{study.findings[column]}")
                selection.put(f"{NAME}-page", None)

    present(
        MistakenFor(runs=(run.id,), rule=rule, own=own), key="diseases-mistaken-for", react=look,
        help=f"Thresholds: {Cut.read(rule, own).told}. Each row: the radiographs in which a disease is missed (n). "
        "Each cell: the share of them in which another one is called; colour: percentage points over or under its "
        "share among all test radiographs. Rows of few misses say little. Click a cell for its radiographs.",
    )  # fmt: skip
    _drill_down(study, judged)


def _drill_down(study: Study, judged: Judged) -> None:
    """The radiographs of the chosen cell, the surest call first."""
    parts = (selection.get(NAME) or "").split(".")
    if len(parts) != 2 or not set(parts) <= set(study.findings):
        return
    row, column = (study.findings.index(name) for name in parts)
    inside = missed_as(judged.labels, pictures.calls(judged), row, column)
    inside = inside[np.argsort(-judged.probabilities[inside, column], kind="stable")]
    one, other = (display_name(name) for name in parts)
    st.markdown(f"**{plain(one)} missed, {plain(other)} called: {len(inside):,}**, surest first")

    def told(position: int) -> str:
        first, second = judged.probabilities[position, [row, column]]
        return f"{plain(one)} {first:.3f} · {plain(other)} {second:.3f}"

    gallery(study, judged.rows, inside, told, row, name=f"{NAME}-page")
