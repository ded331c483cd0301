"""Recipes of the Space view: a map, and what a lasso on it caught."""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.config.base import config, setting
from core.errors import ConfigError, ExportError
from core.figures.theme import LIGHT, Theme
from core.metrics.enclosing import enclosed
from core.metrics.prevalence import enrichment
from core.pictures.chart import Chart
from core.pictures.colourings import colour_name, colourings
from core.pictures.prevalence import against_rest
from core.pictures.space import FIRST_DRAW, Look, Picked, space
from core.recipes.base import OfRuns, Where
from core.snapshots import MAPS, snapshot_maps, step_name
from core.studies.study import Study

STEM = r"umap|[a-z]+-[0-9a-f]{8}/map|epochs/step-\d+"
"""Files of the maps of a run, without their endings."""


@config
class _OnMap(OfRuns):
    """On a map of the first run."""

    stem: str = setting(default="umap", help="files of the map in the run's folder of projections; its own: umap")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not re.fullmatch(STEM, self.stem):
            raise ConfigError(f"stem is {self.stem!r}; it must be umap, METHOD-KEY/map, or epochs/step-NUMBER.")

    def chart(self, where: Where, study: Study) -> Chart:
        return where.chart(self.run, study, self.stem)

    def inside(self, where: Where, study: Study, corners: tuple[tuple[float, ...], ...]) -> NDArray[np.int64]:
        """Rows of the radiographs that an outline on the flat map encloses."""
        return np.flatnonzero(enclosed(self.chart(where, study).samples[:, :2], corners))


@config
class Space(_OnMap):
    """Radiographs, disease prompts and disease centroids on a map of the first run."""

    figure: ClassVar[str] = "space"
    title: ClassVar[str] = "Map of the embedding space"

    colour: str = setting(default="", help="what colours it: findings (if there are any), a finding, split, sex, …")
    labelled: tuple[str, ...] = setting(default=("prompt",), help="kinds of anchors whose names are written")
    arrows: bool = setting(default=False, help="lines from the mean of the radiographs to the anchors")
    flat: bool = setting(default=False, help="seen from above")
    reach: tuple[tuple[float, ...], ...] = setting(default=(), help="ends of each axis; none: its own")
    sample: str = setting(default="", help="id of a radiograph that stands out")
    lasso: tuple[tuple[float, ...], ...] = setting(default=(), help="corners of what is enclosed on the flat map")
    most: int = setting(default=FIRST_DRAW, low=1, help="radiographs that are drawn, rare findings among them")
    moving: bool = setting(default=False, help="with the maps of the moments of training, for HTML that plays")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        rows = where.first_rows(study, self.most) if len(study) > self.most else None
        return space(
            where,
            self.run,
            study,
            look=self.look(study),
            picked=self._picked(where, study),
            rows=rows,
            of=self.chart(where, study),
            moments=self._moments(where, study),
            theme=theme,
        )

    def by(self, study: Study) -> str:
        """What colours it.

        Raises:
            ConfigError: the study has nothing of that name.
        """
        known = colourings(study)
        if self.colour and self.colour not in known:
            raise ConfigError(f"colour is {self.colour!r}; it must be one of {', '.join(known)}.")
        return self.colour or known[0]

    def look(self, study: Study) -> Look:
        """How it is seen."""
        ends = [(one[0], one[1]) for one in self.reach] or None
        return Look(by=self.by(study), labelled=self.labelled, arrows=self.arrows, flat=self.flat, reach=ends)

    def _picked(self, where: Where, study: Study) -> Picked:
        at = np.flatnonzero(study.samples["id"].to_numpy() == self.sample)
        inside = self.inside(where, study, self.lasso) if self.lasso else None
        outline = [(x, y) for x, y in self.lasso]
        return Picked(chosen=int(at[0]) if len(at) else None, selected=inside, outline=outline)

    def _moments(self, where: Where, study: Study) -> dict[str, Chart]:
        if not self.moving:
            return {}
        made = snapshot_maps(self.run)
        folder = MAPS.rpartition("/")[2]
        return {f"epoch {one.epoch:g}": where.chart(self.run, study, f"{folder}/{step_name(one.step)}") for one in made}

    def alt(self, where: Where) -> str:
        study = self.study(where)
        count = min(int(self.chart(where, study).known.sum()), self.most)
        words = f"{'flat' if self.flat else '3D'} map of {count:,} radiographs embedded by {self.run.title}, coloured "
        words += f"by {colour_name(self.by(study))}"
        return f"{words}, playing through the moments of training" if self.moving else words

    def of(self, where: Where) -> str:
        study = self.study(where)
        count = int(self.chart(where, study).known.sum())
        drawn = f", of which {self.most:,} are drawn" if count > self.most else ""
        return f"n = {count:,} radiographs of all splits of study {study.name}{drawn}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.by(self.study(where)), self.run.title, self.run.config.study)


@config
class Selection(_OnMap):
    """Which findings a selection on the flat map has more of, or less, than the rest."""

    figure: ClassVar[str] = "selection"
    title: ClassVar[str] = "Findings of a selection"

    lasso: tuple[tuple[float, ...], ...] = setting(help="corners of what is enclosed on the flat map, x and y each")

    def rows(self, where: Where, study: Study) -> NDArray[np.int64]:
        return self.inside(where, study, self.lasso)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        rows = self.rows(where, study)
        if not study.findings or not 0 < len(rows) < len(study):
            raise ExportError(f"{len(rows)} of {len(study)} radiographs are selected: there is nothing to compare.")
        return against_rest(study, enrichment(study.labels, rows), theme=theme)

    def alt(self, where: Where) -> str:
        count = len(self.rows(where, self.study(where)))
        return f"How much more often each finding is present in the {count:,} selected radiographs than in the rest"

    def of(self, where: Where) -> str:
        study = self.study(where)
        return f"n = {len(self.rows(where, study)):,} selected of {len(study):,} radiographs of study {study.name}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.run.config.study)
