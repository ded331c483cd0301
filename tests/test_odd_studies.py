"""Studies without findings, without texts, without splits, of one class, of one radiograph: what works, and what every
stage and view says where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig
from core.demands import check_study
from core.errors import ConfigError, InputError, RunError, StudyError
from core.logbook import read_metrics
from core.metrics.sampling import stratified
from core.pictures import colourings, diseases, gap, similarity, space
from core.pictures.claims import claims
from core.pictures.compared import scored
from core.pictures.curves import curves, note
from core.pipeline import Pipeline
from core.recipes import scores
from core.recipes.files import Files
from core.runs import Run
from core.studies.captions import captions, sentence
from core.studies.study import Study
from core.studies.vocabulary import NIH_FINDINGS
from tests.components import click, figures, plots
from tests.odd import ODD, all_stages, one_process, quick
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts

FINISHED = (
    ("captions-only", "contrastive"),
    ("captions-unsplit", "contrastive"),
    ("nothing-told", "zero-shot"),
    ("nothing-known", "zero-shot"),
    ("all-healthy", "linear"),
    ("one-finding", "orthogonal"),
    ("unsplit", "contrastive"),
    ("six-bare", "zero-shot"),
    ("one-alone", "zero-shot"),
)
VIEWS = ("curves", "space", "similarity", "gap", "diseases", "retrieval", "attention")
Runs = dict[str, Run]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """A workspace with a finished run on each odd study, by the study's name."""
    with pytest.MonkeyPatch.context() as patch, one_process():
        patch.setenv("FLUOROSCOPE_HOME", str(tmp_path_factory.mktemp("odd") / "workspace"))
        for name, how in ODD.items():
            tiny_study(name, **how)
        yield {study: all_stages(quick(preset, study=study)) for study, preset in FINISHED}


def numbers(value: Any) -> Iterator[float]:
    """Every number of a report, however deep."""
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


class TestCaptionsOnly:
    def test_evaluation_has_what_needs_no_findings(self, runs: Runs) -> None:
        report = runs["captions-only"].evaluation()
        found = report["space"]
        assert report["test"] is None
        assert report["missing"] == {
            "test": "This study has no findings, so there is nothing to classify.",
            "task": "There is no zero-shot AUROC: there are no findings.",
        }
        assert (report["zero_shot_auroc"], found["support"], found["pairs"]) == ({}, [], 8)
        for name in ("prompts", "prompts_frozen", "centroids", "uniformity_prompts"):
            assert found[name] is None, name
        for name in ("gap", "alignment", "uniformity_images", "uniformity_texts", "effective_rank"):
            assert np.isfinite(found[name]), name
        assert found["retrieval"]["n_pairs"] == 8
        assert 0 <= found["retrieval"]["image_to_text"]["recall"]["1"] <= 1
        assert np.isfinite(np.array(found["shift"]["loss"], float)).all()
        assert set(found["shift"]["task"]) == {None}

    def test_gap_and_alignment_are_of_the_reports(self, runs: Runs) -> None:
        run, study = runs["captions-only"], Study.load("captions-only")
        rows = study.rows("test")
        images, written = (run.embeddings(name).vectors[rows] for name in ("images", "texts"))
        found = run.evaluation()["space"]
        assert found["gap"] == pytest.approx(np.linalg.norm(images.mean(0) - written.mean(0)), abs=1e-5)
        assert found["alignment"] == pytest.approx(((images - written) ** 2).sum(1).mean(), abs=1e-5)

    def test_validation_loss_chooses_the_weights_and_says_so(self, runs: Runs) -> None:
        run = runs["captions-only"]
        assert run.config.training.keep == "best"
        first, *steps = read_metrics(run.folder / "metrics.jsonl")
        kept = "the weights with the lowest validation loss are kept"
        assert first["note"] == note(Files(), run) == f"No validation AUROC, because there are no findings: {kept}."
        assert [set(step["validation"]) for step in steps if "validation" in step] == [{"loss"}] * 2
        assert curves(Files(), [run], "auroc") is None
        drawn = curves(Files(), [run], "validation_loss")
        assert drawn is not None
        assert list(drawn.data[0].y) == [step["validation"]["loss"] for step in steps if "validation" in step]

    def test_the_map_has_radiographs_only(self, runs: Runs) -> None:
        run, study = runs["captions-only"], Study.load("captions-only")
        found = run.projection()
        assert [len(found.of_kind(kind)[0]) for kind in ("sample", "prompt", "centroid")] == [28, 0, 0]
        assert set(colourings.colourings(study)) == {
            *colourings.OF_SAMPLES,
            *(f"map:{one}" for one in colourings.OF_MAPS),
        }
        for by in colourings.colourings(study):
            names = {trace.name for trace in space.space(Files(), run, study, look=space.Look(by=by)).data}
            assert "disease prompts" not in names and "disease centroids" not in names
        with pytest.raises(ConfigError, match="cannot be coloured by 'findings'; it can by split, sex, view, age"):
            space.space(Files(), run, study)

    def test_predictions_and_manifest_claim_no_probabilities(self, runs: Runs) -> None:
        run = runs["captions-only"]
        assert run.predictions().columns.tolist() == ["id", "split"]
        assert run.embeddings("prompts").vectors.shape == (0, 16)
        manifest = (run.folder / "embeddings" / "embeddings.json").read_text()
        assert '"probabilities": null' in manifest and '"texts": "own text"' in manifest

    def test_pictures_of_diseases_say_that_there_are_none(self, runs: Runs) -> None:
        run, study = runs["captions-only"], Study.load("captions-only")
        for kind in similarity.KINDS:
            assert similarity.of_run(Files(), run, study, kind).cosines.shape == (0, 0)
            found = similarity.of_runs(Files(), [run, run], study, kind)
            for draw in (similarity.panels, similarity.pairs, similarity.difference):
                assert not draw(found).data
        with pytest.raises(RunError, match="no findings, so there is nothing to classify"):
            diseases.intervals(Files(), [run], study)
        assert not diseases.matrices(study, diseases.judge(Files(), run, study, "f1")).data


