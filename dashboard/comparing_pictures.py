"""Compare, in pictures: the figures of the other views, all runs side by side, each with a way to its view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from core.figures.space import reach
from core.pictures.colourings import colour_name, colourings
from core.pictures.missing import no_comparison, no_pairs, no_scores
from core.pictures.similarity import KINDS
from core.pictures.space import Look, explained
from core.recipes.confusion import ConfusionDifference
from core.recipes.curves import Curves
from core.recipes.diseases import Auroc
from core.recipes.gap import GapFindings
from core.recipes.retrieval import Recall
from core.recipes.similarity import Similarity
from core.recipes.space import Space
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.looking import colour_legend, run_title
from dashboard.showing import present
from dashboard.widgets import label, plain, theme

DRAWN = 3000
"""Radiographs on each map, rare findings among them; the Space view draws more."""

RULES = {"f1": "Best F1", "youden": "Youden's J", "fixed": "0.5"}


@dataclass(frozen=True)
class Section:
    """A part of the page: its title, the view that shows more, what draws it, and what carries its runs there."""

    title: str
    view: str
    draw: Callable[[Sequence[Run], Study], None]
    carried: str = "runs"


def pictures(runs: Sequence[Run], study: Study) -> None:
    """The chosen parts, one below the other."""
    chosen = selection.several(
        "Pictures on this page",
        list(SECTIONS),
        name="parts",
        default=FIRST,
        draw=st.pills,
        selection_mode="multi",
        format_func=lambda key: SECTIONS[key].title,
    )
    for key, section in SECTIONS.items():
        if key not in chosen:
            continue
        left, right = st.columns([4, 1], vertical_alignment="bottom")
        left.subheader(section.title, anchor=False)
        if right.button("Show more", key=f"more-{key}", type="tertiary", icon=":material/arrow_forward:"):
            selection.put(section.carried, [run.id for run in runs])
            st.switch_page(f"views/{section.view}.py")
        section.draw(runs, study)


def _ids(runs: Sequence[Run]) -> tuple[str, ...]:
    return tuple(run.id for run in runs)


def _curves(runs: Sequence[Run], study: Study) -> None:
    """Loss and validation AUROC of those that trained."""
    recipes = [Curves(runs=_ids(runs), quantity=quantity) for quantity in ("loss", "auroc")]
    drawn = [(recipe, figure) for recipe in recipes if (figure := recipe.drawn(cached, theme())) is not None]
    if not drawn:
        st.info("None of these runs has trained: there is nothing to draw a curve of.")
    for column, (recipe, figure) in zip(st.columns(2), drawn, strict=False):
        with column:
            present(recipe, key=f"compare-curve-{recipe.quantity}", figure=figure, height=320)
    if drawn:
        st.caption(
            "Thick: smoothed, thin: as measured. Losses are weighted sums: where the terms or weights differ, so do "
            "their scales."
        )


def _maps(runs: Sequence[Run], study: Study) -> None:
    """The runs' own maps, flat, on axes of the same reach."""
    have = [run for run in runs if run.has("project")]
    for run in runs:
        if run not in have:
            st.info(f"{plain(label(run))} has no map yet: its project stage has not finished.")
    if not have:
        return
    by = selection.one("Colour by", colourings(study), name="colour", format_func=colour_name, width=260)
    charts = {run.id: cached.chart(run, study) for run in have}
    ends = reach(*(one.ends for one in charts.values()))
    rows = cached.first_rows(study, DRAWN)
    first = charts[have[0].id]
    entries = explained(cached, have[0], study, first, by, rows[first.known[rows]], theme())
    colour_legend(entries, {anchor.symbol for anchor in first.anchors})
    across = 2 if len(have) == 4 else len(have)
    for start in range(0, len(have), across):
        for column, run in zip(st.columns(across), have[start : start + across], strict=False):
            with column:
                run_title(run)
                _map(run, Look(by=by, labelled=(), flat=True, reach=ends), len(rows))
    st.caption(
        f"Flat, on axes of the same reach, each laid over the study's first map. {len(rows):,} of {len(study):,} "
        "radiographs. What lies under the pointer is ringed on the other maps. Distances between far groups mean "
        "little."
    )


