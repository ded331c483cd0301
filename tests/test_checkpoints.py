"""Checkpoints: damage is found and named, the one before is used, and two are kept."""

from __future__ import annotations

import json
import logging
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.checkpoints import (
    Checkpoint,
    newest,
    optimiser_tensors,
    random_state,
    restore_optimiser,
    restore_random_state,
)
from core.errors import ArtefactError
from core.files import read_json, stamp, write_json
from core.workspace import ROOT


def checkpoint(step: int) -> Checkpoint:
    tensors, state = random_state()
    model = {"weight": torch.full((4, 3), float(step)), "bias": torch.arange(3.0)}
    return Checkpoint(step=step, tensors={"model": model, "random": tensors}, state={"random": state, "best": None})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two checkpoints, of step 10 and step 20."""
    path = tmp_path / "checkpoints"
    for step in (10, 20):
        checkpoint(step).save(path)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_round_trip(folder: Path) -> None:
    found = newest(folder)
    assert found is not None
    assert found.step == 20
    torch.testing.assert_close(found.tensors["model"]["weight"], torch.full((4, 3), 20.0), rtol=0, atol=0)
    assert found.tensors["random"]["torch"].dtype == torch.uint8
    assert found.state["best"] is None


def test_two_are_kept(folder: Path) -> None:
    for step in (30, 40, 50):
        checkpoint(step).save(folder)
    assert names(folder) == ["step-00000040", "step-00000050"]


def test_the_same_step_again_takes_the_place_of_the_first(folder: Path) -> None:
    checkpoint(20).save(folder)
    assert names(folder) == ["step-00000010", "step-00000020"]


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "empty": lambda path: cut(path / "model.safetensors", 0),
    "truncated": lambda path: cut(path / "model.safetensors", 100),
    "last bit": lambda path: flip(path / "model.safetensors", 8 * (path / "model.safetensors").stat().st_size - 1),
    "other tensors": lambda path: flip(path / "random.safetensors", 8 * 2000),
    "missing": lambda path: (path / "model.safetensors").unlink(),
    "torn manifest": lambda path: cut(path / "manifest.json", 300),
    "empty manifest": lambda path: cut(path / "manifest.json", 0),
    "no manifest": lambda path: (path / "manifest.json").unlink(),
    "manifest of another form": lambda path: write_json(path / "manifest.json", {"epoch": 3}),
    "manifest is a list": lambda path: write_json(path / "manifest.json", [1]),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_one_is_named_and_the_one_before_is_used(
    folder: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault row 2."""
    DAMAGE[kind](folder / "step-00000020")
    with caplog.at_level(logging.WARNING, "core.checkpoints"):
        found = newest(folder)
    assert found is not None
    assert found.step == 10
    assert float(found.tensors["model"]["weight"][0, 0]) == 10
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "step-00000020" in caplog.text


def test_a_changed_number_in_the_manifest_is_found(folder: Path) -> None:
    path = folder / "step-00000020" / "manifest.json"
    text = path.read_text()
    keys = json.loads(text)["state"]["random"]["python"][1]
    path.write_text(text.replace(str(keys[5]), str(keys[5] ^ 1), 1))
    with pytest.raises(ArtefactError, match=r"manifest\.json of step-00000020"):
        Checkpoint.load(path.parent)


def test_all_damaged_is_none(folder: Path) -> None:
    for path in folder.iterdir():
        cut(path / "model.safetensors", 5)
    assert newest(folder) is None


def test_no_folder_is_none(tmp_path: Path) -> None:
    assert newest(tmp_path / "nothing") is None


def test_what_a_crash_left_is_ignored_and_cleared_away(folder: Path) -> None:
    shutil.copytree(folder / "step-00000020", folder / "step-00000030.tmp")
    (folder / "step-00000025.tmp").mkdir()
    found = newest(folder)
    assert found is not None
    assert found.step == 20
    checkpoint(30).save(folder)
    assert names(folder) == ["step-00000020", "step-00000030"]


def test_damaged_later_ones_do_not_crowd_out_good_ones(folder: Path) -> None:
    checkpoint(30).save(folder)  # 20 and 30 are there
    shutil.copytree(folder / "step-00000020", folder / "step-00000005")
    for step in (20, 30):
        cut(folder / f"step-{step:08d}" / "model.safetensors", 5)
    checkpoint(7).save(folder)  # as a run does that had to go back to step 5
    found = newest(folder)
    assert found is not None
    assert found.step == 7
    assert names(folder) == ["step-00000005", "step-00000007"]


class Trap:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.target,)


def test_a_pickle_is_refused_and_nothing_runs(folder: Path, tmp_path: Path) -> None:
    """Fault row 1."""
    sprung, bad = tmp_path / "sprung", folder / "step-00000020"
    (bad / "model.safetensors").write_bytes(pickle.dumps(Trap(sprung)))
    manifest = read_json(bad / "manifest.json")
    manifest["files"]["model.safetensors"] = stamp(bad / "model.safetensors")
    write_json(bad / "manifest.json", manifest)
    found = newest(folder)
    assert found is not None
    assert found.step == 10
    assert not sprung.exists()


FULL = """
import resource, signal, sys
import torch
from pathlib import Path
from core.checkpoints import Checkpoint
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
Checkpoint(step=30, tensors={"model": {"weight": torch.zeros(100_000)}}, state={}).save(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_ones(folder: Path) -> None:
    """Fault row 3."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder)], cwd=ROOT, check=False, timeout=120, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr
    found = newest(folder)
    assert found is not None
    assert found.step == 20
    assert [name for name in names(folder) if not name.endswith(".tmp")] == ["step-00000010", "step-00000020"]


@pytest.mark.filterwarnings("error")
def test_random_states_come_back(tmp_path: Path) -> None:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    random.gauss(0, 1), np.random.normal()  # both keep a second value for later

    def draw() -> list[float]:
        own = [random.random(), random.gauss(0, 1), np.random.random(), np.random.normal(), *torch.rand(3).tolist()]
        return own + torch.nn.functional.dropout(torch.ones(20)).tolist()

    tensors, state = random_state()
    Checkpoint(step=1, tensors={"random": tensors}, state={"random": state}).save(tmp_path)
    first = draw()
    assert draw() != first
    found = newest(tmp_path)
    assert found is not None
    restore_random_state(found.tensors["random"], found.state["random"])
    assert draw() == first


def test_the_optimiser_comes_back(tmp_path: Path) -> None:
    def step(model: torch.nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
        optimiser.zero_grad()
        model(torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
        optimiser.step()

    model = torch.nn.Linear(4, 2)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1)
    step(model, optimiser, 1), step(model, optimiser, 2)
    saved = {"model": model.state_dict(), "optimiser": optimiser_tensors(optimiser)}
    Checkpoint(step=2, tensors=saved, state={}).save(tmp_path)
    step(model, optimiser, 3)
    other = torch.nn.Linear(4, 2)
    again = torch.optim.AdamW(other.parameters(), lr=0.1)
    found = newest(tmp_path)
    assert found is not None
    other.load_state_dict(found.tensors["model"])
    restore_optimiser(again, found.tensors["optimiser"])
    step(other, again, 3)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_an_interrupted_move_leaves_the_one_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Path, target: Path) -> None:
        if str(target).endswith("step-00000030"):
            raise OSError(28, "No space left on device")
        real(source, target)

    real = os.replace
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        checkpoint(30).save(folder)
    found = newest(folder)
    assert found is not None
    assert found.step == 20
