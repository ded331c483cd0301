"""Whole modules that others pickled: their weights are read, and nothing that they name is run."""

from __future__ import annotations

import collections
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchxrayvision.models import DenseNet

from core.towers.released import read
from tests.towers.repositories import Evil, randomised


def small() -> nn.Module:
    torch.manual_seed(0)
    return randomised(DenseNet(growth_rate=4, block_config=(1, 2), num_init_features=8, num_classes=3))


def save(what: Any, path: Path, old: bool) -> Path:
    torch.save(what, path, _use_new_zipfile_serialization=not old)
    return path


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before torch 1.6"])
class TestRead:
    def test_a_whole_module(self, tmp_path: Path, old: bool) -> None:
        model = small()
        model.pathologies = ["Mass", "", "Nodule"]  # type: ignore[assignment]
        found = read(save(model, tmp_path / "a.pt", old))
        wanted = model.state_dict()
        assert list(found) == list(wanted)
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)
        assert all(found[name].dtype == wanted[name].dtype for name in wanted)

    def test_a_state_dict(self, tmp_path: Path, old: bool) -> None:
        wanted = small().state_dict()
        found = read(save(wanted, tmp_path / "a.pt", old))
        assert list(found) == list(wanted) and all(torch.equal(found[name], wanted[name]) for name in wanted)

    def test_views_of_one_storage(self, tmp_path: Path, old: bool) -> None:
        both = torch.arange(24.0).view(4, 6)
        tensors = {"turned": both.T, "part": both[1:3, 2:5], "none": torch.zeros(0, 3), "one": torch.tensor(7)}
        found = read(save(tensors, tmp_path / "a.pt", old))
        assert all(torch.equal(found[name], tensors[name]) for name in tensors)

    def test_buffers_that_are_not_saved(self, tmp_path: Path, old: bool) -> None:
        model = nn.Linear(2, 2)
        model.register_buffer("passing", torch.ones(3), persistent=False)
        assert list(read(save(model, tmp_path / "a.pt", old))) == ["weight", "bias"]

    @pytest.mark.parametrize("place", ["alone", "in a state", "in a module", "as a container"])
    def test_code_is_refused_and_does_not_run(self, tmp_path: Path, old: bool, place: str) -> None:
        evil: Any = Evil(tmp_path / "ran")
        if place == "in a state":
            evil = {"a": torch.ones(2), "b": evil}
        elif place == "in a module":
            model = small()
            model.pathologies = evil
            evil = model
        elif place == "as a container":
            evil = collections.Counter("abc")  # harmless, but no weights need it
        path = save(evil, tmp_path / "a.pt", old)
        with pytest.raises(ValueError, match=r"it names [\w.]+, which no weights need; nothing of it was run"):
            read(path)
        assert not (tmp_path / "ran").exists()

    def test_a_torn_file(self, tmp_path: Path, old: bool) -> None:
        path = save(small(), tmp_path / "a.pt", old)
        whole = path.read_bytes()
        for length in (0, 1, 50, len(whole) // 2, len(whole) - 100):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"a.pt holds no weights"):
                read(path)


class TestWhatPicklesCanSay:
    """Streams that torch.save would not write."""

    @pytest.mark.parametrize(
        "stream",
        [
            b"cos\nsystem\n(S'mkdir ran'\ntR.",
            b"cbuiltins\neval\n(S'1'\ntR.",
            b"cbuiltins\ngetattr\n.",
            b"ctorch.hub\nload\n.",
            b"ctorch\nload\n.",
            b"ctorch.nn\nnn.Module\n.",
            b"\x80\x04\x8c\x08torch.nn\x94\x8c\x0emodules.module\x94\x93.",
            b"(S'mkdir ran'\nios\nsystem\n.",
        ],
    )
    def test_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: bytes) -> None:
        monkeypatch.chdir(tmp_path)
        head = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."  # as torch's old files begin
        (tmp_path / "a.pt").write_bytes(head + stream)
        with pytest.raises(ValueError, match="which no weights need"):
            read(tmp_path / "a.pt")
        assert not os.path.exists("ran")

    @pytest.mark.parametrize(("offset", "size"), [(0, (9,)), (6, (3,)), (-1, (2,))])
    def test_a_tensor_beyond_its_storage(self, tmp_path: Path, offset: int, size: tuple[int, ...]) -> None:
        class Lying:
            def __reduce__(self) -> tuple[Any, ...]:
                return torch._utils._rebuild_tensor_v2, (storage, offset, size, (1,), False, collections.OrderedDict())

        raw = torch.arange(8.0).untyped_storage()
        storage = torch.storage.TypedStorage(wrap_storage=raw, dtype=torch.float32, _internal=True)
        with pytest.raises(ValueError, match="beyond its storage"):
            read(save({"a": Lying()}, tmp_path / "a.pt", False))
