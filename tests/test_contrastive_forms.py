"""Contrastive forms besides InfoNCE: slow loops, values worked by hand, chance, floor, and odd batches."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config.objective import CONTRASTIVE_FORMS, PAIRED, ObjectiveConfig
from core.losses.base import Situation
from core.losses.contrastive import (
    _with_hard_negatives,
    hard_negative_info_nce,
    info_nce,
    label_targets,
    permuted_negatives,
    same_text,
    siglip,
    soft_target_contrastive,
    triplet,
)
from core.losses.contrastive_lines import contrastive_reference, siglip_chance
from core.losses.diseases import disease_reference, normalised_disease_contrastive, normalised_floor
from core.losses.objective import Objective
from tests.test_objectives import dot, one_cross_entropy, simplex, unit
from tests.test_training import told, trainer, weights

NAN = float("nan")
ONE = torch.tensor(1.0)
GROUPS = [0, 1, 0, 2, 3, 3]


def form_of(name: str, **changes: Any) -> Objective:
    return Objective(ObjectiveConfig(contrastive=1.0, contrastive_form=name, **changes))  # type: ignore[arg-type]


def situation(count: int, text_of: list[int] | None = None, batch: int | None = None) -> Situation:
    texts = torch.arange(count) if text_of is None else torch.tensor(text_of)
    labels = (torch.arange(count)[:, None] % torch.tensor([2, 3]) == 0).float()
    return Situation(labels=labels, stated=labels, text_of=texts, batch=batch or count, width=8, tokens=False)


def test_the_forms_are_all_here() -> None:
    allowed = get_args(get_type_hints(ObjectiveConfig)["contrastive_form"])
    assert set(allowed) == {form for forms in CONTRASTIVE_FORMS.values() for form in forms}


class TestSiglip:
    def test_against_a_loop(self) -> None:
        images, texts, total = unit(6, 5), unit(6, 5, seed=1), 0.0
        for i in range(6):
            for j in range(6):
                z = 1 if GROUPS[i] == GROUPS[j] else -1
                total -= math.log(1 / (1 + math.exp(-z * (4.0 * dot(images[i], texts[j]) - 3.0))))
        loss = siglip(images, texts, ONE * 4, ONE * -3, torch.tensor(GROUPS))
        assert loss.item() == pytest.approx(total / 6, rel=1e-5)

    def test_by_hand(self) -> None:
        # right pairs have logit 2, wrong ones 0: ln(1 + e^-2) and ln 2 for each of the two rows
        eye = torch.eye(2)
        assert siglip(eye, eye, ONE * 2, ONE * 0).item() == pytest.approx(math.log(1 + math.exp(-2)) + math.log(2))

    @pytest.mark.parametrize("count", [1, 2, 9])
    def test_chance_is_the_best_constant_and_the_floor_is_reached(self, count: int) -> None:
        line = contrastive_reference(ObjectiveConfig(contrastive_form="siglip"), situation(count))
        same = F.normalize(torch.ones(count, 4), dim=-1)
        guesses = [siglip(same, same, ONE * 0, ONE * bias / 10).item() for bias in range(-50, 200)]
        assert line.chance == pytest.approx(min(guesses), abs=2e-3)
        if count == 2:
            assert line.chance == pytest.approx(2 * math.log(2))
        eye = torch.eye(count, 9)
        assert line.floor == 0 <= siglip(eye, eye, ONE * 100, ONE * -50).item() < 1e-6

    def test_chance_with_shared_texts(self) -> None:
        assert siglip_chance(torch.zeros(9, dtype=torch.long), 4) == pytest.approx(0)
        assert siglip_chance(torch.tensor([0, 0, 1, 1]), 4) == pytest.approx(4 * math.log(2))

    def test_its_bias_is_learned_and_survives_a_stop(self, tmp_path: Path) -> None:
        config = ObjectiveConfig(contrastive=1.0, contrastive_form="siglip", siglip_bias=-2.0)
        whole = trainer(tmp_path / "whole", kind="projection", objective=config)
        expected = told(whole.steps())
        assert whole.objective.siglip_bias.item() != -2.0
        part = trainer(tmp_path / "part", kind="projection", objective=config)
        steps = part.steps()
        found = told(iter([next(steps) for _ in range(5)]))
        part.save()
        again = trainer(tmp_path / "part", kind="projection", objective=config)
        assert again.resume() == 5
        assert found + told(again.steps()) == expected
        assert torch.equal(again.objective.siglip_bias, whole.objective.siglip_bias)
        assert all(torch.equal(weights(again.head)[name], value) for name, value in weights(whole.head).items())


class TestTriplet:
    @pytest.mark.parametrize("negatives", ["semi-hard", "hard", "random"])
    @pytest.mark.parametrize("margin", [0.2, 1.0])
    def test_against_a_loop(self, negatives: str, margin: float) -> None:
        images, texts, both = unit(6, 5), unit(6, 5, seed=1), []
        groups = torch.tensor(GROUPS)
        drawn = permuted_negatives(same_text(6, groups, groups.device), torch.Generator().manual_seed(3)).tolist()
        for anchors, others in ((images, texts), (texts, images)):
            total = 0.0
            for i in range(6):
                own = math.dist(anchors[i].tolist(), others[i].tolist())
                wrong = [math.dist(anchors[i].tolist(), others[j].tolist()) for j in range(6) if GROUPS[i] != GROUPS[j]]
                farther = [distance for distance in wrong if distance > own]
                chosen = {
                    "random": math.dist(anchors[i].tolist(), others[drawn[i]].tolist()),
                    "hard": min(wrong),
                    "semi-hard": min(farther) if farther else max(wrong),
                }[negatives]
                total += max(own - chosen + margin, 0) / 6
            both.append(total)
        loss = triplet(images, texts, margin, negatives, groups, torch.Generator().manual_seed(3))
        assert loss.item() == pytest.approx(sum(both) / 2, rel=1e-5)

    def test_it_is_torchs_own_for_given_negatives(self) -> None:
        images, texts = unit(2, 5), unit(2, 5, seed=1)  # of two rows, the negative is the other one
        torchs = [
            F.triplet_margin_loss(a, b, b.flip(0), margin=1.0, p=2.0, eps=0.0)
            for a, b in ((images, texts), (texts, images))
        ]
        for negatives in ("random", "hard"):
            assert triplet(images, texts, 1.0, negatives).item() == pytest.approx(sum(torchs).item() / 2, rel=1e-5)

    def test_by_hand(self) -> None:
        # texts and images agree, and lie at right angles: 0 - sqrt 2 + 1 is below 0; with margin 1.4 + 0.2 it is not
        eye = torch.eye(3)
        for negatives in ("random", "semi-hard", "hard"):
            assert triplet(eye, eye, 1.4, negatives).item() == 0
            assert triplet(eye, eye, 1.6, negatives).item() == pytest.approx(1.6 - math.sqrt(2), abs=1e-5)
        # images exchanged: the positive is sqrt 2 away, the negative at the same place
        swapped = torch.eye(2).flip(0)
        assert triplet(swapped, torch.eye(2), 1.0, "hard").item() == pytest.approx(math.sqrt(2) + 1)

    @pytest.mark.parametrize("negatives", ["random", "semi-hard", "hard"])
    def test_all_alike_gives_the_margin(self, negatives: str) -> None:
        same = F.normalize(torch.ones(5, 4), dim=-1)
        assert triplet(same, same, 0.7, negatives).item() == pytest.approx(0.7)
        config = ObjectiveConfig(contrastive_form="triplet", margin=0.7)
        assert contrastive_reference(config, situation(5)).chance == 0.7
        assert contrastive_reference(config, situation(5, [0] * 5)).chance == 0
        assert contrastive_reference(config, situation(1)).chance == 0

    @pytest.mark.parametrize("groups", [[0, 1, 2, 3, 4], [0, 0, 1, 1, 2, 3], [4, 4, 4, 1, 2, 3], [0, 1], [7, 7, 1, 1]])
    def test_nobody_draws_its_own_text(self, groups: list[int]) -> None:
        codes, seen = torch.tensor(groups), set()
        for seed in range(40):
            drawn = permuted_negatives(same_text(len(codes), codes, codes.device), torch.Generator().manual_seed(seed))
            assert sorted(drawn.tolist()) == list(range(len(codes)))
            assert not (codes[drawn] == codes).any()
            seen.add(tuple(drawn.tolist()))
        assert len(groups) == 2 or len(seen) > 1

    def test_one_text_that_has_most_rows_leaves_some_out(self) -> None:
        groups = torch.tensor([0, 0, 0, 1])
        assert math.isfinite(triplet(unit(4, 3), unit(4, 3, seed=1), 1.0, "random", groups).item())

    def test_evaluation_always_draws_the_same(self) -> None:
        made = form_of("triplet", negatives="random").eval()
        batch = unit(9, 4), unit(9, 4, seed=1), ONE, torch.arange(9), torch.zeros(9, 2)
        assert made.paired(*batch) == made.paired(*batch)
        assert len({made.train().paired(*batch).item() for _ in range(8)}) > 1


class TestHardNegatives:
    def test_against_a_loop(self) -> None:
        images, texts, beta, total = unit(6, 5), unit(6, 5, seed=1), 0.5, 0.0
        for own, other in ((images, texts), (texts, images)):
            for i in range(6):
                z = [3.0 * dot(own[i], other[j]) for j in range(6)]
                right = [j for j in range(6) if GROUPS[j] == GROUPS[i]]
                wrong = [j for j in range(6) if j not in right]
                weight = {j: math.exp(beta * z[j]) for j in wrong}
                mean = sum(weight.values()) / len(wrong)
                below = sum(math.exp(z[j]) for j in right) + sum(weight[j] / mean * math.exp(z[j]) for j in wrong)
                total -= sum(math.log(math.exp(z[j]) / below) for j in right) / len(right) / 12
        found = hard_negative_info_nce(images, texts, ONE * 3, beta, torch.tensor(GROUPS))
        assert found.item() == pytest.approx(total, rel=1e-5)

    def test_by_hand(self) -> None:
        # one negative: its weight is 1 whatever beta; two of logits ln 2 and 0, beta 1: weights 4/3 and 2/3
        eye = torch.eye(2)
        assert hard_negative_info_nce(eye, eye, ONE * 2, 3.0).item() == pytest.approx(math.log(1 + math.exp(-2)))
        # a batch of three whose rows all have logits 0 (right), ln 2 and 0
        logits = torch.tensor([[0.0, 2, 1], [1, 0, 2], [2, 1, 0]]).clamp_min(1).log()
        found = F.cross_entropy(_with_hard_negatives(logits, torch.eye(3).bool(), 1.0), torch.arange(3))
        assert found.item() == pytest.approx(math.log(1 + 4 / 3 * 2 + 2 / 3 * 1))

    def test_beta_0_is_info_nce_and_more_is_harder(self) -> None:
        images, texts, groups = unit(8, 6), unit(8, 6, seed=1), torch.tensor([0, 0, 1, 2, 3, 4, 5, 6])
        plain = info_nce(images, texts, ONE * 5, groups)
        losses = [hard_negative_info_nce(images, texts, ONE * 5, beta, groups).item() for beta in (0.0, 0.5, 1.0, 2.0)]
        assert losses[0] == pytest.approx(plain.item(), rel=1e-6)
        assert losses == sorted(losses) and losses[0] < losses[1]

    def test_chance_and_floor(self) -> None:
        same = F.normalize(torch.ones(7, 4), dim=-1)
        assert hard_negative_info_nce(same, same, ONE * 30, 1.0).item() == pytest.approx(math.log(7), rel=1e-5)
        vectors = torch.eye(8)[torch.tensor(GROUPS)]
        line = contrastive_reference(ObjectiveConfig(contrastive_form="hard-negative"), situation(6, GROUPS))
        assert line.floor == pytest.approx(4 / 6 * math.log(2))
        found = hard_negative_info_nce(vectors, vectors, ONE * 60, 1.0, torch.tensor(GROUPS)).item()
        assert found == pytest.approx(line.floor, abs=1e-6)


class TestSoftTargets:
    def test_targets_by_hand(self) -> None:
        # rows: {A}, {A, B}, healthy, unknown; cosines: 1/sqrt 2 between the first two, else 0
        labels = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, NAN], [NAN, NAN]])
        near = math.exp(2 / math.sqrt(2))
        total = math.exp(2) + near + 2
        expected = [math.exp(2) / total, near / total, 1 / total, 1 / total]
        found = label_targets(labels, None, 0.5)
        assert found[0].tolist() == pytest.approx(expected)
        assert found[3].tolist() == pytest.approx([1 / (math.exp(2) + 3)] * 3 + [math.exp(2) / (math.exp(2) + 3)])
        shared = label_targets(labels, torch.tensor([0, 1, 0, 3]), 0.5)
        assert shared[0, 2] == shared[0, 0]  # the same text is as right as its own

    def test_loss_against_a_loop(self) -> None:
        images, texts, total = unit(4, 5), unit(4, 5, seed=1), 0.0
        targets = torch.softmax(torch.randn(4, 4, generator=torch.Generator().manual_seed(0)), dim=1)
        for own, other in ((images, texts), (texts, images)):
            for i in range(4):
                z = [6.0 * dot(own[i], other[j]) for j in range(4)]
                total += one_cross_entropy(z, targets[i].tolist()) / 8
        assert soft_target_contrastive(images, texts, ONE * 6, targets).item() == pytest.approx(total, rel=1e-5)

    def test_cold_targets_are_info_nce(self) -> None:
        labels = torch.eye(4)
        assert torch.allclose(label_targets(labels, None, 0.01), torch.eye(4))

    def test_the_floor_is_reached(self) -> None:
        """Vectors whose cosines are those of the findings give the targets themselves."""
        labels = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [0, 0, 0]])
        vectors = F.normalize(torch.cat([labels, (labels.sum(1) == 0).float()[:, None]], dim=1), dim=-1)
        here = Situation(labels=labels, stated=labels, text_of=torch.arange(5), batch=5, width=4, tokens=False)
        config = ObjectiveConfig(contrastive_form="soft-targets", target_temperature=0.25)
        line = contrastive_reference(config, here)
        found = soft_target_contrastive(vectors, vectors, ONE * 4, label_targets(labels, None, 0.25)).item()
        assert found == pytest.approx(line.floor, rel=1e-5)
        assert line.floor < line.chance == math.log(5)


class TestNormalisedLogits:
    def test_against_a_loop(self) -> None:
        tokens, prompts, total = unit(3, 4, 6), unit(4, 6, seed=1), 0.0
        for sample in tokens:
            for k in range(4):
                right = [float(j == k) for j in range(4)]
                for logits in ([dot(sample[k], p) for p in prompts], [dot(t, prompts[k]) for t in sample]):
                    norm = math.sqrt(sum(value * value for value in logits))
                    total += one_cross_entropy([value / norm for value in logits], right) / 24
        for scale in (1.0, 70.0):  # the temperature cancels
            assert normalised_disease_contrastive(tokens, prompts, ONE * scale).item() == pytest.approx(total, rel=1e-5)

    def test_its_floor_by_hand(self) -> None:
        assert normalised_floor(14) == pytest.approx(1.7237, abs=5e-5)
        assert normalised_floor(2) == pytest.approx(math.log(1 + math.exp(-math.sqrt(2))))
        assert disease_reference("normalised-logits", 1) == disease_reference("info-nce", 1)
        assert disease_reference("normalised-logits", 14).chance == math.log(14)

    @pytest.mark.parametrize("count", [2, 3, 5, 14])
    def test_the_simplex_reaches_it_and_nothing_goes_below(self, count: int) -> None:
        corners, floor = simplex(count, 16), normalised_floor(count)
        found = normalised_disease_contrastive(corners[None], corners, ONE * 100).item()
        assert found == pytest.approx(floor, rel=1e-9)
        rows = torch.randn(64, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
        optimiser = torch.optim.Adam([rows], lr=0.05)
        for _ in range(400):
            loss = F.cross_entropy(F.normalize(rows, dim=-1), torch.arange(64) % count)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            assert loss.item() >= floor
        assert loss.item() == pytest.approx(floor, abs=1e-3)


@pytest.mark.parametrize("form", [*PAIRED, "triplet-hard", "triplet-semi-hard"])
@pytest.mark.parametrize("groups", [[], [0], [0, 0, 0], [0, 1, 2, 3], [0, 0, 0, 1]])
def test_odd_batches_in_bf16_are_finite_with_gradient(form: str, groups: list[int]) -> None:
    name, _, negatives = form.partition("-") if form.startswith("triplet-") else (form, "", "")
    made = form_of(name, **({"negatives": negatives} if negatives else {}))
    images = unit(len(groups), 8).bfloat16().requires_grad_()
    texts = unit(len(groups), 8, seed=1).bfloat16().requires_grad_()
    codes, labels = torch.tensor(groups, dtype=torch.long), torch.full((len(groups), 2), NAN)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = made.paired(images, texts, torch.tensor(100.0), codes, labels)
    loss.backward()
    assert math.isfinite(loss.item())
    for leaf in (images, texts):
        assert leaf.grad is not None and leaf.grad.isfinite().all()


@pytest.mark.parametrize("form", PAIRED)
def test_autocast_does_not_round(form: str) -> None:
    made = form_of(form, siglip_bias=-1.0).eval()
    batch: tuple[Tensor, ...] = (unit(8, 64), unit(8, 64, seed=1), ONE * 50, torch.arange(8) // 2, torch.eye(8))
    plain = made.paired(*batch).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert made.paired(*batch).item() == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("form", PAIRED)
@pytest.mark.parametrize("kind", ["projection", "linear"])
def test_each_form_trains(tmp_path: Path, form: str, kind: str) -> None:
    config = ObjectiveConfig(contrastive=1.0, contrastive_form=form, siglip_bias=-2.0)  # type: ignore[arg-type]
    losses = [step.loss for step in trainer(tmp_path, kind=kind, objective=config, epochs=12).steps()]
    assert sum(losses[-4:]) < sum(losses[:4])
