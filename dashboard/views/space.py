"""Space: where do diseases lie, and which radiographs lie together?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import FluoroscopeError
from core.figures.space import reach
from core.metrics.enclosing import enclosed
from core.pictures.colourings import colour_name
from core.pictures.missing import no_centroids, no_test
from core.pictures.space import Look, Picked, space
from core.studies.study import Study
from dashboard import cached, maps, selection
from dashboard.components.plot import Report
from dashboard.looking import drawn_rows, looks
from dashboard.maps import Shown
from dashboard.widgets import header, label, pick_runs, plain, show, study_of, theme

HEIGHTS = {False: 560, True: 480}
"""Of a map in pixels, by whether it is flat."""


def draw(one: Shown, study: Study, look: Look, picked: Picked, rows: NDArray[np.int64]) -> Report:
    """A picture of the map of one run."""
    run, kind = one.run, "flat map" if look.flat else "3D map"
    moments = f", playing through {len(one.moments)} moments of training" if one.moments else ""
    return show(
        space(
            cached, run, study, look=look, picked=picked, rows=rows, of=one.chart, moments=one.moments, theme=theme()
        ),
        key=f"space-{'flat-' if look.flat else ''}{run.id}",
        alt=f"{kind} of {len(rows)} radiographs embedded by {run.title}, coloured by {colour_name(look.by)}{moments}",
        name=("space", look.by, run.title, study.name),
        height=HEIGHTS[look.flat],
        clicks=True,
        encloses=look.flat and not one.moments,
        group="space",
        moment=one.moment,
    )


def heard(reports: Sequence[tuple[Shown, Report]], study: Study, chosen: int | None) -> None:
    """What was clicked, enclosed or played becomes what the page shows."""
    for one, report in reports:
        row = None if report.click is None else report.click.customdata
        if isinstance(row, int) and row != chosen:
            selection.put("sample", str(study.samples["id"].iloc[row]))
            st.rerun()
        if report.region and len(report.region) > 2:
            corners = ";".join(f"{x:.4g},{y:.4g}" for x, y in report.region)
            selection.put("lasso", [one.run.id, one.stem, corners])
            st.rerun()
        if report.moment and report.moment != selection.get("moment"):
            selection.put("moment", report.moment)
            st.rerun()


def picked_in(study: Study, shown: Sequence[Shown], chosen: int | None) -> Picked:
    """What stands out on every map: the chosen radiograph, and what a lasso on one of them enclosed."""
    kept = selection.values_of("lasso")
    by_id = {one.run.id: one.run for one in shown}
    if len(kept) != 3 or kept[0] not in by_id:
        return Picked(chosen=chosen)
    try:
        corners = [(float(x), float(y)) for x, y in (pair.split(",") for pair in kept[2].split(";"))]
        of = cached.chart(by_id[kept[0]], study, kept[1])
        rows = np.flatnonzero(enclosed(of.samples[:, :2], corners))
    except (ValueError, FluoroscopeError):
        return Picked(chosen=chosen)  # an old link
    return Picked(chosen=chosen, selected=rows, outline=corners)


def faithfulness(one: Shown) -> None:
    """How far the picture may be believed."""
    scores, made = one.chart.faithfulness, one.chart.parameters

    def value(name: str) -> str:
        if name not in scores:
            return "not measured"
        return "not defined for so few points" if scores[name] is None else f"{scores[name]:.3f}"

    words = f"Trustworthiness {value('trustworthiness')} · kept neighbours {value('knn_recall')} (of 15)"
    words += f" · stability {value('stability')}"
    if made.get("reference"):
        words += f" · laid over run {made['reference'][:4]}, disparity {made['disparity']:.2f}"
    if made.get("because"):
        words += f" · the first three principal components: {made['because']}"
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
    pictures, kind = looks(study, left), maps.choose(right)
    rows = drawn_rows(study)
    places = {name: at for at, name in enumerate(study.samples["id"])}
    chosen = places.get(selection.get("sample") or "")
    shown = [maps.shown(run, study, kind) for run in runs]
    known = [one for one in shown if one is not None]
    picked, where = picked_in(study, known, chosen), (selection.values_of("lasso") or [""])[0]
    ends = reach(*(one.chart.samples[one.chart.known] for one in known)) if known else None
    reports = []
    for column, run, one in zip(st.columns(len(runs)), runs, shown, strict=True):
        with column:
            if len(runs) > 1:
                st.markdown(f"**{plain(label(run))}**")
            if one is None:
                continue
            for look in pictures:
                own = picked if one.run.id == where else replace(picked, outline=())
                reports.append((one, draw(one, study, replace(look, reach=ends), own, rows)))
            faithfulness(one)
    legend(study)
    heard(reports, study, chosen)


page()
