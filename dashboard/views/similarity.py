"""Similarity: are the diseases apart, in words and in pictures?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.imported import ImportedSet
from core.pictures import similarity as pictures
from core.pictures import similarity_epochs as through
from core.pictures import similarity_numbers as in_numbers
from core.pictures.missing import no_centroids, no_comparison, no_test
from core.pictures.ordering import ORDERS, Frame, arranged
from core.pictures.similarity import KINDS, Panel
from core.recipes import similarity as recipes
from core.runs import Run
from core.snapshots import no_snapshots
from core.studies.study import Study
from dashboard import cached, selection, sets
from dashboard.showing import present
from dashboard.widgets import header, label, pick_runs, plain, study_of, theme

MOST = 3
"""So many panels stand side by side."""

AXES = {
    "own": "Off the diagonal, 0 means unrelated directions, 1 the same one.",
    "cross": "Rows: prompts. Columns: centroids. A bright diagonal: each prompt means its own disease.",
    "signs": "Rows: positive prompts. Columns: negative prompts. A pale diagonal: the model hears the “no”.",
}
"""How a heatmap is read, by what rows and columns are."""

ONE_SCALE = "{} One scale for all, from −1 to 1."
ONE_MOMENT = "It kept one moment alone."
THEN = "Each model at its last kept moment up to this epoch; centroids are those of the kept samples."


def table(panels: Sequence[Panel], kind: str) -> None:
    """What the heatmaps say in numbers, beside what is reachable, and how to read it."""
    st.table(in_numbers.numbers(panels).map(plain).rename(index=plain, columns=plain))
    for line in (in_numbers.reading(kind), *in_numbers.unreachable(panels)):
        st.caption(plain(line))


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


def order_of() -> str:
    """In which order labels stand."""
    return selection.one(
        "Order",
        list(ORDERS),
        name="order",
        draw=st.segmented_control,
        format_func=ORDERS.get,
        help="By anatomy: heart, lung, pleura. By likeness: average linkage on 1 − cosine of the first model, whose "
        "tree stands beside the heatmaps. All models stand in the same order.",
    )


def heatmaps(look: recipes.Similarity, frames: Sequence[Frame]) -> None:
    """Side by side where the labels are the same, else one frame below the other; on one scale."""
    for number, frame in enumerate(frames):
        present(
            look.replace(part=number),
            key=f"similarity-panels-{number}",
            figure=pictures.panels(frame.panels, frame.tree, theme=theme()),
            height=560,
            help=ONE_SCALE.format(AXES.get(look.cosines, AXES["own"])),
        )


def beyond(look: recipes.Similarity, panels: Sequence[Panel]) -> None:
    """The difference of the first two, and all pairs of labels."""
    titles = [panel.title for panel in panels]
    same = {"cosines": look.cosines, "order": look.order}
    first_two = {"runs": look.runs[:2], "sets": look.sets[: 2 - len(look.runs[:2])]}
    if len(panels) > 1:
        st.subheader("What differs", anchor=False)
        if reason := pictures.differing(panels[:2]):
            st.info(plain(reason))
        elif panels[0].cross != panels[1].cross:
            st.info("Prompts against other vectors and vectors against themselves are different things: no difference.")
        else:
            present(
                recipes.Difference(**first_two, **same),
                key="similarity-difference",
                figure=pictures.difference(panels, theme=theme()),
                height=560,
                help=f"Blue: nearer together in {titles[1]}. Orange: nearer together in {titles[0]}.",
            )
    if own := [panel for panel in panels if not panel.cross and len(panel.names) > 1]:
        st.subheader("All pairs", anchor=False)
        present(
            recipes.Pairs(runs=look.runs, sets=look.sets, **same),
            key="similarity-pairs",
            figure=pictures.pairs(own, theme=theme()),
            help="Each pair once. Lines: right angles, and the simplex, where all are equally far apart.",
        )


def through_training(runs: list[Run], kind: str, order: str) -> None:
    """How the numbers moved, and the heatmaps at one moment."""
    st.subheader("Through training", anchor=False)
    if kind not in through.KINDS:
        st.info("Training does not change what the towers as they were loaded make of the prompts.")
        return
    moving = through.followed(cached, runs)
    for run in runs:
        if run not in moving:
            st.caption(plain(f"{label(run)} kept no snapshots to follow. {no_snapshots(run) or ONE_MOMENT}"))
    if not moving:
        return
    if best := [label(run) for run in moving if run.config.training.keep == "best"]:
        st.caption(
            plain(f"{', '.join(best)}: above with the best weights of all epochs, here with those of each epoch.")
        )
    shown = [f"{epoch:g}" for epoch in through.epochs(cached, moving)]
    epoch = float(selection.one("Epoch", shown, name="epoch", default=shown[-1], draw=st.select_slider, help=THEN))
    ids = tuple(run.id for run in moving)
    present(
        recipes.SimilarityEpochs(runs=ids, cosines=kind, epoch=epoch),
        key="similarity-epochs",
        height=300,
        help="Dashed: what is reachable. Dotted: the epoch that is looked at."
        if kind not in pictures.CROSS
        else "Dotted: the epoch that is looked at.",
    )
    present(
        recipes.SimilarityMoment(runs=ids, cosines=kind, epoch=epoch, order=order),
        key="similarity-moment",
        height=560,
        help=ONE_SCALE.format(AXES.get(kind, AXES["own"])),
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
    kind, order = kind_of(runs), order_of()
    if study is not None and runs and kind in ("centroids", "cross"):
        without_support(runs[0], study)
    found = [] if study is None else pictures.of_runs(cached, runs, study, kind)
    frames = arranged(pictures.in_one_order([*found, *map(pictures.of_set, imported)]), order)
    panels = [panel for frame in frames for panel in frame.panels]
    table(panels, kind)
    for one in imported:
        st.caption(f"{plain(one.name)}: {plain(sets.origin(one))}")
    look = recipes.Similarity(
        runs=tuple(run.id for run in runs), sets=tuple(one.name for one in imported), cosines=kind, order=order
    )
    heatmaps(look, frames)
    beyond(look, panels)
    if runs:
        through_training(runs, kind, order)
    sets.curves(imported)
    sets.more_sets(MOST)


page()
