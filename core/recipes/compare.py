"""Recipes of the Compare view."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.config.base import config
from core.errors import ExportError
from core.figures.theme import LIGHT, Theme
from core.pictures import compare as pictures
from core.recipes.base import OfRuns, Where


@config
class Comparison(OfRuns):
    """Scores of each run minus those of the first, with paired 95 % intervals."""

    figure: ClassVar[str] = "comparison"
    title: ClassVar[str] = "Differences to the first run"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        if len(self.runs) < 2:
            raise ExportError("A comparison is of two runs or more; the first one is the reference.")
        return pictures.differences(where, self.opened, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        others = " and ".join(run.title for run in self.opened[1:])
        return f"Scores of {others} minus those of {self.run.title}, in points, with paired 95 % intervals"
