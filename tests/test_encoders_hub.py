"""Encoders: open_clip models from a hub, from its client's cache and from a folder, bit for bit."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, BertTokenizerFast

from core.config.encoders import EncoderConfig, TowerConfig, resolve_encoder
from core.encoders import load_encoder
from core.errors import WeightsMissing
from core.towers.base import Recipe, fingerprint
from core.workspace import ROOT
from tests.hub import serving
from tests.test_encoders import cosine, noise, unreachable  # noqa: F401

BIOMEDCLIP = "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"
BIOMEDBERT = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
MEAN, STD = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
TEXTS = ["pleural effusion", "no mass in the left lung", ""]
CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


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
    tower = TowerConfig(family="open_clip", name="tiny-clip", pretrained="openai")
    named = EncoderConfig(key="tiny-clip", image=tower, text=tower)
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


def fingerprints(model: nn.Module) -> list[str]:
    """Of the image half, and of what texts need."""
    text = copy.deepcopy(model)
    del text.visual, text.logit_scale
    return [fingerprint(nn.ModuleDict({"model": half})) for half in (model.visual, text)]  # type: ignore[dict-item]


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
        assert getattr(hub, where)[name]["fingerprint"] == fingerprints(model)  # every weight, bit for bit
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
        assert [encoder.image_weights, encoder.text_weights] == fingerprints(source)
        with torch.inference_mode():
            wanted = source.encode_text(open_clip.SimpleTokenizer(context_length=77)(TEXTS))  # type: ignore[operator]
        assert np.allclose(encoder.embed_texts(TEXTS), wanted.numpy(), rtol=1e-5, atol=1e-5)
        assert encoder.image.recipe == Recipe(side=64, mean=tuple(MEAN), std=tuple(STD))

    @pytest.mark.parametrize(
        "damage", ["no weights", "torn weights", "a pickle", "no model_cfg", "odd model_cfg", "not JSON"]
    )
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
