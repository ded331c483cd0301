"""Recipes of the Retrieval view."""

from __future__ import annotations

from typing import ClassVar, Literal

import plotly.graph_objects as go

from core.config.base import config, setting
from core.figures.theme import LIGHT, Theme
from core.pictures import retrieval as pictures
from core.pictures.missing import judged
from core.recipes.base import OfRuns, Where

WORDS = {"image_to_text": "of texts found by their radiographs", "text_to_image": "of radiographs found by their texts"}


@config
class _OneWay(OfRuns):
    """From images to texts or back, among some of the pairs or all."""

    way: Literal["image_to_text", "text_to_image"] = setting(default="image_to_text", help="who looks for whom")
    whole: bool = setting(default=False, help="search all pairs, however many there are")

    def of(self, where: Where) -> str:
        study = self.study(where)
        found = [one for run in self.opened if (one := pictures.pool(where, run, study, whole=self.whole))]
        counts = sorted({f"{len(one):,} of {one.total:,}" for one in found}) or ["0"]
        patients = sorted({f"{one.measured[self.way].n_patients:,}" for one in found}) or ["0"]
        return (
            f"n = {' and '.join(counts)} {judged(study)} with a text, of {' and '.join(patients)} patients of study "
            f"{study.name}"
        )

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.way, *(run.title for run in self.opened))


@config
class Recall(_OneWay):
    """Recall against how many of the nearest are looked at, with 95 % intervals, beside chance."""

    figure: ClassVar[str] = "recall"
    title: ClassVar[str] = "Recall at k"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.curves(where, self.opened, self.study(where), self.way, whole=self.whole, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Recall at k {WORDS[self.way]}, with 95 % intervals, by {self.titles}, beside chance"

    def csv(self, where: Where) -> bytes:
        return pictures.curves_csv(where, self.opened, self.study(where), self.way, whole=self.whole)


@config
class Ranks(_OneWay):
    """At which ranks partners are found, beside chance."""

    figure: ClassVar[str] = "ranks"
    title: ClassVar[str] = "Ranks of partners"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.ranks(where, self.opened, self.study(where), self.way, whole=self.whole, theme=theme)

    def alt(self, where: Where) -> str:
        return f"Ranks {WORDS[self.way]} by {self.titles}, beside chance"
