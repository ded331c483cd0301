from __future__ import annotations

from torch import nn


def add_lora(tower: nn.Module, rank: int, alpha: float, dropout: float, seed: int) -> list[str]:
    raise NotImplementedError
