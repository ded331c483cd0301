"""The demo study: rendered frontal chest radiographs whose findings change the anatomy they are named after."""

from __future__ import annotations

from core.studies.demo.config import DemoConfig
from core.studies.demo.rendering import render
from core.studies.demo.sampling import notes, sample_table

RENDER_COLUMNS: tuple[str, ...] = ("body_seed", "render_seed")
"""Columns that only ``render`` needs; a study may drop them once its images are written."""

__all__ = ["RENDER_COLUMNS", "DemoConfig", "notes", "render", "sample_table"]
