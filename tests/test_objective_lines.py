"""The lines that loss curves are read against, and the weighted sum of the losses."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config.objective import ObjectiveConfig
from core.losses.base import Situation
from core.losses.classification import masked_bce
from core.losses.contrastive_lines import shared_text_floor
from core.losses.objective import Objective
from core.losses.orthogonal import orthogonal_absolute, orthogonal_cross_entropy, orthogonal_gram, orthogonal_reference
from tests.test_objectives import simplex, unit

NAN = float("nan")
ONE = torch.tensor(1.0)


def situation(labels: Tensor, text_of: list[int] | None = None, *, tokens: bool = False, width: int = 2) -> Situation:
    texts = torch.arange(len(labels)) if text_of is None else torch.tensor(text_of)
    return Situation(labels=labels, stated=labels, text_of=texts, batch=len(labels), width=width, tokens=tokens)


class TestReferences:
    @pytest.mark.parametrize("width", [64, 256])
    def test_chance_is_what_random_directions_give(self, width: int) -> None:
        draws = [unit(14, width, seed=seed) for seed in range(40)]
        for form, loss in (("gram", orthogonal_gram), ("absolute", orthogonal_absolute)):
            seen = sum(loss(draw).item() for draw in draws) / len(draws)
            assert orthogonal_reference(form, 14, width, 1.0).chance == pytest.approx(seen, rel=0.03)
        seen = sum(orthogonal_cross_entropy(draw, 5.0).item() for draw in draws) / len(draws)
        assert orthogonal_reference("cross-entropy", 14, width, 5.0).chance == pytest.approx(seen, rel=0.05)

    def test_gram_chance_is_one_over_d(self) -> None:
        assert orthogonal_reference("gram", 14, 512, 1.0).chance == 1 / 512

    @pytest.mark.parametrize("scale", [0.01, 20.0, 1000.0])
    @pytest.mark.parametrize("width", [2, 14, 4096])
    def test_every_allowed_scale_and_width_has_a_finite_chance(self, scale: float, width: int) -> None:
        line = orthogonal_reference("cross-entropy", 14, width, scale)
        assert math.isfinite(line.chance) and line.chance >= 0
        assert math.isnan(line.floor) == (width < 13)
        assert not line.floor > line.chance

    @pytest.mark.parametrize("count", [2, 3, 14])
    @pytest.mark.parametrize("scale", [1.0, 10.0])
    def test_cross_entropy_floor_is_the_simplex(self, count: int, scale: float) -> None:
        corners = simplex(count, 16)
        cosines = (corners @ corners.T)[~torch.eye(count, dtype=torch.bool)]
        assert torch.allclose(cosines, torch.full_like(cosines, -1 / (count - 1)))
        floor = orthogonal_reference("cross-entropy", count, 16, scale).floor
        assert orthogonal_cross_entropy(corners, scale).item() == pytest.approx(floor, rel=1e-9)
        nudged = F.normalize(corners + 0.05 * unit(count, 16).double(), dim=-1)
        assert orthogonal_cross_entropy(nudged, scale).item() > floor
        assert orthogonal_cross_entropy(torch.eye(count, 16), scale).item() > floor  # right angles are not its optimum

    def test_welch_bound_where_there_are_more_diseases_than_dimensions(self) -> None:
        # three directions in the plane, 120 degrees apart: every cosine -1/2, and it cannot be better than 1/4
        angles = torch.arange(3) * 2 * math.pi / 3
        mercedes = torch.stack([angles.cos(), angles.sin()], dim=1)
        floor = orthogonal_reference("gram", 3, 2, 1.0).floor
        assert floor == pytest.approx(0.25)
        assert orthogonal_gram(mercedes).item() == pytest.approx(floor)
        assert all(orthogonal_gram(unit(3, 2, seed=seed)).item() >= floor - 1e-6 for seed in range(20))
        assert math.isnan(orthogonal_reference("absolute", 3, 2, 1.0).floor)
        for form in ("gram", "absolute"):
            assert orthogonal_reference(form, 14, 14, 1.0).floor == 0

    def test_lines_of_an_objective(self) -> None:
        labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, NAN], [0.0, NAN]])
        made = Objective(ObjectiveConfig(classification=1.0, contrastive=2.0, orthogonal=0.5))
        lines = made.references(situation(labels, tokens=True, width=64))
        # column 1: prevalence 1/4 over 4 cells; column 2: nothing present over 2 cells
        entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
        assert lines["classification"].chance == pytest.approx(entropy * 4 / 6, abs=1e-5)
        assert (lines["contrastive"].chance, lines["contrastive"].floor) == (math.log(2), 0.0)
        assert lines["orthogonal"].chance == 1 / 64
        alone = Objective(ObjectiveConfig(contrastive=1.0)).references(situation(labels, text_of=[0, 0, 1, -1]))
        # three rows have a text, so 3 of the 4 of a batch; rows 0 and 1 share theirs
        assert set(alone) == {"contrastive"} and alone["contrastive"].chance == math.log(3)
        assert alone["contrastive"].floor == pytest.approx(2 / 3 * math.log(2))

    def test_the_chance_of_classification_is_the_loss_of_a_constant_guess(self) -> None:
        labels = (
            torch.rand(200, 3, generator=torch.Generator().manual_seed(0)) < torch.tensor([0.1, 0.5, 0.7])
        ).float()
        labels[:50, 0] = NAN
        guess = torch.special.logit(labels.nanmean(0)).expand(200, 3)
        line = Objective(ObjectiveConfig(classification=1.0)).references(situation(labels))
        assert line["classification"].chance == pytest.approx(masked_bce(guess, labels).item(), rel=1e-5)


class TestObjective:
    def test_weighted_sum(self) -> None:
        made = Objective(ObjectiveConfig(classification=0.5, orthogonal=3.0))
        assert made.weights == {"classification": 0.5, "orthogonal": 3.0}
        assert made.total({"classification": ONE * 4, "orthogonal": ONE * 2}).item() == 8

    def test_forms(self) -> None:
        prompts = unit(4, 8)
        for form, value in (
            ("gram", orthogonal_gram(prompts)),
            ("absolute", orthogonal_absolute(prompts)),
            ("cross-entropy", orthogonal_cross_entropy(prompts, 2.5)),
        ):
            config = ObjectiveConfig(orthogonal=1.0, orthogonal_form=form, orthogonal_scale=2.5)  # type: ignore[arg-type]
            assert Objective(config).orthogonal(prompts) == value


class TestSharedTextFloor:
    def test_distinct_texts_leave_a_floor_of_zero(self) -> None:
        assert shared_text_floor(torch.arange(20), 8) == 0

    def test_one_text_for_all_leaves_guessing(self) -> None:
        assert shared_text_floor(torch.zeros(20, dtype=torch.int64), 8) == pytest.approx(math.log(8))

    def test_it_is_the_mean_over_random_batches(self) -> None:
        text_of = torch.tensor([0] * 12 + [1] * 5 + [2, 3, 4])
        generator = torch.Generator().manual_seed(0)
        seen = []
        for _ in range(2000):
            drawn = text_of[torch.randperm(len(text_of), generator=generator)[:8]]
            seen.append((drawn[:, None] == drawn).sum(1).float().log().mean().item())
        assert shared_text_floor(text_of, 8) == pytest.approx(sum(seen) / len(seen), abs=0.01)
