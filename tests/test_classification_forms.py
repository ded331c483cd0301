"""Focal, asymmetric and three-class loss: slow loops, values worked by hand, chance, and odd batches."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.config.objective import ObjectiveConfig
from core.losses.classification import asymmetric, classification_reference, focal, masked_bce, three_class
from core.losses.objective import Objective
from tests.test_training import trainer

NAN = float("nan")


def drawn() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(6, 4, generator=generator) * 3, (torch.rand(6, 4, generator=generator) < 0.5).float()
    labels[1:3, 2] = NAN
    return logits, labels


def slow(logits: Tensor, labels: Tensor, gamma_positive: float, gamma_negative: float, shift: float) -> float:
    total, known = 0.0, 0
    for x, y in zip(logits.flatten().tolist(), labels.flatten().tolist(), strict=True):
        if math.isnan(y):
            continue
        p = 1 / (1 + math.exp(-x))
        q = max(p - shift, 0)
        total -= (1 - p) ** gamma_positive * math.log(p) if y else q**gamma_negative * math.log(1 - q)
        known += 1
    return total / known


@pytest.mark.parametrize(("positive", "negative", "shift"), [(1, 4, 0.05), (0, 2, 0.3), (2, 2, 0.0), (0.5, 1.5, 0.0)])
def test_against_a_loop(positive: float, negative: float, shift: float) -> None:
    logits, labels = drawn()
    found = asymmetric(logits, labels, gamma_positive=positive, gamma_negative=negative, shift=shift)
    assert found.item() == pytest.approx(slow(logits, labels, positive, negative, shift), rel=1e-4)


def test_by_hand() -> None:
    # p = 3/4: present (1/4)^2 ln 4/3, absent (3/4)^2 ln 4; an unknown cell does not count
    logits, labels = torch.full((1, 3), math.log(3)), torch.tensor([[1.0, 0.0, NAN]])
    assert focal(logits, labels, 2.0).item() == pytest.approx((math.log(4 / 3) / 16 + 9 * math.log(4) / 16) / 2)
    # shifted by 1/4, an absent finding of probability 3/4 counts as one of 1/2; one of 1/5 costs nothing
    absent = {"gamma_positive": 0.0, "gamma_negative": 1.0, "shift": 0.25}
    assert asymmetric(logits[:, :1], torch.zeros(1, 1), **absent).item() == pytest.approx(math.log(2) / 2)
    assert asymmetric(torch.tensor([[math.log(0.25)]]), torch.zeros(1, 1), **absent).item() == pytest.approx(
        0, abs=1e-7
    )


def test_without_focus_it_is_the_cross_entropy() -> None:
    logits, labels = drawn()
    assert focal(logits, labels, 0.0).item() == pytest.approx(masked_bce(logits, labels).item(), rel=1e-6)


@pytest.mark.parametrize("form", ["bce", "focal", "asymmetric"])
def test_chance_is_the_best_constant(form: Any) -> None:
    config = ObjectiveConfig(classification=1.0, classification_form=form)
    labels = (torch.rand(200, 2, generator=torch.Generator().manual_seed(0)) < torch.tensor([0.1, 0.6])).float()
    labels[:50, 0] = NAN
    line = classification_reference(config, labels, labels)
    loss = Objective(config).classification
    best = sum(
        min(loss(torch.full((200, 1), x / 20), labels[:, k : k + 1]).item() for x in range(-100, 100)) * count
        for k, count in ((0, 150), (1, 200))
    )
    assert line.chance == pytest.approx(best / 350, rel=2e-3)
    sure = torch.where(labels == 1, 60.0, -60.0)
    assert line.floor == 0 == pytest.approx(loss(sure, labels).item(), abs=1e-6)
    nothing = classification_reference(config, torch.full((3, 2), NAN), torch.full((3, 2), NAN))
    assert nothing.chance == 0


@pytest.mark.parametrize("form", ["focal", "asymmetric"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 10.0])
@pytest.mark.parametrize(("batch", "diseases"), [(0, 2), (1, 1), (3, 1), (1, 14)])
def test_finite_with_gradient_on_bf16(form: Any, gamma: float, batch: int, diseases: int) -> None:
    config = ObjectiveConfig(classification_form=form, gamma=gamma, gamma_positive=gamma, gamma_negative=gamma)
    for value in (-300.0, 0.0, 300.0):
        logits = torch.full((batch, diseases), value).bfloat16().requires_grad_()
        labels = torch.arange(batch * diseases).view(batch, diseases) % 2
        loss = Objective(config).classification(logits, labels.float())
        loss.backward()
        assert math.isfinite(loss.item()) and logits.grad is not None and logits.grad.isfinite().all()


def test_nothing_known_is_zero_with_zero_gradient() -> None:
    logits = torch.randn(3, 2, requires_grad=True)
    loss = focal(logits, torch.full((3, 2), NAN), 2.0)
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and not logits.grad.any()


class TestThreeClasses:
    def test_against_a_loop(self) -> None:
        classes = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(0)) * 3
        stated = torch.tensor([0.0, 1, -1, NAN]).repeat(5).view(4, 5).T
        total, known = 0.0, 0
        for i in range(5):
            for k in range(4):
                if not math.isnan(value := stated[i, k].item()):
                    z = classes[i, k].tolist()
                    total -= z[{0: 0, 1: 1, -1: 2}[value]] - math.log(sum(map(math.exp, z)))
                    known += 1
        assert known == 15
        assert three_class(classes, stated).item() == pytest.approx(total / known, rel=1e-5)

    def test_by_hand(self) -> None:
        # shares 1/6, 3/6, 2/6 of absent, present, uncertain: ln 6, ln 2, ln 3; an unknown cell does not count
        classes = torch.tensor([1.0, 3.0, 2.0]).log().expand(1, 4, 3)
        loss = three_class(classes, torch.tensor([[0.0, 1.0, -1.0, NAN]]))
        assert loss.item() == pytest.approx(math.log(6 * 2 * 3) / 3)

    def test_chance_is_the_loss_of_the_shares(self) -> None:
        config = ObjectiveConfig(classification=1.0, classification_form="three-class")
        stated = torch.tensor([[1.0, -1, NAN], [0, 0, NAN], [0, -1, NAN], [-1, NAN, NAN]])
        shares = torch.tensor([[2 / 4, 1 / 4, 1 / 4], [1 / 3, 0, 2 / 3], [1, 0, 0]]).clamp_min(1e-30)
        line = classification_reference(config, torch.full((4, 3), NAN), stated)
        assert line.chance == pytest.approx(three_class(shares.log().expand(4, 3, 3), stated).item())
        certain = torch.nn.functional.one_hot(stated.nan_to_num().long() % 3, 3) * 60.0
        assert line.floor == 0 == pytest.approx(three_class(certain, stated).item(), abs=1e-6)
        assert classification_reference(config, stated, torch.full((4, 3), NAN)).chance == 0

    def test_without_uncertain_cells_it_goes_to_the_cross_entropy_of_two_classes(self) -> None:
        logits, labels = drawn()
        classes = torch.stack([-logits / 2, logits / 2, torch.full_like(logits, -40)], dim=-1)
        assert three_class(classes, labels).item() == pytest.approx(masked_bce(logits, labels).item(), rel=1e-5)

    @pytest.mark.parametrize(("batch", "diseases"), [(0, 2), (1, 1), (3, 1), (1, 14)])
    @pytest.mark.parametrize("value", [0.0, 1.0, -1.0, NAN])
    def test_finite_with_gradient_on_bf16(self, batch: int, diseases: int, value: float) -> None:
        classes = torch.tensor([-300.0, 0.0, 300.0]).bfloat16().repeat(batch, diseases, 1).requires_grad_()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = three_class(classes, torch.full((batch, diseases), value))
        loss.backward()
        assert math.isfinite(loss.item()) and classes.grad is not None and classes.grad.isfinite().all()
        if math.isnan(value):
            assert loss.item() == 0 and not classes.grad.any()


@pytest.mark.parametrize("form", ["focal", "asymmetric"])
@pytest.mark.parametrize("kind", ["linear", "disease-tokens"])
def test_it_trains(tmp_path: Path, form: Any, kind: str) -> None:
    config = ObjectiveConfig(classification=1.0, classification_form=form)
    losses = [step.loss for step in trainer(tmp_path, kind=kind, objective=config, epochs=12).steps()]
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
