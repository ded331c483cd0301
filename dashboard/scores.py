"""Scores of runs side by side: curves, differences, calibration, what is called when a disease is missed, subgroups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.metrics.cutting import Cut
from core.pictures import scores as pictures
from core.pictures.diseases import judge
from core.pictures.scoring import PLAIN
from core.recipes.scores import Calibration, Groups, PrecisionRecall, Roc
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection, thresholds
from dashboard.scores_differences import differences
from dashboard.scores_missed import missed
from dashboard.scores_people import people
from dashboard.showing import present
from dashboard.widgets import label, plain

INTERVALS_SINCE = 3
"""Form of evaluations from which on intervals are on the scale of the logit and resampled patients are kept."""
POINTWISE = (
    "Bands: pointwise 95 %, 1,000 resamplings of the test patients (vertical averaging). Dots: the threshold that was "
    "chosen. "
)


@dataclass(frozen=True)
class Asked:
    """What all panels are of.

    Attributes:
        runs: side by side.
        study: theirs.
        rule: how thresholds are chosen, in a recipe's words.
        own: thresholds of single findings.
        at: number of the disease that is looked at.
    """

    runs: Sequence[Run]
    study: Study
    rule: str
    own: tuple[str, ...]
    at: int

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(run.id for run in self.runs)

    @property
    def disease(self) -> str:
        """As findings are called in the study."""
        return self.study.findings[self.at]


def scores(runs: Sequence[Run], study: Study, rule: str, finding: str) -> None:
    """One of several panels, chosen here.

    Args:
        runs: one to four of this study.
        study: with findings and a test split.
        rule: how thresholds are chosen, in a recipe's words.
        finding: the disease that is looked at.
    """
    st.subheader("Scores side by side", anchor=False)
    name = selection.one(
        "Show", list(PANELS), name="scores", draw=st.segmented_control, format_func=lambda key: PANELS[key][0]
    )
    own = thresholds.own_thresholds(study)
    asked = Asked(runs, study, rule, own, study.findings.index(finding))
    if name in ("curves", "differences", "groups"):
        _judged_before(asked)
    PANELS[name][1](asked)


def curves(asked: Asked) -> None:
    """ROC and precision-recall curves of the disease."""
    at, study = asked.at, asked.study
    _title(asked)
    found = pictures.reports(cached, asked.runs, study)
    for column, run, report in zip(st.columns(len(found)), asked.runs, found, strict=True):
        called = judge(cached, run, study, asked.rule, asked.own).confusion(at)
        own = report["findings"][at]
        with column:
            st.markdown(f"**{plain(label(run))}**")
            first, second = st.columns(2)
            _metric(first, "AUROC", own["auroc"], "area under the ROC curve")
            _metric(second, "AP", own["average_precision"], "average precision")
            st.caption(
                f"At the threshold: sensitivity {_rate(called.sensitivity)}, specificity {_rate(called.specificity)}, "
                f"precision {_rate(called.ppv)}."
            )
    left, right = st.columns(2)
    told = f"Thresholds: {Cut.read(asked.rule, asked.own).told}."
    with left:
        present(
            Roc(runs=asked.ids, disease=asked.disease, rule=asked.rule, own=asked.own), key="diseases-roc",
            help=POINTWISE + told,
        )  # fmt: skip
    with right:
        present(
            PrecisionRecall(runs=asked.ids, disease=asked.disease, rule=asked.rule, own=asked.own),
            key="diseases-precision-recall",
            help="Bands and dots as beside. Chance is the share of radiographs with the disease.",
        )


def _title(asked: Asked) -> None:
    """The disease and its support, or why there is none."""
    judged = cached.judged(asked.runs[0], asked.study, PLAIN)
    positives, negatives = pictures.counts(judged, asked.at)
    name = plain(display_name(asked.disease))
    st.markdown(f"**{name}** · n = {positives:,} with, {negatives:,} without it among the test radiographs")
    if not positives or not negatives:
        st.info(f"{name} has no support for this: it takes radiographs with and without it.")


def _metric(column: Any, name: str, value: dict[str, float | None], meaning: str) -> None:
    column.metric(name, "–" if value["value"] is None else f"{value['value']:.3f}", help=meaning)
    column.caption("No interval" if value["low"] is None else f"95 % {value['low']:.3f} – {value['high']:.3f}")


def _rate(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"


def calibration(asked: Asked) -> None:
    """The disease's calibration curve, and all diseases as a table."""
    _title(asked)
    if untrained := [label(run) for run in asked.runs if run.config.preset == "zero-shot"]:
        st.caption(
            f"{plain(', '.join(untrained))}: a zero-shot run's probabilities come from cosines and are not calibrated; "
            "they are shown as they are."
        )
    present(
        Calibration(runs=asked.ids, disease=asked.disease), key="diseases-calibration",
        help="Ten equal bins; bars: Wilson's 95 % intervals (radiographs taken as independent). ECE: in 15 bins. "
        "On the diagonal a probability means what it says.",
    )  # fmt: skip
    st.dataframe(_calibrations(asked), hide_index=True, width="stretch", placeholder="–")
    st.caption(
        "Slope 1 and intercept 0: calibrated; slope under 1: too sure. Logistic recalibration (Cox, 1958), 95 % "
        "intervals with patients as clusters. –: one class only, or the classes are apart without an error."
    )


