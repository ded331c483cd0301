"""Two classifiers of the same findings: slow loops, values worked by hand, odd batches."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from core.batches import zero_shot_probabilities
from core.losses.consistency import consistency, consistency_reference, prompt_logits, vector, vector_reference
from tests.test_objectives import dot, unit


def logits(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 3


class TestPromptLogits:
    def test_against_a_loop(self) -> None:
        tokens, positive, negative = unit(4, 3, 6), unit(3, 6, seed=1), unit(3, 6, seed=2)
        found = prompt_logits(tokens, positive, negative, torch.tensor(5.0))
        for i in range(4):
            for k in range(3):
                wanted = 5 * (dot(tokens[i, k], positive[k]) - dot(tokens[i, k], negative[k]))
                assert found[i, k].item() == pytest.approx(wanted, abs=1e-5)

    def test_its_sigmoid_is_the_softmax_over_both_prompts(self) -> None:
        token, positive, negative = unit(2, 1, 6), unit(1, 6, seed=1), unit(1, 6, seed=2)
        found = prompt_logits(token, positive, negative, torch.tensor(5.0)).sigmoid()
        assert torch.allclose(found, zero_shot_probabilities(token[:, 0], positive, negative, 5.0))


class TestConsistency:
    def test_against_a_loop(self) -> None:
        first, second, total = logits(4, 3), logits(4, 3, seed=1), 0.0
        for a, b in zip(first.flatten().tolist(), second.flatten().tolist(), strict=True):
            p, q = 1 / (1 + math.exp(-a)), 1 / (1 + math.exp(-b))
            for one, other in ((p, q), (1 - p, 1 - q)):
                middle = (one + other) / 2
                total += (one * math.log(one / middle) + other * math.log(other / middle)) / 2
        assert consistency(first, second).item() == pytest.approx(total / 12, rel=1e-4)

    def test_by_hand(self) -> None:
        # one says 1/2, the other surely yes; between them 3/4: (ln(2/3)/2 + ln(2)/2) / 2 + ln(4/3) / 2
        found = consistency(torch.zeros(1, 1), torch.full((1, 1), 80.0)).item()
        assert found == pytest.approx((math.log(2 / 3) + math.log(2)) / 4 + math.log(4 / 3) / 2)

    def test_range(self) -> None:
        first = logits(5, 3)
        assert consistency(first, first).item() == pytest.approx(consistency_reference().floor, abs=1e-6)
        sure = torch.full((2, 2), 90.0)
        assert consistency(sure, -sure).item() == pytest.approx(math.log(2))
        assert math.isnan(consistency_reference().chance)

    def test_both_learn(self) -> None:
        first, second = logits(2, 3).double().requires_grad_(), logits(2, 3, seed=1).double().requires_grad_()
        assert torch.autograd.gradcheck(consistency, (first, second))
        assert torch.autograd.gradcheck(vector, (first, second))


class TestVector:
    def test_against_a_loop(self) -> None:
        first, second = logits(4, 3), logits(4, 3, seed=1)
        found = [dot(a, b) / math.sqrt(dot(a, a) * dot(b, b)) for a, b in zip(first, second, strict=True)]
        assert vector(first, second).item() == pytest.approx(1 - sum(found) / 4, rel=1e-5)

    def test_by_hand(self) -> None:
        # 45 degrees, and the same direction at another length
        first, second = torch.tensor([[1.0, 0], [1, 2]]), torch.tensor([[3.0, 3], [2, 4]])
        assert vector(first, second).item() == pytest.approx(1 - (math.sqrt(0.5) + 1) / 2)
        assert vector(first, -first).item() == pytest.approx(2)

    def test_chance(self) -> None:
        found = [vector(logits(50, 14, seed=seed), logits(50, 14, seed=100 + seed)).item() for seed in range(20)]
        assert vector_reference(14).chance == 1 == pytest.approx(sum(found) / 20, abs=0.03)

    def test_one_finding_has_no_direction(self) -> None:
        first, second = logits(3, 1).requires_grad_(), logits(3, 1, seed=1)
        loss = vector(first, second)
        loss.backward()
        assert loss.item() == vector_reference(1).chance == vector_reference(1).floor == 0
        assert first.grad is not None and not first.grad.any()


@pytest.mark.parametrize(("batch", "diseases"), [(0, 3), (1, 1), (1, 14), (5, 1)])
@pytest.mark.parametrize("values", [(0.0, 0.0), (300.0, -300.0), (300.0, 300.0), (0.0, 300.0)])
def test_finite_with_gradient_on_bf16(batch: int, diseases: int, values: tuple[float, float]) -> None:
    leaves = [torch.full((batch, diseases), value).bfloat16().requires_grad_() for value in values]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = consistency(*(leaf.float() for leaf in leaves)) + vector(*(leaf.float() for leaf in leaves))
    loss.backward()
    assert math.isfinite(loss.item())
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)
