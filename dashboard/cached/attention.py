"""Whether runs point at boxes."""

from __future__ import annotations

import streamlit as st

from core.attention.boxed import Boxed, Result
from core.runs import Run
from core.workspace import home
from dashboard.cached.stamps import Stamp, stamp


def pointing(run: Run) -> Result | None:
    """The pointing game of a run; None where it was not played with what the run has learned."""
    study = home() / "studies" / run.config.study / "study.json"
    paths = (run.folder / "pointing" / "result.json", run.folder / "checkpoints" / "head.json", study)
    return _pointing(tuple(map(stamp, paths)), run)


@st.cache_resource(max_entries=60, show_spinner=False)
def _pointing(key: tuple[Stamp, ...], _run: Run) -> Result | None:
    return Boxed.of(_run).result()
