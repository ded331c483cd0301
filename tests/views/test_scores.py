"""The scores of the Diseases view: every panel on finished runs, a click on a miss, one run alone, old evaluations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.metrics.calibration import expected_calibration_error
from core.patients import kept_scores
from core.pictures import scores as pictures
from core.pictures.diseases import judge
from core.pictures.source import test_scores as made_now
from core.recipes.files import Files
from core.recipes.listing import recipe_from_json
from core.recipes.scores import AurocDifference, Calibration, Groups, MistakenFor, PrecisionRecall, Roc, Subgroups
from core.runs import Run
from core.studies.study import Study
from tests.components import click, figures, plots
from tests.finished import Finished
from tests.views.test_views import opened, texts, two

PANELS = {
    "curves": ("ROC curves of", "Precision-recall curves of"),
    "differences": ("AUROC of each disease by",),
    "calibration": ("Calibration curve of",),
    "missed": ("What ",),
    "people": ("True-positive-rate gaps of",),
    "groups": ("Macro AUROC and average precision",),
}


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_draws_two_runs(finished: Finished, panel: str) -> None:
    at = opened("diseases", runs=two(finished), scores=panel, disease="Edema")
    assert not at.exception and not at.error
    alts = [plot["alt"] for plot in plots(at)]
    for words in PANELS[panel]:
        assert any(alt.startswith(words) for alt in alts), alts


def test_one_run_has_no_difference(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["linear"]], scores="differences")
    assert not at.exception and not at.error
    assert "choose one above" in texts(at)


def test_a_click_on_a_miss_shows_its_radiographs(finished: Finished) -> None:
    run, study = Run.load(finished.runs["linear"]), Study.load("tiny")
    found = pictures.mistaken_of(judge(Files(), run, study, "f1"))
    row, column = (int(place) for place in np.argwhere(found.called > 0)[0])
    at = opened("diseases", runs=[run.id], scores="missed")
    number = next(number for number, plot in enumerate(plots(at)) if plot["alt"].startswith("What "))
    heat = figures(at)[number]["data"][0]
    assert heat["customdata"][row][column][0] == found.called[row, column]
    click(at, number, curve=0, point=[row, column])
    assert not at.exception
    assert f"called: {found.called[row, column]:,}**" in texts(at)


def test_every_recipe_draws_from_files_and_comes_back_from_json(finished: Finished) -> None:
    runs = tuple(two(finished))
    where = Files()
    for recipe in (
        Roc(runs=runs), PrecisionRecall(runs=runs, disease="Edema", rule="0.3"), AurocDifference(runs=runs),
        Calibration(runs=runs, bins=5), MistakenFor(runs=runs), Subgroups(runs=runs, by="age", measure="auroc"),
        Subgroups(runs=runs, by="view"), Groups(runs=runs),
    ):  # fmt: skip
        assert recipe_from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
        made = recipe.draw(where)
        assert made.data and recipe.csv(where)
        assert recipe.alt(where) and recipe.of(where).startswith("n = 12 test radiographs of 6 patients")
        assert made.to_json() == recipe.draw(where).to_json()


def test_the_numbers_of_a_recipe_are_those_of_the_evaluation(finished: Finished) -> None:
    run, study, where = Run.load(finished.runs["linear"]), Study.load("tiny"), Files()
    own = run.evaluation()["test"]["findings"][9]
    assert own["finding"] == study.findings[9] == "Edema"
    names = [trace.name for trace in Roc(runs=(run.id,), disease="Edema").draw(where).data]
    assert any(f"AUROC {own['auroc']['value']:.3f} [" in name for name in names)
    judged = judge(where, run, study, "f1")
    assert own["calibration_error"] == pytest.approx(
        expected_calibration_error(judged.labels[:, 9], judged.probabilities[:, 9])
    )


def test_kept_scores_are_those_that_would_be_made(finished: Finished, tmp_path: Path) -> None:
    run, study = Run.load(finished.runs["linear"]), Study.load("tiny")
    kept, made = kept_scores(run), made_now(run.predictions(), study)
    assert kept is not None and kept.n_patients == made.n_patients
    for name, one in made.scores.items():
        assert kept.scores[name].value == pytest.approx(one.value, nan_ok=True)
        np.testing.assert_array_equal(kept.scores[name].replicates, one.replicates)


def test_an_old_evaluation_opens_with_a_hint(finished: Finished) -> None:
    run = Run.load(finished.runs["linear"])
    path, beside = (run.folder / "evaluation" / name for name in ("evaluation.json", "patients.json"))
    before, manifest = path.read_bytes(), beside.read_bytes()
    try:
        path.write_text(json.dumps({**json.loads(before), "form": 2}))
        beside.unlink()
        assert kept_scores(run) is None
        at = opened("diseases", runs=[run.id], scores="groups")
        assert not at.exception and not at.error
        assert f"scripts.evaluate {run.id[:8]}" in texts(at)
    finally:
        path.write_bytes(before)
        beside.write_bytes(manifest)


def test_kept_scores_of_other_embeddings_are_not_taken(finished: Finished) -> None:
    run = Run.load(finished.runs["linear"])
    beside = run.folder / "evaluation" / "patients.json"
    before = beside.read_bytes()
    try:
        beside.write_text(json.dumps({**json.loads(before), "of": "0" * 64}))
        assert kept_scores(run) is None
    finally:
        beside.write_bytes(before)
