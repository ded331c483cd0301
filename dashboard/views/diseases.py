"""Diseases: which ones are told apart, and which radiographs are missed?"""

from __future__ import annotations

import streamlit as st

from core.errors import RunError
from core.pictures import zero_shot as zero_shot_pictures
from core.pictures.missing import no_scores
from core.recipes.diseases import Auroc, ZeroShot
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, matrices, pairs, selection
from dashboard.kept import present_kept
from dashboard.radiograph import inspect, row_of
from dashboard.scores import scores
from dashboard.widgets import header, label, pick_runs, plain, study_of


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
    present_kept(
        Auroc(runs=tuple(run.id for run in runs), published=published),
        key="diseases-auroc",
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
    present_kept(ZeroShot(runs=(run.id,)), key="diseases-zero-shot", help=zero_shot_pictures.in_words(found))


def page() -> None:
    header("Diseases", "Which diseases are told apart, and which radiographs are missed?")
    runs = pick_runs("evaluate", most=3)
    study = study_of(runs)
    if reason := no_scores(study):
        st.warning(reason)
        return
    intervals(runs, study)
    rule, finding = matrices.confusion(runs, study)
    if len(runs) > 1:
        pairs.difference(runs, study, rule, finding)
    scores(runs, study, rule, finding)
    st.subheader("Zero-shot", anchor=False)
    zero_shot(runs[0], study)
    if (chosen := row_of(study, selection.get("sample"))) is not None:
        inspect(study, chosen, runs)


page()
