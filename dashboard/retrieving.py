"""Single searches to look at: a radiograph and the texts nearest to it, a text and its radiographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.metrics.retrieval import Searched, measure
from core.pictures import retrieval as pictures
from core.pictures.partners import KS, texts_of
from core.pictures.retrieval import Found
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.thumbnails import thumbnails
from dashboard.widgets import findings_of, label, plain

PAGE = 4
WIDTH = 130
LONGEST = 400
"""Letters of a text that are shown; the chosen radiograph below shows all of it."""

ANY = ""
WAYS = {"image_to_text": "Image → text", "text_to_image": "Text → image"}
ENDS = {"worst": "Worst first", "best": "Best first"}
RIGHT = ":green[:material/check_circle:]"


def browse(runs: Sequence[Run], study: Study, whole: bool) -> None:
    """One case after the other, the worst or the best first."""
    st.subheader("Cases", anchor=False)
    known = {run.id: run for run in runs}
    run = runs[0]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if len(runs) > 1:
            run = known[
                selection.one("Of run", list(known), name="cases-run", format_func=lambda one: label(known[one]))
            ]
        way = selection.one("Who looks", list(WAYS), name="way", draw=st.segmented_control, format_func=WAYS.get)
        end = selection.one("Order", list(ENDS), name="cases", draw=st.segmented_control, format_func=ENDS.get)
        finding = ANY
        if study.findings:
            finding = selection.one(
                "With finding", [ANY, *study.findings], name="cases-finding", format_func=_named, width=220
            )
    one = cached.searched(run, study, whole=whole)
    among = _with(run, study, one, finding)
    if not len(among):
        st.info(f"No pair has {plain(_named(finding))}.")
        return
    _subset(one, way, run, study, among, finding)
    order = pictures.cases(one, way, worst=end == "worst", among=among)
    pages = -(-len(order) // PAGE)
    number = selection.page(pages, name="cases-page") if pages > 1 else 1
    draw = _of_image if way == "image_to_text" else _of_text
    for place in order[(number - 1) * PAGE : number * PAGE].tolist():
        with st.container(border=True):
            draw(run, study, one, place)


def _named(finding: str) -> str:
    return display_name(finding) if finding else "Any"


def _with(run: Run, study: Study, one: Searched, finding: str) -> NDArray[np.int64]:
    """Places in the pool whose radiograph has a finding."""
    if not finding:
        return np.arange(len(one))
    rows = cached.pairs(run, study)[2][one.rows]
    return np.flatnonzero(study.labels[rows, study.findings.index(finding)] == 1)


def _subset(one: Searched, way: str, run: Run, study: Study, among: NDArray[np.int64], finding: str) -> None:
    """Recall of those that are listed."""
    if not finding:
        st.caption(f"n = {len(among):,} cases.")
        return
    rows = cached.pairs(run, study)[2][one.rows[among]]
    ks = [k for k in KS if k <= len(one)]
    found = measure(one.ranks[way][among], study.samples["patient"].to_numpy()[rows], ks)
    parts = [pictures.recall_interval(found, k) for k in ks]
    told = " · ".join(
        f"R@{k} {part.value:.1%}" + (f" [{part.low:.1%}, {part.high:.1%}]" if part.low == part.low else "")
        for k, part in zip(ks, parts, strict=True)
    )
    st.caption(
        f"{plain(_named(finding))}: n = {len(among):,}, of {found.n_patients:,} patients · {told} · median rank "
        f"{found.median:,g}; among all {len(one):,}."
    )


def _of_image(run: Run, study: Study, one: Searched, place: int) -> None:
    """A radiograph, its own text with its rank, and the texts nearest to it."""
    row = _row(run, study, one, place)
    left, right = st.columns([1, 5])
    with left:
        thumbnails(study, [row], [findings_of(study, row)], key=f"query-{place}", width=WIDTH, together=1)
    with right:
        found = pictures.nearest(cached, run, study, one, "image_to_text", place)
        own, *others = map(_shown, texts_of(run, study, [row, *(candidate.row for candidate in found)]))
        st.markdown(f"**Its text**, rank {_rank(one, 'image_to_text', place)}, cosine {one.own[place]:.3f}  \n{own}")
        lines = [
            f"{number}. {_marked(candidate)} {words}{_also(candidate)}"
            for number, (candidate, words) in enumerate(zip(found, others, strict=True), start=1)
        ]
        st.markdown("**Nearest texts**\n\n" + "\n".join(lines))


def _of_text(run: Run, study: Study, one: Searched, place: int) -> None:
    """A text and the radiographs nearest to it, its own with its rank."""
    row = _row(run, study, one, place)
    left, right = st.columns([2, 5])
    with left:
        st.markdown(f"**A text**  \n{_shown(texts_of(run, study, [row])[0])}")
        st.caption(f"Its radiograph: rank {_rank(one, 'text_to_image', place)}, cosine {one.own[place]:.3f}")
        thumbnails(study, [row], [findings_of(study, row)], key=f"own-{place}", width=WIDTH, together=1)
    with right:
        st.markdown("**Nearest radiographs**")
        found = pictures.nearest(cached, run, study, one, "text_to_image", place)
        words = [f"{_marked(candidate)} {findings_of(study, candidate.row)}" for candidate in found]
        rows = [candidate.row for candidate in found]
        thumbnails(study, rows, words, key=f"near-{place}", width=WIDTH, together=len(rows))


def _row(run: Run, study: Study, one: Searched, place: int) -> int:
    return int(cached.pairs(run, study)[2][one.rows[place]])


def _rank(one: Searched, way: str, place: int) -> str:
    return f"{one.ranks[way][place]:,g} of {len(one):,}"


def _marked(found: Found) -> str:
    """The cosine of a candidate, and whether it is right."""
    return f"{RIGHT} **{found.cosine:.3f}**" if found.right else f"{found.cosine:.3f}"


def _also(found: Found) -> str:
    return f" :small[({found.same + 1:,} radiographs have it)]" if found.same else ""


def _shown(text: str) -> str:
    """A text letter by letter, its beginning where it is long."""
    one_line = " ".join(text.split())
    return plain(one_line if len(one_line) <= LONGEST else f"{one_line[:LONGEST].rstrip()} …")
