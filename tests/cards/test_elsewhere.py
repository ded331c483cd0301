"""A model folder in another workspace: the same vectors, its thresholds where there are none, and who is refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core.cards.fitting import check_fits
from core.cards.folder import CONFIG, THRESHOLDS
from core.cards.keeping import keeping, kept
from core.cards.origins import origins_of, words
from core.cards.reading import read_model
from core.cards.thresholds import OF_CARD, brought_thresholds
from core.cards.writing import write_model
from core.config.model import TrainedOn
from core.config.run import RunConfig
from core.demands import new_run, on_another_study, with_model
from core.errors import ArtefactError, RunError, StudyError, WeightsMissing
from core.metrics.cutting import Cut
from core.pictures.judged import thresholds
from core.pipeline import Pipeline
from core.runs import Run
from scripts import embed as embed_script
from tests.cards.changing import put, restamp, tensors
from tests.finished import Finished, command, printed
from tests.test_judging import carried_out, quick
from tests.tiny import tiny_study

FEW = ("Pleural Effusion", "Mass", "Fracture")


def taken(folder: Path, study: str) -> RunConfig:
    with keeping(folder) as model:
        return with_model(model, study)


def same(own: Run, other: Run) -> None:
    for name in ("images", "texts", "prompts", "negatives", "templates"):
        one, two = own.embeddings(name), other.embeddings(name)
        assert list(one.ids) == list(two.ids) and np.array_equal(one.vectors, two.vectors), name
    assert own.predictions().equals(other.predictions())


def test_the_same_vectors_in_another_workspace(
    finished: Finished, exported: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands as they are typed: a fresh home with the study alone, the model folder gone after its start."""
    home = tmp_path / "elsewhere"
    shutil.copytree(finished.home / "studies" / "tiny", home / "studies" / "tiny")
    shutil.copytree(exported["orthogonal"], tmp_path / "model")
    text = printed(command(home, "scripts.embed", str(tmp_path / "model"), "--study", "tiny"))
    shutil.rmtree(tmp_path / "model")
    assert "none of the judged patients was in its training" in text
    assert "Thresholds were chosen anew on this study's validation split." in text
    (folder,) = (home / "runs").iterdir()
    made = Run(folder)
    assert made.whole and made.config.start_from.startswith("model:orthogonal-lite-")
    same(Run.load(finished.runs["orthogonal"]), made)  # in the workspace of the finished runs
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))
    Pipeline(made).evaluate()  # stages of it go on without the folder


