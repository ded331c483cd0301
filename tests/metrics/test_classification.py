"""The whole evaluation: its parts, its groups, its JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from core.errors import ArtefactError, InputError
from core.metrics.bootstrap import bootstrap, interval
from core.metrics.calibration import brier, expected_calibration_error, overall_mse
from core.metrics.classification import Evaluation, evaluate
from core.metrics.ranking import auroc, average_precision
from core.metrics.results import to_json
from core.metrics.thresholds import Threshold, confusion

FINDINGS = ["Effusion", "Nodule", "Hernia", "Edema", "Mass"]
RULES = [Threshold(value=v, rule="youden") for v in (0.5, 0.4, 0.5, 0.6, 0.5)]


def study(n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Head (20 %), medium (exactly 10 %), tail (exactly 1 %), no positive, and nothing known."""
    random = np.random.default_rng(0)
    labels = np.zeros((n, 5), dtype=np.float32)
    for column, share in enumerate((0.2, 0.1, 0.01)):
        labels[random.choice(n, round(share * n), replace=False), column] = 1
    labels[:, 4] = np.nan
    values = np.clip(0.3 * labels + random.random((n, 5)) * 0.7, 0, 1)
    values[:, 4] = np.nan
    return labels, values, random.integers(0, 100, n).astype(str)


LABELS, VALUES, PATIENTS = study()
GOT = evaluate(LABELS, VALUES, PATIENTS, FINDINGS, RULES, replicates=50, seed=3)


def test_each_finding_is_made_of_its_parts() -> None:
    drawn = bootstrap(LABELS, VALUES, PATIENTS, replicates=50, seed=3)
    assert [score.finding for score in GOT.findings] == FINDINGS
    for k, score in enumerate(GOT.findings[:3]):
        y, p = LABELS[:, k], VALUES[:, k]
        assert score.n == 400
        assert score.positives == y.sum()
        assert score.auroc == interval(auroc(y, p), drawn.auroc[:, k], n_patients=drawn.n_patients)
        assert score.average_precision.value == pytest.approx(average_precision(y, p), abs=1e-12)
        assert score.average_precision.low < score.average_precision.value
        assert score.brier == brier(y, p)
        assert score.calibration_error == expected_calibration_error(y, p)
        assert score.threshold == RULES[k]
        assert score.confusion == confusion(y, p, RULES[k].value)
    assert GOT.overall_mse == overall_mse(LABELS, VALUES)
    assert (GOT.n, GOT.n_patients, GOT.replicates, GOT.seed) == (400, len(set(PATIENTS.tolist())), 50, 3)


def test_no_positive_and_nothing_known_are_undefined_not_zero() -> None:
    edema, mass = GOT.findings[3:]
    assert (edema.n, edema.positives, edema.prevalence) == (400, 0, 0)
    assert math.isnan(edema.auroc.value)
    assert math.isnan(edema.confusion.sensitivity)
    assert (mass.n, mass.positives, mass.confusion.unknown) == (0, 0, 400)
    assert all(math.isnan(v) for v in (mass.prevalence, mass.brier, mass.calibration_error, mass.auroc.value))


def test_macro_is_over_findings_with_support() -> None:
    values = [score.auroc.value for score in GOT.findings[:3]]
    assert GOT.macro.auroc.value == pytest.approx(np.mean(values))
    assert (GOT.macro.n_findings, GOT.macro.n_total) == (3, 5)
    assert GOT.macro.auroc.low < GOT.macro.auroc.value < GOT.macro.auroc.high


def test_groups_by_prevalence_and_their_edges() -> None:
    head, medium, tail = GOT.groups
    assert [group.name for group in GOT.groups] == ["head", "medium", "tail"]
    assert [group.n_findings for group in GOT.groups] == [1, 1, 1]
    # Exactly 10 % is medium, exactly 1 % is tail; a finding without a positive is in the tail, without support.
    assert [group.n_total for group in GOT.groups] == [1, 1, 2]
    for group, score in zip((head, medium, tail), GOT.findings, strict=False):
        assert group.auroc.value == score.auroc.value
    assert tail.auroc.low == pytest.approx(GOT.findings[2].auroc.low)


def test_an_empty_group_is_undefined() -> None:
    got = evaluate(LABELS[:, :1], VALUES[:, :1], PATIENTS, ["Effusion"], RULES[:1], replicates=5)
    assert got.groups[2].n_total == 0
    assert math.isnan(got.groups[2].auroc.value)


def test_json_round_trip() -> None:
    text = json.dumps(GOT.to_json(), allow_nan=False)
    again = Evaluation.from_json(json.loads(text))
    assert repr(again) == repr(GOT)
    assert json.loads(text)["findings"][4]["auroc"]["value"] is None
    assert isinstance(again.findings[0].confusion.tp, int)


@pytest.mark.parametrize("break_it", ["findings", "macro", "n"])
def test_another_json_is_refused(break_it: str) -> None:
    values = GOT.to_json()
    del values[break_it]
    with pytest.raises(ArtefactError, match="run the evaluation again"):
        Evaluation.from_json(values)


def test_an_altered_part_is_refused() -> None:
    values = GOT.to_json()
    values["findings"][0]["auroc"] = {"value": 1.0}
    with pytest.raises(ArtefactError, match="not an evaluation"):
        Evaluation.from_json(values)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match="5 columns, with 4 findings and 5 thresholds"):
        evaluate(LABELS, VALUES, PATIENTS, FINDINGS[:4], RULES)
    with pytest.raises(InputError, match="same shape"):
        evaluate(LABELS, VALUES[:, :4], PATIENTS, FINDINGS, RULES)
    bad = VALUES.copy()
    bad[7, 1] = np.nan
    with pytest.raises(InputError, match=r"row 7, column 1 is nan"):
        evaluate(LABELS, bad, PATIENTS, FINDINGS, RULES)
    uncertain = LABELS.copy()
    uncertain[2, 0] = -1
    with pytest.raises(InputError, match=r"holds -1 in row 2, column 0"):
        evaluate(uncertain, VALUES, PATIENTS, FINDINGS, RULES)


def test_one_radiograph_is_an_evaluation_without_numbers() -> None:
    got = evaluate([[1.0]], [[0.8]], ["a"], ["Mass"], [Threshold(value=0.5, rule="fixed")], replicates=3)
    assert got.findings[0].confusion.tp == 1
    assert got.overall_mse == pytest.approx(0.04)
    assert math.isnan(got.macro.auroc.value)
    assert math.isnan(evaluate([[1.0], [0]], [[0.8], [0.1]], ["a", "a"], ["M"], RULES[:1]).macro.auroc.low)


def test_to_json_turns_arrays_and_keys_into_plain_values() -> None:
    got = to_json(
        {"a": np.array([1.5, np.nan]), 5: np.float32(0.5), "c": (1, None, "x"), "d": np.int64(3), "e": math.inf}
    )
    assert got == {"a": [1.5, None], "5": 0.5, "c": [1, None, "x"], "d": 3, "e": None}
    assert json.dumps(got, allow_nan=False)
