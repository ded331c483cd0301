"""The evaluation of a classifier of findings: every number of one run on one split, ready to be written as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ArtefactError, InputError
from core.metrics.bootstrap import Replicates, bootstrap, interval, macro_interval
from core.metrics.calibration import brier, expected_calibration_error, overall_mse
from core.metrics.checks import Floats, probability_matrix
from core.metrics.results import Interval, from_json, to_json
from core.metrics.thresholds import Confusion, Threshold, confusion

GROUPS = ("head", "medium", "tail")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingScore:
    """One finding: `n` radiographs with a known label, `positives` among them, and what the model makes of them."""

    finding: str
    n: int
    positives: int
    prevalence: float
    auroc: Interval
    average_precision: Interval
    brier: float
    calibration_error: float
    threshold: Threshold
    confusion: Confusion


@dataclasses.dataclass(frozen=True, kw_only=True)
class MacroScore:
    """Unweighted means over the findings with support: those with both classes, `n_findings` of `n_total`."""

    name: str
    n_findings: int
    n_total: int
    auroc: Interval
    average_precision: Interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """All scores of one model on one set of radiographs. `overall_mse` is over all known cells."""

    findings: tuple[FindingScore, ...]
    macro: MacroScore
    groups: tuple[MacroScore, ...]
    overall_mse: float
    n: int
    n_patients: int
    replicates: int
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, with None for NaN."""
        return dict(to_json(self))

    @staticmethod
    def from_json(values: dict[str, Any]) -> Evaluation:
        """The evaluation that `to_json` wrote.

        Raises:
            ArtefactError: a part is missing or of another form.
        """
        try:
            return Evaluation(
                findings=tuple(_finding_from_json(finding) for finding in values["findings"]),
                macro=_macro_from_json(values["macro"]),
                groups=tuple(_macro_from_json(group) for group in values["groups"]),
                overall_mse=float("nan") if values["overall_mse"] is None else values["overall_mse"],
                **{name: values[name] for name in ("n", "n_patients", "replicates", "seed")},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ArtefactError(
                f"this is not an evaluation of ours ({type(error).__name__}: {error}); run the evaluation again."
            ) from error


def _finding_from_json(values: dict[str, Any]) -> FindingScore:
    parts = {
        "auroc": Interval,
        "average_precision": Interval,
        "threshold": Threshold,
        "confusion": Confusion,
    }
    inner = {name: from_json(kind, values[name]) for name, kind in parts.items()}
    score: FindingScore = from_json(FindingScore, {**values, **inner})
    return score


def _macro_from_json(values: dict[str, Any]) -> MacroScore:
    inner = {name: from_json(Interval, values[name]) for name in ("auroc", "average_precision")}
    return MacroScore(**{**values, **inner})


def evaluate(
    labels: ArrayLike,
    probabilities: ArrayLike,
    patients: ArrayLike,
    findings: Sequence[str],
    thresholds: Sequence[Threshold],
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Scores probabilities (n, K) in [0, 1] against labels (n, K) of 0, 1 and NaN (unknown, left out).

    `thresholds` are K, chosen on validation with `choose_threshold`. Intervals are 95 %, over `replicates`
    resamplings of `patients` (n,); macro means as in `bootstrap.macro_interval`. Groups by prevalence among the known
    labels given here: head > 10 %, medium > 1 % to 10 %, tail <= 1 %, none for a finding without a known label.

    Raises:
        InputError: shapes or numbers of findings differ, a label is not 0, 1 or NaN, or a probability of a known
            label is not in [0, 1]; names the row and column.
    """
    known, values = probability_matrix(labels, probabilities)
    _one_each(known.shape[1], findings, thresholds)
    drawn = bootstrap(known, values, patients, replicates=replicates, seed=seed)
    scores = tuple(
        _score_finding(name, known[:, k], values[:, k], thresholds[k], drawn, k) for k, name in enumerate(findings)
    )
    group = np.array([_group(score.prevalence) for score in scores])
    return Evaluation(
        findings=scores,
        macro=_macro("all", np.ones(len(scores), dtype=bool), drawn),
        groups=tuple(_macro(name, group == name, drawn) for name in GROUPS),
        overall_mse=overall_mse(known, values),
        n=len(known),
        n_patients=drawn.n_patients,
        replicates=replicates,
        seed=seed,
    )


def _one_each(columns: int, findings: Sequence[str], thresholds: Sequence[Threshold]) -> None:
    if not len(findings) == len(thresholds) == columns:
        raise InputError(
            f"labels has {columns} columns, with {len(findings)} findings and {len(thresholds)} thresholds: "
            "there must be one of each per column."
        )


def _score_finding(name: str, y: Floats, p: Floats, threshold: Threshold, drawn: Replicates, k: int) -> FindingScore:
    n, positives = int((~np.isnan(y)).sum()), int((y == 1).sum())
    patients = drawn.n_patients
    return FindingScore(
        finding=name,
        n=n,
        positives=positives,
        prevalence=positives / n if n else float("nan"),
        auroc=interval(drawn.auroc_value[k], drawn.auroc[:, k], n_patients=patients),
        average_precision=interval(
            drawn.average_precision_value[k], drawn.average_precision[:, k], n_patients=patients
        ),
        brier=brier(y, p),
        calibration_error=expected_calibration_error(y, p),
        threshold=threshold,
        confusion=confusion(y, p, threshold.value),
    )


def _group(prevalence: float) -> str:
    if np.isnan(prevalence):
        return ""
    if prevalence > 0.10:
        return "head"
    return "medium" if prevalence > 0.01 else "tail"


def _macro(name: str, wanted: np.ndarray, drawn: Replicates) -> MacroScore:
    area, precision = drawn.auroc_value[wanted], drawn.average_precision_value[wanted]
    return MacroScore(
        name=name,
        n_findings=int((~np.isnan(area)).sum()),
        n_total=int(wanted.sum()),
        auroc=macro_interval(area, drawn.auroc[:, wanted], n_patients=drawn.n_patients),
        average_precision=macro_interval(precision, drawn.average_precision[:, wanted], n_patients=drawn.n_patients),
    )
