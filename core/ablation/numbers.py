"""From the runs of an ablation to its numbers: means over seeds, and differences to a baseline."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.ablation.folder import Ablation, Cell
from core.config.paths import differing, settings, shown
from core.errors import ConfigError, StudyError
from core.metrics.comparison import (
    ALPHA,
    NAN,
    REPLICATES,
    Difference,
    PatientScores,
    Replicated,
    Summary,
    holm,
    over_patients,
    over_seeds,
    summarise,
)
from core.pictures.source import Source
from core.studies.study import Study

NOT_BEGUN, AT_WORK = WAITING = ("not begun", "at work")
"""Why a run whose turn is to come, or is now, has no result."""


@dataclass(frozen=True)
class Metric:
    """One measure: its name, which way is better, and where ``evaluation.json`` holds it.

    ``resampled``: its score can be made anew for resampled patients; the others are compared over seeds alone.
    """

    title: str
    better: Literal["higher", "lower"]
    place: tuple[str, ...]
    help: str
    resampled: bool = False


def _recall(way: str, k: int) -> Metric:
    return Metric(
        f"Recall@{k} {way.replace('_to_', ' to ')}",
        "higher",
        ("space", "retrieval", way, "recall", str(k)),
        f"share of test {way.partition('_')[0]}s whose own partner is among the {k} nearest",
    )


METRICS: dict[str, Metric] = {
    "auroc": Metric("Macro AUROC", "higher", ("test", "macro", "auroc", "value"), "mean over findings", True),
    "average_precision": Metric(
        "Macro AP", "higher", ("test", "macro", "average_precision", "value"), "average precision", True
    ),
    "prompt_cosine": Metric(
        "Prompt |cos|", "lower", ("space", "prompts", "mean_abs"), "mean |off-diagonal cosine| of disease prompts"
    ),
    "gap": Metric("Modality gap", "lower", ("space", "gap"), "distance between the mean image and the mean text"),
    "zero_shot": Metric(
        "Zero-shot AUROC", "higher", ("zero_shot_auroc",), "macro AUROC of the cosines to disease prompts", True
    ),
    "mse": Metric("Brier", "lower", ("test", "overall_mse"), "mean squared error of the probabilities", True),
    **{
        f"recall_{k}_{way}": _recall(way, k) for way in ("image_to_text", "text_to_image") for k in (1, 5, 10)
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One configuration.

    Attributes:
        label: its name; settings: its value on each of the table's paths, as shown.
        planned: how many seeds there are to be; each summary says how many have a value.
        summaries: by metric.
        difference: to the baseline, on the table's metric; None for the baseline itself.
        lacking: seed -> why there is no result of it.
    """

    label: str
    settings: tuple[str, ...]
    planned: int
    summaries: Mapping[str, Summary]
    difference: Difference | None
    lacking: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class Table:
    """An ablation in numbers; ``comparisons`` is how many p values Holm's correction counts."""

    name: str
    study: str
    seeds: tuple[int, ...]
    paths: tuple[str, ...]
    rows: tuple[Row, ...]
    baseline: str
    metric: str
    comparisons: int
    n_patients: int
    runs_done: int
    runs_planned: int

    @property
    def how(self) -> str:
        """How the differences were made, in a sentence or two."""
        metric = METRICS[self.metric]
        way = (
            f"paired bootstrap, {REPLICATES:,} resamplings of the same {self.n_patients:,} test patients"
            if metric.resampled
            else "paired t test over seeds"
        )
        floor = 2 * self.comparisons / (REPLICATES + 1)
        mute = " With so many comparisons none can come out larger than chance: vary less at once."
        return (
            f"{metric.title}, difference to {self.baseline}: means over the seeds that both have; 95 % intervals and "
            f"two-sided p from a {way}; Holm's correction for {self.comparisons} "
            f"comparison{'' if self.comparisons == 1 else 's'}.{mute if metric.resampled and floor >= ALPHA else ''}"
        )


@dataclass(frozen=True)
class _Measured:
    """What the finished runs of one configuration gave: seed -> values by metric, seed -> resampled scores."""

    values: dict[int, dict[str, float]]
    scores: dict[int, PatientScores]
    lacking: dict[int, str]

    def of(self, metric: str) -> dict[int, float]:
        return {seed: values[metric] for seed, values in self.values.items()}

    def drawn(self, metric: str) -> dict[int, Replicated]:
        return {seed: found.scores[metric] for seed, found in self.scores.items() if metric in found.scores}


