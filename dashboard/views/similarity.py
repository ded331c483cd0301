"""Similarity: are the diseases apart, in words and in pictures?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.imported import ImportedSet
from core.metrics.similarity import off_diagonal
from core.pictures import similarity as pictures
from core.pictures.missing import no_centroids, no_comparison, no_test
from core.pictures.similarity import KINDS, Panel
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection, sets
from dashboard.widgets import header, label, pick_runs, plain, show, study_of, theme

MOST = 3
"""So many panels stand side by side."""


def numbers(panel: Panel, title: str, origin: str = "") -> None:
    """What a heatmap says in numbers."""
    st.markdown(f"**{plain(title)}**")
    if panel.cross:
        _cross(panel.cosines)
        return
    found = off_diagonal(panel.cosines)
    first, second = st.columns(2)
    values = {
        "Mean cosine": (first, _signed(found.mean), "mean over pairs; orthogonal: 0"),
        "Mean |cosine|": (second, f"{found.mean_abs:.3f}", "0 only where every pair is at right angles"),
        "Smallest": (first, _signed(found.min), "of any pair"),
        "Largest": (second, _signed(found.max), "of any pair"),
    }
    for name, (place, value, help) in values.items():
        place.metric(name, value if found.n_pairs else "no pair", help=help)
    if found.nearest_pair is not None:
        one, other = (panel.names[at] for at in found.nearest_pair)
        st.caption(plain(f"Nearest pair: {one} and {other}."))
    if origin:
        st.caption(plain(origin))


def _cross(cosines: NDArray[np.float64]) -> None:
    own, others = np.diag(cosines), cosines[~np.eye(len(cosines), dtype=bool)]
    first, second, third = st.columns(3)
    first.metric("Own centroid", _mean(own), help="mean cosine of a prompt to its own disease's centroid")
    second.metric("Other centroids", _mean(others), help="mean cosine of a prompt to the other centroids")
    known = np.flatnonzero(~np.isnan(own))  # a disease without a centroid can be nearest to nothing
    hits = sum(int(np.nanargmax(cosines[row]) == row) for row in known)
    third.metric("Nearest is own", f"{hits} of {len(known)}" if len(known) else "no support")


def _mean(values: NDArray[np.float64]) -> str:
    return _signed(float(np.nanmean(values))) if not np.isnan(values).all() else "no support"


def _signed(value: float) -> str:
    return f"{round(value, 3) + 0.0:+.3f}"  # no "-0.000"


def without_support(run: Run, study: Study) -> None:
    """Which centroids there are not, and of whom the others are (the same for all runs of a study)."""
    support = int((cached.centroids(run, study)[1] > 0).sum())
    for reason in filter(None, (no_test(study), no_centroids(study, support))):
        st.caption(reason)


def chosen() -> tuple[list[Run], list[ImportedSet]]:
    """Runs and imported sets, three at most in all."""
    linked = bool(selection.values_of("sets"))  # a link to sets alone names no run
    runs = pick_runs("embed", most=MOST, needed=False, start=0 if linked else 2)
    imported = sets.pick_sets(most=MOST, start=0 if runs else MOST)
    if len(runs) + len(imported) > MOST:
        room = MOST - len(imported)
        left_out = ", ".join(label(run) for run in runs[room:])
        st.warning(f"Three fit side by side. Not shown: {plain(left_out)}. Remove one to see it.")
        runs = runs[:room]
    return runs, imported


def nothing() -> None:
    """What to do where nothing is chosen, or there is nothing yet."""
    st.info(
        "Nothing is chosen. Runs stand here once they have finished their embed stage (start one in the Train view); "
        "embeddings from files once they are imported, below.",
        icon=":material/hourglass_empty:",
    )
    st.page_link("views/train.py", label="Go to Train", icon=":material/play_circle:")
    sets.more_sets(MOST, expanded=True)


def kind_of(runs: list[Run]) -> str:
    """What the cosines of runs are between; imported sets have one kind of vectors alone."""
    if not runs:
        return "prompts"
    return selection.one(
        "Cosines between", list(KINDS), name="cosines", draw=st.segmented_control, format_func=KINDS.get
    )


def heatmaps(panels: Sequence[Panel], kind: str) -> None:
    """Side by side on one frame where the labels are the same; else each on its own, on the same scale."""
    reading = "One scale for all panels. Off the diagonal, 0 means unrelated directions, 1 the same one."
    if pictures.differing(panels) is None:
        titles = [panel.title for panel in panels]
        show(
            pictures.panels(panels, theme=theme()),
            key="similarity-panels",
            alt=f"Heatmaps of cosines between {KINDS[kind].lower()} for {', '.join(titles)}, on one scale",
            name=("similarity", kind, *titles),
            height=560,
            help=reading,
        )
        return
    for number, (column, panel) in enumerate(zip(st.columns(len(panels)), panels, strict=True)):
        with column:
            show(
                pictures.panels([panel], theme=theme()),
                key=f"similarity-panel-{number}",
                alt=f"Heatmap of cosines for {panel.title}, from -1 to 1",
                name=("similarity", kind, panel.title),
                height=560,
                help=reading if number == 0 else "",
            )


def beyond(panels: Sequence[Panel], kind: str) -> None:
    """The difference of the first two, and all pairs of labels."""
    titles = [panel.title for panel in panels]
    if len(panels) > 1:
        st.subheader("What differs", anchor=False)
        if reason := pictures.differing(panels[:2]):
            st.info(plain(reason))
        elif panels[0].cross != panels[1].cross:
            st.info("Prompts against centroids and vectors against themselves are different things: no difference.")
        else:
            show(
                pictures.difference(panels, theme=theme()),
                key="similarity-difference",
                alt=f"Difference of the cosines of {titles[1]} and {titles[0]}",
                name=("similarity-difference", kind, titles[1], titles[0]),
                height=560,
                help=f"Blue: nearer together in {titles[1]}. Orange: nearer together in {titles[0]}.",
            )
    if own := [panel for panel in panels if not panel.cross and len(panel.names) > 1]:
        st.subheader("All pairs", anchor=False)
        show(
            pictures.pairs(own, theme=theme()),
            key="similarity-pairs",
            alt="Distribution of off-diagonal cosines, with lines at what is reachable",
            name=("similarity-pairs", kind, *(panel.title for panel in own)),
            help="Each pair once. Lines: right angles, and the simplex, where all are equally far apart.",
        )


def page() -> None:
    header("Similarity", "Are the diseases apart, in words and in pictures?")
    runs, imported = chosen()
    if not runs and not imported:
        nothing()
        return
    study = study_of(runs) if runs else None
    if study is not None and (reason := no_comparison(study)):
        st.info(reason)
        runs = []
        if not imported:
            return
    kind = kind_of(runs)
    if study is not None and runs and kind in ("centroids", "cross"):
        without_support(runs[0], study)
    found = [] if study is None else pictures.of_runs(cached, runs, study, kind)
    panels = pictures.in_one_order([*found, *map(pictures.of_set, imported)])
    told = [*((label(run), "") for run in runs), *((one.name, sets.origin(one)) for one in imported)]
    for column, panel, (title, origin) in zip(st.columns(len(panels)), panels, told, strict=True):
        with column:
            numbers(panel, title, origin)
    heatmaps(panels, kind)
    beyond(panels, kind)
    sets.curves(imported)
    sets.more_sets(MOST)


page()
