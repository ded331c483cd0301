"""Retrieval: does a radiograph find its report, and a report its radiograph?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.metrics.results import Interval
from core.metrics.retrieval import MOST_PAIRS, WAYS, Searched, chance_median, chance_recall
from core.pictures import retrieval as pictures
from core.pictures.missing import judged, no_pairs, no_test
from core.pictures.partners import KS, MADE, OWN, kind_of_texts
from core.pictures.source import short
from core.recipes.retrieval import Ranks, Recall
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.radiograph import inspect, row_of
from dashboard.retrieving import browse
from dashboard.showing import present
from dashboard.widgets import header, label, pick_runs, plain, study_of

NAMES = {"image_to_text": "image\u00a0→\u00a0text", "text_to_image": "text\u00a0→\u00a0image"}


def page() -> None:
    header("Retrieval", "Does a radiograph find its report, and a report its radiograph?")
    runs = pick_runs("embed", most=3)
    study = study_of(runs)
    if reason := no_test(study):
        st.caption(reason)
    told(runs)
    able = []
    for run in runs:
        pairs = len(cached.pairs(run, study)[0])
        if pairs < 2:
            st.info(f"{plain(label(run))}: {(no_pairs(study, pairs) or '').replace('no gap to measure', 'no search')}")
        else:
            able.append(run)
    if not able:
        return
    most = max(len(cached.pairs(run, study)[0]) for run in able)
    whole = most > MOST_PAIRS and selection.switch(
        f"All {most:,} pairs",
        name="all-pairs",
        help=f"Off: {MOST_PAIRS:,} of them, drawn once, among which the other views search, too. Recall falls as more "
        "are searched, so compare it at equal n.",
    )
    numbers(able, study, whole)
    drawn(able, whole)
    browse(able, study, whole)
    chosen = row_of(study, selection.get("sample"))
    if chosen is not None:
        inspect(study, chosen, runs)


def told(runs: Sequence[Run]) -> None:
    """What a text is for each of these models."""
    kinds = {run: kind_of_texts(run) for run in runs}
    made = [plain(short(run)) for run in runs if kinds[run] == MADE]
    own = [run for run in runs if kinds[run] == OWN]
    if made:
        whose = f" for {', '.join(made)}" if own else ""
        st.caption(
            f"A “text” is made from the findings{whose}: radiographs of the same findings have the same one, and "
            "those without a finding may have none."
        )
    if made and own:
        st.warning(
            "These models do not search among the same texts: their numbers stand side by side, but do not compare."
        )


def numbers(runs: Sequence[Run], study: Study, whole: bool) -> None:
    """Recall and median rank both ways with intervals, beside chance."""
    found = {run.id: cached.searched(run, study, whole=whole) for run in runs}
    rows = [_row(run, found[run.id], way) for run in runs for way in WAYS]
    pools = {one.sizes.tobytes(): (run, one) for run, one in zip(runs, found.values(), strict=True)}
    for run, one in pools.values():
        rows.append(_chance(one, "Chance" if len(pools) == 1 else f"Chance, as {short(run)} searches"))
    st.table(pd.DataFrame(rows).map(plain).set_index("Model").rename(columns=plain))
    for run, one in pools.values():
        different = len(set(one.group.tolist()))
        whose = "" if len(pools) == 1 else f"{plain(short(run))}: "
        drawn_of = f", drawn from {one.total:,}" if one.total > len(one) else ""
        st.caption(
            f"{whose}n = {len(one):,} {judged(study)} with a text{drawn_of}, of "
            f"{one.measured[WAYS[0]].n_patients:,} patients; {different:,} different texts. Identical texts count as "
            "one: any of their radiographs is right. Ties take the middle of their ranks, so a model that maps all "
            "to one place stands at chance."
        )
    st.caption(
        "In brackets: 95 % intervals from a bootstrap over patients (what is searched among stays as it is). Chance: "
        "candidates in a random order, k / n where all texts differ."
    )


def _row(run: Run, one: Searched, way: str) -> dict[str, str]:
    measured = one.measured[way]
    recalls = {_recall(k): _told(pictures.recall_interval(measured, k), 100) if k <= len(one) else "–" for k in KS}
    median = _told(pictures.median_interval(measured))
    return {"Model": short(run), "Way": NAMES[way], **recalls, "Median rank": median}


def _chance(one: Searched, name: str) -> dict[str, str]:
    recalls = {_recall(k): f"{100 * chance_recall(one.sizes, [k])[0]:.1f}" if k <= len(one) else "–" for k in KS}
    return {"Model": name, "Way": "both", **recalls, "Median rank": f"{chance_median(one.sizes):,}"}


def _recall(k: int) -> str:
    return f"R@{k} (%)"


def _told(found: Interval, scale: float = 1) -> str:
    """A value with its interval, where there is one."""
    value, low, high = (f"{scale * part:,.1f}" for part in (found.value, found.low, found.high))
    return f"{value} [{low},\u00a0{high}]" if found.low == found.low else value


def drawn(runs: Sequence[Run], whole: bool) -> None:
    """Recall against k, and ranks, each way in a column of its own."""
    ids = tuple(run.id for run in runs)
    for column, way in zip(st.columns(2), WAYS, strict=True):
        with column:
            st.markdown(f"**{NAMES[way]}**")
            present(
                Recall(runs=ids, way=way, whole=whole),  # type: ignore[arg-type]
                key=f"recall-{way}",
                height=360,
                help="How often the partner is among the k nearest. Band: 95 % interval over patients.",
            )
            present(
                Ranks(runs=ids, way=way, whole=whole),  # type: ignore[arg-type]
                key=f"ranks-{way}",
                height=340,
                help="Rank 1: the partner is nearest of all. Each bin reaches twice as far as the one before it.",
            )


page()
