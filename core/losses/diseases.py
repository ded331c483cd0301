"""Contrastive losses between the disease tokens of one image and the disease prompts."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import Reference, cosines


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


def normalised_disease_contrastive(tokens: Tensor, prompts: Tensor, scale: Tensor) -> Tensor:
    """:func:`disease_contrastive` with the mistake that others made: each row of the K x K logit matrix is brought to
    norm 1 before the cross-entropy, so the temperature cancels. It is here to be seen, not to be trained with.

    Returns:
        Scalar in nats. Guessing gives ln K; below :func:`normalised_floor` (1.7237 for K = 14) there is no way.
    """
    logits = scale * cosines(tokens, prompts)
    answers = torch.arange(len(prompts), device=tokens.device).expand(len(tokens), -1).flatten()
    both = [F.normalize(own, dim=-1).flatten(0, 1) for own in (logits, logits.transpose(1, 2))]
    return (F.cross_entropy(both[0], answers) + F.cross_entropy(both[1], answers)) / 2


def normalised_floor(diseases: int) -> float:
    """The lowest cross-entropy of rows of norm 1: ln(1 + (K-1) exp(-sqrt(K/(K-1)))).

    With the right logit a and, at best, the others alike at -sqrt((1-a^2)/(K-1)), the loss falls with their difference,
    which is largest, sqrt(K/(K-1)), at a = sqrt((K-1)/K): the row points at a corner of the simplex.
    """
    if diseases == 1:
        return 0.0
    return math.log1p((diseases - 1) * math.exp(-math.sqrt(diseases / (diseases - 1))))


def disease_reference(form: str, diseases: int) -> Reference:
    """Chance ln K; the floor is 0, or that of normalised logits."""
    floor = normalised_floor(diseases) if form == "normalised-logits" else 0.0
    return Reference(chance=math.log(diseases), floor=floor)
