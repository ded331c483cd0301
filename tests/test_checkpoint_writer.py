"""The best weights beside the newest two, and writing while training goes on."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
import torch

from core.checkpoints import Checkpoint, CheckpointWriter, newest, on_host


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((4, 3), value)}


def checkpoint(step: int, best: int = 0) -> Checkpoint:
    return Checkpoint(
        step=step,
        tensors={"model": weights(step)},
        state={},
        best=best,
        best_weights=weights(best) if best else None,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def spoil(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


def test_the_best_is_written_once_and_kept_as_long_as_it_is_named(tmp_path: Path) -> None:
    checkpoint(10, best=5).save(tmp_path)
    before = (tmp_path / "best-00000005" / "model.safetensors").stat().st_mtime_ns
    size = checkpoint(20, best=5).save(tmp_path)
    assert names(tmp_path) == ["best-00000005", "step-00000010", "step-00000020"]
    assert (tmp_path / "best-00000005" / "model.safetensors").stat().st_mtime_ns == before
    assert size == sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    checkpoint(30, best=25).save(tmp_path)
    assert names(tmp_path) == ["best-00000005", "best-00000025", "step-00000020", "step-00000030"]
    checkpoint(40, best=25).save(tmp_path)
    assert names(tmp_path) == ["best-00000025", "step-00000030", "step-00000040"]
    found = newest(tmp_path)
    assert found is not None and found.best_weights is not None
    assert (found.step, found.best, float(found.best_weights["weight"][0, 0])) == (40, 25, 25)


def test_with_a_damaged_best_the_checkpoint_before_is_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint(10, best=5).save(tmp_path)
    checkpoint(20, best=15).save(tmp_path)
    spoil(tmp_path / "best-00000015")
    with caplog.at_level(logging.WARNING, "core.checkpoints"):
        found = newest(tmp_path)
    assert found is not None and (found.step, found.best) == (10, 5)
    assert "step-00000020 is passed over" in caplog.text


def test_where_both_share_a_damaged_best_nothing_else_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint(10, best=5).save(tmp_path)
    checkpoint(20, best=5).save(tmp_path)
    spoil(tmp_path / "best-00000005")
    with caplog.at_level(logging.WARNING, "core.checkpoints"):
        found = newest(tmp_path)
    assert found is not None and found.step == 20 and found.best_weights is None
    assert "goes on without the best weights of step 5" in caplog.text
    checkpoint(30, best=5).save(tmp_path)  # the same best again is written anew, because it is not whole
    mended = newest(tmp_path)
    assert mended is not None and mended.best_weights is not None


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, real = threading.Event(), Checkpoint.save

    def slow(self: Checkpoint, folder: Path) -> int:
        assert go.wait(20)
        return real(self, folder)

    monkeypatch.setattr(Checkpoint, "save", slow)
    writer = CheckpointWriter(tmp_path)
    writer.write(checkpoint(1))
    assert writer.busy and newest(tmp_path) is None
    writer.raise_failed()  # nothing has failed yet, and nobody waits
    go.set()
    writer.wait()
    assert not writer.busy and newest(tmp_path) is not None


def test_a_full_disk_is_told_at_the_next_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: object) -> None:
        raise OSError(28, "No space left on device")

    writer = CheckpointWriter(tmp_path)
    writer.write(checkpoint(1))
    writer.wait()
    monkeypatch.setattr("core.checkpoints.write_json", full)
    writer.write(checkpoint(2))
    with pytest.raises(OSError, match="No space left"):
        while True:
            writer.raise_failed()
    found = newest(tmp_path)
    assert found is not None and found.step == 1
    writer.raise_failed()  # it is told once


def test_what_is_written_does_not_change_with_the_weights(tmp_path: Path) -> None:
    own = weights(1)
    writer = CheckpointWriter(tmp_path)
    writer.write(Checkpoint(step=1, tensors={"model": on_host(own)}, state={}))
    own["weight"].fill_(7)
    writer.wait()
    found = newest(tmp_path)
    assert found is not None and float(found.tensors["model"]["weight"][0, 0]) == 1
