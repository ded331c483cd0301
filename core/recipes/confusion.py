"""Recipes of confusion matrices: of a run, of one disease, and of the difference between two runs."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import plotly.graph_objects as go

from core.config.base import config, setting
from core.errors import InputError
from core.figures.tabular import columns_csv
from core.figures.theme import LIGHT, Theme
from core.metrics.cutting import Cut
from core.metrics.mcnemar import Paired
from core.pictures import confusion as pictures
from core.pictures.diseases import judge, matrices, matrix
from core.pictures.judged import Judged
from core.recipes.base import OfRuns, Where
from core.studies.study import Study
from core.studies.vocabulary import display_name

HELP = "f1, youden, fixed, sensitivity:0.9 or specificity:0.9, chosen on validation; or one probability"
LABELS = ("absent", "present")


class OfDisease(OfRuns):
    """What recipes share that may be of one disease."""

    def at(self, study: Study) -> int:
        """The number of the chosen disease, the first one where none is named.

        Raises:
            InputError: the study has no such finding, or none at all.
        """
        disease: str = getattr(self, "disease", "")
        if not study.findings or (disease and disease not in study.findings):
            known = ", ".join(study.findings) or "none"
            raise InputError(f"Study {study.name} has no finding {disease!r}; it has {known}.")
        return study.findings.index(disease) if disease else 0


class AtRule(OfDisease):
    """What recipes share that call diseases present or absent."""

    rule: str

    def __post_init__(self) -> None:
        super().__post_init__()
        Cut.read(self.rule, getattr(self, "own", ()))

    def of(self, where: Where) -> str:
        return f"{super().of(where)}; thresholds: {Cut.read(self.rule, getattr(self, 'own', ())).told}"


@config
class Confusion(AtRule):
    """One confusion matrix per disease, of the first run."""

    figure: ClassVar[str] = "confusion"
    title: ClassVar[str] = "Confusion matrices"

    rule: str = setting(default="f1", help=HELP)
    own: tuple[str, ...] = setting(default=(), help="thresholds of single findings in place of the rule's: Edema=0.3")

    def judged(self, where: Where, study: Study) -> Judged:
        """The calls of the first run."""
        return judge(where, self.run, study, self.rule, self.own)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        return matrices(study, self.judged(where, study), theme=theme)

    def alt(self, where: Where) -> str:
        study = self.study(where)
        return f"{len(study.findings)} confusion matrices of {self.run.title} on the test split"

    def name(self, where: Where) -> tuple[str, ...]:
        return (self.figure, self.run.title)

    def csv(self, where: Where) -> bytes:
        study = self.study(where)
        judged = self.judged(where, study)
        return columns_csv(cells(study, judged, range(len(study.findings))))


@config
class ConfusionOne(Confusion):
    """The confusion matrix of one disease with both intervals, of the first run."""

    figure: ClassVar[str] = "confusion-one"
    title: ClassVar[str] = "Confusion matrix of one disease"

    disease: str = setting(default="", help="the finding's name; none: the first one")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        study = self.study(where)
        return pictures.one(where, study, self.judged(where, study), self.at(study), theme=theme)

    def alt(self, where: Where) -> str:
        study = self.study(where)
        return f"Confusion matrix of {self.run.title} for {display_name(study.findings[self.at(study)])}"

    def name(self, where: Where) -> tuple[str, ...]:
        study = self.study(where)
        return (self.figure, study.findings[self.at(study)], self.run.title)

    def csv(self, where: Where) -> bytes:
        study = self.study(where)
        judged, at = self.judged(where, study), self.at(study)
        found = pictures.intervals_of(where, study, judged, at)
        ends = [(found[name].low, found[name].high) for name in ("specificity", "sensitivity")]
        turned = [
            ((low, high) if c == r else (1 - high, 1 - low)) for r, (low, high) in enumerate(ends) for c in (0, 1)
        ]
        more = {"patients_low": [low for low, _ in turned], "patients_high": [high for _, high in turned]}
        return columns_csv({**cells(study, judged, [at]), **{name: np.array(part) for name, part in more.items()}})


def cells(study: Study, judged: Judged, diseases: Any) -> dict[str, Any]:
    """One line per cell: its count, its share of the row, Wilson's 95 % interval, the threshold and why it is that."""
    lines = []
    for at in diseases:
        found = matrix(study, judged, at)
        for r in (0, 1):
            for c in (0, 1):
                ends = (float(np.asarray(part)[r, c]) for part in (found.rates, found.low, found.high))
                threshold = judged.thresholds[at]
                lines.append(
                    (study.findings[at], LABELS[r], LABELS[c], int(found.cells[r, c]), int(found.cells[r].sum()),
                     *ends, threshold.value, threshold.rule, threshold.note, found.unknown)
                )  # fmt: skip
    names = ("finding", "label", "model", "count", "of", "rate", "low", "high", "threshold", "rule", "note", "unknown")
    return _columns(names, lines)


