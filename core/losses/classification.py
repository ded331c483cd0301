"""Losses of a classifier of findings, over the cells that are known."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def masked_bce(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy over the known cells.

    Args:
        logits: (b, K).
        labels: (b, K): 1 present, 0 absent, NaN unknown.

    Returns:
        Scalar in nats: the mean over known cells; 0 (with a zero gradient) where nothing is known.
    """
    known = ~labels.isnan()
    if not known.any():
        return logits.sum() * 0
    return F.binary_cross_entropy_with_logits(logits[known], labels[known])


def prevalence_entropy(labels: Tensor) -> float:
    known = ~labels.isnan()
    prevalence = labels.nan_to_num().sum(0) / known.sum(0).clamp_min(1)
    p = prevalence.clamp(1e-7, 1 - 1e-7)
    entropy = -(p * p.log() + (1 - p) * (1 - p).log())
    return float((entropy * known.sum(0)).sum() / known.sum().clamp_min(1))
