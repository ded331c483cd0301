"""``streamlit run dashboard/app.py``: the frame around all views."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # Streamlit puts this file's own folder there, not the repository's root
    sys.path.insert(0, ROOT)

import streamlit as st

from dashboard import selection, widgets

VIEWS = {
    "Radiographs": [("home", "Home", "home"), ("bring", "Import", "download"), ("studies", "Studies", "photo_library")],
    "Models": [
        ("train", "Train", "play_circle"),
        ("curves", "Curves", "show_chart"),
        ("ablation", "Ablation", "rule"),
        ("search", "Search", "manage_search"),
    ],
    "Instrument": [
        ("space", "Space", "bubble_chart"),
        ("similarity", "Similarity", "grid_on"),
        ("gap", "Modality gap", "compare_arrows"),
        ("diseases", "Diseases", "fact_check"),
        ("attention", "Attention", "visibility"),
        ("retrieval", "Retrieval", "image_search"),
        ("compare", "Compare", "balance"),
    ],
    "Paper": [("report", "Report", "article")],
}


@st.cache_resource
def _settle() -> None:
    """Once per process: what is imported by now never becomes garbage, so collections after reruns stay short."""
    gc.freeze()


widgets.frame()
widgets.refuse_open_network()
selection.restore()
pages = {
    group: [
        st.Page(f"views/{name}.py", title=title, icon=f":material/{icon}:", url_path=name, default=name == "home")
        for name, title, icon in views
    ]
    for group, views in VIEWS.items()
}
page = st.navigation(pages)
_settle()
widgets.guarded(page.run)
selection.publish()
