"""Small radiographs in rows, each with some words below it and a button to look at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import streamlit as st

from core.studies.study import Study
from dashboard import selection

GAP: Literal["small"] = "small"
PIXELS = 16
"""The gap between two of them, as Streamlit calls it, and in CSS pixels."""

HELP = "Show this radiograph with all that is known of it."


def thumbnails(
    study: Study,
    rows: Sequence[int],
    words: Sequence[str],
    *,
    key: str,
    width: int,
    together: int,
    pictures: bool = True,
) -> None:
    """Radiographs in rows: as many groups side by side as the page has room for.

    Args:
        study: whose.
        rows: which of them.
        words: Markdown for each, what users wrote already made inert.
        key: stable over reruns; no other row of the page has it.
        width: of each, in CSS pixels.
        together: so many make a group, which stays in one row where the page is wide enough for it.
        pictures: without them the words and buttons alone.
    """
    with st.container(horizontal=True, gap=GAP):
        for start in range(0, len(rows), together):
            with st.container(horizontal=True, gap=GAP, width=together * width + (together - 1) * PIXELS):
                for row, text in list(zip(rows, words, strict=True))[start : start + together]:
                    with st.container(width=width, gap="xsmall"):
                        _one(study, row, text, f"{key}-{row}", pictures)


def _one(study: Study, row: int, text: str, key: str, pictures: bool) -> None:
    name = str(study.samples["id"].iloc[row])
    if pictures:
        st.image(study.images[row], width="stretch", output_format="JPEG", alt=f"Radiograph {name}")
    st.caption(text)
    if st.button("Look", key=key, width="stretch", help=HELP):
        selection.put("sample", name)
        st.rerun()
