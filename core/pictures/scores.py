"""Scores of runs side by side as pictures: curves, differences, calibration, subgroups, groups of findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import RunError
from core.figures.calibration import Bins, calibration_curves
from core.figures.dots import Dots
from core.figures.mistaken import mistaken_for
from core.figures.operating import Line, pr_curves, roc_curves
from core.figures.scores import differences, groups
from core.figures.theme import LIGHT, Theme
from core.metrics.bootstrap import interval
from core.metrics.calibration import calibration_curve
from core.metrics.comparison import Difference, over_patients
from core.metrics.delong import AurocDifference
from core.metrics.mistaken import Mistaken, mistaken
from core.metrics.operating import GRID
from core.metrics.ranking import pr_curve, roc_curve
from core.metrics.results import to_json
from core.metrics.thresholds import wilson
from core.pictures.diseases import judge
from core.pictures.judged import Judged
from core.pictures.missing import no_scores
from core.pictures.scoring import PLAIN
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

MACRO = {"auroc": "Macro AUROC", "average_precision": "Macro average precision"}
RANGES = {"head": "> 10 %", "medium": "1 to 10 %", "tail": "≤ 1 %"}


def reports(source: Source, runs: Sequence[Run], study: Study) -> list[dict[str, Any]]:
    """The test part of each run's evaluation.

    Raises:
        RunError: nothing was judged, because the study has no test split or no findings.
    """
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    return [source.evaluation(run)["test"] for run in runs]


def in_brackets(value: dict[str, float | None]) -> str:
    """``0.812 [0.776, 0.843]``; a dash where it has no value."""
    if value["value"] is None:
        return "–"
    ends = "no interval" if value["low"] is None else f"{value['low']:.3f}, {value['high']:.3f}"
    return f"{value['value']:.3f} [{ends}]"


def counts(judged: Judged, at: int) -> tuple[int, int]:
    """Test radiographs with and without finding ``at``."""
    labels = judged.labels[:, at]
    return int((labels == 1).sum()), int((labels == 0).sum())


def roc(
    source: Source,
    runs: Sequence[Run],
    study: Study,
    at: int,
    rule: str,
    own: Sequence[str] = (),
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """ROC curves of finding ``at`` with bands; where the rule's threshold stands is marked."""
    found = reports(source, runs, study)
    each = [judge(source, run, study, rule, own) for run in runs]
    lines = []
    for run, judged, report in zip(runs, each, found, strict=True):
        curve = roc_curve(judged.labels[:, at], judged.probabilities[:, at])
        band, called = source.bands(run, study, at).roc, judged.confusion(at)
        lines.append(
            Line(
                name=short(run),
                words=f"AUROC {in_brackets(report['findings'][at]['auroc'])}",
                x=curve.false_positive_rate,
                y=curve.true_positive_rate,
                grid=GRID,
                low=band.low,
                high=band.high,
                point=(1 - called.specificity, called.sensitivity),
                told=_threshold(judged, at),
            )
        )
    positives, negatives = counts(each[0], at)
    return roc_curves(lines, n_positive=positives, n_negative=negatives, theme=theme)


