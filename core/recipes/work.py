"""Recipes of ablations and searches."""

from __future__ import annotations

from typing import ClassVar

import plotly.graph_objects as go

from core.ablation.folder import Ablation
from core.ablation.numbers import METRICS, Table, compare
from core.config.base import config, setting
from core.figures.theme import LIGHT, Theme
from core.pictures.ablation import forest
from core.pictures.search import TITLES, pictures
from core.recipes.base import Recipe, Where, judged_in_words
from core.searches import Search


@config
class AblationForest(Recipe):
    """The difference of each configuration to the baseline."""

    figure: ClassVar[str] = "ablation"
    title: ClassVar[str] = "Differences of an ablation"

    ablation: str = setting(help="its name")
    metric: str = setting(default="auroc", help="what is compared")
    baseline: str = setting(default="", help="label of a configuration; none: the first")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_one_of("metric", METRICS)

    def table(self, where: Where) -> Table:
        """The numbers."""
        job = Ablation.load(self.ablation)
        study = where.study(job.config.study)
        return compare(where, job, study, baseline=self.baseline or None, metric=self.metric)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return forest(self.table(where), theme=theme)

    def alt(self, where: Where) -> str:
        job = Ablation.load(self.ablation)
        baseline = self.baseline or job.config.variants[0].label
        return (
            f"{METRICS[self.metric].title} of each configuration of ablation {self.ablation}: difference to "
            f"{baseline}, with 95 % intervals"
        )

    def of(self, where: Where) -> str:
        config = Ablation.load(self.ablation).config
        return f"{len(config.seeds)} seeds each, {judged_in_words(where.study(config.study))}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.ablation, self.metric)


@config
class SearchPicture(Recipe):
    """How a search went: its trials, its settings, what matters."""

    figure: ClassVar[str] = "search"
    title: ClassVar[str] = "A search for better settings"

    search: str = setting(help="its name")
    part: str = setting(default="history", help="history, epochs, slices or importances")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_one_of("part", TITLES)

    def _drawn(self, where: Where, theme: Theme) -> tuple[go.Figure, str]:
        search = Search.load(self.search)
        return pictures(search.config, where.trials(search), search.importances(), theme=theme)[self.part]

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return self._drawn(where, theme)[0]

    def alt(self, where: Where) -> str:
        return self._drawn(where, LIGHT)[1]

    def of(self, where: Where) -> str:
        return f"n = {len(where.trials(Search.load(self.search)))} trials of search {self.search}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.search, self.part)
