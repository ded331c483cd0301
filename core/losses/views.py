"""The contrastive loss inside the image branch."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import Reference, cosines


def views(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Each view of a radiograph shall be nearer to its other view than to those of all other radiographs (NT-Xent,
    SimCLR; Chen et al., ICML 2020; there on a projection that is thrown away, here on the embedding itself).

    Args:
        first, second: (b, d), rows of norm 1; row i of both is the same radiograph, augmented twice.
        temperature: of the softmax over the 2b - 1 other views.

    Returns:
        Scalar in nats, the mean over 2b views; 0 (with a zero gradient) for b = 1, where there is nothing to tell
        apart, and for b = 0. Guessing gives ln(2b - 1); the floor is :func:`views_floor`.
    """
    count = len(first)
    if not count:
        return (first.sum() + second.sum()) * 0
    both = torch.cat([first, second])
    own = torch.eye(2 * count, device=both.device, dtype=torch.bool)
    logits = (cosines(both, both) / temperature).masked_fill(own, -torch.inf)
    return F.cross_entropy(logits, torch.arange(2 * count, device=both.device).roll(count))


def views_floor(rows: int, temperature: float) -> float:
    """No value of :func:`views` on b rows lies below ln(1 + 2(b-1) exp(-b / ((b-1) temperature))).

    By Jensen's inequality the loss falls with the mean cosine of two views of one radiograph, less that of others. As
    all 2b vectors have a sum of no negative length, this is at most 1 + 1/(b-1): both views in one place, these places
    the corners of a simplex (for which b - 1 dimensions are needed).
    """
    if rows < 2:
        return 0.0
    return math.log1p(2 * (rows - 1) * math.exp(-rows / ((rows - 1) * temperature)))


def views_reference(rows: int, temperature: float) -> Reference:
    """Chance ln(2b - 1) and :func:`views_floor`, of a whole batch of b rows."""
    return Reference(chance=math.log(2 * rows - 1), floor=views_floor(rows, temperature))