def _calibrations(asked: Asked) -> pd.DataFrame:
    """All diseases, and over all of them, by each run."""
    rows = []
    found = pictures.reports(cached, asked.runs, asked.study)
    for run, report in zip(asked.runs, found, strict=True):
        lines = cached.recalibrations(run, asked.study)
        for own, line in zip(report["findings"], lines, strict=True):
            rows.append(
                {
                    "Disease": display_name(own["finding"]), "Run": label(run), "n": own["n"],
                    "Positives": own["positives"], "ECE": own["calibration_error"], "Brier": own["brier"],
                    "Slope": _ends(line.slope), "Intercept": _ends(line.intercept),
                }
            )  # fmt: skip
        rows.append({"Disease": "All (mean squared error)", "Run": label(run), "Brier": report["overall_mse"]})
    table = pd.DataFrame(rows).sort_values("Disease", kind="stable", key=lambda names: names.str.startswith("All"))
    for column in ("ECE", "Brier"):
        table[column] = table[column].astype(float).round(3)
    return table.astype({"n": "Int64", "Positives": "Int64"})


def _ends(value: Any) -> str | None:
    return None if np.isnan(value.value) else f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _judged_before(asked: Asked) -> None:
    """Says where a run was judged by an earlier version."""
    old = [run for run in asked.runs if cached.evaluation(run).get("form", 1) < INTERVALS_SINCE]
    if old:
        names = plain(", ".join(label(run) for run in old))
        commands = " and ".join(f"`python -m scripts.evaluate {run.id[:8]}`" for run in old)
        st.caption(
            f"{names}: judged by an earlier version. Intervals of AUROC and average precision are percentiles, and "
            f"what takes resampled patients is made now, at each start of the app. {commands} makes both anew."
        )


def groups(asked: Asked) -> None:
    """Macro means of all, frequent and rare diseases, and the mean squared error with its interval."""
    found = pictures.reports(cached, asked.runs, asked.study)
    for run, report in zip(asked.runs, found, strict=True):
        parts = [f"{title} {pictures.in_brackets(report['macro'][name])}" for name, title in pictures.MACRO.items()]
        parts.append(f"mean squared error {pictures.in_brackets(pictures.squared_error(cached, run, asked.study))}")
        st.markdown(f"**{plain(label(run))}**: {plain(' · '.join(parts))}")
    present(
        Groups(runs=asked.ids), key="diseases-groups",
        help="Groups by prevalence among the test labels. Behind the names: findings with both classes, of all. "
        "Intervals: resampled test patients.",
    )  # fmt: skip
    rows = [
        {
            "Group": pictures.group_words(one)[0], "Findings": pictures.group_words(one)[1], "Run": label(run),
            **{title: pictures.in_brackets(one[measure]) for measure, title in pictures.MACRO.items()},
        }
        for run, report in zip(asked.runs, found, strict=True)
        for one in (report["macro"], *report["groups"])
    ]  # fmt: skip
    st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def _differences(asked: Asked) -> None:
    differences(asked.runs, asked.study)


def _missed(asked: Asked) -> None:
    missed(asked.runs, asked.study, asked.rule, asked.own, asked.at)


def _people(asked: Asked) -> None:
    people(asked.runs, asked.study)


PANELS: dict[str, tuple[str, Callable[[Asked], None]]] = {
    "curves": ("ROC and precision-recall", curves),
    "differences": ("AUROC differences", _differences),
    "calibration": ("Calibration", calibration),
    "missed": ("Called when missed", _missed),
    "people": ("Subgroups", _people),
    "groups": ("Head, medium, tail", groups),
}