def pr(
    source: Source,
    runs: Sequence[Run],
    study: Study,
    at: int,
    rule: str,
    own: Sequence[str] = (),
    *,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Precision-recall curves of finding ``at``, as :func:`roc`."""
    found = reports(source, runs, study)
    each = [judge(source, run, study, rule, own) for run in runs]
    lines = []
    for run, judged, report in zip(runs, each, found, strict=True):
        curve = pr_curve(judged.labels[:, at], judged.probabilities[:, at])
        band, called = source.bands(run, study, at).pr, judged.confusion(at)
        lines.append(
            Line(
                name=short(run),
                words=f"AP {in_brackets(report['findings'][at]['average_precision'])}",
                x=curve.recall,
                y=curve.precision,
                grid=GRID,
                low=band.low,
                high=band.high,
                point=(called.sensitivity, called.ppv),
                told=_threshold(judged, at),
            )
        )
    positives, negatives = counts(each[0], at)
    return pr_curves(lines, n_positive=positives, n_negative=negatives, theme=theme)


def _threshold(judged: Judged, at: int) -> str:
    return f"threshold {judged.thresholds[at].value:.3g}"


def macro_differences(source: Source, first: Run, second: Run, study: Study) -> dict[str, Difference]:
    """First minus second of the macro AUROC, the macro average precision and the mean squared error over resampled
    patients."""
    one, other = (source.patient_scores(run, study) for run in (first, second))
    return {
        name: over_patients({0: one.scores[name]}, {0: other.scores[name]}, n_patients=one.n_patients)
        for name in (*MACRO, "mse")
    }


def squared_error(source: Source, run: Run, study: Study) -> dict[str, float | None]:
    """The mean squared error over all known cells, with its interval over resampled patients; None where undefined."""
    scores = source.patient_scores(run, study)
    found = interval(scores.scores["mse"].value, scores.scores["mse"].replicates, n_patients=scores.n_patients)
    made: dict[str, float | None] = to_json(found)
    return made


def auroc_differences(source: Source, runs: Sequence[Run], study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """AUROC of each disease by the first run minus that by each other, and the macro means below.

    Raises:
        RunError: there is one run only, or nothing was judged.
    """
    if unjudged := no_scores(study):
        raise RunError(unjudged)
    if len(runs) < 2:
        raise RunError("A difference needs two runs or more; choose another one beside this.")
    series = []
    for run in runs[1:]:
        found, macro = source.auroc_differences(runs[0], run, study), macro_differences(source, runs[0], run, study)
        rows: list[AurocDifference | Difference] = [*found, *(macro[name] for name in MACRO)]
        series.append(
            Dots(
                name=short(run),
                values=[100 * one.value for one in rows],
                lows=[100 * one.low for one in rows],
                highs=[100 * one.high for one in rows],
                beyond=[*(one.beyond_chance for one in found), *(macro[name].p < 0.05 for name in MACRO)],
                words=[*(p_words(one.p_holm, "p (Holm)") for one in found), *(p_words(macro[n].p, "p") for n in MACRO)],
            )
        )
    names = [*(display_name(name) for name in study.findings), *MACRO.values()]
    with_support = sum(not np.isnan(one.value) for one in found)
    n = [*(f"n={one.n_positive:,}" for one in found), *[f"{with_support} of {len(found)}"] * len(MACRO)]
    return differences(names, series, reference=short(runs[0]), n=n, theme=theme)


def p_words(p: float, name: str) -> str:
    """``p (Holm) = 0.031``"""
    if np.isnan(p):
        return f"{name} not defined"
    return f"{name} < 0.001" if p < 0.001 else f"{name} = {p:.3f}"


def calibration(
    source: Source, runs: Sequence[Run], study: Study, at: int, *, bins: int = 10, theme: Theme = LIGHT
) -> go.Figure:
    """Calibration of finding ``at`` by each run, with Wilson's intervals and a histogram."""
    models, n = [], 0
    for run, report in zip(runs, reports(source, runs, study), strict=True):
        judged = source.judged(run, study, PLAIN)
        curve = calibration_curve(judged.labels[:, at], judged.probabilities[:, at], bins=bins)
        hits = np.rint(np.nan_to_num(curve.observed) * curve.count).astype(int)
        ends = [wilson(int(hit), int(count)) for hit, count in zip(hits, curve.count, strict=True)]
        own, n = report["findings"][at], int(curve.count.sum())
        models.append(
            Bins(
                name=short(run),
                words=f"ECE {_short(own['calibration_error'])}, Brier {_short(own['brier'])}",
                edges=curve.edges,
                count=curve.count,
                predicted=curve.predicted,
                observed=curve.observed,
                low=[end.low for end in ends],
                high=[end.high for end in ends],
            )
        )
    return calibration_curves(models, n=n, theme=theme)


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def mistaken_of(judged: Judged) -> Mistaken:
    """What a run calls present where it misses a finding."""
    return mistaken(judged.labels, calls(judged))


def calls(judged: Judged) -> NDArray[np.bool_]:
    """(n, K) which findings are called present."""
    return judged.probabilities >= np.array([threshold.value for threshold in judged.thresholds])


def missed(study: Study, judged: Judged, *, theme: Theme = LIGHT) -> go.Figure:
    """What is predicted when a disease is missed."""
    found = mistaken_of(judged)
    names = [display_name(name) for name in study.findings]
    return mistaken_for(names, found.missed, found.called, found.base, found.truly, theme=theme)


def group_scores(source: Source, runs: Sequence[Run], study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """Macro AUROC and average precision of all, frequent, less frequent and rare findings, of each run."""
    found = reports(source, runs, study)
    rows = [[report["macro"], *report["groups"]] for report in found]
    names = [f"{name}  ({told})" for name, told in (group_words(one) for one in rows[0])]
    panels = []
    for measure, title in MACRO.items():
        series = []
        for run, own in zip(runs, rows, strict=True):
            ends = {
                part: np.array([one[measure][part] for one in own], np.float64) for part in ("value", "low", "high")
            }
            series.append(Dots(name=short(run), values=ends["value"], lows=ends["low"], highs=ends["high"]))
        panels.append((title.replace("average precision", "AP"), series))
    return groups(names, panels, theme=theme)


def group_words(group: dict[str, Any]) -> tuple[str, str]:
    """A group's name, and how many of its findings have support."""
    name = "All findings" if group["name"] == "all" else f"{group['name'].capitalize()}, {RANGES[group['name']]}"
    return name, f"{group['n_findings']} of {group['n_total']}"
