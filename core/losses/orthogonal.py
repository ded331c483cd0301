"""Losses that part the prompts of findings."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import Reference, cosines, off_diagonal


def orthogonal_gram(prompts: Tensor) -> Tensor:
    """Mean squared off-diagonal cosine of (K, d) unit rows; in [0, 1], 0 where all are at right angles."""
    return off_diagonal(prompts).square().mean() if len(prompts) > 1 else prompts.sum() * 0


def orthogonal_absolute(prompts: Tensor) -> Tensor:
    """Mean |off-diagonal cosine| of (K, d) unit rows; in [0, 1], 0 where all are at right angles."""
    return off_diagonal(prompts).abs().mean() if len(prompts) > 1 else prompts.sum() * 0


def orthogonal_cross_entropy(prompts: Tensor, scale: float) -> Tensor:
    """Cross-entropy of (T T^t * scale) against the identity, for (K, d) unit rows.

    Not orthogonal at its optimum: it goes on to the simplex, where every cosine is -1/(K-1).
    """
    logits = scale * cosines(prompts, prompts)
    return F.cross_entropy(logits, torch.arange(len(prompts), device=prompts.device))


def orthogonal_reference(form: str, diseases: int, width: int, scale: float) -> Reference:
    """Chance: independent random directions, E cos^2 = 1/d and E|cos| = sqrt(2/(pi d)) for large d. Floor: Welch's
    bound for the Gram and absolute forms (0 for K <= d), the simplex for the cross-entropy form."""
    if diseases == 1:  # no pairs, nothing to part
        return Reference(chance=0.0, floor=0.0)
    if form == "cross-entropy":
        gap = scale * (1 + 1 / (diseases - 1))
        return Reference(
            chance=_mean_random_cross_entropy(diseases, width, scale),
            floor=math.log1p((diseases - 1) * math.exp(-gap)) if diseases <= width + 1 else float("nan"),
        )
    excess = max(0.0, (diseases / width - 1) / (diseases - 1))
    if form == "gram":
        return Reference(chance=1 / width, floor=excess)
    return Reference(chance=math.sqrt(2 / (math.pi * width)), floor=0.0 if excess == 0 else float("nan"))


def _mean_random_cross_entropy(diseases: int, width: int, scale: float) -> float:
    """The mean over 32 draws of K independent random directions (a closed form holds for small scales only)."""
    generator = torch.Generator().manual_seed(0)
    draws = F.normalize(torch.randn(32, diseases, width, generator=generator, dtype=torch.float64), dim=-1)
    return float(torch.stack([orthogonal_cross_entropy(draw, scale) for draw in draws]).mean())