OF_FINDINGS = (
    "zero-shot, linear, orthogonal, long-tail, fine-tune, from-scratch, alignment-visual, alignment, "
    "contrastive-normalised-logits"
)
OF_TEXTS = "zero-shot, contrastive, lora, biobert-resnet50-triplet, clip-no-grad, clip-image-frozen"
REFUSED = [
    ("captions-only", "linear", "has no findings, and the classification loss", OF_TEXTS),
    ("captions-only", "orthogonal", "has no findings, and a head of kind 'disease-tokens'", OF_TEXTS),
    ("nothing-told", "contrastive", "has neither texts nor known findings", "zero-shot"),
    ("nothing-told", "linear", "has no findings, and the classification loss", "zero-shot"),
    ("nothing-known", "contrastive", "has neither texts nor known findings", "zero-shot"),
    ("nothing-known", "linear", "has no known label in its training split", "zero-shot"),
    ("nothing-known", "orthogonal", "has no known label in its training split", "zero-shot"),
    ("all-healthy", "contrastive", "has one and the same text throughout", OF_FINDINGS),
    ("one-alone", "contrastive", "has no training split", "zero-shot"),
    ("one-alone", "linear", "has no training split", "zero-shot"),
]


@pytest.mark.parametrize(("study", "preset", "why", "instead"), REFUSED)
def test_what_cannot_be_learned_is_refused_before_the_towers_start(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, study: str, preset: str, why: str, instead: str
) -> None:
    monkeypatch.setattr("core.preparing.load_encoder", lambda *_: pytest.fail("the towers were loaded"))
    run = Run.create(quick(preset, study=study))
    with pytest.raises(StudyError, match=why) as caught:
        Pipeline(run).all_stages()
    assert str(caught.value).startswith(f"Study '{study}' has ")
    assert str(caught.value).endswith(f". Presets that work on it: {instead}.")
    assert not (run.folder / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    ("study", "objective", "why"),
    [
        ("nothing-known", ObjectiveConfig(supervised=1.0), "no known label .* the supervised loss learns from labels"),
        (
            "nothing-known",
            ObjectiveConfig(contrastive=1.0, contrastive_form="soft-targets"),
            "no known label .* the contrastive loss with soft targets",
        ),
        ("nothing-told", ObjectiveConfig(alignment=1.0), "has neither texts .* the alignment loss needs two"),
    ],
)
def test_a_loss_without_what_it_learns_from_is_refused(
    runs: Runs, study: str, objective: ObjectiveConfig, why: str
) -> None:
    with pytest.raises(StudyError, match=why):
        check_study(quick("contrastive", study=study).replace(objective=objective), Study.load(study))


