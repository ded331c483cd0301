"""Towers of a few parameters: two blocks with batch statistics and dropout, and what comes before and after."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.config.encoders import ENCODERS
from core.encoders import Encoder
from core.towers.base import ImageTower, Recipe, TextTower, Tokens, Towers

WORDS = 50


class SmallImage(ImageTower):
    width = 6

    def __init__(self) -> None:
        super().__init__()
        self.recipe = Recipe(side=8, mean=(0.5,), std=(0.25,))
        self.stem = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.rungs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3))
            for _ in range(2)
        )
        self.last = nn.Linear(4, self.width)

    def features(self, prepared: Tensor) -> Tensor:
        x = self.stem(prepared)
        for block in self.rungs:
            x = x + block(x)
        found: Tensor = self.last(x.mean((2, 3)))
        return found

    def layers(self) -> list[list[str]]:
        names = [name for name, _ in self.named_parameters()]
        return [[name for name in names if name.startswith(part)] for part in ("stem", "rungs.0", "rungs.1", "last")]


class SmallText(TextTower):
    width = 5

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, 7)
        self.rungs = nn.ModuleList(nn.Sequential(nn.Linear(7, 7), nn.Tanh(), nn.Dropout(0.3)) for _ in range(2))
        self.last = nn.Linear(7, self.width)

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        rows = [[sum(map(ord, word)) % WORDS for word in text.split()] or [0] for text in texts]
        longest = max(map(len, rows))
        return {"words": torch.tensor([row + [row[-1]] * (longest - len(row)) for row in rows])}

    def forward(self, tokens: Tokens) -> Tensor:
        x = self.words(tokens["words"])[:, 0]
        for block in self.rungs:
            x = x + block(x)
        found: Tensor = self.last(x)
        return found

    def layers(self) -> list[list[str]]:
        names = [name for name, _ in self.named_parameters()]
        return [[name for name in names if name.startswith(part)] for part in ("words", "rungs.0", "rungs.1", "last")]


def small_encoder(seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return Encoder(ENCODERS["lite"], Towers(image=SmallImage(), text=SmallText()), torch.device("cpu"))


def calm_encoder(seed: int = 0) -> Encoder:
    """Without dropout and batch statistics: what it makes of an image depends on that image alone."""
    encoder = small_encoder(seed)
    for tower in (encoder.image, encoder.text):
        for rung in tower.rungs:  # type: ignore[union-attr]
            for name, part in rung.named_children():  # type: ignore[union-attr]
                if isinstance(part, nn.Dropout | nn.BatchNorm2d):
                    setattr(rung, name, nn.Identity())
    return encoder
