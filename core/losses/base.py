"""What several losses share: cosines in single precision, and the lines that a curve is read against."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """a b^t in single precision, under autocast too: bf16 would round a logit of 100 to the nearest half."""
    wide = torch.promote_types(a.dtype, torch.float32)
    with torch.autocast(a.device.type, enabled=False):
        return a.to(wide) @ b.to(wide).T


def off_diagonal(prompts: Tensor) -> Tensor:
    found = cosines(prompts, prompts)
    count = len(prompts)
    # the flattened matrix without its first entry, in rows of K+1, has the diagonal in its last column
    return found.flatten()[1:].view(count - 1, count + 1)[:, :-1].flatten()


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The lines that a loss curve is read against."""

    chance: float
    floor: float


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the lines of a loss depend on besides the settings.

    Attributes:
        labels: (n, K) of the training split: 1 present, 0 absent, NaN unknown.
        stated: (n, K): as the source has them, -1 uncertain.
        text_of: (n,) integers, which text each row has; -1: none.
        batch: rows of a batch.
        width: dimension of the shared space.
        tokens: whether the head makes one token per disease (its texts are the K prompts).
    """

    labels: Tensor
    stated: Tensor
    text_of: Tensor
    batch: int
    width: int
    tokens: bool

    @property
    def written(self) -> Tensor:
        """The texts of the rows that have one."""
        return self.text_of[self.text_of >= 0]

    @property
    def rows(self) -> int:
        """Rows of a whole batch, where there are so many."""
        return max(1, min(self.batch, len(self.text_of)))

    @property
    def pairs(self) -> int:
        """How many rows of a batch have a text, on average."""
        rows = len(self.text_of)
        return max(1, round(min(self.batch, rows) * len(self.written) / max(1, rows)))
