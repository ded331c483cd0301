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
