"""What every tower is: a module with one width, its own preprocessing, and layers in an order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.towers.layers import Blocks, blocks_by_name, layers

Tokens = dict[str, Tensor]
"""What a text tower reads: named (n, length) tensors of integers."""

SEED = 0
"""Towers that start from nothing draw their weights from it."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an image tower wants its input.

    Attributes:
        side: in pixels.
        mean, std: per channel (three, or one for a tower that reads grey images), of intensities in 0..1.
    """

    side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Tower(nn.Module):
    """What image and text towers share.

    Attributes:
        width: dimension of the features.
    """

    width: int

    def try_out(self) -> Tensor:
        """Features (1, width) of an empty example."""
        raise NotImplementedError

    def blocks(self) -> Blocks:
        """Which parameters stand in which block."""
        return blocks_by_name(self)

    def layers(self) -> list[list[str]]:
        """Names of all parameters in groups, from the input to the output: the stem, each block, what comes after."""
        return layers(self, self.blocks(), self.try_out)

    def measure(self) -> int:
        """The width, by trying the tower out; leaves it in evaluation mode."""
        with torch.no_grad():  # not inference_mode: towers keep tensors of their first pass
            return int(self.eval().try_out().shape[-1])

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


class ImageTower(Tower):
    """Images to features.

    Attributes:
        recipe: its preprocessing.
    """

    recipe: Recipe

    def prepare(self, pixels: Tensor) -> Tensor:
        """float (b, 1, S, S) in 0..255, bone white -> what the tower was trained on, (b, channels, side, side)."""
        side = self.recipe.side
        if pixels.shape[-1] != side:
            pixels = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True).clamp(0, 255)
        mean, std = (
            torch.tensor(values, device=pixels.device).view(1, -1, 1, 1)
            for values in (self.recipe.mean, self.recipe.std)
        )
        return ((pixels / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Tensor:
        """float (b, 1, S, S) in 0..255 -> (b, width), not normalised."""
        return self.features(self.prepare(pixels))

    def features(self, prepared: Tensor) -> Tensor:
        """What :meth:`prepare` gave -> (b, width)."""
        raise NotImplementedError

    def try_out(self) -> Tensor:
        return self(torch.zeros(1, 1, self.recipe.side, self.recipe.side, device=self.device))


class TextTower(Tower):
    """Texts to features."""

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """(n, length) on the CPU."""
        raise NotImplementedError

    def forward(self, tokens: Tokens) -> Tensor:
        """Tokens -> (n, width), not normalised; each text stands alone."""
        raise NotImplementedError

    def try_out(self) -> Tensor:
        return self({name: tokens.to(self.device) for name, tokens in self.tokenize(["chest"]).items()})


def fingerprint(module: nn.Module) -> str:
    """32 hex digits of SHA-256 over names and bytes of all weights and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class Towers:
    """Two towers as they were loaded, and the inverse temperature that they were trained with (None: not told)."""

    image: ImageTower
    text: TextTower
    logit_scale: float | None = None


def pooled_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Mean of (n, length, width) states over the tokens that count, (n, length) of 0 and 1."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    mean: Tensor = (states * weights).sum(1) / weights.sum(1)
    return mean


def as_recipe(side: int, mean: Sequence[Any], std: Sequence[Any]) -> Recipe:
    return Recipe(side=int(side), mean=tuple(map(float, mean)), std=tuple(map(float, std)))


@contextmanager
def from_nothing() -> Iterator[None]:
    """Weights that are drawn in here are the same each time, so that a tower without training has one fingerprint."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        yield
