"""Recipes of the Modality gap view."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.config.base import config, setting
from core.errors import ExportError
from core.figures.theme import LIGHT, Theme
from core.metrics.shifting import KS
from core.pictures import gap as pictures
from core.pictures.gap import LIANG
from core.pictures.missing import judged
from core.recipes.base import OfRuns, Where
from core.runs import list_runs


@config
class _OfPairs(OfRuns):
    """Of the judged radiographs that have a text in the first run's space."""

    def of(self, where: Where) -> str:
        study = self.study(where)
        count = len(where.pairs(self.run, study)[0])
        return f"n = {count:,} {judged(study)} of study {study.name} that have a text"


@config
class GapMap(_OfPairs):
    """Images and texts of the first run on two axes, connected, before or after a shift."""

    figure: ClassVar[str] = "gap-map"
    title: ClassVar[str] = "Images and their texts"

    shift: float = setting(default=0.0, low=-5.0, high=5.0, help="towards each other, in parts of half the gap")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.paired(where, self.run, self.study(where), shifted=self.shift, theme=theme)

    def alt(self, where: Where) -> str:
        return (
            f"Images and texts of {judged(self.study(where))} by {self.run.title}, connected by lines, shifted by "
            f"{self.shift:g}"
        )

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.run.title, f"shift-{self.shift:g}")


@config
class Cones(_OfPairs):
    """Cosines inside each modality and across, of the first run."""

    figure: ClassVar[str] = "cones"
    title: ClassVar[str] = "Cosines inside and across modalities"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.cones(where, self.run, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        return f"Histograms of cosines by {self.run.title} between images, between texts, and across"


@config
class Shift(_OfPairs):
    """Loss, recall and zero-shot AUROC of the first run against the shift."""

    figure: ClassVar[str] = "shift"
    title: ClassVar[str] = "What a shift along the gap does"

    shift: float = setting(default=0.0, low=-5.0, high=5.0, help="where the mark stands")
    k: int = setting(default=5, help="recall among the k nearest")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k not in KS:
            raise ExportError(f"Recall was measured at {', '.join(map(str, KS))}; not at {self.k}.")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        made = pictures.shift(where, self.run, marker=self.shift, k=self.k, theme=theme)
        if made is None:
            raise ExportError(f"Run {self.run.id[:8]} has no gap to move along: there is no shift curve.")
        return made

    def alt(self, where: Where) -> str:
        return (
            f"By {self.run.title}: contrastive loss and recall in both directions and, where it is defined, zero-shot "
            "AUROC against the shift, the best place of each marked"
        )


@config
class GapFindings(OfRuns):
    """The gap of each disease, runs side by side."""

    figure: ClassVar[str] = "gap-findings"
    title: ClassVar[str] = "Gap of each disease"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.finding_gaps(where, self.opened, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        return (
            f"Gap of each of {len(self.study(where).findings)} diseases by {self.titles}, beside the gap of all pairs"
        )


@config
class GapTemperature(OfRuns):
    """Gap against final temperature: all evaluated runs of the study, the chosen ones coloured."""

    figure: ClassVar[str] = "gap-temperature"
    title: ClassVar[str] = "Temperature and gap"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.temperatures(self._points(where), theme=theme)

    def _points(self, where: Where) -> list[pictures.TemperaturePoint]:
        return pictures.temperature_points(where, list_runs(), self.study(where), self.opened)

    def alt(self, where: Where) -> str:
        count = len(self._points(where))
        return f"Gap against final temperature, runs: {count}, beside {len(LIANG)} published ones of Liang et al."

    def of(self, where: Where) -> str:
        return f"n = {len(self._points(where))} runs of study {self.study(where).name}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.study(where).name)
