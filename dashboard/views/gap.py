"""Modality gap: how far apart do images and their texts lie, and does it matter?"""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.metrics import gap
from core.metrics.neighbours import nearest
from core.pictures import gap as pictures
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.widgets import header, label, pick_runs, plain, show, study_of, theme

Points = NDArray[np.floating[Any]]


def paired(run: Run, study: Study, shifted: float, count: int) -> None:
    """The paired map, before or after a shift, on fixed axes."""
    show(
        pictures.paired(cached, run, study, shifted=shifted, theme=theme()),
        key=f"gap-map-{run.id}",
        alt=f"Images and texts of test pairs, connected by lines, shifted by {shifted:g}",
        name=("gap-map", run.title, f"shift-{shifted:g}"),
        height=420,
        help=f"{min(count, pictures.DRAWN)} of {count:,} test pairs. Each line connects a radiograph with its text.",
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
    curve = cached.evaluation(run)["space"]["shift"] if run.has("evaluate") else None
    if curve is None:
        st.info("There is no shift curve: the evaluate stage has not finished, or there is no gap to move along.")
        return
    at = int(np.abs(np.array(curve["requested"]) - shifted).argmin())
    first, second, third = st.columns(3)
    first.metric("Distance", _number(curve["distance"][at]))
    second.metric("Contrastive loss", _number(curve["loss"][at]))
    third.metric("Zero-shot AUROC", _number(curve["task"][at]))
    show(
        pictures.shift(cached, run, marker=float(curve["requested"][at]), theme=theme()),
        key=f"gap-shift-{run.id}",
        alt="Contrastive loss in both directions and zero-shot AUROC against the shift",
        name=("gap-shift", run.title),
        height=360,
        help="Images and texts are moved towards each other along the gap, and past. "
        f"Losses at scale {curve['scale']:.1f} over {curve['n_pairs']:,} pairs; AUROC of cosines to disease prompts.",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def one_run(run: Run, study: Study, shifted: float) -> None:
    images, texts, _ = cached.pairs(run, study)
    st.markdown(f"**{plain(label(run))}**")
    if len(images) < 2:
        st.info("Fewer than two test radiographs have a text in this model's space, so there is no gap to measure.")
        return
    first, second = st.columns(2)
    first.metric("Gap", _number(gap.modality_gap(images, texts).distance), help="distance of the two means, unshifted")
    second.metric(
        "Own text is nearest", _nearest(images, texts), help="share of images whose nearest text is their own"
    )
    if gap.modality_gap(images, texts).distance < 1e-6:
        st.info("Images and texts have the same mean: there is no direction to move along.")
        return
    paired(run, study, shifted, len(images))
    measured(run, shifted)
    cones(run, study)


def _nearest(images: Points, texts: Points) -> str:
    rows = np.random.default_rng(0).permutation(len(images))[:200]
    own = np.einsum("ij,ij->i", images[rows], texts[rows])
    best = np.array([nearest(texts, images[row], 1).cosines[0] for row in rows])
    return f"{float((own >= best - 1e-6).mean()):.0%}"


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
    if not study.has_text:
        st.caption("This study has no reports: the text of a radiograph is a sentence made from its findings.")
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            one_run(run, study, shifted)


page()
