"""That heads learn what they are trained for: the orthogonal module on real prompts, each preset on one batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config.objective import ObjectiveConfig
from core.config.presets import preset
from core.config.run import HeadConfig
from core.feeds import CachedImages, CachedTexts
from core.heads import TextModule, build_head
from core.inputs import Split, TrainingData
from core.losses.objective import Objective
from core.training import Trainer, seed_everything
from tests.test_heads import DISEASES, IMAGE, TEXT, drawn


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Matrices this small are slower on more threads, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def clip_prompts(real_data: Path) -> Tensor:
    vectors: Tensor = torch.load(real_data / "text_embeddings/clip_basic.pt", weights_only=True, map_location="cpu")
    assert cosines(F.normalize(vectors, dim=-1)).mean().item() == pytest.approx(0.853, abs=1e-3)
    return vectors


class TestOrthogonalModule:
    """The module alone, on real CLIP embeddings of 14 findings, whose mean cosine is 0.853."""

    def test_gram_brings_prompts_to_right_angles(self, clip_prompts: Tensor) -> None:
        found = cosines(trained(clip_prompts, ObjectiveConfig(orthogonal=1.0), steps=200))
        assert found.abs().mean() < 0.02
        assert found.abs().max() < 0.05

    def test_absolute_does_so_too(self, clip_prompts: Tensor) -> None:
        config = ObjectiveConfig(orthogonal=1.0, orthogonal_form="absolute")
        assert cosines(trained(clip_prompts, config, steps=200)).abs().mean() < 0.02

    def test_cross_entropy_goes_on_to_the_simplex(self, clip_prompts: Tensor) -> None:
        config = ObjectiveConfig(orthogonal=1.0, orthogonal_form="cross-entropy")
        found = cosines(trained(clip_prompts, config, steps=200))
        assert found.mean().item() == pytest.approx(-1 / 13, abs=0.002)
        assert found.std() < 0.03  # every cosine, not the mean alone

    def test_it_is_deterministic(self, clip_prompts: Tensor) -> None:
        config = ObjectiveConfig(orthogonal=1.0)
        assert torch.equal(trained(clip_prompts, config, steps=5), trained(clip_prompts, config, steps=5))


def cosines(vectors: Tensor) -> Tensor:
    return (vectors @ vectors.T)[~torch.eye(len(vectors), dtype=torch.bool)]


def trained(prompts: Tensor, config: ObjectiveConfig, steps: int) -> Tensor:
    """The prompts after training on the orthogonal loss alone, in evaluation mode."""
    torch.manual_seed(0)
    module, objective = TextModule(prompts.shape[1], HeadConfig(width=prompts.shape[1])), Objective(config)
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        objective.orthogonal(module(prompts)).backward()
        optimiser.step()
    module.eval()
    with torch.no_grad():
        found: Tensor = module(prompts)
    return found


@pytest.mark.parametrize("name", ["linear", "contrastive", "orthogonal"])
def test_each_preset_overfits_one_batch(name: str, tmp_path: Path) -> None:
    """Every term of the objective falls to a fraction of its chance level on one small batch."""
    config = preset(name, study="x", encoder="lite")
    head_config = config.head.replace(width=32)
    labels = (torch.rand(12, DISEASES, generator=torch.Generator().manual_seed(3)) < 0.4).float()
    labels[0, 0] = float("nan")
    captions, prompts = drawn(9, TEXT, seed=1), drawn(DISEASES, TEXT, seed=2) + 2
    caption_of = torch.tensor([0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8])
    unknown = torch.full((1, DISEASES), float("nan"))
    data = TrainingData(
        train=Split(images=CachedImages(drawn(12, IMAGE)), labels=labels, stated=labels, caption_of=caption_of),
        val=Split(images=CachedImages(drawn(1, IMAGE)), labels=unknown, stated=unknown, caption_of=caption_of[:1]),
        texts=CachedTexts(captions, prompts, drawn(DISEASES, TEXT, seed=4) + 2),
    )
    seed_everything(0)
    head = build_head(head_config, image_width=IMAGE, prompts=prompts, temperature=0.07, learn_temperature=True)
    head.fit_statistics(drawn(12, IMAGE), labels)
    training = config.training.replace(epochs=120, batch_size=12, learning_rate=1e-2)
    trainer = Trainer(head, Objective(config.objective), data, training, seed=0, folder=tmp_path)
    head.eval()
    with torch.no_grad():
        before = {key: value.item() for key, value in trainer.terms(torch.arange(12)).items()}
    assert set(before) == set(Objective(config.objective).weights)
    for _ in trainer.steps():
        pass
    head.eval()
    with torch.no_grad():
        after = {key: value.item() for key, value in trainer.terms(torch.arange(12)).items()}
    floor = {"contrastive": 6 / 12 * 0.6931 if name == "contrastive" else 0.0}  # three pairs share a text
    for term, value in after.items():
        assert value - floor.get(term, 0.0) < 0.1 * (before[term] - floor.get(term, 0.0)), (term, before[term], value)
