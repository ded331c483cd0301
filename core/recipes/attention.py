"""Recipes of the Attention view."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.attention.boxed import kept_map
from core.attention.maps import Method
from core.config.base import config, setting
from core.errors import ConfigError
from core.figures.tabular import columns_csv
from core.figures.theme import LIGHT, Theme
from core.pictures import attention as pictures
from core.recipes.base import OfRuns, Where
from core.studies.vocabulary import display_name


@config
class Attention(OfRuns):
    """Where each run looks in a radiograph, for a disease; the maps were made before and are kept."""

    figure: ClassVar[str] = "attention"
    title: ClassVar[str] = "Where models look"

    sample: str = setting(help="id of the radiograph")
    finding: str = setting(help="a disease of the study")
    method: Method = setting(default="gradient", help="gradient: of the score; rollout: attention alone (ViTs)")
    opacity: float = setting(default=0.7, low=0.0, high=1.0, help="of the highest places")
    outlined: bool = setting(default=True, help="outline what was marked")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        if self.sample not in study.places:
            raise ConfigError(f"Study {study.name!r} has no radiograph {self.sample[:60]!r}.")
        found = [(run, kept_map(run, self.sample, self.finding, self.method)) for run in self.opened]
        return pictures.maps(
            study,
            self.sample,
            found,
            finding=self.finding,
            opacity=self.opacity,
            outlined=self.outlined,
            theme=theme,
        )

    def alt(self, where: Where) -> str:
        verb = "look" if len(self.runs) > 1 else "looks"
        return f"Where {self.titles} {verb} in radiograph {self.sample} for {display_name(self.finding)}"

    def of(self, where: Where) -> str:
        return f"radiograph {self.sample} of study {self.study(where).name}, {display_name(self.finding)}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.finding, self.sample, *(run.title for run in self.opened))


@config
class Pointing(OfRuns):
    """Whether the highest place of a map lies in a box of its finding, against chance and the radiograph's middle."""

    figure: ClassVar[str] = "pointing"
    title: ClassVar[str] = "Pointing game"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.pointing(where, self.opened, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        return f"Share of radiographs with boxes in which {self.titles} points into the box, by disease, beside chance"

    def of(self, where: Where) -> str:
        return pictures.of_boxes(where, self.opened, self.study(where))

    def csv(self, where: Where) -> bytes:
        """A line per run and finding."""
        study, lines = self.study(where), []
        for run_id, found in pictures.results(where, self.opened).items():
            for finding, own in found.by_finding(study.findings).items():
                rate = {"rate": own.rate.value, "low": own.rate.low, "high": own.rate.high}
                told = {"n": own.n, "hits": own.hits, **rate, "chance": own.area, "middle": own.centre}
                more = {"share_in_boxes": own.inside, "empty_maps": own.empty}
                lines.append({"run": run_id, "finding": finding, **told, **more})
        return columns_csv({name: [line[name] for line in lines] for name in lines[0]})
