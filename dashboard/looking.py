"""How maps are looked at: what colours them, what is written on them, from where they are seen, in which colours."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import InputError
from core.figures.theme import PALETTES, with_palette
from core.pictures.colourings import colour_name, colourings
from core.pictures.space import FIRST_DRAW, Look
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.widgets import plain, theme

LABELLED = {"Prompts": ("prompt",), "Centroids": ("centroid",), "Both": ("prompt", "centroid"), "None": ()}
SIGHTS = {"3D": (False,), "Flat": (True,), "Both": (False, True)}
"""What is drawn of each map: in three dimensions, seen flat (where a lasso works), or one above the other."""
NAMES = {"": "Fluoroscope", "tol-bright": "Tol, bright", "tol-muted": "Tol, muted", "own": "My own"}


def looks(study: Study, place: st.delta_generator.DeltaGenerator) -> list[Look]:
    """The widgets of the first row, and what they say: a look for each picture of a map."""
    with place:
        by = selection.one("Colour by", colourings(study), name="colour", format_func=colour_name)
    left, middle, right = st.columns([2, 3, 2], vertical_alignment="bottom")
    with left:
        sight = selection.one(
            "Seen", list(SIGHTS), name="sight", draw=st.segmented_control,
            help="Flat: from above, along the third axis. A lasso there selects radiographs.",
        )  # fmt: skip
    labelled = "None"
    if study.findings:
        with middle:
            labelled = selection.one("Names beside", list(LABELLED), name="labelled", draw=st.segmented_control)
    with right, st.popover("Look", icon=":material/palette:", width="stretch"):
        arrows = bool(study.findings) and selection.switch(
            "Arrows", name="arrows", help="from the mean of the radiographs to each prompt and centroid"
        )
        _palette()
    return [
        Look(by=by, labelled=LABELLED[labelled], arrows=arrows, flat=flat, legend=number == 0)  # one explains both
        for number, flat in enumerate(SIGHTS[sight])
    ]


def _palette() -> None:
    """Which colours categories and runs have, in every view."""
    kept = selection.values_of("palette")
    now = next((name for name, colours in PALETTES.items() if list(colours) == kept), "own" if kept else "")
    chosen = st.selectbox("Colours", list(NAMES), list(NAMES).index(now), format_func=NAMES.get, key=f"palette-{now}")
    if chosen != now:
        selection.put("palette", PALETTES.get(chosen) or (theme().categorical[:6] if chosen == "own" else None))
        st.rerun()
    if now != "own":
        return
    text = st.text_input("As #rrggbb", ", ".join(kept), help="two or more, with commas between them")
    wanted = [colour.strip() for colour in text.split(",") if colour.strip()]
    try:
        with_palette(theme(), wanted)
    except InputError as error:
        st.error(plain(str(error)))
        return
    if wanted != kept:
        selection.put("palette", wanted)
        st.rerun()


def drawn_rows(study: Study) -> NDArray[np.int64]:
    """The radiographs that are drawn: at first so many that a browser is quick, rare findings among them."""
    if len(study) <= FIRST_DRAW:
        return np.arange(len(study))
    if selection.switch(
        f"All {len(study):,} radiographs",
        name="all",
        help=f"Off: {FIRST_DRAW:,} of them, half shared out among the findings, so that rare ones are not lost.",
    ):
        return np.arange(len(study))
    return cached.first_rows(study, FIRST_DRAW)
