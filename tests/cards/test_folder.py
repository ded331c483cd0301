"""What a finished run writes: the same bytes each time, all that is needed, nobody's name; the card's example runs."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from core.cards.folder import CONFIG, MANIFEST, MOST_BYTES, README, RESULTS, THRESHOLDS, WEIGHTS
from core.cards.reading import read_model
from core.cards.shapes import head_shapes
from core.cards.writing import write_model, zip_model
from core.config.encoders import ENCODERS, EncoderConfig, TowerConfig
from core.config.run import HeadConfig
from core.errors import RunError
from core.files import read_json, stamp, write_json
from core.heads import build_head
from core.runs import Run
from core.studies.study import Study
from core.workspace import ROOT
from scripts import card as card_script
from tests.cards.conftest import EXPORTED
from tests.finished import PLANTED, Finished

HEADS = (
    HeadConfig(),
    HeadConfig(kind="linear"),
    HeadConfig(kind="projection", width=16, layers=2),
    HeadConfig(kind="projection", width=16, layers=0, private=3),
    HeadConfig(kind="disease-tokens", width=8, layers=2),
)


@pytest.mark.parametrize("config", HEADS, ids=lambda config: f"{config.kind}-{config.layers}-{config.private}")
@pytest.mark.parametrize("text", [8, 12])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_tensors_of_a_head_are_those_of_the_real_one(config: HeadConfig, text: int, classes: int) -> None:
    head = build_head(
        config,
        image_width=10,
        prompts=torch.ones(5, text),
        temperature=0.1,
        learn_temperature=True,
        classes=classes,
    )
    real = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    assert head_shapes(config, image=10, text=text, findings=5, classes=classes) == real


@pytest.mark.parametrize("name", EXPORTED)
def test_a_folder_holds_what_the_run_learned_and_chose(finished: Finished, exported: dict, name: str) -> None:
    run, model = Run.load(finished.runs[name]), read_model(exported[name])
    assert sorted(path.name for path in exported[name].iterdir()) == sorted([*MOST_BYTES, MANIFEST])
    assert (exported[name] / WEIGHTS).read_bytes() == (run.folder / "checkpoints/head.safetensors").read_bytes()
    own = model.config.to_run("any")
    for part in ("encoder", "head", "tuning", "objective", "prompts", "evaluation", "seed", "preset"):
        assert getattr(own, part) == getattr(run.config, part)
    assert own.losses == ()
    assert list(model.labels) == list(run.embeddings("prompts").ids)
    judged = {row["finding"]: row["threshold"] for row in run.evaluation()["test"]["findings"]}
    assert {one: (own.value, own.rule) for one, own in model.thresholds.items()} == {
        one: (own["value"], own["rule"]) for one, own in judged.items()
    }
    study = Study.load("tiny")
    trained = [(one.study, one.fingerprint, one.split_hash) for one in model.config.trained_on]
    assert trained == ([] if name == "zero-shot" else [("tiny", study.fingerprint, study.split_hash)])


def test_twice_the_same_bytes_and_the_same_in_a_zip(finished: Finished, exported: dict, tmp_path: Path) -> None:
    run = Run.load(finished.runs["orthogonal"])
    packed = []
    for _ in range(2):
        stream = io.BytesIO()
        zip_model(run, stream, "given")
        packed.append(stream.getvalue())
    assert packed[0] == packed[1]
    again = write_model(run, tmp_path / "another name")
    with zipfile.ZipFile(io.BytesIO(packed[0])) as opened:
        assert opened.testzip() is None
        for name in (*MOST_BYTES, MANIFEST):
            first = (exported["orthogonal"] / name).read_bytes()
            assert first == (again / name).read_bytes() == opened.read(f"given/{name}"), name
    assert not list(finished.home.glob(".card-*")), "nothing is left of the packing"


def test_nobody_is_named(finished: Finished, exported: dict, tmp_path: Path) -> None:
    """Neither what was planted in the source, nor stand-ins, nor this machine."""
    samples = Study.load("tiny").samples
    words = [*samples["id"], *samples["patient"], str(finished.home), str(ROOT), str(Path.home())]
    host = re.compile(rf"\b{re.escape(socket.gethostname())}\b".encode())
    run = Run.load(finished.runs["linear"])
    run.rename("ward of Dr Secretward 97531001")
    try:
        labelled = write_model(run, tmp_path / "labelled")
    finally:
        run.rename("")
    for folder in (*exported.values(), labelled):
        for path in folder.iterdir():
            data = path.read_bytes()
            assert not PLANTED.search(data), path
            assert not [word for word in words if word.encode() in data], path
            assert path.suffix == ".safetensors" or not host.search(data), path


@pytest.mark.parametrize("name", EXPORTED)
def test_the_card_says_what_a_reader_needs(finished: Finished, exported: dict, name: str) -> None:
    text = (exported[name] / README).read_text()
    _, front, body = text.split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["library_name"] == "fluoroscope" and "research-only" in told["tags"]
    macro = Run.load(finished.runs[name]).evaluation()["test"]["macro"]["auroc"]
    assert told["model-index"][0]["results"][0]["metrics"][0]["value"] == macro["value"]
    headings = re.findall(r"^## (.*)$", body, re.MULTILINE)
    assert headings == [
        "Intended use and limits", "Data", "Preprocessing", "Training", "Results", "Thresholds", "How to load it",
        "How to make it again",
    ]  # fmt: skip
    study = Study.load("tiny")
    assert "Not for diagnosis" in body and study.fingerprint in body and study.split_hash in body
    assert f"{macro['value']:.3f} ({macro['low']:.3f} to {macro['high']:.3f})" in body
    assert "Splits are by patient: none is in two of them" in body
    edema = int(np.nansum(study.labels[study.rows("test"), study.findings.index("Edema")]))
    assert re.search(rf"^\| Edema \|.* {edema} of 12 \(", body, re.MULTILINE)
    assert f"python -m scripts.run --preset {name} --study tiny --encoder lite" in body
    assert ("Nothing was trained" in body) == (name == "zero-shot")
    assert "label" not in re.findall(r"scripts.run .*", body)[0]


@pytest.mark.parametrize("name", EXPORTED)
def test_the_example_of_the_card_runs_without_fluoroscope(finished: Finished, exported: dict, name: str) -> None:
    """As it stands, in a process of its own; and what it computes is what the run predicted."""
    (example,) = re.findall(r"```python\n(.*?)```", (exported[name] / README).read_text(), re.DOTALL)
    features = Path(exported[name].parent, f"features-{name}.npy")
    np.save(features, image_features_of_tiny(finished))
    asked = f"{example}\nassert 'torch' not in __import__('sys').modules\nx = np.load({str(features)!r})\n"
    if name != "orthogonal":
        asked += f"np.save({str(features.with_suffix('.out.npy'))!r}, probabilities(x))\n"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", asked], cwd=exported[name], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "14 findings" in ran.stdout and "log_scale float32 ()" in ran.stdout
    if name == "orthogonal":
        return  # its transformers are beyond numpy, and the card says so
    table = Run.load(finished.runs[name]).predictions()
    expected = table[[column for column in table if column.startswith("probability:")]].to_numpy()
    np.testing.assert_allclose(np.load(features.with_suffix(".out.npy")), expected, atol=2e-5)


def image_features_of_tiny(finished: Finished) -> np.ndarray:
    """What the frozen image tower made of the study, from the workspace's own files."""
    for path in (finished.home / "features").glob("*.json"):
        key = read_json(path)["key"]
        if key["kind"] == "images":
            return np.load(path.with_suffix(".npy"), allow_pickle=False)
    raise AssertionError("no features are kept")