def compare(
    source: Source, ablation: Ablation, study: Study, *, baseline: str | None = None, metric: str = "auroc"
) -> Table:
    """The numbers of all runs that are done; what is not done is missing, with its reason.

    Args:
        source: of evaluations and resampled scores.
        ablation: whose runs.
        study: that they were made from; a run of another version of it is left out, and says so.
        baseline: label of the configuration that the others are compared with; None: the first.
        metric: a key of :data:`METRICS`, of the differences.

    Raises:
        ConfigError: no such configuration or metric.
    """
    config = ablation.config
    labels = [variant.label for variant in config.variants]
    chosen = labels[0] if baseline is None else baseline
    if chosen not in labels or metric not in METRICS:
        raise ConfigError(
            f"No configuration {chosen!r} or metric {metric!r}; there are the configurations {', '.join(labels)} and "
            f"the metrics {', '.join(METRICS)}."
        )
    found = {label: _measure(source, ablation, study, label) for label in labels}
    n_patients = max((one.n_patients for own in found.values() for one in own.scores.values()), default=0)
    paths = differing([variant.run for variant in config.variants])
    rows = [
        Row(
            label=variant.label,
            settings=tuple(shown(settings(variant.run)[path]) for path in paths),
            planned=len(config.seeds),
            summaries={name: _summary(found[variant.label], name, n_patients) for name in METRICS},
            difference=None
            if variant.label == chosen
            else _difference(found[variant.label], found[chosen], metric, n_patients),
            lacking=found[variant.label].lacking,
        )
        for variant in config.variants
    ]
    rows, comparisons = _corrected(rows)
    return Table(
        name=config.name,
        study=config.study,
        seeds=config.seeds,
        paths=paths,
        rows=tuple(rows),
        baseline=chosen,
        metric=metric,
        comparisons=comparisons,
        n_patients=n_patients,
        runs_done=sum(len(own.values) for own in found.values()),
        runs_planned=len(ablation.cells),
    )


def _measure(source: Source, ablation: Ablation, study: Study, label: str) -> _Measured:
    made = _Measured({}, {}, {})
    for cell in (cell for cell in ablation.cells if cell.label == label):
        reason = _unusable(cell, study)
        if reason:
            made.lacking[cell.seed] = reason
            continue
        report = source.evaluation(cell.run)
        made.values[cell.seed] = {name: _value(report, metric) for name, metric in METRICS.items()}
        if report["test"] is not None:
            made.scores[cell.seed] = source.patient_scores(cell.run, study)
    return made


def _unusable(cell: Cell, study: Study) -> str | None:
    """Why a run does not count (yet)."""
    if not cell.begun:
        return NOT_BEGUN
    if not cell.done:
        return cell.why_not() or AT_WORK
    try:
        cell.run.check_is_of(study)
    except StudyError:
        return "made from another version of the study: its numbers do not count here"
    return None


def _value(report: dict[str, Any], metric: Metric) -> float:
    part: Any = report
    for step in metric.place:
        part = None if part is None else part[step]
    if isinstance(part, dict):  # one value per finding
        known = [value for value in part.values() if value is not None]
        return sum(known) / len(known) if known else NAN
    return NAN if part is None else float(part)


def _summary(found: _Measured, metric: str, n_patients: int) -> Summary:
    drawn = list(found.drawn(metric).values())
    return summarise(list(found.of(metric).values()), drawn, n_patients=n_patients)


def _difference(own: _Measured, base: _Measured, metric: str, n_patients: int) -> Difference:
    if METRICS[metric].resampled:
        return over_patients(own.drawn(metric), base.drawn(metric), n_patients=n_patients)
    return over_seeds(own.of(metric), base.of(metric))


def _corrected(rows: list[Row]) -> tuple[list[Row], int]:
    """The same rows with Holm's p, and how many comparisons it counts."""
    compared = [row.difference for row in rows if row.difference is not None]
    after = iter(holm([one.p for one in compared]))
    made = [
        row
        if row.difference is None
        else dataclasses.replace(row, difference=dataclasses.replace(row.difference, p_holm=next(after)))
        for row in rows
    ]
    return made, sum(one.p == one.p for one in compared)
