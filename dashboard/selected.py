"""What a lasso caught: who is in it, what it has more of than the rest, and its ids to take away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.figures.tabular import columns_csv
from core.metrics.prevalence import Enrichment, enrichment
from core.pictures.prevalence import against_rest
from core.recipes.space import Selection
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached
from dashboard.showing import present
from dashboard.thumbnails import thumbnails
from dashboard.widgets import findings_of, plain, theme

LISTED, SHOWN, WIDTH, TOGETHER = 500, 10, 112, 5
GROUPS = ("split", "sex", "view")


def selected(study: Study, rows: NDArray[np.int64], runs: Sequence[Run], recipe: Selection) -> bool:
    """The radiographs that were caught: what they have more of, who they are, a table, their ids as a file.

    Args:
        study: whose.
        rows: which of its radiographs, none twice.
        runs: models of this study, whose mistakes within the selection are told.
        recipe: what makes the picture of their findings again.

    Returns:
        Whether the user wants to let the selection go.
    """
    rows = np.sort(np.asarray(rows, np.int64))
    title, export, clear = st.columns([4, 1, 1], vertical_alignment="bottom")
    title.subheader(f"Selected: {len(rows):,} of {len(study):,} radiographs", anchor=False)
    if not len(rows):
        st.info(
            "Nothing is selected: draw a lasso, or a box, around points of the flat map.",
            icon=":material/lasso_select:",
        )
        return False
    export.download_button(
        "Export ids", data=lambda: ids_csv(study, rows), file_name=f"fluoroscope-{study.name}-selection.csv",
        mime="text/csv", icon=":material/download:", on_click="ignore", width="stretch",
        help="CSV: id, split and the stated findings of all that is selected.",
    )  # fmt: skip
    cleared = clear.button("Clear", icon=":material/close:", key="clear-selection", width="stretch")
    left, right = st.columns([3, 2])
    with left:
        _prevalence(study, rows, recipe)
    with right:
        _composition(study, rows, runs)
    _some(study, rows)
    _table(study, rows)
    return bool(cleared)


def ids_csv(study: Study, rows: NDArray[np.int64]) -> bytes:
    """Ids and splits as a table; a cell that a spreadsheet would run begins with a quote."""
    samples = study.samples.iloc[rows]
    columns = {"id": samples["id"].tolist(), "split": samples["split"].tolist()}
    states = {1.0: "present", 0.0: "absent"}
    for at, name in enumerate(study.findings):
        columns[name] = [states.get(value, "") for value in study.labels[rows, at].tolist()]
    return columns_csv(columns)


def _prevalence(study: Study, rows: NDArray[np.int64], recipe: Selection) -> None:
    """Each finding in the selection against the rest."""
    if not study.findings:
        st.caption("This study has no findings, so there is nothing to compare the selection by.")
        return
    if len(rows) == len(study):
        st.caption("All radiographs are selected: there is no rest to compare them with.")
        return
    found = enrichment(study.labels, rows)
    beyond = sum(one.beyond_chance for one in found)
    st.markdown(f"**Prevalence against the rest:** {beyond} of {len(found)} findings differ beyond chance")
    present(
        recipe,
        key="selection-prevalence",
        figure=against_rest(study, found, theme=theme()),
        help="Newcombe's 95 % interval; filled: Fisher's exact test, Holm over all findings, p < 0.05. The test takes "
        "radiographs for independent and the selection for one that was not made by looking at these findings.",
    )
    with st.expander("The numbers"):
        st.dataframe(_numbers(study, found), hide_index=True, width="stretch", column_config=NUMBERS)


NUMBERS = {
    "Selection": st.column_config.NumberColumn(format="percent"),
    "Rest": st.column_config.NumberColumn(format="percent"),
    "Ratio": st.column_config.NumberColumn(format="%.2f", help="Share in the selection over share in the rest."),
    "p (Holm)": st.column_config.NumberColumn(format="%.2g"),
}


def _numbers(study: Study, found: Sequence[Enrichment]) -> pd.DataFrame:
    order = sorted(range(len(found)), key=lambda at: -np.nan_to_num(found[at].difference, nan=-2.0))
    told = [(display_name(study.findings[at]), found[at]) for at in order]
    return pd.DataFrame(
        {
            "Finding": [name for name, _ in told],
            "Selection": [one.share for _, one in told],
            "n": [one.known for _, one in told],
            "Rest": [one.rest_share for _, one in told],
            "n of the rest": [one.rest_known for _, one in told],
            "Ratio": [one.ratio for _, one in told],
            "p": [one.p for _, one in told],
            "p (Holm)": [one.p_holm for _, one in told],
        }
    )


def _composition(study: Study, rows: NDArray[np.int64], runs: Sequence[Run]) -> None:
    """Split, sex, view and age, and how wrong each model is, in the selection and in the rest."""
    st.markdown("**Who is in it**, against the rest")
    inside = np.zeros(len(study), bool)
    inside[rows] = True
    lines = [line for name in GROUPS for line in _shares(study, name, inside)]
    age = study.samples["age"].to_numpy(np.float64)
    lines.append(("Mean age", *(_mean(age[side], "{:.1f} y") for side in (inside, ~inside))))
    for run in runs if study.findings else ():
        wrong = _errors(run, study)
        lines.append((f"Error of {run.id[:4]}", *(_mean(wrong[side], "{:.3f}") for side in (inside, ~inside))))
    table = pd.DataFrame(lines, columns=["", "Selection", "Rest"])
    st.dataframe(table, hide_index=True, width="stretch", height=min(36 * len(table) + 38, 480))
    if runs and study.findings:
        named = ", ".join(f"{run.id[:4]} is {plain(run.title)}" for run in runs)
        st.caption(f"Error: |label - probability|, the mean over the known findings of each radiograph ({named}).")


def _shares(study: Study, name: str, inside: NDArray[np.bool_]) -> list[tuple[str, str, str]]:
    """One line for each value of a column, in the order of how frequent it is."""
    codes, values = pd.factorize(study.samples[name])  # -1: not known
    sides = [np.bincount(codes[side] + 1, minlength=len(values) + 1) for side in (inside, ~inside)]
    lines = []
    for at in np.argsort(-(sides[0] + sides[1]), kind="stable").tolist():
        shown = str(values[at - 1]) if at else "unknown"
        if sides[0][at] + sides[1][at]:
            lines.append((f"{name.capitalize()}: {shown}", *(_share(side, at) for side in sides)))
    return lines


def _share(counts: NDArray[np.int64], at: int) -> str:
    total = int(counts.sum())
    return f"{counts[at] / total:.1%} ({counts[at]:,})" if total else "n=0"


def _mean(values: NDArray[np.floating], form: str) -> str:
    known = values[np.isfinite(values)]
    return f"{form.format(known.mean())} (n={len(known):,})" if len(known) else "n=0"


def _errors(run: Run, study: Study) -> NDArray[np.float64]:
    """(N,) |label - probability|, the mean over the known findings of each radiograph; NaN without any."""
    columns = [f"probability:{name}" for name in study.findings]
    wrong = np.abs(study.labels - cached.predictions(run)[columns].to_numpy(np.float32))
    known = np.isfinite(wrong)
    counts = known.sum(axis=1)
    sums = np.where(known, wrong, 0).sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(study), np.nan), where=counts > 0)


def _some(study: Study, rows: NDArray[np.int64]) -> None:
    """A few, evenly spread over the selection."""
    places = np.unique(np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).astype(np.int64))
    shown = rows[places].tolist()
    st.markdown(f"**{len(shown)} of them**, evenly spread" if len(rows) > len(shown) else "**All of them**")
    words = [findings_of(study, row) if study.findings else plain(str(study.samples["id"].iloc[row])) for row in shown]
    thumbnails(study, shown, words, key="selected", width=WIDTH, together=TOGETHER)


def _table(study: Study, rows: NDArray[np.int64]) -> None:
    """The first ones as a table; it shows text as it is, so nothing in it becomes markup."""
    listed = rows[:LISTED]
    samples = study.samples.iloc[listed]
    columns = {"id": samples["id"], "split": samples["split"]}
    columns |= {name: samples[name] for name in ("view", "sex", "age") if samples[name].notna().any()}
    if study.findings:
        columns["findings"] = [_present(study, row) for row in listed.tolist()]
    if samples["text"].notna().any():
        columns["text"] = samples["text"]
    st.dataframe(pd.DataFrame(columns), hide_index=True, width="stretch", height=320)
    if len(listed) < len(rows):
        st.caption(f"The first {len(listed):,} of {len(rows):,}; the file has all ids.")


def _present(study: Study, row: int) -> str:
    """The findings that are present, as a cell shows them."""
    return ", ".join(display_name(study.findings[at]) for at in np.flatnonzero(study.labels[row] == 1).tolist())
