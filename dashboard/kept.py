"""Figures of what does not change while somebody is at work: drawn once for each of their settings."""

from __future__ import annotations

from typing import Any

from core.recipes.base import OfRuns
from dashboard import cached
from dashboard.showing import present
from dashboard.widgets import theme


def present_kept(recipe: OfRuns, **more: Any) -> None:
    """As :func:`present`, for recipes of what finished runs embedded, predicted and were judged by: what was drawn
    before is taken as it is, so that of a page of many matrices only those are drawn anew that changed."""
    present(recipe, figure=cached.drawn(recipe, cached, theme()), **more)
