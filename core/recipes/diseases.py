"""Recipes of the Diseases view."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.config.base import config, setting
from core.figures.theme import LIGHT, Theme
from core.pictures import diseases as pictures
from core.pictures import zero_shot
from core.recipes.base import OfRuns, Where


@config
class Auroc(OfRuns):
    """AUROC of each disease with its 95 % interval, all runs side by side."""

    figure: ClassVar[str] = "auroc"
    title: ClassVar[str] = "AUROC by disease"

    published: bool = setting(default=False, help="draw what others published on NIH ChestX-ray14")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.intervals(where, self.opened, self.study(where), published=self.published, theme=theme)

    def alt(self, where: Where) -> str:
        return f"AUROC of each disease with its 95 % interval, by {self.titles}"


@config
class ZeroShot(OfRuns):
    """Zero-shot AUROC of each disease by different prompts, of the first run."""

    figure: ClassVar[str] = "zero-shot"
    title: ClassVar[str] = "Zero-shot AUROC"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return zero_shot.prompts(where, self.run, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        return f"Zero-shot AUROC of each disease by {self.run.title}"
