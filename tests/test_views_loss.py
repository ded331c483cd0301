"""The contrastive loss of two views: a slow loop, a value worked by hand, chance, floor, odd batches."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from core.losses.views import views, views_floor, views_reference
from tests.test_objectives import dot, one_cross_entropy, simplex, unit


def test_against_a_loop() -> None:
    first, second = unit(4, 5), unit(4, 5, seed=1)
    both, total = [*first, *second], 0.0
    for i in range(8):
        others = [j for j in range(8) if j != i]
        total += one_cross_entropy(
            [dot(both[i], both[j]) / 0.3 for j in others], [float(j == (i + 4) % 8) for j in others]
        )
    assert views(first, second, 0.3).item() == pytest.approx(total / 8, rel=1e-5)


def test_by_hand() -> None:
    # two radiographs at right angles, each in one place: the right one at 1, two others at 0, temperature 1
    assert views(torch.eye(2), torch.eye(2), 1.0).item() == pytest.approx(math.log(1 + 2 / math.e))


def test_chance_is_what_equal_vectors_give() -> None:
    same = F.normalize(torch.ones(6, 3), dim=1)
    assert views(same, same, 0.1).item() == pytest.approx(views_reference(6, 0.1).chance) == pytest.approx(math.log(11))


@pytest.mark.parametrize("count", [2, 3, 9])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 10.0])
def test_the_floor_is_the_simplex(count: int, temperature: float) -> None:
    corners = simplex(count, 16)
    line = views_reference(count, temperature)
    assert views(corners, corners, temperature).item() == pytest.approx(line.floor, rel=1e-9)
    nudged = F.normalize(corners + 0.05 * unit(count, 16).double(), dim=1)
    assert views(nudged, corners, temperature).item() > line.floor
    crowded = unit(count, 2).double()  # in the plane there is no simplex of nine corners; the bound holds
    assert views(crowded, crowded, temperature).item() > line.floor * (1 - 1e-9)
    assert 0 < line.floor < line.chance


def test_one_radiograph_has_nothing_to_be_told_from() -> None:
    first = unit(1, 3).requires_grad_()
    loss = views(first, unit(1, 3, seed=1), 0.1)
    loss.backward()
    assert loss.item() == views_floor(1, 0.1) == views_reference(1, 0.1).chance == 0
    assert first.grad is not None and not first.grad.any()


@pytest.mark.parametrize("count", [0, 1, 2, 8])
@pytest.mark.parametrize("temperature", [0.01, 10.0])
def test_finite_with_gradient_on_bf16(count: int, temperature: float) -> None:
    first = unit(count, 8).bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = views(first, unit(count, 8, seed=1).bfloat16(), temperature)
    loss.backward()
    assert math.isfinite(loss.item()) and first.grad is not None and first.grad.isfinite().all()
