"""One radiograph: what is known of it, what each model says of it, and what lies near it in each model's own space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.metrics.neighbours import Neighbours
from core.pictures.radiograph import colour_of, marked
from core.pictures.source import short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name
from dashboard import cached, selection
from dashboard.grid import facts
from dashboard.thumbnails import thumbnails
from dashboard.widgets import label, plain

NEIGHBOURS = 10
WIDTH, TOGETHER = 112, 5
STATES = {1.0: "present", 0.0: "absent"}
FIELD = "go-to"


def row_of(study: Study, name: str | None) -> int | None:
    """The row of a radiograph by its exact id; None where there is none of that id."""
    return study.places.get(name) if name else None


def go_to(study: Study) -> None:
    """A field that takes an id: the way to any radiograph without a pointer, however many there are."""

    def go() -> None:
        if row_of(study, wanted := selection.typed(FIELD).strip()) is not None:
            selection.put("sample", wanted)

    wanted = st.text_input(
        "Go to a radiograph", key=FIELD, on_change=go, placeholder=str(study.samples["id"].iloc[0]), max_chars=200,
        help="Its exact id, then Enter.", width=300,
    ).strip()  # fmt: skip
    if wanted and row_of(study, wanted) is None:
        st.error(
            f"No radiograph of study {plain(study.name)} has the id “{plain(wanted)}”. Ids are told apart by every "
            f"letter, such as {plain(str(study.samples['id'].iloc[0]))}."
        )


def inspect(study: Study, row: int, runs: Sequence[Run]) -> None:
    """The radiograph, its text and findings, the predictions and the ten nearest neighbours of each model.

    Args:
        study: whose.
        row: which of its radiographs.
        runs: the models, of this study.
    """
    st.subheader("The chosen radiograph", anchor=False)
    left, right = st.columns([2, 5])
    with left:
        _picture(study, row)
    with right:
        text = study.samples["text"].iloc[row]
        st.markdown(plain(text) if isinstance(text, str) and text.strip() else "*This radiograph has no text.*")
        if study.findings:
            _findings(study, row, runs)
        else:
            st.caption("This study has no findings, so there are no labels and no predictions.")
    if len(study) == 1:
        st.caption("It is the only radiograph of this study: it has no neighbours.")
    elif runs:
        _neighbourhoods(study, row, runs)


def _picture(study: Study, row: int) -> None:
    sample = study.samples.iloc[row]
    boxes = study.boxes[study.boxes["id"] == sample["id"]]
    picture = marked(study.images[row], boxes) if len(boxes) else study.images[row]
    st.image(picture, width="stretch", output_format="JPEG", alt=f"Radiograph {sample['id']}")
    for finding in sorted(set(boxes["finding"])):
        st.caption(f":material/crop_square: marked: {plain(display_name(finding))} ({colour_of(finding, boxes)})")
    tag = " · synthetic" if study.synthetic else ""
    st.caption(f"{plain(str(sample['id']))} · {plain(facts(sample))}{tag}")


def _findings(study: Study, row: int, runs: Sequence[Run]) -> None:
    """What the label says of each finding, what each model says, and how far that is from the label."""
    labels = study.labels[row]
    columns: dict[str, object] = {
        "Finding": [display_name(name) for name in study.findings],
        "Label": [STATES.get(value, "unknown") for value in labels.tolist()],
    }
    config: dict[str, object] = {}
    for run in runs:
        probabilities = _probabilities(run, study, row)
        name, error = short(run), f"error of {run.id[:4]}"
        columns[name], columns[error] = probabilities, np.abs(labels - probabilities)
        config[name] = st.column_config.ProgressColumn(
            min_value=0.0, max_value=1.0, format="%.2f", width=125, help="The probability that the model gives."
        )
        config[error] = st.column_config.ProgressColumn(
            min_value=0.0, max_value=1.0, format="%.2f", width=95, color="orange",
            help="How far the probability is from the label: 0 is right, 1 is as wrong as can be; none where the label "
            "is not known.",
        )  # fmt: skip
    order = np.argsort(-np.nan_to_num(labels, nan=-1.0), kind="stable")  # what is present stands on top
    table = pd.DataFrame(columns).iloc[order]
    height = min(36 * len(table) + 38, 360)
    st.dataframe(table, hide_index=True, width="stretch", height=height, column_config=config)
    if runs and (known := int(np.isfinite(labels).sum())):
        means = [
            f"{plain(short(run))} {np.nanmean(np.abs(labels - _probabilities(run, study, row))):.3f}" for run in runs
        ]
        st.caption(f"Mean error over the {known} known findings: {' · '.join(means)}")


def _probabilities(run: Run, study: Study, row: int) -> NDArray[np.float32]:
    columns = [f"probability:{name}" for name in study.findings]
    found: NDArray[np.float32] = cached.predictions(run).iloc[row][columns].to_numpy(np.float32)
    return found


def _neighbourhoods(study: Study, row: int, runs: Sequence[Run]) -> None:
    """The neighbours of each model; those that another model has, too, say so."""
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    left.markdown("**Nearest radiographs**, in each model's own space (by cosine, not on the map)")
    with right:
        pictures = selection.switch("Thumbnails", name="thumbnails", default=True)
    found = {run.id: cached.neighbours(run, row, min(NEIGHBOURS, len(study) - 1)) for run in runs}
    for run in runs:
        own = found[run.id]
        others = [one for one in runs if one.id != run.id]
        also = {at: [one for one in others if at in found[one.id].indices] for at in own.indices.tolist()}
        st.markdown(f"**{plain(label(run))}** · {_agreement(study, row, own.indices)}{_shared(own, also, others)}")
        words = [
            " · ".join(filter(None, (f"{cosine:.3f}", _agreeing(study, row, at), _also(also[at]))))
            for at, cosine in zip(own.indices.tolist(), own.cosines.tolist(), strict=True)
        ]
        thumbnails(
            study, own.indices.tolist(), words, key=f"near-{run.id}", width=WIDTH, together=TOGETHER, pictures=pictures
        )


def _agreement(study: Study, row: int, near: NDArray[np.intp]) -> str:
    """How many of the neighbours have the same findings, all of them and each."""
    if not study.findings:
        return "no findings to compare"
    own, others = study.labels[row], study.labels[near]
    known = np.isfinite(own)
    if not known.any():
        return "its findings are not known"
    comparable = np.isfinite(others[:, known]).all(axis=1)
    same = (others[:, known] == own[known]).all(axis=1)
    parts = [f"{same.sum()} of {comparable.sum()} have exactly the same findings" if comparable.any() else ""]
    for at in np.flatnonzero(own == 1).tolist():
        told = np.isfinite(others[:, at]).sum()
        parts.append(f"{plain(display_name(study.findings[at]))}: {(others[:, at] == 1).sum()} of {told}")
    return " · ".join(filter(None, parts))


def _shared(own: Neighbours, also: dict[int, list[Run]], others: Sequence[Run]) -> str:
    """How many of the neighbours another model has, too."""
    if not others:
        return ""
    return f" · {sum(bool(also[at]) for at in own.indices.tolist())} shared with another model"


def _also(runs: Sequence[Run]) -> str:
    return f":blue[also near in {', '.join(run.id[:4] for run in runs)}]" if runs else ""


def _agreeing(study: Study, row: int, at: int) -> str:
    """The findings of a neighbour, those that the chosen one has, too, in bold."""
    if not study.findings:
        return ""
    own, other = study.labels[row], study.labels[at]
    shown = []
    for name, mine, theirs in zip(study.findings, own.tolist(), other.tolist(), strict=True):
        if theirs == 1:
            words = plain(display_name(name))
            shown.append(f"**{words}**" if mine == 1 else words)
    if shown:
        return ", ".join(shown)
    if np.isnan(other).all():
        return "findings unknown"
    return "none known" if np.isnan(other).any() else ("**no finding**" if (own == 0).all() else "no finding")
