"""Whether runs point at boxes."""

from __future__ import annotations

import streamlit as st

from core.attention.boxed import Boxed, Result
from core.runs import Run
from dashboard.cached.stamps import Stamp, stamp


def pointing(run: Run) -> Result | None:
    """The pointing game of a run; None where it was not played with what the run has learned."""
    return _pointing(
        stamp(run.folder / "pointing" / "result.json"), stamp(run.folder / "checkpoints" / "head.json"), run
    )


@st.cache_resource(max_entries=60, show_spinner=False)
def _pointing(key: Stamp, learned: Stamp, _run: Run) -> Result | None:
    return Boxed.of(_run).result()