def _map(run: Run, look: Look, most: int) -> None:
    recipe = Space(
        runs=(run.id,),
        colour=look.by,
        labelled=look.labelled,
        flat=True,
        reach=tuple((float(low), float(high)) for low, high in look.reach or ()),
        most=most,
    )
    present(recipe, key=f"compare-map-{run.id}", height=400, group="compare", legend=False)


def _heatmaps(runs: Sequence[Run], study: Study) -> None:
    """Cosines between prompts or centroids, on one scale."""
    if reason := no_comparison(study):
        st.info(reason)
        return
    kind = selection.one(
        "Cosines between", list(KINDS), name="cosines", draw=st.segmented_control, format_func=KINDS.get
    )
    present(
        Similarity(runs=_ids(runs), cosines=kind),
        key="compare-similarity",
        height=560,
        help="One scale for all, from −1 to 1; 0 means unrelated directions.",
    )


def _aurocs(runs: Sequence[Run], study: Study) -> None:
    """AUROC of each disease with its interval."""
    if reason := no_scores(study):
        st.info(reason)
        return
    present(
        Auroc(runs=_ids(runs)),
        key="compare-auroc",
        help="Bars: 95 % intervals of each run by itself. Intervals that overlap do not say that two runs are alike: "
        "the differences above are paired.",
    )


def _matrices(runs: Sequence[Run], study: Study) -> None:
    """The confusion matrices of another run minus those of the first."""
    if reason := no_scores(study):
        st.info(reason)
        return
    others = {run.id: run for run in runs[1:]}
    left, right = st.columns(2)
    other = next(iter(others))
    with left:
        rule = selection.one("Threshold, chosen on validation", list(RULES), name="rule", format_func=RULES.get)
    if len(others) > 1:
        with right:
            other = selection.one(
                "Of run", list(others), name="compare-other", format_func=lambda key: label(others[key])
            )
    present(
        ConfusionDifference(runs=(other, runs[0].id), rule=rule),
        key="compare-confusion",
        help=f"{plain(label(others[other]))} minus {plain(label(runs[0]))}, at thresholds of their own. p: McNemar's "
        "test, with Holm's correction.",
    )


def _gaps(runs: Sequence[Run], study: Study) -> None:
    """The gap of each run and of each disease."""
    spaces = {run.id: cached.evaluation(run)["space"] for run in runs}
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            run_title(run)
            gap, separable = spaces[run.id]["gap"], spaces[run.id].get("separability")
            first, second = st.columns(2)
            first.metric("Gap", _number(gap), help="distance of the two means")
            if separable is not None:
                words = "how well a plane divides images from texts: 1 wholly, 0.5 chance"
                second.metric("Separability", _number(separable), help=words)
            if reason := no_pairs(study, spaces[run.id]["pairs"]):
                st.caption(reason)
    if study.findings and any(one.get("finding_gaps") for one in spaces.values()):
        present(
            GapFindings(runs=_ids(runs)),
            key="compare-gaps",
            help="Dashed: all pairs. Upright stroke: what as many pairs drawn at random would show.",
        )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _retrieval(runs: Sequence[Run], study: Study) -> None:
    """Recall against k both ways."""
    able = [run for run in runs if len(cached.pairs(run, study)[0]) > 1]
    if not able:
        st.info(no_pairs(study, 0) or "")
        return
    for column, way in zip(st.columns(2), ("image_to_text", "text_to_image"), strict=True):
        with column:
            st.markdown(f"**{way.replace('_to_', ' → ')}**")
            present(Recall(runs=_ids(able), way=way), key=f"compare-recall-{way}", height=360)  # type: ignore[arg-type]
    st.caption("How often the partner is among the k nearest. Band: 95 % interval over patients. Dotted: chance.")


FIRST = ("curves", "maps", "heatmaps", "auroc")
"""What is drawn where nothing was chosen: all of it takes the server longer than one likes to wait."""

SECTIONS = {
    "curves": Section("Curves of training", "curves", _curves, "curves"),
    "maps": Section("Maps", "space", _maps),
    "heatmaps": Section("Similarity", "similarity", _heatmaps),
    "auroc": Section("AUROC by disease", "diseases", _aurocs),
    "confusion": Section("Confusion matrices: the difference", "diseases", _matrices),
    "gap": Section("Modality gap", "gap", _gaps),
    "retrieval": Section("Retrieval", "retrieval", _retrieval),
}
