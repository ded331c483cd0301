"""Small radiographs in rows, each with some words below it and a button to look at it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.studies.study import Study
from dashboard import selection


def thumbnails(
    study: Study, rows: Sequence[int], words: Sequence[str], *, key: str, across: int, pictures: bool = True
) -> None:
    """Radiographs in rows.

    Args:
        study: whose.
        rows: which of them.
        words: Markdown for each, what users wrote already made inert.
        key: stable over reruns; no other row of the page has it.
        across: so many in a row.
        pictures: without them the words and buttons alone.
    """
    for start in range(0, len(rows), across):
        here = slice(start, start + across)
        for column, row, text in zip(st.columns(across), rows[here], words[here], strict=False):
            with column:
                name = str(study.samples["id"].iloc[row])
                if pictures:
                    st.image(study.images[row], width="stretch", output_format="JPEG", alt=f"Radiograph {name}")
                st.caption(text)
                if st.button(
                    "Look",
                    key=f"{key}-{row}",
                    width="stretch",
                    help="Show this radiograph with all that is known of it.",
                ):
                    selection.put("sample", name)
                    st.rerun()
