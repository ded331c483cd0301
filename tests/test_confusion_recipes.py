"""Recipes of confusion matrices on finished runs: drawn, said in words, and as CSV against sklearn and by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from core.config.run import EvaluationConfig
from core.errors import ConfigError, InputError, RunError
from core.metrics.cutting import Cut
from core.metrics.mcnemar import mcnemar
from core.pictures.confusion import KINDS, compare
from core.pictures.diseases import cell, judge
from core.recipes.confusion import Confusion, ConfusionDifference, ConfusionOne, ConfusionPairs, RateDifferences
from core.recipes.files import Files
from core.recipes.listing import recipe_from_json, recipe_in_words
from core.runs import Run
from core.studies.study import Study
from tests.finished import Finished

WHERE = Files()


@pytest.fixture
def two(finished: Finished) -> tuple[str, str]:
    return finished.runs["orthogonal"], finished.runs["contrastive"]


def table(made: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.decode())))


def test_counts_of_the_csv_equal_sklearn(two: tuple[str, str]) -> None:
    rows = table(Confusion(runs=two[:1], rule="youden").csv(WHERE))
    run, study = Run.load(two[0]), Study.load("tiny")
    test = study.rows("test")
    assert len(rows) == 4 * len(study.findings)
    for at, finding in enumerate(study.findings):
        own = [row for row in rows if row["finding"] == finding]
        called = run.predictions()[f"probability:{finding}"].to_numpy()[test] >= float(own[0]["threshold"])
        wanted = confusion_matrix(study.labels[test, at], called, labels=[0, 1]).ravel().tolist()
        assert [int(row["count"]) for row in own] == wanted
        for row in own:
            assert row["rate"] == "" or float(row["low"]) <= float(row["rate"]) <= float(row["high"])


@pytest.mark.parametrize("rule", ["f1", "youden", "fixed", "sensitivity:0.8", "specificity:0.95", "0.37"])
def test_every_rule_draws(two: tuple[str, str], rule: str) -> None:
    for made in (Confusion(runs=two, rule=rule), ConfusionOne(runs=two, rule=rule, disease="Edema")):
        assert made.draw(WHERE).data
        assert recipe_from_json(made.to_json()) == made
        assert Cut.read(rule).told in made.of(WHERE) and "test radiographs" in made.of(WHERE)
    assert ConfusionDifference(runs=two, rule=rule).draw(WHERE).data


def test_a_finding_of_its_own_threshold_leaves_the_others_alone(two: tuple[str, str]) -> None:
    plain, own = (table(Confusion(runs=two[:1], own=given).csv(WHERE)) for given in ((), ("Edema=1.0",)))
    changed = {row["finding"] for row, other in zip(own, plain, strict=True) if row != other}
    assert changed == {"Edema"}
    edema = [row for row in own if row["finding"] == "Edema"]
    assert [int(row["count"]) for row in edema if row["model"] == "present"] == [0, 0]


def test_one_disease_has_both_intervals(two: tuple[str, str]) -> None:
    recipe = ConfusionOne(runs=two[:1], disease="Edema")
    rows = table(recipe.csv(WHERE))
    assert [row["finding"] for row in rows] == ["Edema"] * 4
    for one, other in ((0, 1), (2, 3)):
        assert float(rows[one]["patients_low"]) == pytest.approx(1 - float(rows[other]["patients_high"]))
    assert "Edema" in recipe.alt(WHERE) and recipe.name(WHERE)[:2] == ("confusion-one", "Edema")


def test_a_difference_counts_pairs(two: tuple[str, str]) -> None:
    rows = table(ConfusionDifference(runs=two).csv(WHERE))
    study = Study.load("tiny")
    test = study.rows("test")
    judged = [judge(WHERE, Run.load(run), study, "f1") for run in two]
    for row in rows:
        at, label = study.findings.index(row["finding"]), int(row["label"] == "present")
        own = study.labels[test, at] == label
        one, two_ = ((side.called(at) == bool(label))[own] for side in judged)
        counts = [int(row[name]) for name in ("both_right", "only_first", "only_second", "both_wrong")]
        assert counts == [(one & two_).sum(), (one & ~two_).sum(), (~one & two_).sum(), (~one & ~two_).sum()]
        if sum(counts):
            assert float(row["difference"]) == pytest.approx(one.mean() - two_.mean())
            assert float(row["p"]) == pytest.approx(mcnemar(counts[1], counts[2])[0])
            assert float(row["p_holm"]) >= float(row["p"])


def test_a_run_minus_itself_is_nothing(two: tuple[str, str]) -> None:
    same = ConfusionDifference(runs=(two[0], two[0]))
    for trace in same.draw(WHERE).data:
        assert not np.nan_to_num(trace.z).any()
    assert {row["p"] for row in table(same.csv(WHERE))} <= {"1.0", ""}
    assert RateDifferences(runs=(two[0], two[0])).draw(WHERE).data


def test_groups_of_pairs_share_out_the_radiographs_worst_first(two: tuple[str, str]) -> None:
    study = Study.load("tiny")
    found = compare(WHERE, [Run.load(run) for run in two], study, "0.4")
    for at in range(len(study.findings)):
        counts = found.counts(at)
        for label in (0, 1):
            groups = [found.inside(at, label, kind) for kind in KINDS]
            assert [len(group) for group in groups] == counts[label].tolist()
            together = np.concatenate(groups)
            assert sorted(together.tolist()) == np.flatnonzero(found.first.labels[:, at] == label).tolist()
            said = found.second.probabilities[groups[1], at] * (-1 if label else 1)
            assert (np.diff(said) <= 0).all()


def test_cells_share_out_the_radiographs(two: tuple[str, str]) -> None:
    study = Study.load("tiny")
    judged = judge(WHERE, Run.load(two[0]), study, "0.4")
    for at in range(len(study.findings)):
        inside = [cell(judged, at, row, column) for row in (0, 1) for column in (0, 1)]
        single = judged.confusion(at)
        assert [len(part) for part in inside] == [single.tn, single.fp, single.fn, single.tp]


def test_what_cannot_be_drawn_is_said(two: tuple[str, str]) -> None:
    with pytest.raises(RunError, match="two runs"):
        ConfusionDifference(runs=two[:1]).draw(WHERE)
    with pytest.raises(ConfigError, match="no rule for thresholds"):
        Confusion(runs=two, rule="best")
    with pytest.raises(InputError, match="no finding 'Flu'"):
        ConfusionPairs(runs=two, disease="Flu").draw(WHERE)


def test_typed_words_make_the_recipe(two: tuple[str, str]) -> None:
    words = {"runs": list(two), "rule": ["sensitivity:0.9"], "disease": ["Mass"]}
    recipe = recipe_in_words("confusion-pairs", words)
    assert recipe == ConfusionPairs(runs=two, rule="sensitivity:0.9", disease="Mass")
    assert recipe.draw(WHERE).data[0].name == "Mass"


def test_evaluations_of_before_keep_loading() -> None:
    old = EvaluationConfig.from_json({"threshold_rule": "youden", "replicates": 100})
    assert old.threshold_target == 0.9
    assert EvaluationConfig(threshold_rule="sensitivity", threshold_target=0.95).to_json()["threshold_target"] == 0.95
