"""Pieces of a batch, and processes that share it, take the step that one process takes with the whole batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from core.parallel import World, gathered, joined, spread, told, world
from core.workspace import ROOT
from tests.one_of_many import after, begun
from tests.small_towers import small_encoder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> None:
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=2e-4, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize(("count", "size"), [(7, 2), (8, 4), (2, 3), (0, 2), (1, 1)])
def test_shares_stand_in_order_and_leave_nothing_out(count: int, size: int) -> None:
    shares = [World(rank, size).share(count) for rank in range(size)]
    assert [row for share in shares for row in range(count)[share]] == list(range(count))
    lengths = [share.stop - share.start for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_alone_nothing_is_shared() -> None:
    with joined() as alone:
        assert alone == world() == World() and alone.first
    rows = torch.rand(3, 2)
    assert gathered(rows, 3) is rows and told("so") == "so"


@pytest.mark.parametrize("piece", [1, 3, 7, 100])
def test_pieces_of_a_batch_have_its_gradient(tmp_path: Path, piece: int) -> None:
    """Contrastive, orthogonal, supervised and alignment losses, augmentation and MixUp on."""
    whole = after(begun(tmp_path / "whole"), 4)
    assert sum(name.startswith("gradient") for name in whole) > 20
    assert all(value.abs().max() > 0 for name, value in whole.items() if name.startswith("gradient image"))
    same(whole, after(begun(tmp_path / "pieces", piece), 4))


def test_dropout_and_batch_statistics_are_those_of_the_first_time() -> None:
    """The backward pass makes activations again: with the same dropout, and without moving running averages twice."""

    def once(remade: bool) -> dict[str, Tensor]:
        tower = small_encoder().image.requires_grad_(True).train()
        images = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 255
        torch.manual_seed(5)
        found = (
            spread(lambda piece: tower(images[piece]), 6, 2, tower)
            if remade
            else torch.cat([tower(part) for part in images.split(2)])
        )
        found.square().sum().backward()
        buffers = {name: value for name, value in tower.named_buffers() if "num_batches" not in name}
        return {**{name: one.grad for name, one in tower.named_parameters() if one.grad is not None}, **buffers}

    plain, remade = once(False), once(True)
    assert plain.keys() == remade.keys() and all(torch.equal(plain[name], remade[name]) for name in plain)


@pytest.mark.slow
def test_two_processes_take_the_step_of_one(tmp_path: Path) -> None:
    """Gloo, batches of 7 in shares of 3 and 4: gradients, losses, weights after four steps, and sharded features."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launcher, "-m", "tests.one_of_many", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first), "both took the very same steps"
    same(after(begun(tmp_path / "one"), 4), first)
