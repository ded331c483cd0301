"""Similarity: are the diseases apart, in words and in pictures?"""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.metrics.similarity import off_diagonal
from core.pictures import similarity as pictures
from core.pictures.missing import no_centroids, no_comparison, no_test
from core.pictures.similarity import KINDS
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.widgets import header, label, pick_runs, plain, show, study_of, theme


def numbers(run: Run, cosines: NDArray[np.float64], kind: str, names: list[str]) -> None:
    """What the heatmap says in numbers."""
    st.markdown(f"**{plain(label(run))}**")
    if kind == "cross":
        own, others = np.diag(cosines), cosines[~np.eye(len(cosines), dtype=bool)]
        first, second, third = st.columns(3)
        first.metric("Own centroid", _mean(own), help="mean cosine of a prompt to its own disease's centroid")
        second.metric("Other centroids", _mean(others), help="mean cosine of a prompt to the other centroids")
        known = np.flatnonzero(~np.isnan(own))  # a disease without a centroid can be nearest to nothing
        hits = sum(int(np.nanargmax(cosines[row]) == row) for row in known)
        third.metric("Nearest is own", f"{hits} of {len(known)}" if len(known) else "no support")
        return
    found = off_diagonal(cosines)
    first, second, third = st.columns(3)
    shown = found.n_pairs > 0
    first.metric("Mean cosine", f"{found.mean:+.3f}" if shown else "no pair", help="mean over pairs; orthogonal: 0")
    second.metric("Mean |cosine|", f"{found.mean_abs:.3f}" if shown else "no pair")
    third.metric("Largest", f"{found.max:+.3f}" if shown else "no pair")
    if found.nearest_pair is not None:
        one, other = (names[at] for at in found.nearest_pair)
        st.caption(f"Nearest pair: {one} and {other}.")


def _mean(values: NDArray[np.float64]) -> str:
    return f"{np.nanmean(values):+.3f}" if not np.isnan(values).all() else "no support"


def without_support(run: Run, study: Study) -> None:
    """Which centroids there are not, and of whom the others are (the same for all runs of a study)."""
    support = int((cached.centroids(run, study)[1] > 0).sum())
    for reason in filter(None, (no_test(study), no_centroids(study, support))):
        st.caption(reason)


def beyond(runs: list[Run], study: Study, kind: str, titles: list[str]) -> None:
    """The difference of the first two runs, and all pairs of diseases."""
    if len(runs) > 1:
        st.subheader("What differs", anchor=False)
        show(
            pictures.difference(cached, runs, study, kind=kind, theme=theme()),
            key="similarity-difference",
            alt=f"Difference of the cosines of {titles[1]} and {titles[0]}",
            name=("similarity-difference", kind, titles[1], titles[0]),
            height=560,
            help=f"Blue: nearer together in {titles[1]}. Orange: nearer together in {titles[0]}.",
        )
    if kind != "cross":
        st.subheader("All pairs", anchor=False)
        show(
            pictures.pairs(cached, runs, study, kind=kind, theme=theme()),
            key="similarity-pairs",
            alt="Distribution of off-diagonal cosines, with lines at what is reachable",
            name=("similarity-pairs", kind, *titles),
            help="Each pair of diseases once. Lines: right angles, and the simplex, where all are equally far apart.",
        )


def page() -> None:
    header("Similarity", "Are the diseases apart, in words and in pictures?")
    runs = pick_runs("embed", most=3)
    study = study_of(runs)
    if reason := no_comparison(study):
        st.info(reason)
        return
    kind = selection.one(
        "Cosines between", list(KINDS), name="cosines", draw=st.segmented_control, format_func=KINDS.get
    )
    if kind in ("centroids", "cross"):
        without_support(runs[0], study)
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            numbers(run, pictures.matrix(cached, run, study, kind), kind, pictures.names(study))
    titles = [run.title for run in runs]
    show(
        pictures.panels(cached, runs, study, kind=kind, theme=theme()),
        key="similarity-panels",
        alt=f"Heatmaps of cosines between {KINDS[kind].lower()} for {', '.join(titles)}, on one scale",
        name=("similarity", kind, *titles),
        height=560,
        help="One scale and one order for all panels. Off the diagonal, 0 means unrelated directions, 1 the same one.",
    )
    beyond(runs, study, kind, titles)


page()
