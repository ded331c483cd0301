"""Recipes of the scores in the Diseases view."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import plotly.graph_objects as go

from core.config.base import config, setting
from core.figures.theme import LIGHT, Theme
from core.pictures import scores as pictures
from core.pictures.diseases import judge
from core.pictures.scores_people import people_gaps
from core.pictures.scoring import ATTRIBUTES, CHEXCLUSION
from core.recipes.base import OfRuns, Where
from core.recipes.confusion import HELP, AtRule, OfDisease
from core.studies.study import Study
from core.studies.vocabulary import display_name

DISEASE = "which disease; the first one where none is named"
OWN = "thresholds of single findings in place of the rule's: Edema=0.3"


def _support(recipe: OfDisease, where: Where, study: Study) -> str:
    """``12 with, 312 without Edema``"""
    at = recipe.at(study)
    positives, negatives = pictures.counts(where.judged(recipe.run, study, CHEXCLUSION), at)
    return f"{positives:,} with, {negatives:,} without {display_name(study.findings[at])}"


@config
class _OfOne(AtRule):
    """Curves of one disease, all runs side by side, with the threshold that a rule chooses marked."""

    disease: str = setting(default="", help=DISEASE)
    rule: str = setting(default="f1", help=HELP)
    own: tuple[str, ...] = setting(default=(), help=OWN)

    make: ClassVar[Callable[..., go.Figure]]
    """Draws them."""

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        return type(self).make(where, self.opened, study, self.at(study), self.rule, self.own, theme=theme)

    def alt(self, where: Where) -> str:
        study = self.study(where)
        return f"{self.title} of {display_name(study.findings[self.at(study)])} by {self.titles}"

    def of(self, where: Where) -> str:
        return f"{super().of(where)}; {_support(self, where, self.study(where))}"

    def name(self, where: Where) -> tuple[str, ...]:
        study = self.study(where)
        return (self.figure, study.findings[self.at(study)], *(run.title for run in self.opened))


@config
class Roc(_OfOne):
    """ROC curves of one disease with pointwise 95 % bands, all runs side by side."""

    figure: ClassVar[str] = "roc"
    title: ClassVar[str] = "ROC curves"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.roc)


@config
class PrecisionRecall(_OfOne):
    """Precision-recall curves of one disease with pointwise 95 % bands, all runs side by side."""

    figure: ClassVar[str] = "precision-recall"
    title: ClassVar[str] = "Precision-recall curves"
    make: ClassVar[Callable[..., go.Figure]] = staticmethod(pictures.pr)


@config
class AurocDifference(OfRuns):
    """AUROC of each disease, first run minus each other, with 95 % intervals (DeLong, patients as clusters)."""

    figure: ClassVar[str] = "auroc-difference"
    title: ClassVar[str] = "AUROC difference"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.auroc_differences(where, self.opened, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        others = " and ".join(run.title for run in self.opened[1:])
        return f"AUROC of each disease by {self.run.title} minus that by {others}, with 95 % intervals"


@config
class Calibration(OfDisease):
    """Predicted against observed for one disease, with Wilson's intervals and a histogram, all runs side by side."""

    figure: ClassVar[str] = "calibration"
    title: ClassVar[str] = "Calibration"

    disease: str = setting(default="", help=DISEASE)
    bins: int = setting(default=10, help="equal bins of probability from 0 to 1", low=2, high=50)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        return pictures.calibration(where, self.opened, study, self.at(study), bins=self.bins, theme=theme)

    def alt(self, where: Where) -> str:
        study = self.study(where)
        return f"Calibration curve of {display_name(study.findings[self.at(study)])} by {self.titles}"

    def of(self, where: Where) -> str:
        return f"{super().of(where)}; {_support(self, where, self.study(where))}"

    def name(self, where: Where) -> tuple[str, ...]:
        study = self.study(where)
        return (self.figure, study.findings[self.at(study)], *(run.title for run in self.opened))


@config
class MistakenFor(AtRule):
    """What the first run calls present where it misses a disease."""

    figure: ClassVar[str] = "mistaken-for"
    title: ClassVar[str] = "Called when missed"

    rule: str = setting(default="f1", help=HELP)
    own: tuple[str, ...] = setting(default=(), help=OWN)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        return pictures.missed(study, judge(where, self.run, study, self.rule, self.own), theme=theme)

    def alt(self, where: Where) -> str:
        return f"What {self.run.title} calls present where it misses a disease, disease by disease"

    def name(self, where: Where) -> tuple[str, ...]:
        return self.figure, self.run.title


@config
class Subgroups(OfRuns):
    """True-positive-rate gaps between subgroups of patients, or AUROC within each, of every disease and run."""

    figure: ClassVar[str] = "subgroups"
    title: ClassVar[str] = "Subgroup gaps"

    by: Literal["sex", "age", "view"] = setting(default="sex", help="what makes the subgroups")
    measure: Literal["gap", "auroc"] = setting(
        default="gap", help="gap: of the true-positive rate at the best F1 of validation (CheXclusion); or AUROC"
    )

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return people_gaps(where, self.opened, self.study(where), self.by, self.measure, theme=theme)

    def alt(self, where: Where) -> str:
        what = "True-positive-rate gaps" if self.measure == "gap" else "AUROC"
        return f"{what} of each disease by {self.by}, of {self.titles}"

    def of(self, where: Where) -> str:
        study = self.study(where)
        missing = where.gaps(self.run, study, self.by).left_out
        known = f"; {ATTRIBUTES[self.by].lower()} not known of {missing:,}, left out" if missing else ""
        at = f"; thresholds: {CHEXCLUSION.told}" if self.measure == "gap" else ""
        return f"{super().of(where)}{known}{at}"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.by, self.measure, *(run.title for run in self.opened))


@config
class Groups(OfRuns):
    """Macro AUROC and average precision of frequent, less frequent and rare findings, all runs side by side."""

    figure: ClassVar[str] = "groups"
    title: ClassVar[str] = "Head, medium, tail"

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.group_scores(where, self.opened, self.study(where), theme=theme)

    def alt(self, where: Where) -> str:
        return f"Macro AUROC and average precision of frequent and rare findings by {self.titles}"
