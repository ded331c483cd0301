"""Recipes of the Curves view."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.config.base import config, setting
from core.errors import ExportError
from core.figures.theme import LIGHT, Theme
from core.pictures import curves as pictures
from core.pictures.curves import AXES, QUANTITIES
from core.recipes.base import OfRuns, Where


@config
class Curves(OfRuns):
    """What was measured while runs trained; they may be of different studies."""

    figure: ClassVar[str] = "curves"
    title: ClassVar[str] = "Curves of training"

    quantity: str = setting(default="loss", help="what is drawn, such as loss, auroc or temperature")
    axis: str = setting(default="step", help="along what: step, epoch or elapsed")
    smoothing: float = setting(default=0.6, low=0.0, high=0.99, help="weight of the past in the moving average")
    log_x: bool = setting(default=False, help="logarithmic horizontal axis")
    log_y: bool = setting(default=False, help="logarithmic vertical axis")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_one_of("quantity", QUANTITIES)
        self.check_one_of("axis", AXES)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        made = self.drawn(where, theme)
        if made is None:
            raise ExportError(
                f"{self.titles} measured nothing of {QUANTITIES[self.quantity].title!r}: nothing to draw."
            )
        return made

    def drawn(self, where: Where, theme: Theme = LIGHT) -> go.Figure | None:
        """The figure, or None where these runs have not measured that."""
        return pictures.curves(
            where,
            self.opened,
            self.quantity,
            axis=self.axis,
            smoothing=self.smoothing,
            log_x=self.log_x,
            log_y=self.log_y,
            theme=theme,
        )

    def alt(self, where: Where) -> str:
        return f"{QUANTITIES[self.quantity].title} against {AXES[self.axis].lower()} for {self.titles}"

    def of(self, where: Where) -> str:
        steps = [
            f"n = {len(where.metrics(run)):,} steps of {run.title} on study {run.config.study}" for run in self.opened
        ]
        return "; ".join(steps)

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.quantity, *(run.title for run in self.opened))

    def csv(self, where: Where) -> bytes:
        """Every value: the figure is thinned."""
        return pictures.curves_csv(where, self.opened, self.quantity, smoothing=self.smoothing)
