"""How several losses become one: values worked by hand, learned weights, and losses that are huge or zero."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from core.config.objective import ObjectiveConfig
from core.losses.balancing import equal, loss_weighted, uncertainty
from core.losses.objective import Objective
from tests.test_training import ORTHOGONAL, told, trainer

VALUES, WEIGHTS = torch.tensor([math.log(2), 3.0]), torch.tensor([1.0, 0.5])


def test_by_hand() -> None:
    assert equal(VALUES, WEIGHTS).item() == pytest.approx(math.log(2) + 1.5)
    assert loss_weighted(VALUES, WEIGHTS).item() == pytest.approx(2 * math.log(2) + 0.5 * math.exp(3) * 3)
    assert uncertainty(VALUES, WEIGHTS, torch.zeros(2)).item() == pytest.approx(equal(VALUES, WEIGHTS).item())
    raw = 5 * math.atanh(math.log(2) / 5)  # log sigma is ln 2, so sigma^2 is 4
    found = uncertainty(VALUES[1:], WEIGHTS[1:], torch.tensor([raw])).item()
    assert found == pytest.approx(0.5 * (3 / 4 + math.log(2)))


def test_the_factor_of_a_loss_has_no_gradient() -> None:
    values = VALUES.clone().requires_grad_()
    loss_weighted(values, WEIGHTS).backward()
    assert values.grad is not None
    assert values.grad.tolist() == pytest.approx([2.0, 0.5 * math.exp(3)])


@pytest.mark.parametrize("value", [0.02, 1.0, 7.0])
def test_sigma_goes_to_where_it_should(value: float) -> None:
    raw = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.Adam([raw], lr=0.05)
    for _ in range(800):
        optimiser.zero_grad()
        uncertainty(torch.tensor([value]), torch.ones(1), raw).backward()
        optimiser.step()
    assert (2 * 5 * torch.tanh(raw / 5)).exp().item() == pytest.approx(2 * value, rel=1e-2)


@pytest.mark.parametrize("balancing", ["equal", "loss-weighted", "uncertainty"])
@pytest.mark.parametrize("value", [0.0, 1e-6, 500.0])
def test_huge_and_zero_losses_stay_finite(balancing: str, value: float) -> None:
    made = Objective(ObjectiveConfig(classification=1.0, orthogonal=1.0, balancing=balancing))  # type: ignore[arg-type]
    for parameter in made.parameters():
        parameter.data.fill_(-1e3)
    term = torch.tensor(value, requires_grad=True)
    total = made.total({"classification": term, "orthogonal": term * 0})
    total.backward()
    assert math.isfinite(total.item()) and term.grad is not None and math.isfinite(term.grad.item())


@pytest.mark.parametrize("balancing", ["loss-weighted", "uncertainty"])
def test_it_trains_and_resumes_exactly(tmp_path: Path, balancing: str) -> None:
    config = ORTHOGONAL.replace(balancing=balancing)
    whole = trainer(tmp_path / "whole", objective=config)
    expected = told(whole.steps())
    part = trainer(tmp_path / "part", objective=config)
    steps = part.steps()
    found = told(iter([next(steps) for _ in range(5)]))
    part.save()
    again = trainer(tmp_path / "part", objective=config)
    assert again.resume() == 5
    assert found + told(again.steps()) == expected
    assert expected[0]["loss"] != expected[-1]["loss"]
    learned = list(again.objective.parameters())
    assert len(learned) == (3 if balancing == "uncertainty" else 0)
    assert all(parameter.item() != 0 for parameter in learned)
