"""Confusion matrices of a run: all diseases, one of them large with its rates, and the radiographs of a cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.metrics.cutting import Cut
from core.metrics.results import Interval
from core.metrics.thresholds import Confusion as Counts
from core.pictures import confusion as pictures
from core.pictures.diseases import cell, judge
from core.pictures.judged import Judged
from core.recipes.confusion import Confusion, ConfusionOne
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection, thresholds
from dashboard.components.plot import Report
from dashboard.kept import present_kept
from dashboard.thumbnails import thumbnails
from dashboard.widgets import findings_of, label, plain

CELLS = {(0, 0): "true negatives", (0, 1): "false positives", (1, 0): "false negatives", (1, 1): "true positives"}
STATES = {1.0: "present", 0.0: "absent"}
PAGE, WIDTH, TOGETHER = 12, 150, 3
TITLES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV", "f1": "F1"}
MEANINGS = {
    "sensitivity": "of those that have it, the share that is called present",
    "specificity": "of those that do not, the share that is called absent",
    "ppv": "of those that are called present, the share that has it; depends on how frequent the disease is here",
    "npv": "of those that are called absent, the share that does not; depends on how frequent the disease is here",
    "f1": "harmonic mean of sensitivity and PPV",
}


def confusion(runs: Sequence[Run], study: Study) -> tuple[str, str]:
    """Matrices of one of the runs at a threshold that is chosen here.

    Args:
        runs: of this study.
        study: with findings and a test split.

    Returns:
        The rule for thresholds, in a recipe's words, and the disease that is looked at.
    """
    st.subheader("Confusion", anchor=False)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        rule = thresholds.rule()
    with right:
        run = _run(runs)
    overview, noted = st.container(), st.container()
    finding = _finding(study)
    at, told = study.findings.index(finding), st.container()
    left, right = st.columns([3, 2])
    with right:  # the slider first: what it says is drawn above it, too
        thresholds.slider(finding, judge(cached, run, study, rule).thresholds[at])
    own = thresholds.own_thresholds(study)
    judged = judge(cached, run, study, rule, own)
    with overview:
        _all(run, study, rule, own)
    with noted:
        thresholds.notes(study, judged.thresholds)
    with told:
        _rates(study, judged, at)
    with right:
        _support(judged.confusion(at))
    with left:
        _one(run, rule, own, finding)
    _drill_down(study, judged, at)
    return rule, finding


def _run(runs: Sequence[Run]) -> Run:
    """Which of the runs."""
    if len(runs) == 1:
        return runs[0]
    known = {run.id: run for run in runs}
    return known[selection.one("Of run", list(known), name="confusion-run", format_func=lambda k: label(known[k]))]


def _finding(study: Study) -> str:
    """The disease that is looked at; that of the cell in an old link, where none is chosen."""
    of_cell = (selection.get("cell") or "").rsplit(".", 2)[0]
    return selection.one(
        "Disease", study.findings, name="disease", default=of_cell, format_func=display_name, width=320,
        help="Or click its matrix.",
    )  # fmt: skip


def _all(run: Run, study: Study, rule: str, own: tuple[str, ...]) -> None:
    def look(report: Report) -> None:
        if report.click is not None and isinstance(report.click.point, tuple):
            chosen, (row, column) = study.findings[report.click.curve], report.click.point[:2]
            selection.put("disease", chosen)
            put_cell(chosen, row, column)

    present_kept(
        Confusion(runs=(run.id,), rule=rule, own=own),
        key="diseases-grid",
        react=look,
        help=f"Thresholds: {Cut.read(rule).told}. Rows: what the label says; columns: what the model says. Each cell: "
        "its share of the row, its count, Wilson's 95 % interval of the share in percent. Click a cell.",
    )


def put_cell(finding: str, row: int, column: int) -> None:
    """A cell was clicked: its radiographs are shown from the first page on."""
    selection.put("cell", f"{finding}.{row}.{column}")
    selection.put("cell-page", None)


def _rates(study: Study, judged: Judged, at: int) -> None:
    """What the four counts of a disease say, each with its intervals."""
    found, over = judged.confusion(at), pictures.intervals_of(cached, study, judged, at)
    wilson = found.intervals()
    with st.container(horizontal=True):
        for name, title in TITLES.items():
            lines = [f"Wilson {ends(wilson[name])}"] if name in wilson else []
            with st.container(width=160, gap="xxsmall"):
                st.metric(title, _number(getattr(found, name)), help=MEANINGS[name])
                st.caption("  \n".join([*lines, f"Patients {ends(over[name])}"]))


def _one(run: Run, rule: str, own: tuple[str, ...], finding: str) -> None:
    """The matrix of one disease, large."""

    def look(report: Report) -> None:
        if report.click is not None and isinstance(report.click.point, tuple):
            put_cell(finding, *report.click.point[:2])

    present_kept(
        ConfusionOne(runs=(run.id,), rule=rule, own=own, disease=finding),
        key="diseases-one",
        react=look,
        help="Click a cell for its radiographs.",
    )


def _number(value: float) -> str:
    return "n=0" if np.isnan(value) else f"{value:.3f}"


def ends(found: Interval) -> str:
    """``0.71 – 0.82``, or why not."""
    return "no interval" if np.isnan(found.low) else f"{found.low:.2f} – {found.high:.2f}"


def _support(found: Counts) -> None:
    """How many there are to judge by, and which interval means what."""
    positives = found.tp + found.fn
    words = [f"**{found.n:,}** test radiographs with a known label: **{positives:,}** have it, "
             f"{found.n - positives:,} do not."]  # fmt: skip
    if found.unknown:
        words.append(f"The label of {found.unknown:,} more is unknown; they are in no cell.")
    if not positives:
        words.append("None has it: sensitivity is not defined.")
    if positives == found.n:
        words.append("All have it: specificity is not defined.")
    st.markdown(" ".join(words))
    st.caption(
        "95 % intervals. Wilson's takes radiographs as independent. Those of one patient are not: the other one is "
        "from 1,000 bootstrap replicates in which patients are drawn, and is the one to report where patients have "
        "several radiographs."
    )


def _drill_down(study: Study, judged: Judged, at: int) -> None:
    """The radiographs of the chosen cell, worst first."""
    parts = (selection.get("cell") or "").rsplit(".", 2)
    place = (_int(parts[-2]), _int(parts[-1])) if len(parts) == 3 else (-1, -1)
    if place not in CELLS:
        return
    inside = cell(judged, at, *place)
    name = plain(display_name(study.findings[at]))
    kind = CELLS[place] if len(inside) != 1 else CELLS[place].removesuffix("s")
    st.subheader(f"{name}: {len(inside):,} {kind}, worst first", anchor=False)
    gallery(study, judged.rows, inside, lambda row: f"{judged.probabilities[row, at]:.3f}", at, name="cell-page")


def gallery(
    study: Study,
    rows: NDArray[np.int64],
    inside: NDArray[np.int64],
    told: Callable[[int], str],
    at: int,
    *,
    name: str,
) -> None:
    """Some of the judged radiographs, page by page, each with what is told of it, its label and its findings.

    Args:
        study: whose.
        rows: (n,) rows of the judged radiographs in the study.
        inside: positions among them, in the order in which they are shown.
        told: Markdown of a position, such as the probability.
        at: number of the disease.
        name: of the page's number in the URL.
    """
    if not len(inside):
        st.info("No radiograph lies here.")
        return
    pages, number = -(-len(inside) // PAGE), 1
    if pages > 1:
        number = selection.page(pages, name=name)
    some = inside[(number - 1) * PAGE : number * PAGE].tolist()
    samples = rows[some].tolist()
    words = [
        f"**{told(position)}**  \nlabel: {STATES.get(float(study.labels[row, at]), 'unknown')}  \n"
        f"{findings_of(study, row)}  \n{plain(str(study.samples['id'].iloc[row]))}"
        for position, row in zip(some, samples, strict=True)
    ]
    thumbnails(study, samples, words, key=name, width=WIDTH, together=TOGETHER)


def _int(text: str) -> int:
    return int(text) if text.isdigit() else -1
