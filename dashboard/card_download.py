"""A finished run as a model folder, packed, from its card in the Train view."""

from __future__ import annotations

import io
import re

import streamlit as st

from core.cards.writing import weights_bytes, zip_model
from core.runs import Run

MOST = 256 * 1024**2
"""A download is held in memory; larger models are written by the command line."""


def model_folder(run: Run) -> None:
    """A button that packs the model folder when it is clicked; nothing for a run that is not finished or only judges
    what another one learned."""
    if not run.has("evaluate") or (run.config.start_from and not run.config.losses):
        return
    size = weights_bytes(run)
    if size > MOST:
        st.caption(f"Its weights take {size / 1e9:.1f} GB. As a model folder:")
        st.code(f"python -m scripts.card {run.id[:8]} --out DIR", language="bash", wrap_lines=True)
        return
    st.download_button(
        "Model folder",
        lambda: _packed(run),
        file_name=f"{_name(run)}.zip",
        mime="application/zip",
        key=f"model-folder-{run.id}",
        icon=":material/inventory_2:",
        width="stretch",
        on_click="ignore",
        help="its weights, settings, labels, thresholds and model card, to be loaded elsewhere "
        "(python -m scripts.embed FOLDER --study NAME); no patient, sample or folder is named in it",
    )


def _name(run: Run) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{run.config.preset}-{run.id[:8]}".lower()).strip("-")


def _packed(run: Run) -> io.BytesIO:
    """In memory, which is where Streamlit keeps a download in any case."""
    packed = io.BytesIO()
    zip_model(run, packed, _name(run))
    packed.seek(0)
    return packed
