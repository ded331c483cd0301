"""Modality gap: how far apart do images and their texts lie, and does it matter?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.errors import InputError
from core.metrics.shifting import KS
from core.pictures import gap as pictures
from core.pictures.missing import judged, no_pairs, no_test
from core.recipes import gap as recipes
from core.runs import Run, list_runs
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.showing import present
from dashboard.widgets import header, label, pick_runs, plain, study_of, theme

STEP = 0.25


def paired(run: Run, study: Study, shifted: float, count: int) -> None:
    """The paired map, before or after a shift, on fixed axes."""
    present(
        recipes.GapMap(runs=(run.id,), shift=shifted),
        key=f"gap-map-{run.id}",
        height=420,
        help=f"{min(count, len(cached.plane(run, study).images))} of {count:,} {judged(study)} that have a text. Each "
        "line connects one with it. The axes stay as they are while the slider moves the points.",
    )


def cones(run: Run) -> None:
    """Cosines inside each modality and across the pairs."""
    present(
        recipes.Cones(runs=(run.id,)),
        key=f"gap-cones-{run.id}",
        height=320,
        help="Cosines of random pairs. Two narrow hills far from 0 are two narrow cones: the modalities do not mix.",
    )


def measured(run: Run, shifted: float, k: int) -> None:
    """What the shift does to each measure: the numbers at the slider's place, the best places, the curve."""
    if not run.has("evaluate"):
        st.info("There is no shift curve yet: the evaluate stage has not finished.")
        return
    report = cached.evaluation(run)
    curve, missing = report["space"]["shift"], report.get("missing", {})
    if curve is None:
        st.info(missing.get("shift", "There is no gap to move along."))
        return
    at = int(np.abs(np.array(curve["requested"]) - shifted).argmin())
    _numbers(curve, at, k)
    if "task" in missing:
        st.caption(missing["task"])
    if "recall_image_to_text" not in curve:
        _older(run, "recall at each shift")
    judgement = "" if "task" in missing else "; AUROC of cosines to disease prompts"
    present(
        recipes.Shift(runs=(run.id,), shift=float(curve["requested"][at]), k=k),
        key=f"gap-shift-{run.id}",
        help="Images and texts are moved towards each other along the gap, and past. Diamonds: the best of each "
        f"measure. Losses (mean of both directions; scale {curve['scale']:.1f}) and recall over {curve['n_pairs']:,} "
        f"pairs{judgement}.",
    )
    st.markdown("\n".join(f"- {plain(line)}" for line in pictures.best_in_words(curve, k)))
    if report["space"]["rows"] == "test":
        st.caption("The best shift is read off the test split itself, so what it gains there is an upper bound.")


def _numbers(curve: dict[str, Any], at: int, k: int) -> None:
    """Each measure at one shift, and its change from no shift at all."""
    start = int(np.abs(np.array(curve["requested"])).argmin())
    names = {"distance": "Distance", "loss": "Contrastive loss", "task": "Zero-shot AUROC"}
    names |= {f"{way}@{k}": f"R@{k} {words}" for way, words in pictures.WAYS.items()}
    with st.container(horizontal=True, gap="medium"):
        for name, title in names.items():
            found = pictures.values(curve, name)
            change = found[at] - found[start] if at != start else float("nan")
            st.metric(
                title,
                _number(found[at]),
                delta=f"{change:+.3f}" if abs(change) >= pictures.SAME else None,
                delta_color={"loss": "inverse", "distance": "off"}.get(name, "normal"),  # type: ignore[arg-type]
                help="at the slider's place, and the change from no shift",
                width="content",
            )


def _number(value: float | None) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.3f}"


def _older(run: Run, what: str) -> None:
    st.info(
        f"This run was evaluated by an earlier version, which did not measure {what}. "
        f"`python -m scripts.evaluate {run.id[:8]}` does."
    )


def one_run(run: Run, study: Study, shifted: float, k: int) -> None:
    images, _, _ = cached.pairs(run, study)
    st.markdown(f"**{plain(label(run))}**")
    if reason := no_pairs(study, len(images)):
        st.info(reason)
        return
    try:
        distance = cached.plane(run, study).gap
    except InputError:  # the one that is left for two pairs or more
        st.info("Images and texts have the same mean: there is no gap, and no direction to move along.")
        return
    separable(run, distance)
    paired(run, study, shifted, len(images))
    measured(run, shifted, k)
    retrieved(run)
    cones(run)


