"""Losses against slow loops, values and values worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config.objective import ObjectiveConfig
from core.losses.classification import masked_bce
from core.losses.contrastive import info_nce
from core.losses.diseases import disease_contrastive
from core.losses.objective import Objective
from core.losses.orthogonal import orthogonal_absolute, orthogonal_cross_entropy, orthogonal_gram, orthogonal_reference

NAN = float("nan")
ONE = torch.tensor(1.0)


def unit(*shape: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def simplex(count: int, width: int) -> Tensor:
    """``count`` unit vectors, every cosine -1/(count-1), in ``width`` dimensions."""
    corners = torch.eye(count, dtype=torch.float64)
    return F.pad(F.normalize(corners - corners.mean(0), dim=-1), (0, width - count))


def one_cross_entropy(logits: list[float], target: list[float]) -> float:
    """-sum target log softmax, one row, the slow way."""
    top = max(logits)
    total = sum(math.exp(value - top) for value in logits)
    return -sum(t * (value - top - math.log(total)) for t, value in zip(target, logits, strict=True))


def dot(a: Tensor, b: Tensor) -> float:
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


class TestClassification:
    def test_against_a_loop_that_skips_unknown_cells(self) -> None:
        logits, labels = torch.randn(5, 4, generator=torch.Generator().manual_seed(1)), torch.zeros(5, 4)
        labels[0], labels[1, 2], labels[2:, 1], labels[3, 3] = 1, 1, NAN, NAN
        total, known = 0.0, 0
        for i in range(5):
            for k in range(4):
                y, x = labels[i, k].item(), logits[i, k].item()
                if not math.isnan(y):
                    p = 1 / (1 + math.exp(-x))
                    total -= y * math.log(p) + (1 - y) * math.log(1 - p)
                    known += 1
        assert known == 16
        assert masked_bce(logits, labels).item() == pytest.approx(total / known, rel=1e-6)

    def test_by_hand(self) -> None:
        # p = 3/4 for a present finding, p = 1/2 for an absent one: (ln 4/3 + ln 2) / 2
        loss = masked_bce(torch.tensor([[math.log(3), 0.0, 9.0]]), torch.tensor([[1.0, 0.0, NAN]]))
        assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-6)

    def test_unknown_cells_have_no_gradient(self) -> None:
        logits = torch.zeros(2, 2, requires_grad=True)
        masked_bce(logits, torch.tensor([[1.0, NAN], [NAN, 0.0]])).backward()
        assert logits.grad is not None
        assert logits.grad.tolist() == [[-0.25, 0.0], [0.0, 0.25]]

    def test_nothing_known_is_zero_with_zero_gradient(self) -> None:
        logits = torch.randn(3, 2, requires_grad=True)
        loss = masked_bce(logits, torch.full((3, 2), NAN))
        loss.backward()
        assert loss.item() == 0
        assert logits.grad is not None and not logits.grad.any()


class TestContrastive:
    def test_against_a_loop(self) -> None:
        images, texts, groups, scale = unit(6, 5), unit(6, 5, seed=1), [0, 1, 0, 2, 2, 2], 7.0
        total = 0.0
        for own, other in ((images, texts), (texts, images)):
            for i in range(6):
                right = [float(groups[i] == groups[j]) for j in range(6)]
                logits = [scale * dot(own[i], other[j]) for j in range(6)]
                total += one_cross_entropy(logits, [value / sum(right) for value in right]) / 12
        assert info_nce(images, texts, torch.tensor(scale), torch.tensor(groups)).item() == pytest.approx(total)

    def test_by_hand(self) -> None:
        # cosines 1 on the diagonal, 0 elsewhere, scale ln 3: softmax gives 3/(3+1+1) to the right answer
        eye = torch.eye(3)
        assert info_nce(eye, eye, torch.tensor(math.log(3))).item() == pytest.approx(math.log(5 / 3))

    def test_distinct_texts_give_the_loss_of_clip(self) -> None:
        images, texts = unit(8, 16), unit(8, 16, seed=1)
        logits = 14.0 * images @ texts.T
        clip = (F.cross_entropy(logits, torch.arange(8)) + F.cross_entropy(logits.T, torch.arange(8))) / 2
        scale = torch.tensor(14.0)
        assert info_nce(images, texts, scale).item() == pytest.approx(clip.item())
        assert info_nce(images, texts, scale, torch.arange(8) + 5).item() == pytest.approx(clip.item())

    @pytest.mark.parametrize("groups", [[0, 0, 0, 1, 2, 2], [3] * 6, list(range(6))])
    def test_the_floor_of_groups_is_reached(self, groups: list[int]) -> None:
        """Where every text is on its own axis and images lie on their texts, the loss is the mean ln of group sizes."""
        codes = torch.tensor(groups)
        vectors = torch.eye(8)[codes]
        floor = sum(math.log(groups.count(group)) for group in groups) / len(groups)
        assert info_nce(vectors, vectors, torch.tensor(60.0), codes).item() == pytest.approx(floor, abs=1e-6)
        for seed in range(5):
            assert info_nce(unit(6, 8, seed=seed), vectors, torch.tensor(60.0), codes).item() > floor - 1e-6

    def test_guessing_gives_ln_b(self) -> None:
        same = torch.ones(9, 4) / 2
        assert info_nce(same, unit(9, 4), ONE * 0).item() == pytest.approx(math.log(9))
        assert info_nce(same, same, ONE * 50).item() == pytest.approx(math.log(9))

    def test_one_pair_has_nothing_to_tell_apart(self) -> None:
        assert info_nce(unit(1, 4), unit(1, 4, seed=1), ONE * 20).item() == 0


class TestDiseaseContrastive:
    def test_against_a_loop(self) -> None:
        tokens, prompts, scale, total = unit(3, 4, 6), unit(4, 6, seed=1), 5.0, 0.0
        for sample in tokens:
            for k in range(4):
                right = [float(j == k) for j in range(4)]
                row = [scale * dot(sample[k], prompts[j]) for j in range(4)]
                column = [scale * dot(sample[j], prompts[k]) for j in range(4)]
                total += (one_cross_entropy(row, right) + one_cross_entropy(column, right)) / 24
        assert disease_contrastive(tokens, prompts, torch.tensor(scale)).item() == pytest.approx(total)

    def test_by_hand(self) -> None:
        eye = torch.eye(2)
        tokens = torch.stack([eye, eye.flip(0)])  # one sample right, one with its two diseases exchanged
        right, wrong = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
        assert disease_contrastive(tokens, eye, ONE * 2).item() == pytest.approx((right + wrong) / 2)

    def test_goes_below_the_bound_that_normalised_logit_rows_have(self) -> None:
        """With rows of the logit matrix brought to norm 1 the temperature cancels: ln(e + 13) - 1 = 1.755 at right
        angles, 1.7237 at the simplex, and no way below."""
        eye = torch.eye(14)
        normalised = F.cross_entropy(F.normalize(100 * eye @ eye.T, dim=-1), torch.arange(14)).item()
        assert normalised == pytest.approx(math.log(math.e + 13) - 1)
        spread = F.normalize(100 * simplex(14, 14) @ simplex(14, 14).T, dim=-1)
        assert F.cross_entropy(spread, torch.arange(14)).item() == pytest.approx(1.7237, abs=1e-4)
        assert disease_contrastive(eye[None], eye, ONE / 0.07).item() < 1e-4
        assert disease_contrastive(eye[None], eye, ONE * 100).item() < disease_contrastive(eye[None], eye, ONE).item()

    def test_guessing_gives_ln_k(self) -> None:
        same = torch.ones(2, 14, 4) / 2
        assert disease_contrastive(same, unit(14, 4), ONE * 0).item() == pytest.approx(math.log(14))
        assert disease_contrastive(same, same[0], ONE * 50).item() == pytest.approx(math.log(14))

    def test_one_disease(self) -> None:
        assert disease_contrastive(unit(4, 1, 3), unit(1, 3, seed=1), ONE * 50).item() == 0


class TestOrthogonal:
    @pytest.mark.parametrize(("count", "width"), [(2, 3), (5, 4), (14, 32)])
    def test_against_loops(self, count: int, width: int) -> None:
        prompts = unit(count, width)
        cosines = [[dot(a, b) for b in prompts] for a in prompts]
        others = [cosines[i][j] for i in range(count) for j in range(count) if i != j]
        rows = [
            one_cross_entropy([3 * c for c in cosines[i]], [float(i == j) for j in range(count)]) for i in range(count)
        ]
        assert orthogonal_gram(prompts).item() == pytest.approx(sum(c * c for c in others) / len(others))
        assert orthogonal_absolute(prompts).item() == pytest.approx(sum(abs(c) for c in others) / len(others))
        assert orthogonal_cross_entropy(prompts, 3.0).item() == pytest.approx(sum(rows) / count)

    def test_by_hand(self) -> None:
        half = torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]])  # 60 degrees
        assert orthogonal_gram(half).item() == pytest.approx(0.25)
        assert orthogonal_absolute(half).item() == pytest.approx(0.5)
        assert orthogonal_cross_entropy(half, 2.0).item() == pytest.approx(math.log(1 + math.exp(-1)))

    def test_bounds(self) -> None:
        for loss in (orthogonal_gram, orthogonal_absolute):
            assert loss(torch.eye(6, 9)).item() == 0
            assert loss(torch.ones(5, 4) / 2).item() == pytest.approx(1)
            assert loss(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])).item() == pytest.approx(1)

    @pytest.mark.parametrize("form", ["gram", "absolute", "cross-entropy"])
    def test_one_disease_has_no_pairs(self, form: str) -> None:
        config = ObjectiveConfig(orthogonal=1.0, orthogonal_form=form)  # type: ignore[arg-type]
        prompts = unit(1, 4).requires_grad_()
        loss = Objective(config).orthogonal(prompts)
        loss.backward()
        assert loss.item() == 0 and prompts.grad is not None and not prompts.grad.any()
        line = orthogonal_reference(form, 1, 4, 20.0)
        assert (line.chance, line.floor) == (0.0, 0.0)


class TestPrecision:
    """Under autocast (bf16 has 8 bits of mantissa) the losses keep the precision of their inputs."""

    def test_autocast_does_not_round_the_logits(self) -> None:
        images, texts, tokens = unit(8, 64), unit(8, 64, seed=1), unit(2, 14, 64)
        groups = torch.tensor([0, 0, 1, 2, 3, 4, 5, 6])

        def losses() -> list[float]:
            return [
                info_nce(images, texts, ONE * 100, groups).item(),
                disease_contrastive(tokens, unit(14, 64), ONE * 100).item(),
                orthogonal_gram(images).item(),
                orthogonal_absolute(images).item(),
                orthogonal_cross_entropy(images, 20.0).item(),
            ]

        plain = losses()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = losses()
        assert mixed == pytest.approx(plain, rel=1e-5)

    @pytest.mark.parametrize(("batch", "diseases"), [(1, 1), (1, 14), (5, 1), (5, 14)])
    def test_finite_with_gradient_on_bf16(self, batch: int, diseases: int) -> None:
        tokens = unit(batch, diseases, 16).bfloat16().requires_grad_()
        prompts = unit(diseases, 16, seed=1).bfloat16().requires_grad_()
        images = unit(batch, 16).bfloat16().requires_grad_()
        scale = torch.tensor(100.0, requires_grad=True)
        logits = torch.full((batch, diseases), 300.0).bfloat16().requires_grad_()
        loss = (
            masked_bce(logits.float(), torch.zeros(batch, diseases))
            + info_nce(images, images, scale, torch.zeros(batch, dtype=torch.long))
            + disease_contrastive(tokens, prompts, scale)
            + orthogonal_gram(prompts)
            + orthogonal_absolute(prompts)
            + orthogonal_cross_entropy(prompts, 100.0)
        )
        loss.backward()
        assert math.isfinite(loss.item())
        for leaf in (tokens, prompts, images, scale, logits):
            assert leaf.grad is not None and leaf.grad.isfinite().all()
