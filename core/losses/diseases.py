"""Contrastive losses between the disease tokens of one image and the disease prompts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import cosines


def disease_contrastive(tokens: Tensor, prompts: Tensor, scale: Tensor) -> Tensor:
    """Per sample: symmetric cross-entropy over the K x K matrix of disease tokens and disease prompts.

    The logits are cosines times the scale and nothing else: normalising the rows of the matrix once more would make
    the temperature cancel and keep the loss above 1.72 for K = 14.

    Args:
        tokens: (b, K, d), rows of norm 1.
        prompts: (K, d), rows of norm 1.
        scale: inverse temperature.

    Returns:
        Scalar in nats, mean over samples, diseases and both directions. Guessing gives ln K; the floor is near 0.
    """
    logits = scale * cosines(tokens, prompts)
    answers = torch.arange(len(prompts), device=tokens.device).expand(len(tokens), -1)
    rows = F.cross_entropy(logits.flatten(0, 1), answers.flatten())
    columns = F.cross_entropy(logits.transpose(1, 2).flatten(0, 1), answers.flatten())
    return (rows + columns) / 2
