"""The numbers of a finished run, computed once more from its predictions by other means."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score, roc_auc_score

from core.config.run import EvaluationConfig
from core.errors import FluoroscopeError
from core.evaluation import classification, paired_rows
from core.runs import Run
from core.store import EmbeddingSet
from core.studies.study import Study
from tests.finished import Finished

PRESETS = ("orthogonal", "linear", "contrastive", "zero-shot")


@pytest.fixture(params=PRESETS)
def run(request: pytest.FixtureRequest, finished: Finished) -> Run:
    return Run.load(finished.runs[request.param])


def columns(run: Run, study: Study) -> Iterator[tuple[int, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Position, name, validation mask, labels and probabilities of each finding; all rows."""
    table = run.predictions()
    assert table["id"].tolist() == study.samples["id"].tolist()
    for column, name in enumerate(study.findings):
        values = table[f"probability:{name}"].to_numpy(np.float64)
        yield column, name, table["split"].to_numpy(), study.samples[f"finding:{name}"].to_numpy(), values


def test_scores_agree_with_scikit_learn(run: Run) -> None:
    study, report = Study.load("tiny"), run.evaluation()
    test, areas, precisions, squares = report["test"], [], [], []
    assert (test["n"], test["n_patients"], test["replicates"]) == (12, 6, 100)
    for column, name, split, truth, values in columns(run, study):
        own = test["findings"][column]
        y, p = truth[split == "test"], values[split == "test"]
        assert ((p >= 0) & (p <= 1)).all()
        squares += ((y - p) ** 2).tolist()
        assert (own["finding"], own["n"], own["positives"]) == (name, len(y), int(y.sum()))
        assert own["brier"] == pytest.approx(np.mean((y - p) ** 2))
        tn, fp, fn, tp = confusion_matrix(y, p >= own["threshold"]["value"], labels=[0, 1]).ravel()
        assert own["confusion"] == {"tn": tn, "fp": fp, "fn": fn, "tp": tp, "unknown": 0}
        if 0 < y.sum() < len(y):
            areas.append(roc_auc_score(y, p))
            precisions.append(average_precision_score(y, p))
            assert own["auroc"]["value"] == pytest.approx(areas[-1])
            assert own["average_precision"]["value"] == pytest.approx(precisions[-1])
            assert own["auroc"]["low"] <= own["auroc"]["value"] <= own["auroc"]["high"]
        else:
            assert own["auroc"]["value"] is None
    assert test["macro"]["n_findings"] == len(areas) > 5
    assert test["macro"]["auroc"]["value"] == pytest.approx(np.mean(areas))
    assert test["macro"]["average_precision"]["value"] == pytest.approx(np.mean(precisions))
    assert test["overall_mse"] == pytest.approx(np.mean(squares))


def test_thresholds_are_the_best_on_validation(run: Run) -> None:
    study, test = Study.load("tiny"), run.evaluation()["test"]
    for column, _, split, truth, values in columns(run, study):
        y, p = truth[split == "val"], values[split == "val"]
        chosen = test["findings"][column]["threshold"]
        if 0 < y.sum() < len(y):
            best = max(f1_score(y, p >= value) for value in np.unique(p))
            assert f1_score(y, p >= chosen["value"]) == pytest.approx(best)
        else:
            assert chosen["value"] == 0.5
            assert "because validation has" in chosen["note"]


def altered(study: Study, split: str) -> Study:
    """The same study with the labels of one split turned round."""
    samples = study.samples.copy()
    rows = samples["split"] == split
    for name in study.findings:
        samples.loc[rows, f"finding:{name}"] = 1 - samples.loc[rows, f"finding:{name}"]
    changed = Study(study.folder, study.manifest)
    changed.__dict__["samples"] = samples
    return changed


def test_thresholds_never_see_the_test_split(finished: Finished) -> None:
    study, predictions = Study.load("tiny"), Run.load(finished.runs["linear"]).predictions()
    config = EvaluationConfig(replicates=10)

    def thresholds(own: Study, table: pd.DataFrame = predictions) -> list[float]:
        found = classification(own, table, config, 0)
        assert found is not None
        return [finding["threshold"]["value"] for finding in found["findings"]]

    expected = thresholds(study)
    assert thresholds(altered(study, "test")) == expected
    assert thresholds(altered(study, "train")) == expected
    assert thresholds(altered(study, "val")) != expected
    shaken = predictions.copy()
    rows = shaken["split"] != "val"
    shaken.loc[rows, shaken.columns[2:]] = np.random.default_rng(0).random(
        (rows.sum(), len(shaken.columns) - 2), dtype=np.float32
    )
    assert thresholds(study, shaken) == expected


