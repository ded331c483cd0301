"""The losses of a batch: each loss with each head that can learn from it, on whole and on odd batches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.batches import OF_CAPTIONS, OF_PROMPTS, loss_terms, mixed_terms, validation_loss
from core.config.objective import ALL_LOSSES, LOSSES, ObjectiveConfig
from core.config.run import HeadConfig
from core.feeds import CachedImages, CachedTexts
from core.heads import Head, build_head
from core.inputs import Batch, Split, TrainingData
from core.losses.base import Situation
from core.losses.consistency import consistency, prompt_logits, vector
from core.losses.objective import Objective
from core.losses.structure import semantic
from core.losses.subspaces import subspaces
from core.pictures.curves import QUANTITIES
from core.studies.hierarchy import path_similarity
from core.studies.vocabulary import NIH_FINDINGS
from tests.test_heads import IMAGE, TEXT, drawn

NAN = float("nan")
PAIRS = [(kind, loss) for kind, losses in LOSSES.items() for loss in losses]
STATED = torch.tensor([1.0, 0, -1, NAN, 0, 1, 0])


def split_of(rows: int, diseases: int, *, known: bool = True, told: bool = True, seed: int = 0) -> Split:
    """Every second row has a text; findings are stated in turn."""
    stated = STATED.repeat(rows * diseases)[: rows * diseases].view(rows, diseases)
    stated = stated if known else torch.full_like(stated, NAN)
    codes = torch.arange(rows)
    return Split(
        images=CachedImages(drawn(rows, IMAGE, seed=seed)),
        labels=torch.where(stated == -1, NAN, stated),  # uncertain is ignored, unless it is a class of its own
        stated=stated,
        caption_of=torch.where((codes % 2 == 0) & told, codes // 2, -1),
    )


def data(rows: int = 12, diseases: int = 3, **how: bool) -> TrainingData:
    tree = path_similarity(NIH_FINDINGS[:diseases])
    assert tree is not None
    return TrainingData(
        train=split_of(rows, diseases, **how),
        val=split_of(rows + 3, diseases, seed=5, **how),
        texts=CachedTexts(
            drawn(rows + 3, TEXT, seed=1),
            F.normalize(drawn(diseases, TEXT, seed=2), dim=1),
            F.normalize(drawn(diseases, TEXT, seed=3), dim=1),
        ),
        nearness=torch.from_numpy(tree),
    )


def batch_of(own: TrainingData, rows: Tensor | None = None) -> Batch:
    found = own.batch(own.train, torch.arange(len(own.train)) if rows is None else rows)
    return replace(found, second=found.features + 0.1 * drawn(*found.features.shape, seed=8))


def made(kind: str, own: TrainingData, config: ObjectiveConfig) -> tuple[Head, Objective]:
    torch.manual_seed(0)
    head = build_head(
        HeadConfig(kind=kind, width=16, private=4),  # type: ignore[arg-type]
        image_width=IMAGE,
        prompts=own.texts.prompts(),
        temperature=config.temperature,
        learn_temperature=config.learn_temperature,
        classes=3 if config.classification_form == "three-class" else 2,
    )
    return head, Objective(config)


def settings(loss: str, **changes: Any) -> ObjectiveConfig:
    return ObjectiveConfig(**{loss: 1.0}, **changes)


def test_there_is_a_curve_for_each_loss() -> None:
    assert set(ALL_LOSSES) < set(QUANTITIES)
    assert {loss for losses in LOSSES.values() for loss in losses} == set(ALL_LOSSES) >= OF_PROMPTS | OF_CAPTIONS


@pytest.mark.parametrize(("kind", "loss"), PAIRS)
class TestEachLossOfEachHead:
    def test_it_is_there_and_has_lines(self, kind: str, loss: str) -> None:
        own = data()
        head, objective = made(kind, own, settings(loss))
        terms = loss_terms(head.eval(), objective, batch_of(own))
        assert set(terms) == {loss} and math.isfinite(terms[loss].item())
        here = Situation(
            labels=own.train.labels,
            stated=own.train.stated,
            text_of=own.train.caption_of,
            batch=12,
            width=16,
            tokens=not head.caption_branch,
        )
        lines = objective.references(here)
        assert set(lines) == {loss} and lines[loss].floor <= terms[loss].item() + 1e-6
        assert math.isnan(lines[loss].chance) == (loss in ("alignment", "consistency"))
        assert not lines[loss].chance < lines[loss].floor

    @pytest.mark.parametrize(
        ("rows", "diseases", "known", "told"),
        [
            (1, 1, True, True),
            (1, 3, False, False),
            (2, 3, True, True),
            (12, 1, True, True),
            (12, 3, False, True),
            (12, 3, True, False),
        ],
    )
    def test_odd_batches_in_bf16(self, kind: str, loss: str, rows: int, diseases: int, known: bool, told: bool) -> None:
        own = data(rows, diseases, known=known, told=told)
        head, objective = made(kind, own, settings(loss))
        objective.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            terms = loss_terms(head.train(), objective, batch_of(own))
        total = objective.total(terms)
        assert math.isfinite(total.item())
        if total.requires_grad:
            total.backward()
        for parameter in head.parameters():
            assert parameter.grad is None or parameter.grad.isfinite().all()

    def test_it_falls_when_it_is_learned(self, kind: str, loss: str) -> None:
        if kind == "none":  # it learns with a tower only
            return
        own = data()
        head, objective = made(kind, own, settings(loss))
        optimiser = torch.optim.Adam([*head.parameters(), *objective.parameters()], lr=3e-3)
        found, batch = [], batch_of(own)
        for _ in range(30):
            terms = loss_terms(head.eval(), objective, batch)
            found.append(terms[loss].item())
            optimiser.zero_grad()
            terms[loss].backward()
            optimiser.step()
        assert found[-1] < 0.95 * found[0]


@pytest.mark.parametrize("kind", ["linear", "projection", "disease-tokens"])
def test_semantic_alignment_falls_and_is_that_of_its_parts(kind: str) -> None:
    own, config = data(), settings("alignment", alignment_form="semantic")
    head, objective = made(kind, own, config)
    batch = batch_of(own)
    found = loss_terms(head.eval(), objective, batch)["alignment"]
    embedding = head.images(batch.features).embedding
    if head.caption_branch:
        told = batch.labels[::2]
        wanted = semantic(embedding[::2], told, head.texts(batch.texts), told)
    else:
        wanted = semantic(embedding, batch.labels, head.prompts(batch.prompts), torch.eye(3))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5) and found.item() > 0


def test_two_classifiers_are_that_of_the_images_and_that_of_the_prompts() -> None:
    own, config = data(), ObjectiveConfig(consistency=1.0, vector=1.0)
    head, objective = made("disease-tokens", own, config)
    batch = batch_of(own)
    terms = loss_terms(head.eval(), objective, batch)
    output = head.images(batch.features)
    assert output.logits is not None and output.tokens is not None
    positive, negative = head.prompts(own.texts.prompts()), head.prompts(own.texts.negatives())
    second = prompt_logits(output.tokens, positive, negative, head.scale)
    assert terms["consistency"].item() == pytest.approx(consistency(output.logits, second).item(), rel=1e-5)
    assert terms["vector"].item() == pytest.approx(vector(output.logits, second).item(), rel=1e-5)


def test_subspaces_of_those_that_have_a_text() -> None:
    own = data()
    head, objective = made("projection", own, settings("subspaces"))
    batch = batch_of(own)
    found = loss_terms(head.eval(), objective, batch)["subspaces"]
    texts = own.texts.captions(torch.arange(6))
    wanted = subspaces(head.parted(batch.features, head.images(batch.features).embedding, texts, head.texts(texts)))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


class TestThreeClasses:
    CONFIG = settings("classification", classification_form="three-class")

    def test_a_head_has_three_logits_and_predicts_from_two(self) -> None:
        own = data()
        head, objective = made("disease-tokens", own, self.CONFIG)
        batch = batch_of(own)
        output = head.eval().images(batch.features)
        assert output.classes is not None and output.classes.shape == (12, 3, 3)
        assert output.logits is not None and torch.equal(output.logits, output.classes[..., 1] - output.classes[..., 0])
        shares = output.classes.softmax(-1)
        wanted = shares[..., 1] / (shares[..., 0] + shares[..., 1])
        assert torch.allclose(output.logits.sigmoid(), wanted, atol=1e-6)
        total, known = 0.0, 0
        for i in range(12):
            for k in range(3):
                if not math.isnan(value := own.train.stated[i, k].item()):
                    total -= math.log(shares[i, k, {0: 0, 1: 1, -1: 2}[value]].item())
                    known += 1
        assert known > int((~own.train.labels.isnan()).sum())  # uncertain cells count here
        found = loss_terms(head, objective, batch)["classification"]
        assert found.item() == pytest.approx(total / known, rel=1e-4)

    def test_two_classes_are_as_they_were(self) -> None:
        own = data()
        output = made("disease-tokens", own, settings("classification"))[0].images(
            own.train.images(torch.arange(3), None)
        )
        assert output.classes is None and output.logits is not None

    def test_it_learns_what_is_uncertain(self) -> None:
        own = data()
        head, objective = made("disease-tokens", own, self.CONFIG)
        optimiser, batch = torch.optim.Adam(head.parameters(), lr=1e-2), batch_of(own)
        for _ in range(60):
            optimiser.zero_grad()
            loss_terms(head.eval(), objective, batch)["classification"].backward()
            optimiser.step()
        classes = head.images(batch.features).classes
        assert classes is not None
        known = ~own.train.stated.isnan()
        assert torch.equal(classes.argmax(-1)[known], own.train.stated[known].long() % 3)


def test_views_need_a_second_one() -> None:
    own = data()
    head, objective = made("projection", own, settings("views"))
    assert loss_terms(head, objective, own.batch(own.train, torch.arange(4))) == {}
    assert math.isnan(validation_loss(head.eval(), objective, own, 4))  # images are not augmented there


def test_mixed_images_keep_the_losses_that_need_no_answers() -> None:
    own, config = data(), ObjectiveConfig(consistency=1.0, classification=1.0)
    head, objective = made("disease-tokens", own, config)
    batch, others = batch_of(own), torch.arange(12).roll(1)
    head.eval()
    plain, turned = loss_terms(head, objective, batch), loss_terms(head, objective, batch.answers_of(others))
    mixed = mixed_terms(head, objective, batch, 0.25, others)
    assert mixed["consistency"].item() == pytest.approx(plain["consistency"].item(), rel=1e-6)
    wanted = 0.25 * plain["classification"].item() + 0.75 * turned["classification"].item()
    assert mixed["classification"].item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("disease-tokens", settings("classification", classification_form="three-class")),
        ("disease-tokens", settings("alignment", alignment_form="semantic")),
        ("projection", settings("alignment", alignment_form="semantic")),
        ("disease-tokens", settings("consistency")),
        ("disease-tokens", settings("vector")),
    ],
)
def test_validation_weighs_batches_by_what_is_known(kind: str, config: ObjectiveConfig) -> None:
    """Fifteen rows in batches of four: each batch counts with its cells, findings or rows."""
    own = data()
    head, objective = made(kind, own, config)
    head.eval(), objective.eval()
    (loss,) = config.weights
    total, count = 0.0, 0
    for rows in torch.arange(15).split(4):
        batch = own.batch(own.val, rows)
        labels, stated = batch.labels, batch.stated
        if kind == "projection":
            labels = labels[batch.caption_of >= 0]
        known = {
            "classification": sum(not math.isnan(value) for value in stated.flatten().tolist()),
            "alignment": sum(1 in column for column in labels.T.tolist()),
        }.get(loss, len(rows))
        total += known * loss_terms(head, objective, batch)[loss].item()
        count += known
    assert validation_loss(head, objective, own, 4) == pytest.approx(total / count, rel=1e-5)
