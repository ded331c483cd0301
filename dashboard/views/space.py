"""Space: where do diseases lie, and which radiographs lie together?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.metrics.neighbours import nearest
from core.metrics.sampling import stratified
from core.pictures.missing import no_centroids, no_test
from core.pictures.space import FIRST_DRAW, colourings, space
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.widgets import findings_of, header, label, pick_runs, plain, show, study_of, theme

NEIGHBOURS = 6
LABELLED = {"Prompts": ["prompt"], "Centroids": ["centroid"], "Both": ["prompt", "centroid"], "None": []}


def draw(
    run: Run, study: Study, by: str, rows: NDArray[np.int64], chosen: int | None, labelled: list[str]
) -> int | None:
    """The map of one run; the row of the sample that was clicked, if any."""
    click = show(
        space(cached, run, study, by=by, rows=rows, chosen=chosen, labelled=labelled, theme=theme()),
        key=f"space-{run.id}",
        alt=f"3D map of {len(rows)} radiographs embedded by {run.title}, coloured by {by}",
        name=("space", by, run.title, study.name),
        height=560,
        clicks=True,
        camera_group="space",
    )
    _faithfulness(run)
    if click is None or click.customdata is None:
        return None
    value = click.customdata[0] if isinstance(click.customdata, list) else click.customdata
    return int(value) if isinstance(value, (int, float)) else None


def _faithfulness(run: Run) -> None:
    scores, made = cached.projection(run).faithfulness, cached.projection(run).parameters

    def shown(name: str) -> str:
        return "not defined for so few points" if scores[name] is None else f"{scores[name]:.3f}"

    words = f"Trustworthiness {shown('trustworthiness')} · kept neighbours {shown('knn_recall')} (of 15)"
    if made.get("reference"):
        words += f" · laid over run {made['reference'][:4]}, disparity {made['disparity']:.2f}"
    if made["method"] == "pca":
        words += " · the first three principal components, not UMAP: there are too few points for a neighbour graph"
    st.caption(words)


def _legend(study: Study) -> None:
    """How to read the map, and what is not on it."""
    drawn = "image embeddings (dots), disease prompts (diamonds) and disease centroids (crosses)"
    if not study.findings:
        drawn = "image embeddings; this study has no findings, so there are no disease prompts and no centroids on it"
    st.caption(
        f"UMAP of {drawn}. Distances between far groups mean little; trustworthiness says how many map neighbours "
        "are real neighbours. Click a dot."
    )
    if study.findings:
        absent = no_centroids(study, int((study.labels[study.judged_rows()] == 1).any(axis=0).sum()))
        for reason in filter(None, (no_test(study), absent)):
            st.caption(reason)


def inspect(study: Study, row: int, runs: list[Run]) -> None:
    """The chosen radiograph: picture, text, findings, predictions and neighbours of each model."""
    sample = study.samples.iloc[row]
    st.subheader("The chosen radiograph", anchor=False)
    left, right = st.columns([1, 2])
    tag = " · synthetic" if study.synthetic else ""
    left.image(study.images[row], width="stretch", caption=f"{sample['id']} · {sample['split']}{tag}")
    with right:
        facts = [
            f"{name} {sample[name]:.0f}" if name == "age" else f"{name} {sample[name]}"
            for name in ("view", "sex", "age")
            if pd.notna(sample[name])
        ]
        st.caption(" · ".join(facts))
        text = sample["text"] if isinstance(sample["text"], str) else ""
        st.markdown(plain(text) if text.strip() else "*This radiograph has no text.*")
        if study.findings:
            _labels(study, row, runs)
        else:
            st.caption("This study has no findings, so there are no labels and no predictions.")
    if len(study) == 1:
        st.caption("It is the only radiograph of this study: it has no neighbours.")
        return
    for run in runs:
        _neighbours(study, row, run)


def _labels(study: Study, row: int, runs: list[Run]) -> None:
    """What the label says of each finding, and what each model says."""
    table = pd.DataFrame(
        {
            "Finding": [display_name(name) for name in study.findings],
            "Label": [{1.0: "present", 0.0: "absent"}.get(value, "unknown") for value in study.labels[row].tolist()],
            **{label(run): _probabilities(run, study, row) for run in runs},
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height=320,
        column_config={
            label(run): st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="%.2f") for run in runs
        },
    )


def _probabilities(run: Run, study: Study, row: int) -> NDArray[np.float32]:
    columns = [f"probability:{name}" for name in study.findings]
    found: NDArray[np.float32] = cached.predictions(run)[columns].iloc[row].to_numpy(np.float32)
    return found


def _neighbours(study: Study, row: int, run: Run) -> None:
    st.markdown(f"**Nearest in the space of {plain(label(run))}** (by cosine, not on the map)")
    found = nearest(cached.embeddings(run, "images").vectors, row, min(NEIGHBOURS, len(study) - 1))
    columns = st.columns(NEIGHBOURS)
    for column, at, cosine in zip(columns, found.indices.tolist(), found.cosines.tolist(), strict=False):
        column.image(study.images[at], width="stretch", output_format="JPEG")
        column.caption(f"{cosine:.3f} · {findings_of(study, at)}" if study.findings else f"{cosine:.3f}")
        if column.button("Look", key=f"look-{run.id}-{at}", width="stretch"):
            selection.put("sample", str(study.samples["id"].iloc[at]))
            st.rerun()


def page() -> None:
    header("Space", "Where do diseases lie, and which radiographs lie together?")
    runs = pick_runs("project", most=3)
    study = study_of(runs)
    left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
    labelled = "None"
    if study.findings:
        with middle:
            labelled = selection.one("Names beside", list(LABELLED), name="labelled", draw=st.segmented_control)
    with left:
        by = selection.one("Colour by", colourings(study), name="colour", format_func=display_name)
    rows = stratified(study.labels, FIRST_DRAW)
    if len(study) > FIRST_DRAW:
        with right:
            if selection.switch(f"Show all {len(study):,}", name="all"):
                rows = np.arange(len(study))
    place = {name: at for at, name in enumerate(study.samples["id"])}
    chosen = place.get(selection.get("sample") or "")
    clicked = []
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            if len(runs) > 1:
                st.markdown(f"**{plain(label(run))}**")
            clicked.append(draw(run, study, by, rows, chosen, LABELLED[labelled]))
    _legend(study)
    for row in clicked:
        if row is not None and row != chosen:
            selection.put("sample", str(study.samples["id"].iloc[row]))
            st.rerun()
    if chosen is not None:
        inspect(study, chosen, runs)


page()
