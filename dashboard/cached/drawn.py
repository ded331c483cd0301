"""Figures that were drawn once are not drawn again while nothing that they show changes."""

from __future__ import annotations

import json

import plotly.graph_objects as go
import streamlit as st

from core.figures.theme import Theme
from core.recipes.base import OfRuns, Where
from core.workspace import home
from dashboard.cached.stamps import Stamp, stamp

MANIFESTS = ("config.json", "label.json", "embeddings/embeddings.json", "evaluation/evaluation.json")
"""Of a run: what they say and name is all that these figures are made of."""


def drawn(recipe: OfRuns, where: Where, theme: Theme) -> go.Figure:
    """The figure of a recipe that shows what finished runs embedded and predicted; it must not be changed.

    Args:
        recipe: what is drawn.
        where: the app's caches.
        theme: light or dark, with the user's palette.
    """
    runs = [stamp(run.folder / name) for run in recipe.opened for name in MANIFESTS]
    studies = [stamp(home() / "studies" / run.config.study / "study.json") for run in recipe.opened]
    return _drawn(json.dumps(recipe.to_json()), repr(theme), [*runs, *studies], recipe, where, theme)


@st.cache_resource(max_entries=80, show_spinner=False)
def _drawn(recipe: str, theme: str, stamps: list[Stamp], _recipe: OfRuns, _where: Where, _theme: Theme) -> go.Figure:
    return _recipe.draw(_where, _theme)
