"""The loop: rates, exact resuming, divergence, and data that has nothing to teach."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import Tensor

from core.batches import loss_terms, validation_loss, zero_shot_probabilities
from core.checkpoints import newest
from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, TrainingConfig
from core.errors import ConfigError, TrainingDiverged
from core.feeds import CachedImages, CachedTexts
from core.heads import Head, build_head
from core.inputs import Split, TrainingData
from core.logbook import StepMetrics
from core.losses.objective import Objective
from core.training import (
    Trainer,
    macro_auroc,
    schedule,
    seed_everything,
)

K, WIDTH, TEXT = 3, 12, 8
ORTHOGONAL = ObjectiveConfig(classification=1.0, contrastive=1.0, orthogonal=1.0)
PLAN = TrainingConfig(epochs=3, batch_size=7, learning_rate=0.01)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small are slower with more, much slower where other programs run too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def data(n: int = 22, labels: Tensor | None = None, seed: int = 0) -> TrainingData:
    """Features that say which findings are present, plus noise."""
    draw = torch.Generator().manual_seed(seed)
    truth = (torch.rand(n + 12, K, generator=draw) < 0.5).float()
    if labels is not None:
        truth[:n] = labels
    features = truth.nan_to_num() @ torch.randn(K, WIDTH, generator=draw) + torch.randn(n + 12, WIDTH, generator=draw)
    captions, positive, negative = (torch.randn(count, TEXT, generator=draw) for count in (5, K, K))
    return TrainingData(
        train=split(features[:n], truth[:n], torch.arange(n) % 5),
        val=split(features[n:], truth[n:], torch.arange(12) % 5),
        texts=CachedTexts(captions, F.normalize(positive, dim=-1), F.normalize(negative, dim=-1)),
    )


def features_of(one: Split) -> Tensor:
    return cast(CachedImages, one.images).features


def nobody(own: TrainingData) -> Split:
    return split(features_of(own.val)[:0], own.val.labels[:0], own.val.caption_of[:0])


def split(features: Tensor, labels: Tensor, caption_of: Tensor) -> Split:
    return Split(images=CachedImages(features), labels=labels, stated=labels, caption_of=caption_of)


def trainer(
    folder: Path,
    own: TrainingData | None = None,
    *,
    kind: str = "disease-tokens",
    objective: ObjectiveConfig = ORTHOGONAL,
    **changes: Any,
) -> Trainer:
    own = own or data()
    seed_everything(1)
    config = HeadConfig(kind=kind, width=16, dropout=0.4)  # type: ignore[arg-type]
    head = build_head(config, image_width=WIDTH, prompts=own.texts.prompts(), temperature=0.07, learn_temperature=True)
    return Trainer(head, Objective(objective), own, PLAN.replace(**changes), seed=1, folder=folder)


def told(steps: Iterator[StepMetrics]) -> list[dict[str, Any]]:
    """What must not depend on the clock."""
    return [
        {k: v for k, v in asdict(step).items() if k not in ("elapsed", "images_per_second", "use")} for step in steps
    ]


def weights(head: Head) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in head.state_dict().items()}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_learning_rate_warms_up_and_decays() -> None:
    shares = [schedule(0.2, step, 10) for step in range(10)]
    assert shares[:3] == [0.5, 1.0, 1.0]
    assert shares[6] == pytest.approx(0.5)  # half of the way down
    assert shares[9] == pytest.approx((1 + math.cos(math.pi * 7 / 8)) / 2)
    assert all(earlier > later > 0 for earlier, later in pairwise(shares[2:]))
    assert schedule(0.0, 0, 10) == 1.0
    assert schedule(1.0, 9, 10) == 1.0
    assert schedule(0.2, 0, 1) == 1.0


def test_zero_shot_probability_is_the_softmax_of_two_prompts() -> None:
    images = torch.tensor([[1.0, 0.0]])
    positive, negative = torch.tensor([[0.6, 0.8]]), torch.tensor([[0.0, 1.0]])
    expected = math.exp(5 * 0.6) / (math.exp(5 * 0.6) + math.exp(0.0))
    assert zero_shot_probabilities(images, positive, negative, 5.0).item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["linear", "projection", "disease-tokens"])
def test_it_learns(tmp_path: Path, kind: str) -> None:
    objective = ObjectiveConfig(contrastive=1.0) if kind == "projection" else ObjectiveConfig(classification=1.0)
    losses = [step.loss for step in trainer(tmp_path, kind=kind, objective=objective, epochs=12).steps()]
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])


def test_a_step_tells_what_happened(tmp_path: Path) -> None:
    own = trainer(tmp_path)
    steps = list(own.steps())
    assert [step.step for step in steps] == list(range(1, 13))
    assert (own.steps_per_epoch, own.total_steps) == (4, 12)
    assert [step.epoch for step in steps] == [step / 4 for step in range(1, 13)]
    assert [bool(step.validation) for step in steps] == [step % 4 == 0 for step in range(1, 13)]
    for step in steps:
        assert step.loss == pytest.approx(sum(step.terms.values()), rel=1e-5)
        assert set(step.terms) == {"classification", "contrastive", "orthogonal"}
        assert step.images_per_second > 0
        assert step.learning_rates == {}  # one rate alone
        assert step.temperature >= 0.01 - 1e-6
    assert all(a.elapsed < b.elapsed for a, b in pairwise(steps))
    assert steps[0].use["host_bytes"] > 0


def test_each_epoch_sees_each_row_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    own = trainer(tmp_path)
    orders = [own._order(epoch).tolist() for epoch in range(3)]
    assert all(sorted(order) == list(range(22)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert own._order(1).tolist() == orders[1]


@pytest.mark.parametrize("stops", [[1], [11], [12], [3, 4, 5], [4, 8], [2, 2, 9]])
@pytest.mark.parametrize("kind", ["disease-tokens", "projection"])
def test_resuming_is_exact(tmp_path: Path, kind: str, stops: list[int]) -> None:
    objective = ORTHOGONAL if kind == "disease-tokens" else ObjectiveConfig(contrastive=1.0, orthogonal=0.5)
    whole = trainer(tmp_path / "whole", kind=kind, objective=objective, keep="best")
    expected = told(whole.steps())
    whole.finish()
    found: list[dict[str, Any]] = []
    for stop in [*stops, 12]:
        part = trainer(tmp_path / "parts", kind=kind, objective=objective, keep="best")
        if found:
            torch.rand(17)  # whatever was drawn in between must not count
        assert part.resume() == len(found)
        steps = part.steps()
        while part.step < stop:
            found += told(iter([next(steps)]))
        part.save()
        if part.step < 12:
            next(steps)  # done, but lost in the crash
    part.finish()
    assert found == expected
    assert same(weights(part.head), weights(whole.head))
    assert part.best == whole.best


def test_time_is_summed_over_interruptions(tmp_path: Path) -> None:
    own = trainer(tmp_path)
    for _ in zip(range(3), own.steps(), strict=False):
        pass
    own.elapsed = 100.0
    own.save()
    again = trainer(tmp_path)
    again.resume()
    assert next(again.steps()).elapsed > 100


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    own, other = trainer(tmp_path), trainer(tmp_path)
    other.seed = 2
    assert told(own.steps())[0]["loss"] != told(other.steps())[0]["loss"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_features_that_are_not_finite_stop_it(tmp_path: Path, value: float) -> None:
    own = data()
    features_of(own.train)[:] = value
    with pytest.raises(TrainingDiverged, match=r"The classification loss became nan at step 1\."):
        list(trainer(tmp_path, own).steps())


def test_a_loss_that_is_not_finite_stops_it_at_that_step(tmp_path: Path) -> None:
    own = trainer(tmp_path)
    steps = own.steps()
    for _ in range(5):
        next(steps)
    own.save()
    good = weights(own.head)
    features_of(own.data.train)[own._order(1)[7:14]] = math.nan  # the rows of step 6
    with pytest.raises(TrainingDiverged, match=r"classification loss became nan at step 6\..*last finite checkpoint"):
        next(steps)
    assert same(weights(own.head), good), "nothing was updated"
    found = newest(tmp_path)
    assert found is not None
    assert found.step == 5
    assert same(found.tensors["model"], good)


def test_too_high_a_rate_is_told_as_such(tmp_path: Path) -> None:
    own = trainer(tmp_path, learning_rate=10.0, warmup=0.0, clip_norm=1e6, epochs=50)
    with torch.no_grad():
        own.head.split.weight.mul_(1e30)  # type: ignore[union-attr]
    with pytest.raises(TrainingDiverged, match=r"step \d+"):
        list(own.steps())


def test_a_gradient_that_is_not_finite_stops_it_before_the_weights_are_spoilt(tmp_path: Path) -> None:
    class Steep(Objective):
        def total(self, terms: dict[str, Tensor]) -> Tensor:
            total = super().total(terms)
            return total + (total - total.detach()).abs().sqrt()  # sqrt has an infinite slope at 0, value 0

    own = trainer(tmp_path)
    own.objective = Steep(ORTHOGONAL)
    before = weights(own.head)
    with pytest.raises(TrainingDiverged, match=r"gradient's norm became nan at step 1\."):
        list(own.steps())
    assert same(weights(own.head), before)


def test_the_best_weights_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    seen: dict[int, dict[str, Tensor]] = {}
    scores: dict[int, float] = {}
    wrong = data()
    wrong = replace(wrong, val=replace(wrong.val, labels=1 - wrong.val.labels))  # the more it learns, the worse it gets
    own = trainer(tmp_path, wrong, keep="best", epochs=8)
    for step in own.steps():
        if step.validation:
            seen[step.step], scores[step.step] = weights(own.head), step.validation["auroc"]
    best = max(scores, key=lambda step: (scores[step], step))
    assert own.best == {"step": best, "auroc": scores[best]}
    assert best != own.total_steps, "the last are the best: this test says nothing"
    own.finish()
    assert same(weights(own.head), seen[best])
    last = trainer(tmp_path / "last", wrong, epochs=8)
    list(last.steps())
    last.finish()
    assert same(weights(last.head), seen[own.total_steps])


@pytest.mark.parametrize("kind", ["disease-tokens", "projection", "linear"])
@pytest.mark.parametrize(("n", "batch"), [(8, 7), (1, 7), (3, 1)])
def test_a_batch_of_one(tmp_path: Path, kind: str, n: int, batch: int) -> None:
    objective = ObjectiveConfig(contrastive=1.0) if kind == "projection" else ObjectiveConfig(classification=1.0)
    steps = list(trainer(tmp_path, data(n), kind=kind, objective=objective, batch_size=batch).steps())
    assert len(steps) == 3 * math.ceil(n / batch)
    assert all(math.isfinite(step.loss) for step in steps)


@pytest.mark.parametrize("value", [0.0, 1.0, math.nan])
def test_labels_that_teach_nothing(tmp_path: Path, value: float) -> None:
    labels = torch.full((22, K), value)
    own = data(labels=labels)
    own = replace(own, val=replace(own.val, labels=torch.full_like(own.val.labels, value)))
    run = trainer(tmp_path, own, keep="best")
    steps = list(run.steps())
    assert all(math.isfinite(step.loss) and "auroc" not in step.validation for step in steps)
    if math.isnan(value):
        assert all(step.terms["classification"] == 0 for step in steps)
    assert run.note == (
        "No validation AUROC, because no finding has both classes in validation: the weights with the lowest "
        "validation loss are kept."
    )


def test_without_labels_to_judge_by_the_lowest_validation_loss_decides(tmp_path: Path) -> None:
    own = data()
    wrong = replace(  # the training split with somebody else's texts: the more it learns, the worse it gets
        own,
        val=split(features_of(own.train)[:12], own.val.labels * math.nan, torch.arange(1, 13) % 5),
    )
    objective = ObjectiveConfig(contrastive=1.0)
    run = trainer(tmp_path, wrong, kind="projection", objective=objective, keep="best", epochs=12)
    seen, losses = {}, {}
    for step in run.steps():
        if step.validation:
            assert set(step.validation) == {"loss"}
            seen[step.step], losses[step.step] = weights(run.head), step.validation["loss"]
    best = min(losses, key=lambda step: (losses[step], -step))
    assert run.best == {"step": best, "loss": losses[best]}
    assert best != run.total_steps, "the last are the best: this test says nothing"
    run.finish()
    assert same(weights(run.head), seen[best])


def test_validation_loss_is_a_mean_over_what_is_known(tmp_path: Path) -> None:
    own = data()
    own.val.labels[:7] = math.nan  # the whole first batch, so that a mean over batches would be too low
    run = trainer(tmp_path, own, objective=ObjectiveConfig(classification=2.0))
    run.head.eval()
    logits = run.head.images(features_of(own.val)[7:]).logits
    assert logits is not None
    known = torch.nn.functional.binary_cross_entropy_with_logits(logits, own.val.labels[7:])
    assert validation_loss(run.head, run.objective, own, 7) == pytest.approx(2 * known.item(), rel=1e-5)
    nothing = replace(own, val=replace(own.val, labels=torch.full_like(own.val.labels, math.nan)))
    assert math.isnan(validation_loss(run.head, run.objective, nothing, 7))


def test_a_radiograph_without_a_text_takes_no_part_in_the_contrastive_loss(tmp_path: Path) -> None:
    own = data()
    run = trainer(tmp_path, own, kind="projection", objective=ObjectiveConfig(contrastive=1.0))
    run.head.eval()

    def loss(rows: list[int], caption_of: Tensor) -> float:
        with_these = replace(own, train=replace(own.train, caption_of=caption_of))
        batch = with_these.batch(with_these.train, torch.tensor(rows))
        return loss_terms(run.head, run.objective, batch)["contrastive"].item()

    silent = own.train.caption_of.clone()
    silent[[1, 3]] = -1
    assert loss([0, 1, 2, 3, 4], silent) == pytest.approx(loss([0, 2, 4], own.train.caption_of), rel=1e-6)
    assert loss([1, 3], silent) == 0.0
    alone = replace(own, train=replace(own.train, caption_of=torch.full_like(own.train.caption_of, -1)))
    steps = list(
        trainer(tmp_path / "alone", alone, kind="projection", objective=ObjectiveConfig(contrastive=1.0)).steps()
    )
    assert all(step.loss == 0 for step in steps)


@pytest.mark.parametrize(("keep", "kept"), [("last", ""), ("best", ": the last weights are kept, not the best ones")])
def test_a_trainer_says_what_cannot_be_validated(tmp_path: Path, keep: str, kept: str) -> None:
    own = data()
    assert trainer(tmp_path, own, keep=keep).note is None
    none = replace(own, val=nobody(own))
    because = "No validation AUROC and no validation loss, because there is no validation split"
    assert trainer(tmp_path, none, keep=keep).note == f"{because}{kept}."


def test_unknown_labels_do_not_count(tmp_path: Path) -> None:
    own = data()
    own.train.labels[:, 1] = math.nan
    lines = told(trainer(tmp_path, own, objective=ObjectiveConfig(classification=1.0)).steps())
    run = trainer(tmp_path, own, objective=ObjectiveConfig(classification=1.0))
    rows = run._order(0)[:7]
    run.head.train()
    logits = run.head.images(features_of(own.train)[rows]).logits
    assert logits is not None
    known = torch.nn.functional.binary_cross_entropy_with_logits(logits[:, [0, 2]], own.train.labels[rows][:, [0, 2]])
    assert lines[0]["terms"]["classification"] == pytest.approx(known.item(), rel=1e-6)


@pytest.mark.parametrize("kind", ["disease-tokens", "projection", "linear"])
def test_without_validation_nothing_is_said_of_it(tmp_path: Path, kind: str) -> None:
    own = data()
    own = replace(own, val=nobody(own))
    objective = ObjectiveConfig(contrastive=1.0) if kind == "projection" else ObjectiveConfig(classification=1.0)
    assert all(step.validation == {} for step in trainer(tmp_path, own, kind=kind, objective=objective).steps())


def test_one_finding_alone(tmp_path: Path) -> None:
    own = data()
    first = [split(features_of(one), one.labels[:, :1], one.caption_of) for one in (own.train, own.val)]
    texts = CachedTexts(own.texts.captions(torch.arange(5)), own.texts.prompts()[:1], own.texts.negatives()[:1])
    one = replace(own, train=first[0], val=first[1], texts=texts)
    steps = list(trainer(tmp_path, one).steps())
    assert all(step.terms["contrastive"] == 0 and step.terms["orthogonal"] == 0 for step in steps)


@pytest.mark.parametrize(
    ("kind", "objective", "message"),
    [
        ("projection", ObjectiveConfig(classification=1.0), "no classifier"),
        ("projection", ORTHOGONAL, "no classifier"),
        ("linear", ObjectiveConfig(orthogonal=1.0), "leaves the prompts as they are"),
    ],
)
def test_an_objective_that_a_head_cannot_follow_is_refused(
    tmp_path: Path, kind: str, objective: ObjectiveConfig, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        trainer(tmp_path, kind=kind, objective=objective)


def test_macro_auroc_is_over_the_findings_that_have_both_classes() -> None:
    labels = np.array([[1, 1, 0, np.nan], [0, 1, 1, np.nan], [1, 1, np.nan, np.nan], [0, 1, 1, np.nan]])
    scores = np.random.default_rng(0).random(labels.shape)
    expected = [roc_auc_score(labels[:, 0], scores[:, 0]), roc_auc_score([0, 1, 1], scores[[0, 1, 3], 2])]
    assert macro_auroc(labels, scores) == pytest.approx(np.mean(expected))
    assert math.isnan(macro_auroc(labels[:, [1, 3]], scores[:, [1, 3]]))
    assert math.isnan(macro_auroc(labels[:0], scores[:0]))