def test_what_is_not_finished_or_only_judges_is_not_exported(finished: Finished, tmp_path: Path) -> None:
    run = Run.load(finished.runs["linear"])
    judging = Run.create(run.config.replace(start_from=run.id, training=run.config.training.replace(epochs=0)))
    try:
        with pytest.raises(RunError, match="no evaluate stage yet"):
            write_model(judging, tmp_path / "out")
        write_json(judging.folder / "evaluation" / "evaluation.json", {})
        with pytest.raises(RunError, match="only judges what another one learned"):
            write_model(judging, tmp_path / "out")
    finally:
        for path in sorted(judging.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        judging.folder.rmdir()
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(RunError, match="nothing is written over"):
        write_model(Run.load(finished.runs["linear"]), tmp_path)
    assert (tmp_path / "kept.txt").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_towers_of_a_folder_stay_at_home(finished: Finished, tmp_path: Path) -> None:
    """The path of a user's own tower is no part of the card: whoever loads it says where it lies."""
    run = Run.load(finished.runs["linear"])
    before = (run.folder / "config.json").read_bytes()
    own = TowerConfig(family="timm", name=f"local-dir:{tmp_path}/secretward/tower", side=96)
    encoder = EncoderConfig(key=f"timm:{tmp_path}/secretward/tower", image=own, text=ENCODERS["lite"].text)
    data = json.loads(before)
    data["config"]["encoder"] = encoder.to_json()
    try:
        write_json(run.folder / "config.json", data)
        folder = write_model(Run(run.folder), tmp_path / "out")
    finally:
        (run.folder / "config.json").write_bytes(before)
    model = read_model(folder)
    assert model.lacks_towers and model.config.encoder.image == TowerConfig(family="timm", name="local-dir:", side=96)
    for path in folder.iterdir():
        assert b"secretward" not in path.read_bytes() and str(tmp_path).encode() not in path.read_bytes(), path
    assert "--encoder FOLDER" in model.card()


def test_the_command_writes_a_folder(
    finished: Finished, exported: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["card", finished.runs["linear"][:8], "--out", str(tmp_path / "out")])
    card_script.work()
    assert "python -m scripts.embed out --study NAME" in capsys.readouterr().out
    assert stamp(tmp_path / "out" / MANIFEST) == stamp(exported["linear"] / MANIFEST)
    for name in (CONFIG, THRESHOLDS, RESULTS):
        assert read_json(tmp_path / "out" / name)["form"] == 1
