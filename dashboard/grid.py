"""Radiographs of a study, page by page: conditions on any column, and each one large with all that is known of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.pictures.radiograph import colour_of, marked
from core.studies.filters import bounds, categories, columns, matching
from core.studies.study import COLUMNS, PREFIX, Study
from core.studies.vocabulary import STATED, STATES, UNKNOWN, display_name
from dashboard import selection
from dashboard.widgets import findings_of, plain

PAGE, ACROSS = 24, 6
MOST_SIBLINGS = 6


def where(study: Study) -> str:
    """The selection's name for the columns that conditions are put on."""
    return f"where-{study.name}"


def condition(study: Study, column: str) -> str:
    """The selection's name for the condition on a column (no study's name has a colon)."""
    return f"is-{study.name}:{column}"


def radiographs(study: Study) -> None:
    """Conditions, how many fulfil them, and a page of them."""
    rows = matching(study, conditions(study))
    st.markdown(f"**{len(rows):,}** of {len(study):,} radiographs")
    if not len(rows):
        st.info("No radiograph fulfils all conditions: take one away.")
        return
    pages = -(-len(rows) // PAGE)
    number = selection.page(pages, name=f"page-{study.name}") if pages > 1 else 1
    shown = rows[(number - 1) * PAGE : number * PAGE].tolist()
    for start in range(0, len(shown), ACROSS):
        for column, row in zip(st.columns(ACROSS), shown[start : start + ACROSS], strict=False):
            with column:
                thumbnail(study, row)


def conditions(study: Study) -> dict[str, Any]:
    """One widget for each column that the user wants to filter by; a column that is taken away keeps no condition."""
    kinds = columns(study)
    chosen = selection.several(
        "Filter by",
        list(kinds),
        name=where(study),
        default=[],
        format_func=title,
        placeholder="Findings, split, view, sex, age, text, patient …",
    )
    for name in kinds.keys() - chosen:
        selection.drop(condition(study, name))
    found: dict[str, Any] = {}
    for place, (column, name) in enumerate(zip(st.columns(4) * (len(chosen) // 4 + 1), chosen, strict=False)):
        with column:
            found[name] = _asked(study, name, kinds[name])
        if place % 4 == 3 and place + 1 < len(chosen):
            st.space("small")
    return found


def _asked(study: Study, name: str, kind: str) -> Any:
    """What the user wants of one column."""
    key = condition(study, name)
    if kind == "finding":
        return selection.several(title(name), list(STATES), name=key, default=["present"])
    if kind == "category":
        return selection.several(title(name), categories(study, name), name=key, default=[])
    if kind == "number":
        low, high = bounds(study, name)
        if low < high:
            return selection.span(title(name), low, high, name=key)
        st.caption(f"{title(name)}: {low:g} in all")
        return None
    return selection.words(f"{title(name)} contains", name=key)


def title(name: str) -> str:
    """A column as the user reads it."""
    return display_name(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else name.capitalize()


def thumbnail(study: Study, row: int) -> None:
    sample = study.samples.iloc[row]
    st.image(study.images[row], width="stretch", output_format="JPEG", alt=f"Radiograph {sample['id']}")
    st.caption(f"{findings_of(study, row)}  \n{plain(facts(sample))}")
    if st.button("Look", key=f"look-{study.name}-{row}", width="stretch"):
        look(study, row)


def facts(sample: pd.Series) -> str:
    """Split, view, sex and age, as far as they are known."""
    known = [str(sample["split"]), *(str(sample[name]) for name in ("view", "sex") if pd.notna(sample[name]))]
    return " · ".join([*known, *([f"{sample['age']:.0f} y"] if pd.notna(sample["age"]) else [])])


@st.dialog("Radiograph", width="large")
def look(study: Study, row: int) -> None:
    """One radiograph, large, with text, labels, and the others of the same patient."""
    sample = study.samples.iloc[row]
    boxes = study.boxes[study.boxes["id"] == sample["id"]]
    left, right = st.columns([3, 2])
    with left:
        st.image(
            marked(study.images[row], boxes), width="stretch", output_format="JPEG", alt=f"Radiograph {sample['id']}"
        )
        for finding in sorted(set(boxes["finding"])):
            st.caption(f":material/crop_square: marked: {plain(display_name(finding))} ({colour_of(finding, boxes)})")
        st.caption(
            f"{study.manifest['size']} x {study.manifest['size']} pixels are stored" + " · synthetic" * study.synthetic
        )
    with right:
        st.markdown(f"`{sample['id']}`  \n{plain(facts(sample))}")
        st.markdown(plain(sample["text"]) if isinstance(sample["text"], str) else "*This radiograph has no text.*")
        if study.findings:
            _labels(study, row)
        _more(sample)
    _siblings(study, row)


def _labels(study: Study, row: int) -> None:
    states = [STATED.get(value, UNKNOWN) for value in study.stated[row].tolist()]
    order = sorted(range(len(states)), key=lambda at: (list(STATES).index(states[at]), at))
    table = {"Finding": [display_name(study.findings[at]) for at in order], "Stated": [states[at] for at in order]}
    st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch", height=min(36 * len(states) + 38, 320))


def _more(sample: pd.Series) -> None:
    """Columns that the import kept, and where the row stood in its source."""
    own = {
        str(name): value for name, value in sample.items() if name not in COLUMNS and not str(name).startswith(PREFIX)
    }
    for name, value in own.items():
        if pd.notna(value):
            st.caption(plain(f"{name}: {value}"))


def _siblings(study: Study, row: int) -> None:
    patient = study.samples["patient"].iloc[row]
    others = [int(at) for at in (study.samples["patient"] == patient).to_numpy().nonzero()[0] if at != row]
    st.caption(
        f"Patient `{patient}`: {len(others) + 1} radiographs" if others else f"Patient `{patient}`: this one alone"
    )
    for column, at in zip(st.columns(MOST_SIBLINGS), others[:MOST_SIBLINGS], strict=False):
        column.image(study.images[at], width="stretch", output_format="JPEG")
        column.caption(findings_of(study, at))
