"""Modality gap: how far apart do images and their texts lie, and does it matter?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.metrics import gap
from core.pictures import gap as pictures
from core.pictures.missing import judged, no_pairs, no_test
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.widgets import header, label, pick_runs, plain, show, study_of, theme


def paired(run: Run, study: Study, shifted: float, count: int) -> None:
    """The paired map, before or after a shift, on fixed axes."""
    show(
        pictures.paired(cached, run, study, shifted=shifted, theme=theme()),
        key=f"gap-map-{run.id}",
        alt=f"Images and texts of {judged(study)}, connected by lines, shifted by {shifted:g}",
        name=("gap-map", run.title, f"shift-{shifted:g}"),
        height=420,
        help=f"{min(count, pictures.DRAWN)} of {count:,} {judged(study)} that have a text. Each line connects one "
        "with it.",
    )


def cones(run: Run, study: Study) -> None:
    """Cosines inside each modality and across the pairs."""
    show(
        pictures.cones(cached, run, study, theme=theme()),
        key=f"gap-cones-{run.id}",
        alt="Histograms of cosines between images, between texts, and across",
        name=("gap-cones", run.title),
        height=320,
        help="Cosines of random pairs. Two narrow hills far from 0 are two narrow cones: the modalities do not mix.",
    )


def measured(run: Run, shifted: float) -> None:
    """Loss and task against the shift, with the numbers at the slider's place."""
    if not run.has("evaluate"):
        st.info("There is no shift curve yet: the evaluate stage has not finished.")
        return
    report = cached.evaluation(run)
    curve, missing = report["space"]["shift"], report.get("missing", {})
    if curve is None:
        st.info(missing.get("shift", "There is no gap to move along."))
        return
    at = int(np.abs(np.array(curve["requested"]) - shifted).argmin())
    first, second, third = st.columns(3)
    first.metric("Distance", _number(curve["distance"][at]))
    second.metric("Contrastive loss", _number(curve["loss"][at]))
    third.metric("Zero-shot AUROC", _number(curve["task"][at]))
    if "task" in missing:
        st.caption(missing["task"])
    judgement = "" if "task" in missing else "; AUROC of cosines to disease prompts"
    show(
        pictures.shift(cached, run, marker=float(curve["requested"][at]), theme=theme()),
        key=f"gap-shift-{run.id}",
        alt="Contrastive loss in both directions and, where it is defined, zero-shot AUROC against the shift",
        name=("gap-shift", run.title),
        height=360,
        help="Images and texts are moved towards each other along the gap, and past. "
        f"Losses at scale {curve['scale']:.1f} over {curve['n_pairs']:,} pairs{judgement}.",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def one_run(run: Run, study: Study, shifted: float) -> None:
    images, texts, _ = cached.pairs(run, study)
    st.markdown(f"**{plain(label(run))}**")
    if reason := no_pairs(study, len(images)):
        st.info(reason)
        return
    st.metric("Gap", _number(gap.modality_gap(images, texts).distance), help="distance of the two means, unshifted")
    if gap.modality_gap(images, texts).distance < 1e-6:
        st.info("Images and texts have the same mean: there is no direction to move along.")
        return
    paired(run, study, shifted, len(images))
    measured(run, shifted)
    retrieved(run)
    cones(run, study)


def retrieved(run: Run) -> None:
    """Whether an image finds its text, and a text its image."""
    if not run.has("evaluate"):
        st.info("Nothing was looked for yet: the evaluate stage has not finished.")
        return
    found = cached.evaluation(run)["space"]["retrieval"]
    if found is None:
        return
    ways = {"image → text": found["image_to_text"], "text → image": found["text_to_image"]}
    rows = [
        {"": name, **{f"R@{k}": value for k, value in way["recall"].items()}, "median rank": way["median_rank"]}
        for name, way in ways.items()
    ]
    recall = {column: st.column_config.NumberColumn(format="percent") for column in rows[0] if column.startswith("R@")}
    st.dataframe(rows, hide_index=True, column_config=recall)
    pairs = found["n_pairs"]
    st.caption(
        f"Recall among the k nearest, and the middle of the ranks, over {pairs:,} pairs; identical texts count as one. "
        f"By chance R@1 is about {1 / pairs:.1%}, the median rank {(pairs + 1) / 2:,.0f}."
    )


def page() -> None:
    header("Modality gap", "How far apart do images and their texts lie, and does it matter?")
    runs = pick_runs("embed", most=3)
    study = study_of(runs)
    shifted = selection.number(
        "Shift images and texts by",
        -5.0,
        5.0,
        name="shift",
        default=0.0,
        step=0.25,
        help="0: as embedded. Positive: towards each other and past. Rows are normalised again after the move.",
    )
    if reason := no_test(study):
        st.caption(reason)
    if not study.has_text and study.findings:
        st.caption("This study has no reports: the text of a radiograph is a sentence made from its findings.")
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            one_run(run, study, shifted)


page()