def test_an_orthogonal_loss_without_findings_is_refused(runs: Runs) -> None:
    config = quick("contrastive", study="captions-only")
    with pytest.raises(StudyError, match="the orthogonal loss parts the prompts of findings"):
        check_study(
            config.replace(objective=ObjectiveConfig(contrastive=1.0, orthogonal=1.0)), Study.load("captions-only")
        )


def test_a_linear_head_learns_from_captions(runs: Runs) -> None:
    """It brings images into the text tower's space; without findings it has no class weights."""
    config = quick("contrastive", study="captions-only").replace(head=HeadConfig(kind="linear"))
    report = all_stages(config).evaluation()
    assert report["test"] is None
    assert report["space"]["pairs"] == 8


def test_a_report_is_not_quoted_in_a_refusal(workspace: Path) -> None:
    tiny_study(counts=(1, 1, 0), text=True)
    with pytest.raises(StudyError, match="one and the same text") as caught, one_process():
        Pipeline(Run.create(quick("contrastive"))).train()
    assert "blobs" not in str(caught.value)


def forgotten(*rows: int) -> Callable[[np.ndarray], np.ndarray]:
    """Labels of which nothing is known in some rows."""
    return lambda drawn: np.where(np.isin(np.arange(len(drawn)), rows)[:, None], np.float32(np.nan), drawn)


def test_a_radiograph_of_which_nothing_is_known_has_no_text(workspace: Path) -> None:
    unknown = tiny_study(labels=forgotten(0, 1), counts=(4, 1, 1))
    found = list(captions(unknown))
    assert found[:2] == [None, None]
    assert all(text is not None for text in found[2:])
    assert set(captions(tiny_study("bare", findings=(), counts=(4, 1, 1)))) == {None}
    assert sentence((), []) == "a chest radiograph"


def test_radiographs_without_a_text_are_left_out_of_the_pairs(workspace: Path) -> None:
    silent = [0, 1, 20, 21]
    tiny_study(labels=forgotten(*silent), counts=(12, 6, 8))
    with one_process():
        run = all_stages(quick("contrastive"))
    ids = Study.load("tiny").samples["id"].to_numpy()
    assert list(run.embeddings("texts").ids) == np.delete(ids, silent).tolist()
    assert len(run.embeddings("images").ids) == 26
    assert run.evaluation()["space"]["pairs"] == 6
    for row in read_metrics(run.folder / "metrics.jsonl")[1:]:
        assert np.isfinite(row["loss"])