def test_towers_that_learned_travel_too(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last block of one, adapters in the other."""
    study = tiny_study(counts=(8, 4, 4))
    config = quick("lora")
    source = carried_out(
        config.replace(
            tuning=config.tuning.replace(image="last-blocks", blocks=1, learning_rate=0.01),
            training=config.training.replace(epochs=1, batch_size=8, snapshots=0),
        )
    )
    folder = write_model(source, workspace.parent / "model")
    held = load_file(folder / "model.safetensors")
    assert any(key.startswith("towers.image.") for key in held) and any("lora_" in key for key in held)
    frozen, moved = source.embeddings("prompts-frozen").vectors, source.embeddings("prompts").vectors
    assert frozen.shape != moved.shape or not np.allclose(frozen, moved)
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(workspace.parent / "elsewhere"))
    shutil.copytree(study.folder, workspace.parent / "elsewhere" / "studies" / "tiny")
    same(source, carried_out(taken(folder, "tiny")))


def test_findings_that_the_other_study_lacks_are_unknown_and_the_card_gives_thresholds(
    workspace: Path, exported: dict
) -> None:
    tiny_study("few", findings=FEW, counts=(4, 0, 12), seed=5)
    model = read_model(exported["linear"])
    run = carried_out(taken(exported["linear"], "few"))
    assert run.config.findings == model.labels and "linear · lite → few" in run.title
    rows = {row["finding"]: row for row in run.evaluation()["test"]["findings"]}
    assert rows["Hernia"]["n"] == 0 and rows["Hernia"]["auroc"]["value"] is None
    assert rows["Effusion"]["n"] == 12, "another word for the same"
    for name, own in model.thresholds.items():
        assert rows[name]["threshold"]["value"] == own.value
        assert rows[name]["threshold"]["note"].startswith(OF_CARD)


def test_a_study_with_a_validation_split_chooses_anew(workspace: Path, folder: Path) -> None:
    put(THRESHOLDS, "findings", 0, "value", value=0.123456)(folder)
    restamp(folder)
    tiny_study("other", counts=(4, 12, 8), seed=6)
    rows = carried_out(taken(folder, "other")).evaluation()["test"]["findings"]
    assert rows[0]["threshold"]["value"] != 0.123456
    assert not [row for row in rows if row["threshold"]["note"].startswith(OF_CARD)]


def test_patients_of_a_study_with_the_same_fingerprint_are_refused(workspace: Path, folder: Path) -> None:
    study = tiny_study("unsplit", counts=(10, 2, 0))  # without test, all rows would be judged
    trained = TrainedOn(study="elsewhere", fingerprint=study.fingerprint, split_hash=study.split_hash)
    put(CONFIG, "trained_on", value=[trained.to_json()])(folder)
    restamp(folder)
    with (
        pytest.raises(StudyError, match=r"5 of the patients to be judged .* in the training split of model"),
        keeping(folder) as model,
    ):
        new_run(with_model(model, "unsplit"))
    assert not list((workspace / "models").iterdir()) and not list(workspace.glob("runs/*"))


def test_what_is_known_of_the_patients_is_said(workspace: Path, folder: Path) -> None:
    def told() -> str:
        restamp(folder)
        with keeping(folder) as model:
            return words(origins_of(with_model(model, "tiny").start_from))

    assert "It is not known which patients" in told() and "'tiny' (fingerprint" in told()
    put(CONFIG, "trained_on", value=[])(folder)
    assert "not trained on any study" in told()
    put(CONFIG, "others", value=True)(folder)
    assert "It is not known which patients" in told()


def test_a_run_of_a_run_of_a_model_still_knows_what_it_learned_from(workspace: Path, exported: dict) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    first = carried_out(taken(exported["zero-shot"], "other"))
    second = Run.create(on_another_study(first, "other"))
    assert origins_of(second.id) == origins_of(first.config.start_from)
    shutil.rmtree(workspace / "models")
    assert origins_of(second.id).others, "what is gone may have learned from anybody"
    with pytest.raises(ArtefactError, match="is not in this workspace any more"):
        kept(first.config.start_from)


def test_towers_that_are_not_there_or_are_others(workspace: Path, folder: Path) -> None:
    """Asked before a run is made: nothing of it is left."""
    changes = (
        (put(CONFIG, "encoder", "image", value={"family": "timm", "name": "no_such_model"}), WeightsMissing, "no_such"),
        (
            put(CONFIG, "encoder", "image", value={"family": "timm", "name": "resnet10t", "pretrained": "random"}),
            ArtefactError,
            "the image tower on this machine has other weights",
        ),
    )
    for change, kind, match in changes:
        change(folder)
        restamp(folder)
        with pytest.raises(kind, match=match), keeping(folder) as model:
            check_fits(model, model.config.encoder)
        assert not list((workspace / "models").iterdir())


def test_weights_that_fit_each_other_but_not_the_towers(workspace: Path, folder: Path) -> None:
    def narrower(held: dict) -> None:
        held["mean"], held["std"] = held["mean"][:7].copy(), held["std"][:7].copy()
        held["image.weight"] = held["image.weight"][:, :7].copy()

    tensors("model.safetensors", narrower)(folder)
    restamp(folder)
    with (
        pytest.raises(ArtefactError, match="does not fit the towers that its"),
        keeping(folder) as own,
    ):
        check_fits(own, own.config.encoder)


def test_towers_of_a_folder_have_to_be_named(workspace: Path, folder: Path) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    put(CONFIG, "encoder", "image", value={"family": "timm", "name": "local-dir:"})(folder)
    restamp(folder)
    with pytest.raises(RunError, match="--encoder FOLDER"):
        taken(folder, "other")
    assert not list((workspace / "models").iterdir())


def test_a_model_that_was_altered_after_it_was_kept(workspace: Path, exported: dict) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    config = taken(exported["linear"], "other")
    run = new_run(config)
    path = kept(config.start_from).folder / "labels.json"
    path.write_text(json.dumps(["x"]))
    with pytest.raises(ArtefactError, match=r"labels.json has .* bytes, its manifest says"):
        Pipeline(run).train()


def test_the_command_says_what_is_wrong_and_leaves_nothing(
    workspace: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    (folder / "labels.json").unlink()
    text = printed(command(workspace, "scripts.embed", str(folder), "--study", "other"), code=1)
    assert "ArtefactError: This model folder cannot be used: labels.json is missing" in text and "Traceback" not in text
    assert not list(workspace.glob("models/*")) and not list(workspace.glob("runs/*"))
    for arguments, told in (
        (("x", "--encoder", "lite"), "--encoder goes with a model folder: give --study, too"),
        ((str(folder),), "say which study it is taken to (--study NAME)"),
    ):
        monkeypatch.setattr(sys, "argv", ["embed", *arguments])
        with pytest.raises(SystemExit, match="2"):
            embed_script.parse()
        assert told in capsys.readouterr().err


@pytest.mark.parametrize("odd", ["no findings", "nothing but test"])
def test_runs_on_odd_studies_have_cards_that_load(workspace: Path, odd: str) -> None:
    tiny_study(
        counts=(4, 2, 4) if odd == "no findings" else (0, 0, 6), findings=() if odd == "no findings" else FEW, text=True
    )
    run = carried_out(quick("zero-shot"))
    model = read_model(write_model(run, workspace.parent / "model"))
    assert model.labels == (() if odd == "no findings" else FEW)
    text = model.card()
    unjudged = run.evaluation()["missing"].get("test")
    if odd == "no findings":
        assert unjudged in text and "The study has no findings." in text
    else:
        assert "validation has 0 positives and 0 negatives" in text, "0.5 says why it is 0.5"
    same(run, carried_out(taken(model.folder, "tiny")))


def test_thresholds_of_the_card_are_not_for_other_weights(workspace: Path, exported: dict) -> None:
    study = tiny_study("other", counts=(4, 0, 6), seed=5)
    config = taken(exported["linear"], "other")
    assert brought_thresholds(config, study)
    assert not brought_thresholds(config.replace(training=config.training.replace(epochs=1)), study)
    assert not brought_thresholds(config.replace(start_from=""), study)


def test_the_diseases_view_takes_the_thresholds_of_the_card(workspace: Path, exported: dict) -> None:
    study = tiny_study("other", counts=(4, 0, 6), seed=5)
    run = Run.create(taken(exported["linear"], "other"))
    said = np.random.default_rng(0).random((len(study), len(study.findings)))
    table = pd.DataFrame({f"probability:{name}": said[:, at] for at, name in enumerate(study.findings)})
    brought = brought_thresholds(run.config, study)
    names = dict(enumerate(study.findings))
    own = f"{study.findings[0]}=0.25"
    found = thresholds(run, table, study, Cut.read("f1", [own]))
    assert found[0].value == 0.25 and all(one == brought[names[at]] for at, one in enumerate(found) if at)
    assert [one.value for one in thresholds(run, table, study, Cut.read("0.3"))] == [0.3] * len(study.findings)