def _columns(names: tuple[str, ...], lines: list[tuple[Any, ...]]) -> dict[str, Any]:
    """A table's columns: numbers as arrays, words as they are."""
    parts = list(zip(*lines, strict=True)) or [()] * len(names)
    return {
        name: list(part) if part and isinstance(part[0], str) else np.array(part)
        for name, part in zip(names, parts, strict=True)
    }


class OfTwo(AtRule):
    """What recipes share that compare the first two runs, each at thresholds of its own by the same rule."""

    def compared(self, where: Where) -> pictures.Comparison:
        """The first two runs, judged.

        Raises:
            RunError: there are fewer than two.
        """
        return pictures.compare(where, self.opened, self.study(where), self.rule)

    def csv(self, where: Where) -> bytes:
        found = self.compared(where)
        lines = [
            (name, LABELS[label], *_line(found.sides[label][at]))
            for at, name in enumerate(found.study.findings)
            for label in (0, 1)
        ]
        names = ("finding", "label", "both_right", "only_first", "only_second", "both_wrong", "difference", "low",
                 "high", "p", "p_holm", "test")  # fmt: skip
        return columns_csv(_columns(names, lines))


def _line(pair: Paired) -> tuple[Any, ...]:
    counts = (pair.both, pair.first, pair.second, pair.neither)
    return (*counts, pair.difference, pair.low, pair.high, pair.p, pair.p_holm, pair.method)


@config
class ConfusionDifference(OfTwo):
    """The matrices of the first run minus those of the second, with counts and McNemar's test."""

    figure: ClassVar[str] = "confusion-difference"
    title: ClassVar[str] = "Difference of two runs' confusion matrices"

    rule: str = setting(default="f1", help=HELP)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.difference(self.compared(where), theme=theme)

    def alt(self, where: Where) -> str:
        return f"Confusion matrices of {self.opened[0].title} minus those of {self.opened[-1].title}"


@config
class RateDifferences(OfTwo):
    """Differences in sensitivity and specificity of the first two runs, with paired 95 % intervals."""

    figure: ClassVar[str] = "rate-differences"
    title: ClassVar[str] = "Differences in sensitivity and specificity"

    rule: str = setting(default="f1", help=HELP)

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        return pictures.differences(self.compared(where), theme=theme)

    def alt(self, where: Where) -> str:
        return f"Sensitivity and specificity of {self.opened[0].title} minus those of {self.opened[-1].title}"


@config
class ConfusionPairs(OfTwo):
    """Who is right about the radiographs of one disease: both of the first two runs, one alone, neither."""

    figure: ClassVar[str] = "confusion-pairs"
    title: ClassVar[str] = "Who is right: two runs, one disease"

    rule: str = setting(default="f1", help=HELP)
    disease: str = setting(default="", help="the finding's name; none: the first one")

    def draw(self, where: Where, theme: Theme = LIGHT) -> go.Figure:
        found = self.compared(where)
        return pictures.pairs(found, self.at(found.study), theme=theme)

    def alt(self, where: Where) -> str:
        study = self.study(where)
        name = display_name(study.findings[self.at(study)])
        return f"Who is right about {name}: {self.opened[0].title}, {self.opened[-1].title}, both, neither"

    def name(self, where: Where) -> tuple[str, ...]:
        study = self.study(where)
        return (self.figure, study.findings[self.at(study)], *(run.title for run in self.opened[:2]))
