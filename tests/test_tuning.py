"""What of the towers learns: which parameters, from when on, how fast; and training through towers that learn."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.augmentation.drawing import MixUp
from core.batches import loss_terms, mixed_terms
from core.config.augmentation import AugmentationConfig
from core.config.objective import ObjectiveConfig
from core.config.run import HeadConfig, TrainingConfig
from core.config.tuning import TuningConfig
from core.embedding import Captions
from core.encoders import Encoder
from core.errors import ConfigError
from core.feeds import CachedImages, CachedTexts, LiveImages, LiveTexts, Moment, ensemble
from core.heads import build_head
from core.inputs import Split, TrainingData
from core.losses.objective import Objective
from core.training import Trainer, seed_everything
from core.tuning import Tuning, frozen, learned_state, learning_rates, load_learned, make_optimiser, parameter_groups
from tests.small_towers import small_encoder

K, N, VAL = 3, 20, 8
WRITTEN = ["a mass", "no finding", "two nodules", "an effusion"]
PROMPTS = [[f"{name} seen", f"there is {name}"] for name in ("mass", "nodule", "effusion")]
LINEAR = ObjectiveConfig(classification=1.0)
CONTRASTIVE = ObjectiveConfig(contrastive=1.0)


def tuned(encoder: Encoder, **settings: Any) -> Tuning:
    return Tuning({"image": encoder.image, "text": encoder.text}, TuningConfig(**settings), seed=0)


def learning(encoder: Encoder) -> set[str]:
    """Which blocks, and parts beside them, learn now."""
    towers = {"image": encoder.image, "text": encoder.text}
    names = [
        f"{tower}.{name}"
        for tower, module in towers.items()
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    ]
    return {".".join(name.split(".")[: 3 if ".rungs." in name else 2]) for name in names}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, set()),
        ({"image": "last-blocks", "blocks": 1}, {"image.last", "image.rungs.1"}),
        ({"image": "last-blocks", "blocks": 2}, {"image.last", "image.rungs.1", "image.rungs.0"}),
        ({"image": "last-blocks", "blocks": 99}, {"image.last", "image.rungs.1", "image.rungs.0"}),
        ({"text": "last-blocks", "blocks": 1}, {"text.last", "text.rungs.1"}),
        ({"text": "everything"}, {"text.last", "text.rungs.1", "text.rungs.0", "text.words"}),
    ],
)
def test_which_parameters_learn(settings: dict[str, Any], expected: set[str]) -> None:
    encoder = small_encoder()
    made = tuned(encoder, **settings)
    assert learning(encoder) == expected
    assert set(made.towers) == {name.split(".")[0] for name in expected}


def test_blocks_begin_at_their_epochs_from_the_top() -> None:
    encoder = small_encoder()
    made = tuned(encoder, image="everything", unfreeze_at=(0, 2))
    seen = []
    for epoch in range(4):
        made.thaw(epoch)
        seen.append(learning(encoder))
    top, rest = {"image.last", "image.rungs.1"}, {"image.rungs.0", "image.stem"}
    assert seen == [top, top, top | rest, top | rest]  # after the last epoch nothing is left to wait for
    made.thaw(0)
    assert learning(encoder) == top  # a run that goes on is at its own epoch again


def test_lower_blocks_learn_slower() -> None:
    made = tuned(small_encoder(), image="everything", learning_rate=0.1, layer_decay=0.5)
    assert [part.rate for part in made.parts] == [0.1, 0.05, 0.025, 0.0125]
    assert [next(iter(part.parameters)).split(".")[1] for part in made.parts] == ["last", "rungs", "rungs", "stem"]


def test_matrices_decay_and_nothing_else_does() -> None:
    encoder = small_encoder()
    made = tuned(encoder, text="last-blocks", blocks=1, learning_rate=0.01)
    head = nn.Linear(4, 2)
    groups = parameter_groups((head,), made, rate=0.1, weight_decay=0.3)
    told = [(len(group["params"]), group["peak"], group["weight_decay"]) for group in groups]  # type: ignore[arg-type]
    assert told == [(1, 0.1, 0.3), (1, 0.1, 0.0), (1, 0.01, 0.3), (1, 0.01, 0.0), (1, 0.01, 0.3), (1, 0.01, 0.0)]
    assert [group["of"] for group in groups] == ["head"] * 2 + ["text tower"] * 4
    assert all(one.ndim >= 2 for group in groups if group["weight_decay"] for one in group["params"])  # type: ignore[attr-defined]
    assert isinstance(make_optimiser("sgd", groups), torch.optim.SGD)


def test_what_is_frozen_stays_in_evaluation_mode() -> None:
    encoder = small_encoder()
    made = tuned(encoder, image="last-blocks", blocks=1)
    made.train()
    below, above = encoder.image.rungs
    assert not any(part.training for part in below.modules())  # type: ignore[union-attr]
    assert all(part.training for part in above.modules())  # type: ignore[union-attr]
    assert not encoder.text.training
    before = below[1].running_mean.clone(), above[1].running_mean.clone()  # type: ignore[union-attr]
    encoder.image(torch.rand(4, 1, 8, 8) * 255)
    assert torch.equal(below[1].running_mean, before[0])  # type: ignore[union-attr]
    assert not torch.equal(above[1].running_mean, before[1])  # type: ignore[union-attr]
    made.eval()
    assert not encoder.image.training


def test_only_what_learned_is_stored_and_comes_back() -> None:
    encoder = small_encoder()
    made = tuned(encoder, image="last-blocks", blocks=1)
    state = {name: value.clone() for name, value in made.state().items()}
    parameters = {f"image.{part}.{kind}" for part in ("last", "rungs.1.0", "rungs.1.1") for kind in ("weight", "bias")}
    assert {name for name in state if "running" not in name and "num_batches" not in name} == parameters
    with torch.no_grad():
        encoder.image.last.weight.zero_()  # type: ignore[union-attr,operator]
        encoder.image.rungs[1][1].running_mean.fill_(3)  # type: ignore[index]
    made.load(state)
    assert all(torch.equal(value, made.state()[name]) for name, value in state.items())
    with pytest.raises(ConfigError, match=r"other settings"):
        made.load({"image.last.weight": state["image.last.weight"]})
    assert frozen().state() == {}


def pixels() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (N + VAL, 8, 8), dtype=np.uint8)


def labels() -> Tensor:
    return (torch.rand(N + VAL, K, generator=torch.Generator().manual_seed(1)) < 0.5).float()


AS_THEY_ARE = AugmentationConfig()


def live(encoder: Encoder, augmentation: AugmentationConfig = AS_THEY_ARE) -> TrainingData:
    """Everything goes through the towers."""
    device, truth = torch.device("cpu"), labels()
    whose = torch.arange(N + VAL) % len(WRITTEN)

    def split(rows: np.ndarray[Any, np.dtype[np.int64]]) -> Split:
        own = torch.from_numpy(rows)
        return Split(
            images=LiveImages(encoder.image, pixels(), rows, device, augmentation, seed=3),
            labels=truth[own],
            stated=truth[own],
            caption_of=whose[own],
        )

    texts = LiveTexts(encoder.text, WRITTEN, PROMPTS, [["no " + text for text in own] for own in PROMPTS], device)
    train, val = split(np.arange(N)), split(np.arange(N, N + VAL))
    return TrainingData(train=train, val=val, texts=texts, mixup=augmentation.mixup)


def test_towers_that_have_learned_nothing_yet_give_what_was_cached() -> None:
    encoder = small_encoder()
    own = live(encoder)
    rows = torch.tensor([3, 0, 7])
    with torch.no_grad():
        images = torch.from_numpy(encoder.embed_images(pixels()))
        cached = CachedImages(images[:N])
        assert torch.allclose(own.train.images(rows, None), cached(rows, None), atol=1e-6)
        assert torch.allclose(own.val.images(rows, None), images[N:][rows], atol=1e-6)
        captions = torch.from_numpy(encoder.embed_texts(WRITTEN))
        codes = torch.tensor([2, 0, 2, 3])
        assert torch.allclose(own.texts.captions(codes), captions[codes], atol=1e-6)
        each = torch.stack([torch.from_numpy(encoder.embed_texts(own_prompts)) for own_prompts in PROMPTS])
        assert torch.allclose(own.texts.prompts(), ensemble(each), atol=1e-6)
        assert not torch.allclose(own.texts.prompts(), own.texts.negatives(), atol=1e-3)


CHANGES = AugmentationConfig(rotation=10, noise=20, crop=0.7, mixup=0.5)


def trainer(folder: Path, encoder: Encoder, kind: str, objective: ObjectiveConfig, **tuning: Any) -> Trainer:
    seed_everything(3)
    own = live(encoder, CHANGES)
    with torch.no_grad():
        prompts = own.texts.prompts()
    head = build_head(
        HeadConfig(kind=kind, width=8),  # type: ignore[arg-type]
        image_width=6,
        prompts=prompts,
        temperature=0.1,
        learn_temperature=objective.learn_temperature,
    )
    plan = TrainingConfig(epochs=4, batch_size=6, learning_rate=0.01)
    return Trainer(head, Objective(objective), own, plan, seed=3, folder=folder, tuning=tuned(encoder, **tuning))


def told(steps: Any, most: int = 99) -> list[dict[str, Any]]:
    clock = ("elapsed", "images_per_second", "use")
    found = []
    for _, step in zip(range(most), steps, strict=False):
        found.append({key: value for key, value in asdict(step).items() if key not in clock})
    return found


@pytest.mark.parametrize(
    ("kind", "objective", "tuning"),
    [
        ("linear", LINEAR, {"image": "everything", "unfreeze_at": (0, 1, 2), "learning_rate": 0.01}),
        ("projection", CONTRASTIVE, {"image": "last-blocks", "text": "everything", "learning_rate": 0.01}),
        ("none", CONTRASTIVE, {"text": "everything", "learning_rate": 0.01}),
    ],
)
def test_an_interrupted_run_goes_on_bit_for_bit(
    tmp_path: Path, kind: str, objective: ObjectiveConfig, tuning: dict[str, Any]
) -> None:
    """With dropout, batch statistics, augmentation, MixUp and gradual unfreezing on."""
    whole = trainer(tmp_path / "whole", small_encoder(), kind, objective, **tuning)
    expected = told(whole.steps())
    first = trainer(tmp_path / "broken", small_encoder(), kind, objective, **tuning)
    begun = told(first.steps(), 7)
    first.save()
    second = trainer(tmp_path / "broken", small_encoder(), kind, objective, **tuning)
    assert second.resume() == 7
    assert begun + told(second.steps()) == expected
    one, two = (learned_state(run.head, run.tuning) for run in (whole, second))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_frozen_layers_keep_their_weights_and_the_others_move(tmp_path: Path) -> None:
    encoder, untouched = small_encoder(), small_encoder()
    run = trainer(tmp_path, encoder, "projection", CONTRASTIVE, text="last-blocks", blocks=1, learning_rate=0.01)
    list(run.steps())
    assert all(torch.equal(a, b) for a, b in zip(encoder.image.parameters(), untouched.image.parameters(), strict=True))
    moved = {
        name
        for (name, a), b in zip(encoder.text.named_parameters(), untouched.text.parameters(), strict=True)
        if not torch.equal(a, b)
    }
    assert moved == {"rungs.1.0.weight", "rungs.1.0.bias", "last.weight", "last.bias"}


def test_learned_weights_move_to_other_towers(tmp_path: Path) -> None:
    encoder = small_encoder()
    run = trainer(tmp_path, encoder, "linear", LINEAR, image="everything", learning_rate=0.01)
    list(run.steps())
    fresh = trainer(tmp_path / "fresh", small_encoder(), "linear", LINEAR, image="everything")
    load_learned(fresh.head, fresh.tuning, learned_state(run.head, run.tuning))
    run.tuning.eval()
    fresh.tuning.eval()
    rows = torch.arange(5)
    with torch.no_grad():
        one, two = (one.data.train.images(rows, None) for one in (run, fresh))
    assert torch.equal(one, two)


def test_epochs_see_changed_images_and_validation_does_not() -> None:
    encoder = small_encoder()
    own = live(encoder, AugmentationConfig(noise=60))
    rows = torch.tensor([4, 1])
    with torch.no_grad():
        plain, first, again, second = (
            own.train.images(rows, moment) for moment in (None, Moment(0, 0), Moment(0, 9), Moment(1, 9))
        )
    assert torch.equal(first, again) and not torch.equal(first, second) and not torch.equal(first, plain)


def test_cached_views_are_taken_in_turn() -> None:
    views = torch.arange(12.0).view(2, 3, 2)
    images = CachedImages(torch.full((3, 2), -1.0), views)
    rows = torch.tensor([2, 0])
    assert images(rows, None).tolist() == [[-1, -1], [-1, -1]]
    assert images(rows, Moment(0, 0)).tolist() == [[4, 5], [0, 1]]
    assert images(rows, Moment(1, 5)).tolist() == images(rows, Moment(3, 9)).tolist() == [[10, 11], [6, 7]]
    half = MixUp(0.75, np.array([1, 0]))
    assert images(rows, Moment(0, 0, half)).tolist() == [[3, 4], [1, 2]]


def test_a_second_view_is_another_one_in_training_alone() -> None:
    views = torch.arange(12.0).view(2, 3, 2)
    cached, unknown = CachedImages(torch.zeros(3, 2), views), torch.full((3, K), float("nan"))
    one = Split(images=cached, labels=unknown, stated=unknown, caption_of=torch.full((3,), -1))
    own = replace(live(small_encoder()), train=one, two_views=True)
    batch = own.batch(one, torch.tensor([1]), Moment(1, 7))
    assert batch.features.tolist() == [[8, 9]] and batch.second is not None and batch.second.tolist() == [[2, 3]]
    assert own.batch(one, torch.tensor([1])).second is None
    fresh = replace(live(small_encoder(), AugmentationConfig(noise=60)), two_views=True)
    with torch.no_grad():
        batch = fresh.batch(fresh.train, torch.arange(3), Moment(0, 0))
        later = fresh.batch(fresh.train, torch.arange(3), Moment(1, 0))
    assert batch.second is not None and not torch.equal(batch.features, batch.second)
    assert not torch.equal(batch.second, later.features)


def test_the_temperature_follows_its_schedule(tmp_path: Path) -> None:
    led = ObjectiveConfig(contrastive=1.0, learn_temperature=False, temperature=0.5, temperature_end=0.05)
    run = trainer(tmp_path, small_encoder(), "projection", led)
    seen = [step["temperature"] for step in told(run.steps())]
    assert seen[0] == pytest.approx(0.5) and seen[-1] == pytest.approx(0.05)
    assert all(later < earlier for earlier, later in pairwise(seen))


def test_mixed_images_answer_for_both() -> None:
    """The loss of a mixed batch is the loss against labels that are mixed alike, for the cross-entropy."""
    encoder = small_encoder()
    own = live(encoder)
    head = build_head(
        HeadConfig(kind="linear"), image_width=6, prompts=torch.eye(3, 5), temperature=0.1, learn_temperature=True
    ).eval()
    rows, others = torch.arange(6), torch.tensor([3, 4, 5, 0, 2, 1])
    batch = own.batch(own.train, rows)
    objective = Objective(LINEAR)
    found = mixed_terms(head, objective, batch, 0.7, others)["classification"]
    soft = 0.7 * batch.labels + 0.3 * batch.labels[others]
    logits = head.images(batch.features).logits
    assert logits is not None
    assert torch.allclose(found, torch.nn.functional.binary_cross_entropy_with_logits(logits, soft), atol=1e-6)
    both = loss_terms(head, objective, batch)["classification"], loss_terms(head, objective, batch.answers_of(others))
    assert torch.allclose(found, 0.7 * both[0] + 0.3 * both[1]["classification"])


def test_batches_ask_the_text_tower_only_when_a_loss_does(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = small_encoder()
    own = live(encoder)
    batch = own.batch(own.train, torch.tensor([0, 1]), Moment(0, 0))
    monkeypatch.setattr(encoder.text, "tokenize", lambda texts: pytest.fail("nobody asked"))
    assert batch.features.shape == (2, 6) and len(batch) == 2


def test_captions_of_a_batch_may_be_missing() -> None:
    encoder = small_encoder()
    own = live(encoder)
    own.train.caption_of[:3] = -1
    batch = own.batch(own.train, torch.tensor([0, 3, 2]))
    assert batch.written.tolist() == [False, True, False]
    assert batch.texts.shape == (1, 5)
    assert own.batch(own.train, torch.tensor([0, 2])).texts.shape == (0, 5)
    assert Captions(distinct=WRITTEN, of_sample=own.train.caption_of).of_sample[0] == -1


def test_cached_texts() -> None:
    texts = CachedTexts(torch.arange(6.0).view(3, 2), torch.ones(2, 2), torch.zeros(2, 2))
    assert texts.captions(torch.tensor([2, 0, 2])).tolist() == [[4, 5], [0, 1], [4, 5]]
    assert texts.prompts().tolist() == [[1, 1], [1, 1]] and texts.negatives().sum() == 0


def test_rates_are_told_of_what_learns_now() -> None:
    head, tower = nn.Linear(2, 2), {"image": nn.Linear(2, 2), "deep": nn.Linear(2, 2), "text": nn.Linear(2, 2)}
    groups = [
        {"params": list(module.parameters()), "of": of, "lr": rate}
        for module, of, rate in [
            (head, "head", 0.4),
            (tower["image"], "image tower", 0.2),
            (tower["deep"], "image tower", 0.1),
            (tower["text"], "text tower", 0.3),
        ]
    ]
    optimiser = make_optimiser("adamw", groups)  # type: ignore[arg-type]
    tower["text"].requires_grad_(False)
    expected = {"head": 0.4, "image tower": 0.2, "image tower lowest": 0.1}
    assert learning_rates(optimiser) == expected
    tower["text"].requires_grad_(True)
    assert learning_rates(optimiser) == expected | {"text tower": 0.3}
    assert learning_rates(make_optimiser("adamw", groups[:1])) == {}  # type: ignore[arg-type]