def separable(run: Run, distance: float) -> None:
    """How far apart the modalities lie, and whether a plane divides them."""
    space = cached.evaluation(run)["space"] if run.has("evaluate") else {}
    with st.container(horizontal=True, gap="medium"):
        st.metric("Gap", _number(distance), help="distance of the two means, unshifted", width="content")
        st.metric(
            "Linear separability",
            _number(space.get("separability")),
            help="How well a plane tells images from texts, on pairs that it was not fitted on (balanced accuracy, 5 "
            "folds). 1: a plane divides them. 0.5: chance, the modalities lie mixed.",
            width="content",
        )
    if not space:
        st.caption("Linear separability is measured by the evaluate stage, which has not finished.")
    elif "separability" not in space:
        _older(run, "how well a plane divides the modalities")
    elif space["separability"] is None:
        st.caption("Linear separability needs 5 pairs.")


def retrieved(run: Run) -> None:
    """Whether an image finds its text, and a text its image."""
    if not run.has("evaluate"):
        st.info("Nothing was looked for yet: the evaluate stage has not finished.")
        return
    found = cached.evaluation(run)["space"]["retrieval"]
    if found is None:
        return
    rows = [
        {"": words, **{f"R@{k}": value for k, value in found[way]["recall"].items()}, "rank": found[way]["median_rank"]}
        for way, words in pictures.WAYS.items()
    ]
    recall = {column: st.column_config.NumberColumn(format="percent") for column in rows[0] if column.startswith("R@")}
    st.dataframe(rows, hide_index=True, column_config={"": st.column_config.Column(width=105), **recall})
    pairs = found["n_pairs"]
    st.caption(
        f"Unshifted: recall among the k nearest, and the middle of the ranks, over {pairs:,} pairs; identical texts "
        f"count as one. By chance R@1 is about {1 / pairs:.1%}, the median rank {(pairs + 1) / 2:,.0f}."
    )


def of_findings(runs: Sequence[Run], study: Study) -> None:
    """The gap of each disease, run beside run."""
    st.subheader("Per disease", anchor=False)
    if not study.findings:
        st.info("This study has no findings, so there is no disease whose gap could be measured.")
        return
    done = [run for run in runs if run.has("evaluate")]
    if not done:
        st.info("Nothing was measured per disease yet: the evaluate stage has not finished.")
        return
    for run in done:
        if "finding_gaps" not in cached.evaluation(run)["space"]:
            _older(run, f"the gap of each disease ({label(run)})")
    reports = [found for run in done if (found := cached.evaluation(run)["space"].get("finding_gaps"))]
    if not reports:
        return
    present(
        recipes.GapFindings(runs=tuple(run.id for run in done)),
        key="gap-findings",
        help=f"Images with a disease against their own texts, among the {judged(study)}. Dashed: all pairs. Upright "
        "strokes: the gap that as many pairs drawn from all would show, because the means of few lie further apart by "
        f"chance. Below {reports[0]['least']} pairs stands how many there are.",
    )


def over_runs(runs: Sequence[Run], study: Study) -> None:
    """Temperature against gap, of all finished runs of the study."""
    st.subheader("Temperature and gap", anchor=False)
    points = pictures.temperature_points(cached, list_runs(), study, runs)
    if not points:
        st.info(
            "No run of this study has been evaluated with pairs yet, so there is no gap to set against temperature."
        )
        return
    present(
        recipes.GapTemperature(runs=tuple(run.id for run in runs)),
        key="gap-temperature",
        figure=pictures.temperatures(points, theme=theme()),
        help="Every evaluated run of this study; those chosen above are coloured. Dashed: CLIP fine-tuned on COCO at "
        "fixed temperatures (Liang et al. 2022), where a lower temperature left a wider gap.",
    )
    if len(points) == 1:
        st.caption("This is the only evaluated run of this study: train others at other temperatures to see a trend.")


def page() -> None:
    header("Modality gap", "How far apart do images and their texts lie, and does it matter?")
    runs = pick_runs("embed", most=3)
    study = study_of(runs)
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        shifted = selection.number(
            "Shift images and texts by",
            -5.0,
            5.0,
            name="shift",
            default=0.0,
            step=STEP,
            help="0: as embedded. Positive: towards each other and past. Rows are normalised again after the move.",
        )
    with right:
        k = int(
            selection.one(
                "Recall among the nearest", [str(k) for k in KS], name="recall", default="5", draw=st.segmented_control
            )
        )
    if reason := no_test(study):
        st.caption(reason)
    if not study.has_text and study.findings:
        st.caption("This study has no reports: the text of a radiograph is a sentence made from its findings.")
    for column, run in zip(st.columns(len(runs)), runs, strict=True):
        with column:
            one_run(run, study, shifted, k)
    of_findings(runs, study)
    over_runs(runs, study)


page()
