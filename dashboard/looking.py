"""How maps are looked at: what colours them, what is written on them, from where they are seen, in which colours."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.errors import InputError
from core.figures.theme import PALETTES, with_palette
from core.pictures.colourings import colour_name, colourings
from core.pictures.space import FIRST_DRAW, Look
from core.runs import Run
from core.studies.study import Study
from dashboard import cached, selection
from dashboard.widgets import label, plain, theme

LABELLED = {"Prompts": ("prompt",), "Centroids": ("centroid",), "Both": ("prompt", "centroid"), "None": ()}
SIGHTS = {"3D": (False,), "Flat": (True,), "Both": (False, True)}
"""What is drawn of each map: in three dimensions, seen flat (where a lasso works), or one above the other."""
NAMES = {"": "Fluoroscope", "tol-bright": "Tol, bright", "tol-muted": "Tol, muted", "own": "My own"}


def looks(study: Study, place: st.delta_generator.DeltaGenerator) -> list[Look]:
    """The widgets of the first row, and what they say: a look for each picture of a map."""
    with place:
        by = selection.one("Colour by", colourings(study), name="colour", format_func=colour_name)
    labelled, arrows = "None", False
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sight = selection.one(
            "Seen", list(SIGHTS), name="sight", draw=st.segmented_control,
            help="Flat: from above, along the third axis. A lasso there selects radiographs.",
        )  # fmt: skip
        if study.findings:
            labelled = selection.one("Names beside", list(LABELLED), name="labelled", draw=st.segmented_control)
        with st.popover("Appearance", icon=":material/palette:"):
            if study.findings:
                arrows = selection.switch(
                    "Arrows", name="arrows", help="from the mean of the radiographs to each prompt and centroid"
                )
            _palette()
    return [Look(by=by, labelled=LABELLED[labelled], arrows=arrows, flat=flat) for flat in SIGHTS[sight]]


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


SYMBOLS = {"prompt": "◆ disease prompts", "centroid": "✚ disease centroids"}


def colour_legend(entries: Sequence[tuple[str, str]], kinds: Collection[str]) -> None:
    """What colours and symbols mean, once for all maps that stand side by side.

    Args:
        entries: names, with nothing in them that could be markup, and colours.
        kinds: of the anchors that are on the maps.
    """
    dots = [f'<span style="color:{html.escape(colour)}">●</span> {name}' for name, colour in entries]
    marks = [words for kind, words in SYMBOLS.items() if kind in kinds]
    parts = "".join(f'<span style="white-space:nowrap">{part}</span>' for part in [*dots, *marks])
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:0.1rem 1rem;font-size:0.85rem">{parts}</div>')


def run_title(run: Run) -> None:
    """A run's label in one line, however narrow its column is, so that what stands below it begins at one height."""
    words = html.escape(label(run))
    line = "font-weight:600;white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
    st.html(f'<div style="{line}" title="{words}">{words}</div>')
