"""Recipes of the Studies view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import plotly.graph_objects as go

from core.config.base import config, setting
from core.errors import ExportError
from core.figures.theme import LIGHT, Theme
from core.pictures import studies as pictures
from core.recipes.base import Recipe, Where


@config
class _OfStudy(Recipe):
    """Of one study."""

    needs: ClassVar[str] = ""
    """``findings`` or ``text``, without which there is nothing to count."""

    words: ClassVar[str]
    """What is drawn."""

    make: ClassVar[Callable[..., go.Figure]]
    """Draws the summary."""

    study: str = setting(help="name of the study")

    def summary(self, where: Where) -> dict[str, Any]:
        """What was counted at the import.

        Raises:
            ExportError: the study lacks what is to be drawn.
        """
        study = where.study(self.study)
        if (self.needs == "findings" and not study.findings) or (self.needs == "text" and not study.has_text):
            raise ExportError(f"Study {self.study} has no {self.needs}: there is nothing to draw for {self.figure!r}.")
        return study.summary

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return type(self).make(self.summary(where), theme=theme, **self.options())

    def options(self) -> dict[str, Any]:
        """What it says beside the study."""
        return {name: value for name, value in super().to_json().items() if name not in ("figure", "study")}

    def alt(self, where: Where) -> str:
        return f"{self.words} in study {self.study}"

    def of(self, where: Where) -> str:
        facts = where.study(self.study).manifest
        return f"n = {facts['samples']:,} radiographs of {facts['patients']:,} patients of study {self.study}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.study)


@config
class Prevalence(_OfStudy):
    """How frequent each finding is."""

    figure: ClassVar[str] = "prevalence"
    title: ClassVar[str] = "Prevalence of findings"
    words: ClassVar[str] = "Prevalence of each finding, split by split,"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.prevalence)
    needs: ClassVar[str] = "findings"

    log: bool = setting(default=False, help="logarithmic axis")


@config
class Together(_OfStudy):
    """Which findings are seen together."""

    figure: ClassVar[str] = "co-occurrence"
    title: ClassVar[str] = "Findings seen together"
    words: ClassVar[str] = "Which findings are seen together"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.co_occurrence)
    needs: ClassVar[str] = "findings"

    relative: bool = setting(default=True, help="shares of the row's radiographs, not counts")


@config
class Combinations(_OfStudy):
    """The most frequent combinations of findings."""

    figure: ClassVar[str] = "combinations"
    title: ClassVar[str] = "Combinations of findings"
    words: ClassVar[str] = "The most frequent combinations of findings"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.upset)
    needs: ClassVar[str] = "findings"


@config
class Ages(_OfStudy):
    """Age by sex and split."""

    figure: ClassVar[str] = "ages"
    title: ClassVar[str] = "Age by sex"
    words: ClassVar[str] = "Age by sex of the radiographs of each split"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.ages)


@config
class Sexes(_OfStudy):
    """Sex by split."""

    figure: ClassVar[str] = "sexes"
    title: ClassVar[str] = "Sex"
    words: ClassVar[str] = "Sex of the radiographs of each split"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.sexes)


@config
class Views(_OfStudy):
    """View by split."""

    figure: ClassVar[str] = "views"
    title: ClassVar[str] = "View"
    words: ClassVar[str] = "View of the radiographs of each split"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.views)


@config
class PerPatient(_OfStudy):
    """How many radiographs patients have."""

    figure: ClassVar[str] = "per-patient"
    title: ClassVar[str] = "Radiographs per patient"
    words: ClassVar[str] = "How many radiographs patients have"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.per_patient)


@config
class TextLengths(_OfStudy):
    """Lengths of the texts in words."""

    figure: ClassVar[str] = "text-lengths"
    title: ClassVar[str] = "Lengths of texts"
    words: ClassVar[str] = "Lengths of the texts in words"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.text_lengths)
    needs: ClassVar[str] = "text"


@config
class Words(_OfStudy):
    """The words that most texts contain."""

    figure: ClassVar[str] = "words"
    title: ClassVar[str] = "Words of texts"
    words: ClassVar[str] = "The words that most texts contain"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.words)
    needs: ClassVar[str] = "text"
