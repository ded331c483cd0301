"""Diseases: which ones are told apart, and which radiographs are missed?"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import RunError
from core.pictures import diseases as pictures
from core.pictures import zero_shot as zero_shot_pictures
from core.pictures.diseases import Judged
from core.pictures.missing import no_scores
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.components.plot import Report
from dashboard.showing import show
from dashboard.widgets import findings_of, header, label, pick_runs, plain, study_of, theme

RULES = {"f1": "Best F1", "youden": "Youden's J", "fixed": "0.5", "own": "One value …"}
CELLS = {(0, 0): "true negatives", (0, 1): "false positives", (1, 0): "false negatives", (1, 1): "true positives"}
PAGE = 12


def intervals(runs: list[Run], study: Study) -> None:
    """AUROC per disease with its interval, all runs side by side."""
    reports = [cached.evaluation(run)["test"] for run in runs]
    for column, run, report in zip(st.columns(len(runs)), runs, reports, strict=True):
        with column:
            st.markdown(f"**{plain(label(run))}**")
            macro = report["macro"]["auroc"]
            first, second = st.columns(2)
            first.metric("Macro AUROC", _number(macro["value"]), help="over the findings with both classes")
            first.caption(_interval(macro, report["n_patients"]))
            second.metric(
                "Mean squared error", _number(report["overall_mse"]), help="of the probabilities; lower is better"
            )
            if reason := cached.evaluation(run).get("missing", {}).get("auroc"):
                st.info(reason)
    published = not study.synthetic and selection.switch("Published values on NIH ChestX-ray14", name="published")
    show(
        pictures.intervals(cached, runs, study, published=published, theme=theme()),
        key="diseases-auroc",
        alt="AUROC of each disease with its 95 % interval",
        name=("auroc", *(run.title for run in runs)),
        help="Bars: 95 % intervals from a bootstrap over test patients. No dot: one class only.",
    )


def _interval(macro: dict[str, float | None], patients: int) -> str:
    if macro["low"] is None:
        return "No 95 % interval: there is only one patient." if patients < 2 else "No 95 % interval."
    return f"95 % interval {_number(macro['low'])} – {_number(macro['high'])}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def zero_shot(run: Run, study: Study) -> None:
    """What prompts tell without labels: positive, against negative, negative alone, and each template by itself."""
    try:
        found = zero_shot_pictures.scores_of(cached, run, study)
    except RunError as error:
        st.info(plain(str(error)))
        return
    for column, (kind, words) in zip(st.columns(3), zero_shot_pictures.KINDS.items(), strict=True):
        name, _, meaning = words.partition(": ")
        column.metric(name, _number(found[kind]["macro"]["value"]), help=f"macro AUROC: {meaning}")
        column.caption(_interval(found[kind]["macro"], cached.evaluation(run)["test"]["n_patients"]))
    show(
        zero_shot_pictures.prompts(cached, run, study, theme=theme()),
        key="diseases-zero-shot",
        alt=f"Zero-shot AUROC of each disease by {run.title}",
        name=("zero-shot", run.title),
        help=zero_shot_pictures.in_words(found),
    )


def matrices(run: Run, study: Study, judged: Judged) -> None:
    """One confusion matrix per disease; a click on a cell shows its radiographs."""

    def look(report: Report) -> None:
        if report.click is not None and isinstance(report.click.point, tuple):
            row, column = report.click.point[:2]
            selection.put("cell", f"{study.findings[report.click.curve]}.{row}.{column}")
            selection.put("cell-page", None)

    show(
        pictures.matrices(study, judged, theme=theme()),
        key="diseases-grid",
        alt=f"{len(study.findings)} confusion matrices of {run.title} on the test split",
        name=("confusion", run.title),
        react=look,
        help="Rows: what the label says. Columns: what the model says. Shares of each row, and counts. Click a cell.",
    )


def drill_down(study: Study, judged: Judged) -> None:
    """The radiographs of the chosen cell, worst first."""
    parts = (selection.get("cell") or "").rsplit(".", 2)
    if len(parts) != 3 or parts[0] not in study.findings or (cell := (_int(parts[1]), _int(parts[2]))) not in CELLS:
        return
    at = study.findings.index(parts[0])
    inside = pictures.cell(judged, at, *cell)
    st.subheader(f"{display_name(parts[0])}: {len(inside)} {CELLS[cell]}, worst first", anchor=False)
    if not len(inside):
        st.info("No radiograph lies in this cell.")
        return
    pages = -(-len(inside) // PAGE)
    page_number = 1
    if pages > 1:
        page_number = int(selection.number("Page", 1, pages, name="cell-page", default=1, step=1))
    gallery(study, judged, inside[(page_number - 1) * PAGE : page_number * PAGE], at)


def gallery(study: Study, judged: Judged, rows: NDArray[np.int64], at: int) -> None:
    columns = st.columns(6)
    for place, row in enumerate(rows.tolist()):
        sample = int(judged.rows[row])
        column = columns[place % 6]
        column.image(study.images[sample], width="stretch", output_format="JPEG")
        column.caption(f"**{judged.probabilities[row, at]:.2f}** · {findings_of(study, sample)}")


def _int(text: str) -> int:
    return int(text) if text.isdigit() else -1


def page() -> None:
    header("Diseases", "Which diseases are told apart, and which radiographs are missed?")
    runs = pick_runs("evaluate", most=3)
    study = study_of(runs)
    if reason := no_scores(study):
        st.warning(reason)
        return
    intervals(runs, study)
    st.subheader("Confusion", anchor=False)
    first, second, third = st.columns([2, 2, 2], vertical_alignment="bottom")
    with first:
        rule = selection.one("Threshold, chosen on validation", list(RULES), name="rule", format_func=RULES.get)
    own = 0.5
    if rule == "own":
        with second:
            own = selection.number("Threshold for all findings", 0.0, 1.0, name="threshold", default=0.5, step=0.01)
    run = runs[0]
    if len(runs) > 1:
        known: dict[str, Any] = {run.id: run for run in runs}
        with third:
            run = known[
                selection.one("Of run", list(known), name="confusion-run", format_func=lambda k: label(known[k]))
            ]
    judged = pictures.judge(cached, run, study, own if rule == "own" else rule)
    noted = zip(study.findings, judged.thresholds, strict=True)
    if notes := [f"{display_name(name)}: {threshold.note}." for name, threshold in noted if threshold.note]:
        st.caption(plain(" ".join(notes)))
    matrices(run, study, judged)
    drill_down(study, judged)
    st.subheader("Zero-shot", anchor=False)
    zero_shot(run, study)


page()