def test_the_plain_cosine_is_judged_too(run: Run) -> None:
    study, report, table = Study.load("tiny"), run.evaluation(), run.predictions()
    images, prompts = run.embeddings("images"), run.embeddings("prompts")
    cosines = images.vectors @ prompts.vectors.T
    rows = study.rows("test")
    for column, name in enumerate(study.findings):
        np.testing.assert_allclose(table[f"cosine:{name}"], cosines[:, column], atol=1e-6)
        y = study.labels[rows, column]
        expected = roc_auc_score(y, cosines[rows, column]) if 0 < y.sum() < len(y) else None
        assert report["zero_shot_auroc"][name] == (expected and pytest.approx(expected, abs=0.03))


def test_the_space_in_numbers(run: Run) -> None:
    study, space = Study.load("tiny"), run.evaluation()["space"]
    images, texts, prompts = (run.embeddings(name) for name in ("images", "texts", "prompts"))
    off = ~np.eye(14, dtype=bool)
    cosines = (prompts.vectors @ prompts.vectors.T)[off]
    assert space["prompts"]["mean"] == pytest.approx(cosines.mean(), abs=1e-6)
    assert space["prompts"]["mean_abs"] == pytest.approx(np.abs(cosines).mean(), abs=1e-6)
    rows = study.rows("test")
    own = [row for row in rows if images.ids[row] in set(texts.ids)]
    mates = [list(texts.ids).index(images.ids[row]) for row in own]
    x, y = images.vectors[own], texts.vectors[mates]
    assert (space["rows"], space["pairs"]) == ("test", len(own))
    assert space["gap"] == pytest.approx(np.linalg.norm(x.mean(0) - y.mean(0)), abs=1e-5)
    assert space["alignment"] == pytest.approx(((x - y) ** 2).sum(1).mean(), abs=1e-5)
    assert space["support"] == study.labels[rows].sum(0).tolist()
    centres = np.array([images.vectors[rows][study.labels[rows, k] == 1].mean(0) for k in range(14)])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    centres = centres[~np.isnan(centres).any(1)]
    between = (centres @ centres.T)[~np.eye(len(centres), dtype=bool)]
    assert space["centroids"]["mean"] == pytest.approx(between.mean(), abs=1e-4)


def test_pairs_belong_together() -> None:
    eye = np.eye(4, dtype=np.float32)
    images = EmbeddingSet(ids=list("abcd"), vectors=eye, modality="image")
    texts = EmbeddingSet(ids=list("db"), vectors=eye[[3, 1]], modality="text")
    x, y, among = paired_rows(images, texts, np.array(["d", "a", "b"], dtype=object))
    np.testing.assert_array_equal(x, eye[[3, 1]])
    np.testing.assert_array_equal(y, eye[[3, 1]])
    assert list(among) == [0, 2]


def test_the_report_is_strict_json(run: Run) -> None:
    path = run.folder / "evaluation" / "evaluation.json"
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_later_maps_lie_upon_the_first(finished: Finished) -> None:
    first = Run.load(finished.runs["orthogonal"]).projection()
    assert "reference" not in first.parameters
    for preset in PRESETS[1:]:
        own = Run.load(finished.runs[preset]).projection()
        assert own.parameters["reference"] == finished.runs["orthogonal"]
        assert 0 <= own.parameters["disparity"] < 0.9
        assert own.of_kind("sample")[0] == first.of_kind("sample")[0]
        (_, one), (_, two) = first.of_kind("sample"), own.of_kind("sample")
        shuffled = two[np.random.default_rng(0).permutation(len(two))]
        assert np.linalg.norm(one - two) < np.linalg.norm(one - shuffled)


def test_every_map_has_what_it_needs(run: Run) -> None:
    study, found = Study.load("tiny"), run.projection()
    assert found.of_kind("sample")[0] == study.samples["id"].tolist()
    assert found.of_kind("prompt")[0] == list(study.findings)
    support = np.array(run.evaluation()["space"]["support"])
    assert found.of_kind("centroid")[0] == [name for name, n in zip(study.findings, support, strict=True) if n]
    assert found.parameters["method"] == "umap"
    assert found.parameters["study"] == study.fingerprint
    assert 0 < found.faithfulness["trustworthiness"] <= 1


def test_damaged_predictions_are_refused_in_words(finished: Finished) -> None:
    run, study = Run.load(finished.runs["linear"]), Study.load("tiny")
    table = run.predictions()
    table.loc[study.rows("test")[0], "probability:Mass"] = np.nan
    with pytest.raises(FluoroscopeError, match="row"):
        classification(study, table, run.config.evaluation, 0)
