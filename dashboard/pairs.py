"""Two runs on the same radiographs: the difference of their matrices, McNemar's test, and who alone is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.metrics.cutting import Cut
from core.metrics.mcnemar import Paired
from core.metrics.results import Interval
from core.pictures.confusion import KINDS, Comparison, compare
from core.pictures.source import short
from core.recipes.confusion import ConfusionDifference, ConfusionPairs, RateDifferences
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.components.plot import Report
from dashboard.kept import present_kept
from dashboard.matrices import gallery
from dashboard.widgets import label, plain

LABELS = ("absent", "present")
RATES = ("Specificity", "Sensitivity")


def difference(runs: Sequence[Run], study: Study, rule: str, finding: str) -> None:
    """The first run minus another one, at thresholds of their own by the same rule.

    Args:
        runs: two or more of this study.
        study: with findings and a test split.
        rule: how thresholds are chosen, in a recipe's words.
        finding: the disease that is looked at.
    """
    st.subheader("Difference of two runs", anchor=False)
    first, second = runs[0], _second(runs)
    both, at = (first.id, second.id), study.findings.index(finding)
    found = compare(cached, (first, second), study, rule)
    st.markdown(f"**A** {plain(label(first))} **minus B** {plain(label(second))}")

    def look(report: Report) -> None:
        """The radiographs that A puts into the cell that was clicked, and B does not."""
        if report.click is not None and isinstance(report.click.point, tuple):
            row, column = report.click.point[:2]
            chosen = study.findings[report.click.curve]
            selection.put("disease", chosen)
            _put(chosen, row, "first" if row == column else "second")

    present_kept(
        ConfusionDifference(runs=both, rule=rule),
        key="diseases-difference",
        react=look,
        help=f"Thresholds: {Cut.read(rule).told}, for each run by itself. Percentage points of the row, and both "
        "counts, A above B. Click a cell: the radiographs that A puts there and B does not.",
    )
    _one(found, both, rule, finding)
    _drill_down(found, at)
    present_kept(
        RateDifferences(runs=both, rule=rule),
        key="diseases-rates",
        help="A rule may set the two runs to different trades of sensitivity against specificity: where one goes up "
        "and the other down, AUROC says whether A is better.",
    )
    with st.expander("The numbers"):
        st.dataframe(_table(found), hide_index=True, width="stretch")


def _second(runs: Sequence[Run]) -> Run:
    if len(runs) == 2:
        return runs[1]
    known = {run.id: run for run in runs[1:]}
    return known[selection.one("Minus", list(known), name="minus", format_func=lambda k: label(known[k]))]


def _put(finding: str, row: int, kind: str) -> None:
    selection.put("pair", f"{finding}.{row}.{kind}")
    selection.put("pair-page", None)


def _one(found: Comparison, both: tuple[str, str], rule: str, finding: str) -> None:
    """McNemar's test and the paired intervals of one disease, and who is right."""
    at = found.study.findings.index(finding)
    st.markdown(f"**{plain(display_name(finding))}**: radiographs that have it, and those that do not, apart")
    for column, row in zip(st.columns(2), (1, 0), strict=True):
        with column:
            _rate(RATES[row], found.sides[row][at], found.over_patients(cached, at, row))

    def look(report: Report) -> None:
        if report.click is not None and isinstance(report.click.point, tuple):
            row, column = report.click.point[:2]
            _put(finding, row, KINDS[column])

    present_kept(
        ConfusionPairs(runs=both, rule=rule, disease=finding),
        key="diseases-pairs",
        react=look,
        help="Click a cell for its radiographs: where one run alone is right, those come first about which the other "
        "is the most wrong.",
    )


def _rate(name: str, pair: Paired, over: Interval) -> None:
    if not pair.n:
        st.metric(f"Δ {name}", "n=0")
        return
    st.metric(
        f"Δ {name}, points", f"{100 * pair.difference + 0.0:+.1f}",
        help="A minus B. First interval: Newcombe (1998), method 10, radiographs as independent; second: patients "
        "drawn 1,000 times. p: McNemar's test, exact below 25 discordant pairs, else mid-p (Fagerland et al., 2013).",
    )  # fmt: skip
    st.markdown(
        f"95 % interval {_points(pair.low, pair.high)}, over patients {_points(over.low, over.high)}  \n"
        f"{pair.discordant:,} of {pair.n:,} discordant: only A right **{pair.first:,}**, only B right "
        f"**{pair.second:,}**  \nMcNemar p {_p(pair.p)} ({pair.method}), {_p(pair.p_holm)} after Holm over the diseases"
    )


def _points(low: float, high: float) -> str:
    return "none (one patient)" if np.isnan(low) else f"{100 * low:+.1f} to {100 * high:+.1f}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _drill_down(found: Comparison, at: int) -> None:
    """The radiographs of the chosen pair of judgements."""
    parts = (selection.get("pair") or "").rsplit(".", 2)
    if len(parts) != 3 or parts[1] not in ("0", "1") or parts[2] not in KINDS:
        return
    row, kind = int(parts[1]), parts[2]
    inside = found.inside(at, row, kind)
    name = plain(display_name(found.study.findings[at]))
    words = dict(zip(KINDS, ("both right", "only A right", "only B right", "both wrong"), strict=True))
    st.subheader(f"{name} {LABELS[row]}: {len(inside):,}, {words[kind]}, worst first", anchor=False)

    def told(position: int) -> str:
        one, two = (side.probabilities[position, at] for side in (found.first, found.second))
        return f"A {one:.3f} · B {two:.3f}"

    gallery(found.study, found.first.rows, inside, told, at, name="pair-page")
    levels = (side.thresholds[at].value for side in (found.first, found.second))
    st.caption("Called present from: A {:.3f}, B {:.3f}.".format(*levels))


def _table(found: Comparison) -> pd.DataFrame:
    """All diseases, both labels."""
    lines = [
        {
            "Disease": display_name(name),
            "Label": LABELS[row],
            "n": pair.n,
            f"only {short(found.runs[0])}": pair.first,
            f"only {short(found.runs[1])}": pair.second,
            "Δ points": round(100 * pair.difference, 1),
            "low": round(100 * pair.low, 1),
            "high": round(100 * pair.high, 1),
            "p": pair.p,
            "p (Holm)": pair.p_holm,
            "test": pair.method,
        }
        for at, name in enumerate(found.study.findings)
        for row, pair in ((1, found.sides[1][at]), (0, found.sides[0][at]))
    ]
    return pd.DataFrame(lines)