def test_no_finding_is_said_only_where_all_are_known_to_be_absent(workspace: Path) -> None:
    rows = np.array([[0, 0, 0], [0, np.nan, 0], [np.nan] * 3, [1, np.nan, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    study = tiny_study(findings=NIH_FINDINGS[:3], labels=lambda _: rows, counts=(4, 1, 1))
    words = ["No finding", None, None, "Atelectasis", "Several", "Cardiomegaly"]
    assert colourings.combinations(study, np.arange(6)).tolist() == words


@pytest.mark.parametrize("name", ["nothing-told", "nothing-known", "one-alone", "unsplit", "all-healthy"])
def test_without_findings_or_texts_or_splits_every_stage_ends(runs: Runs, name: str) -> None:
    run, study = runs[name], Study.load(name)
    report = run.evaluation()
    assert len(run.projection().of_kind("sample")[0]) == len(study)
    assert all(np.isfinite(value) for value in numbers(report))
    if name in ("nothing-told", "nothing-known"):
        assert len(run.embeddings("texts").ids) == 0
        assert report["missing"]["shift"] == "There is no gap to move along: 0 of the test radiographs have a text."
        for part in ("gap", "alignment", "retrieval", "uniformity_texts", "shift"):
            assert report["space"][part] is None
        with pytest.raises(InputError, match="no gap to measure"):
            gap.cones(Files(), run, study)
    if name in ("nothing-known", "all-healthy"):
        assert report["missing"]["auroc"].startswith("No AUROC is defined: no finding has both classes")
        assert report["test"]["macro"]["auroc"]["value"] is None
    if name == "unsplit":
        assert report["missing"]["test"] == "This study has no test split, so nothing can be judged on it."
        assert report["space"]["rows"] == "all"


def test_a_study_without_validation_keeps_the_last_weights_and_says_so(runs: Runs) -> None:
    assert note(Files(), runs["unsplit"]) == (
        "No validation AUROC and no validation loss, because there is no validation split: the last weights are kept, "
        "not the best ones."
    )


def test_references_without_a_known_floor_can_be_written(workspace: Path) -> None:
    """14 directions in 4 dimensions: no floor is known for the absolute form."""
    tiny_study(counts=(12, 4, 4))
    config = quick("orthogonal")
    config = config.replace(
        head=config.head.replace(width=4), objective=config.objective.replace(orthogonal_form="absolute")
    )
    run = Run.create(config)
    with one_process():
        Pipeline(run).train()
    first = read_metrics(run.folder / "metrics.jsonl")[0]["references"]["orthogonal"]
    assert first["floor"] is None and first["chance"] > 0


@pytest.mark.parametrize("most", [1, 5, 20, 40])
def test_a_picture_of_some_samples_needs_no_findings(most: int) -> None:
    rows = stratified(np.zeros((20, 0)), most)
    assert len(rows) == min(most, 20) == len(set(rows.tolist()))


SAID = {
    ("curves", "captions-only"): "there are no findings: the weights with the lowest validation loss are kept",
    ("curves", "unsplit"): "there is no validation split: the last weights are kept",
    ("space", "captions-only"): "no findings, so there are no disease prompts and no centroids",
    ("space", "nothing-known"): "No centroid for 14 of 14 findings: no positive among the test radiographs",
    ("space", "six-bare"): "principal components, not UMAP",
    ("space", "unsplit"): "no test split: what is measured here is measured on all of its radiographs",
    ("similarity", "captions-only"): "no findings, so there are no disease prompts and no disease centroids",
    ("similarity", "one-finding"): "one finding, so there is no other disease to compare it with",
    ("gap", "captions-only"): "There is no zero-shot AUROC: there are no findings.",
    ("gap", "nothing-told"): "neither texts nor findings to make them from, so there is no gap",
    ("gap", "nothing-known"): "None of the test radiographs has a text in this model's space",
    ("gap", "one-alone"): "One of the test radiographs has a text in this model's space",
    ("gap", "unsplit"): "no test split: what is measured here is measured on all of its radiographs",
    ("gap", "all-healthy"): "There is no zero-shot AUROC: no finding has both classes",
    ("diseases", "captions-only"): "no findings, so there is nothing to classify",
    ("diseases", "unsplit"): "no test split, so nothing can be judged",
    ("diseases", "all-healthy"): "No AUROC is defined: no finding has both classes",
    ("diseases", "nothing-known"): "No AUROC is defined: no finding has both classes",
    ("diseases", "one-alone"): "there is only one patient",
    ("retrieval", "nothing-told"): "neither texts nor findings to make them from, so there is no search",
    ("retrieval", "one-alone"): "One of the test radiographs has a text in this model's space, so there is no search",
    ("retrieval", "unsplit"): "no test split: what is measured here is measured on all of its radiographs",
    ("retrieval", "captions-only"): "8 test radiographs with a text",
}


def said(at: Any) -> str:
    """Every sentence on the page, without the backslashes that keep it from being markup."""
    return "\n".join([texts(at), *(element.value for element in at.warning)]).replace("\\", "")


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("view", VIEWS)
def test_a_view_draws_what_there_is_and_says_what_there_is_not(runs: Runs, view: str, name: str) -> None:
    at = opened(view, runs=[runs[name].id], curves=[runs[name].id])
    assert not at.exception
    assert not at.error
    assert "nan" not in "\n".join(metric.value for metric in at.metric).lower()
    if expected := SAID.get((view, name)):
        assert expected in said(at)
    if view == "space":
        assert len(figures(at)) == 1
    if view == "diseases" and name.startswith(("captions", "unsplit", "nothing-told", "six")):
        assert not figures(at)


@pytest.mark.parametrize("name", ODD)
def test_a_run_of_an_odd_study_against_itself_differs_in_nothing_that_can_be_said(runs: Runs, name: str) -> None:
    own = scored(Files(), runs[name], Study.load(name))
    said = claims([own, own], Study.load(name))
    assert {one.verdict for one in said} <= {"unchanged", "unknown"}
    assert "nan" not in " ".join(one.sentence for one in said)
    unsaid = {one.measure: one.basis for one in said if one.verdict == "unknown"}
    if name == "one-alone":
        assert unsaid["auroc"] == "there is only one patient"
    if name == "captions-only":
        assert unsaid["auroc"] == "this study has no findings, so there is nothing to classify"
        assert "gap" not in unsaid


def test_the_gap_of_captions_is_drawn_without_a_task_curve(runs: Runs) -> None:
    at = opened("gap", runs=[runs["captions-only"].id])
    assert len(plots(at)) == 4  # the map, what a shift does, the cones, and temperatures; no disease has a gap
    curve = next(plot["figure"] for plot in plots(at) if "contrastive loss" in plot["alt"])
    names = {trace["name"] for trace in curve["data"]}
    assert names == {
        *(f"{kind} {way}" for kind in ("loss", "R@5") for way in ("image → text", "text → image")),
        *("best Loss (nats)", "best Recall@5"),
    }
    shown = {metric.label: metric.value for metric in at.metric}
    assert shown["Zero-shot AUROC"] == "–"


@pytest.mark.parametrize("kind", ["centroids", "cross"])
def test_similarity_without_centroids_shows_no_numbers(runs: Runs, kind: str) -> None:
    at = opened("similarity", runs=[runs["all-healthy"].id], cosines=kind)
    assert not at.exception
    assert "No centroid for 14 of 14 findings" in said(at)
    assert set(at.table[0].value.iloc[:, 0]) == {"no pair" if kind == "centroids" else "no support"}


@pytest.mark.parametrize("name", ["captions-only", "one-alone", "nothing-known"])
def test_the_chosen_radiograph_of_an_odd_study(runs: Runs, name: str) -> None:
    at = opened("space", runs=[runs[name].id])
    click(at, 0, customdata=0, trace="radiographs")
    assert not at.exception
    assert not at.error
    assert "The chosen radiograph" in said(at)
    if name == "captions-only":
        assert "report 0" in said(at)
        assert "no labels and no predictions" in said(at)
    else:
        assert "This radiograph has no text" in said(at)
    if name == "one-alone":
        assert "it has no neighbours" in said(at)


@pytest.mark.parametrize("name", ["nothing-known", "all-healthy", "one-finding", "one-alone"])
def test_scores_of_odd_studies_are_drawn_or_say_why_not(runs: Runs, name: str) -> None:
    """A figure of scores has data, or words; nothing is drawn as zero."""
    own, where = (runs[name].id,), Files()
    recipes = [
        scores.Roc(runs=own), scores.PrecisionRecall(runs=own), scores.AurocDifference(runs=own * 2),
        scores.Calibration(runs=own), scores.MistakenFor(runs=own), scores.Groups(runs=own),
        *(scores.Subgroups(runs=own, by=by) for by in ("sex", "age", "view")),
    ]  # fmt: skip
    for recipe in recipes:
        try:
            made = recipe.draw(where)
        except RunError as error:
            assert "not known of any test radiograph" in str(error)
            continue
        known = [
            trace for trace in made.data if trace.x is not None and not str(trace.name).startswith(("chance", "calib"))
        ]
        assert known or made.layout.annotations
        if name != "one-finding" and recipe.figure in ("roc", "precision-recall"):
            assert "No curve:" in made.layout.annotations[0].text


@pytest.mark.parametrize("panel", ["calibration", "missed", "people", "groups"])
def test_a_panel_of_scores_opens_on_one_radiograph_of_no_class(runs: Runs, panel: str) -> None:
    at = opened("diseases", runs=[runs["one-alone"].id], scores=panel)
    assert not at.exception
    assert not at.error
