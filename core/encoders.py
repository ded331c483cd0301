"""Encoders: an image tower and a text tower, frozen until something else is wanted of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.config.encoders import EncoderConfig
from core.devices import autocast, best_device, precision
from core.errors import InputError
from core.towers.base import TextTower, Towers, fingerprint
from core.towers.loading import load_text, load_towers

CLIP_SCALE = 100.0
"""CLIP's logit scale where a model brings none of its own (Radford et al., 2021: clipped at 100)."""


class TextEncoder:
    """A text tower in evaluation mode, without gradients: all that a sentence needs.

    Attributes:
        config: what it was made from.
        text: the tower.
        text_width: dimension of the raw features.
        text_weights: hash of the weights, part of every cache key.
    """

    def __init__(self, config: EncoderConfig, text: TextTower, device: torch.device | None = None) -> None:
        self.config = config
        self.device = device or best_device()
        self.text = text.eval().requires_grad_(False).to(self.device)
        self.text_width = self.text.width
        self.fingerprint_towers()

    def fingerprint_towers(self) -> None:
        """Take the hashes of the weights (again, when they have been changed)."""
        self.text_weights = fingerprint(self.text)

    @property
    def precision(self) -> str:
        return precision(self.device)

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str], batch_size: int = 64) -> NDArray[np.float32]:
        """Raw features float32 (n, text_width), not normalised; each text stands alone."""
        parts = []
        for start in range(0, len(texts), batch_size):
            tokens = self.text.tokenize(texts[start : start + batch_size])
            with autocast(self.device):
                found = self.text({name: value.to(self.device) for name, value in tokens.items()})
            parts.append(found.float().cpu().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, self.text_width), np.float32)


class Encoder(TextEncoder):
    """Both towers in evaluation mode, without gradients.

    Attributes:
        image: the image tower.
        image_width: dimension of its raw features. Where it differs from ``text_width`` (or ``aligned`` is false) the
            towers share no space.
        aligned: whether the towers were trained together, so that cosines across modalities mean something.
        logit_scale: the inverse temperature that it was trained with.
        image_weights: hash of the image tower's weights, part of every cache key.
    """

    def __init__(self, config: EncoderConfig, towers: Towers, device: torch.device | None = None) -> None:
        device = device or best_device()
        self.image = towers.image.eval().requires_grad_(False).to(device)
        super().__init__(config, towers.text, device)
        self.aligned = config.aligned
        self.logit_scale = towers.logit_scale or CLIP_SCALE
        self.image_width = self.image.width

    def fingerprint_towers(self) -> None:
        super().fingerprint_towers()
        self.image_weights = fingerprint(self.image)

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
        return self.embed_pixels(as_pixels(images, self.device))

    @torch.inference_mode()
    def embed_pixels(self, pixels: Tensor) -> NDArray[np.float32]:
        """Raw features (b, image_width) of float (b, 1, S, S) in 0..255 on this encoder's device."""
        if not len(pixels):
            return np.zeros((0, self.image_width), np.float32)
        with autocast(self.device):
            features = self.image(pixels)
        return features.float().cpu().numpy()


def as_pixels(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """uint8 (b, S, S) -> float (b, 1, S, S) in 0..255 on a device."""
    return torch.from_numpy(np.array(images)).to(device).float().unsqueeze(1)


def load_encoder(config: EncoderConfig, device: torch.device | None = None) -> Encoder:
    """Load both towers.

    Raises:
        WeightsMissing: not on this machine and no hub answers; says which, from where, and how to bring them.
    """
    return Encoder(config, load_towers(config), device)


def load_text_encoder(config: EncoderConfig, device: torch.device | None = None) -> TextEncoder:
    """Load the text tower alone (of a model that holds both, the image tower is let go).

    Raises:
        WeightsMissing: see :func:`load_encoder`.
    """
    return TextEncoder(config, load_text(config), device)
