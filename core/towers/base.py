"""What every tower is: a module with one width, its own preprocessing, and layers in an order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Tokens = dict[str, Tensor]
"""What a text tower reads: named (n, length) tensors of integers."""


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


class ImageTower(nn.Module):
    """Images to features.

    Attributes:
        width: dimension of the features.
        recipe: its preprocessing.
    """

    width: int
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

    def layers(self) -> list[list[str]]:
        """Names of all parameters in groups, from the input to the output: the stem, each block, what comes after."""
        return layers_by_name(name for name, _ in self.named_parameters())


class TextTower(nn.Module):
    """Texts to features.

    Attributes:
        width: dimension of the features.
    """

    width: int

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """(n, length) on the CPU."""
        raise NotImplementedError

    def forward(self, tokens: Tokens) -> Tensor:
        """Tokens -> (n, width), not normalised; each text stands alone."""
        raise NotImplementedError

    def layers(self) -> list[list[str]]:
        """As in :meth:`ImageTower.layers`."""
        return layers_by_name(name for name, _ in self.named_parameters())


_BLOCK = re.compile(r"(?:^|\.)(?:resblocks|blocks|layers|layer|h|stages)\.(\d+)\.|(?:denseblock|layer)(\d+)\.")


def layers_by_name(names: Iterable[str]) -> list[list[str]]:
    """Groups of parameter names: before the first block, each block (by the first number in its name), after the last.

    Raises:
        ValueError: no name has a block in it.
    """
    numbered: dict[int, list[str]] = {}
    stem: list[str] = []
    top: list[str] = []
    for name in names:
        if found := _BLOCK.search(name):
            numbered.setdefault(int(found[1] or found[2]), []).append(name)
        else:
            (top if numbered else stem).append(name)
    if not numbered:
        raise ValueError("no parameter stands in a numbered block")
    return [stem, *(numbered[number] for number in sorted(numbered)), top]


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
