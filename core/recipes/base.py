"""A recipe: the settings of one figure as a frozen config, from which it is drawn wherever it is wanted.

A view draws its figures by recipes (``showing.present``), the report keeps them, ``scripts.export`` reads them from a
file: it is the same figure each time, and there is one way to draw it. A recipe names runs and studies by what they are
called, holds no arrays, and nothing that somebody typed to look for (it may name a patient).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.config.base import Config, config, setting
from core.errors import ConfigError
from core.figures.export import figure_csv
from core.figures.theme import LIGHT, Theme
from core.imported import ImportedSet
from core.pictures.chart import Chart
from core.pictures.source import Source
from core.runs import Run, common_study
from core.searches import Search, Trial
from core.studies.study import Study


class Where(Source, Protocol):
    """A source that knows studies, too: the app's caches, or the files (:class:`core.recipes.files.Files`)."""

    def study(self, name: str, findings: tuple[str, ...] = ()) -> Study:
        """A study, asked for its own or other findings."""

    def chart(self, run: Run, of: Study, stem: str = "umap") -> Chart:
        """A map of a run, by the name of its files, in the order of the study."""

    def first_rows(self, of: Study, most: int) -> NDArray[np.int64]:
        """So many radiographs of a study to draw first, rare findings among them."""

    def imported(self, name: str) -> ImportedSet:
        """An imported set of embeddings."""

    def trials(self, search: Search) -> list[Trial]:
        """The trials of a search so far."""


class Recipe(Config):
    """Base of all recipes; a subclass is decorated with ``@config`` and says what its figure is called."""

    figure: ClassVar[str]
    """Its name in ``scripts.export --figure`` and in file names: lower case, words joined by hyphens."""

    title: ClassVar[str]
    """What it is called in lists."""

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        """The figure.

        Raises:
            FluoroscopeError: there is nothing to draw, or no such run or study; says why.
        """
        raise NotImplementedError

    def alt(self, where: Where) -> str:
        """The figure in one phrase, for those who do not see it: what is drawn, of whom."""
        raise NotImplementedError

    def of(self, where: Where) -> str:
        """What the numbers are of, with how many: ``n = 240 test radiographs of 122 patients of study nih``."""
        raise NotImplementedError

    def name(self, where: Where) -> tuple[str, ...]:
        """Parts of its file name, such as the figure and the titles of the runs."""
        raise NotImplementedError

    def csv(self, where: Where) -> bytes:
        """Its data; more than the figure draws where that is thinned."""
        return figure_csv(self.draw(where))

    def check_one_of(self, name: str, allowed: Iterable[str]) -> None:
        """Whether a setting has one of some values.

        Raises:
            ConfigError: it has another; says which are allowed.
        """
        value, known = getattr(self, name), list(allowed)
        if value not in known:
            raise ConfigError(f"{name} of figure {self.figure} is {value!r}; it must be one of {', '.join(known)}.")

    def to_json(self) -> dict[str, Any]:
        """With the figure's name; :func:`core.recipes.listing.recipe_from_json` gives an equal recipe back."""
        return {"figure": self.figure, **super().to_json()}


@config
class OfRuns(Recipe):
    """Base of the recipes of runs of one study; the first run is the reference."""

    runs: tuple[str, ...] = setting(help="ids of the runs, or their beginnings; the first one is the reference")

    @cached_property
    def opened(self) -> list[Run]:
        """The runs.

        Raises:
            RunError: one is not there.
        """
        return [Run.load(run_id) for run_id in self.runs]

    @property
    def run(self) -> Run:
        """The first run."""
        return self.opened[0]

    def study(self, where: Where) -> Study:
        """The study of the runs.

        Raises:
            RunError: they are of different ones.
            StudyError: it is gone, or not what the runs were made from.
        """
        study = where.study(*common_study(self.opened))
        for run in self.opened:
            run.check_is_of(study)
        return study

    @property
    def titles(self) -> str:
        """The runs in words."""
        return " and ".join(run.title for run in self.opened)

    def of(self, where: Where) -> str:
        """The judged radiographs: those of the test split, where there is one."""
        return judged_in_words(self.study(where))

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, *(run.title for run in self.opened))


def judged_in_words(study: Study) -> str:
    """``n = 240 test radiographs of 122 patients of study nih``"""
    rows = study.judged_rows()
    patients = study.samples["patient"].to_numpy()[rows]
    kind = "test radiographs" if len(study.rows("test")) else "radiographs"
    return f"n = {len(rows):,} {kind} of {len(set(patients.tolist())):,} patients of study {study.name}"
