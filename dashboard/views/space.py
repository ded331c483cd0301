"""Space: where do diseases lie, and which radiographs lie together?"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import FluoroscopeError
from core.figures.space import reach
from core.metrics.enclosing import enclosed
from core.metrics.neighbours import Neighbours
from core.pictures.missing import no_centroids, no_test
from core.pictures.space import Look, Picked, explained, space
from core.recipes.space import STEM, Selection, Space
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, maps, selection
from dashboard.components.plot import Report
from dashboard.finding import find
from dashboard.looking import colour_legend, drawn_rows, looks, run_title
from dashboard.maps import Shown
from dashboard.radiograph import go_to, inspect, row_of
from dashboard.selected import selected
from dashboard.showing import present
from dashboard.widgets import header, pick_runs, study_of, theme

HEIGHTS = {False: 520, True: 460}
"""Of a map in pixels, by whether it is flat."""


def draw(one: Shown, study: Study, look: Look, picked: Picked, rows: NDArray[np.int64]) -> None:
    """A picture of the map of one run; a first picture, which no file holds yet, cannot be made again elsewhere."""
    present(
        recipe(one, study, look, picked, rows),
        key=f"space-{'flat-' if look.flat else ''}{one.run.id}",
        figure=space(
            cached,
            one.run,
            study,
            look=look,
            picked=picked,
            rows=rows,
            of=one.chart,
            moments=one.moments,
            theme=theme(),
        ),
        height=HEIGHTS[look.flat],
        encloses=look.flat and bool(one.stem) and not one.moments,
        group="space",
        moment=one.moment,
        legend=False,
        again=bool(one.stem),
        react=functools.partial(heard, one, study),
    )


def recipe(one: Shown, study: Study, look: Look, picked: Picked, rows: NDArray[np.int64]) -> Space:
    """What makes the picture again, but for what was found by typed words."""
    return Space(
        runs=(one.run.id,),
        stem=one.stem or "umap",
        colour=look.by,
        labelled=look.labelled,
        arrows=look.arrows,
        flat=look.flat,
        reach=tuple((float(low), float(high)) for low, high in look.reach or ()),
        sample="" if picked.chosen is None else str(study.samples["id"].iloc[picked.chosen]),
        lasso=tuple((float(x), float(y)) for x, y in picked.outline),
        most=len(rows),
        moving=bool(one.moments),
    )


def heard(one: Shown, study: Study, report: Report) -> None:
    """What was clicked, enclosed or played becomes what the page shows."""
    row = None if report.click is None else report.click.customdata
    if isinstance(row, int):
        selection.put("sample", str(study.samples["id"].iloc[row]))
    if report.region and len(report.region) > 2:
        corners = ";".join(f"{x:.4g},{y:.4g}" for x, y in report.region)
        selection.put("lasso", [one.run.id, one.stem, corners])
    if report.moment in one.moments:
        share = list(one.moments).index(report.moment) / max(1, len(one.moments) - 1)
        selection.put("moment", f"{share:.3f}")


def picked_in(study: Study, runs: Sequence[Run], chosen: int | None, found: Neighbours | None) -> Picked:
    """What stands out on every map: the chosen radiograph, those found, and what a lasso on one map enclosed."""
    picked = Picked(chosen=chosen) if found is None else Picked(chosen=chosen, found=found.indices.astype(np.int64))
    kept, by_id = selection.values_of("lasso"), {run.id: run for run in runs}
    if len(kept) != 3 or kept[0] not in by_id or not re.fullmatch(STEM, kept[1]):
        return picked
    try:
        corners = [(float(x), float(y)) for x, y in (pair.split(",") for pair in kept[2].split(";"))]
        inside = enclosed(cached.chart(by_id[kept[0]], study, kept[1]).samples[:, :2], corners)
    except (ValueError, FluoroscopeError):
        return picked  # of an old link
    return replace(picked, selected=np.flatnonzero(inside), outline=corners)


def caught(picked: Picked) -> Selection:
    """What makes the picture of a selection again."""
    run_id, stem, _ = selection.values_of("lasso")
    return Selection(runs=(run_id,), stem=stem, lasso=tuple((float(x), float(y)) for x, y in picked.outline))


def side_by_side(
    runs: Sequence[Run],
    study: Study,
    kind: str,
    looks: Sequence[Look],
    picked: Picked,
    rows: NDArray[np.int64],
) -> None:
    """The maps in columns, on axes of the same reach."""
    place, columns, shown = st.container(), st.columns(len(runs)), []
    for column, run in zip(columns, runs, strict=True):
        with column:
            if len(runs) > 1:
                run_title(run)
            with st.container():  # what it says comes and goes; the map below keeps its place, and is not mounted anew
                shown.append(maps.shown(run, study, kind))
    known = [one for one in shown if one is not None]
    if known:
        with place:
            first = known[0]
            entries = explained(
                cached, first.run, study, first.chart, looks[0].by, rows[first.chart.known[rows]], theme()
            )
            colour_legend(entries, {anchor.symbol for anchor in first.chart.anchors})
    charts = [part for one in known for part in (one.moments.values() or [one.chart])]
    ends = reach(*(part.ends for part in charts)) if charts else None
    lassoed = (selection.values_of("lasso") or [""])[0]
    for column, run, one in zip(columns, runs, shown, strict=True):
        with column:
            if one is None:
                continue
            own = picked if run.id == lassoed else replace(picked, outline=())
            for look in looks:
                draw(one, study, replace(look, reach=ends), own, rows)
            faithfulness(one)


def faithfulness(one: Shown) -> None:
    """How far the picture may be believed."""
    scores, made = one.chart.faithfulness, one.chart.parameters

    def value(name: str) -> str:
        if scores.get(name) is not None:
            return f"{scores[name]:.3f}"
        few = name != "stability" and scores.get("measured", 1)
        return "not defined for so few points" if few else "not measured"

    words = f"Trustworthiness {value('trustworthiness')} · kept neighbours {value('knn_recall')} (of 15)"
    words += f" · stability {value('stability')}"
    if made.get("reference"):
        words += f" · laid over run {made['reference'][:4]}, disparity {made['disparity']:.2f}"
    if made.get("because"):
        words += f" · the first three principal components, not UMAP: {made['because']}"
    st.caption(words)


def legend(study: Study) -> None:
    """How to read the map, and what is not on it."""
    drawn = "image embeddings (dots), disease prompts (diamonds) and disease centroids (crosses)"
    if not study.findings:
        drawn = "image embeddings; this study has no findings, so there are no disease prompts and no centroids on it"
    st.caption(
        f"A map of {drawn}. Distances between far groups mean little. Trustworthiness: are map neighbours real ones? "
        "Kept neighbours: are real ones on the map? Stability: would another random state say the same? Click a dot; "
        "drag, or use the arrow keys, + and −, to turn."
    )
    if study.findings:
        absent = no_centroids(study, int((study.labels[study.judged_rows()] == 1).any(axis=0).sum()))
        for reason in filter(None, (no_test(study), absent)):
            st.caption(reason)


def page() -> None:
    header("Space", "Where do diseases lie, and which radiographs lie together?")
    runs = pick_runs("project", most=3)
    study = study_of(runs)
    left, right = st.columns(2, vertical_alignment="bottom")
    pictures, kind = looks(study, left), maps.choose(runs, right)
    rows = drawn_rows(study)
    field, pictured, below = st.container(), st.container(), st.container()
    with field:
        found = find(runs, study, below)
    chosen = row_of(study, selection.get("sample"))
    picked = picked_in(study, runs, chosen, found)
    with pictured:
        side_by_side(runs, study, kind, pictures, picked, rows)
        legend(study)
    with below:
        go_to(study)
        if picked.selected is not None and selected(study, picked.selected, runs, caught(picked)):
            selection.drop("lasso")
            st.rerun()
        if chosen is not None:
            inspect(study, chosen, runs)


page()
