"""Chance level and floor of the contrastive losses between images and texts."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from core.config.objective import ObjectiveConfig
from core.losses.base import Reference, Situation
from core.losses.contrastive import label_targets

DRAWS = 32


def contrastive_reference(config: ObjectiveConfig, situation: Situation) -> Reference:
    """The lines of the configured form.

    Args:
        config: form and margin.
        situation: of the training split; its rows without a text take no part.
    """
    text_of, batch = situation.written, situation.pairs
    if config.contrastive_form == "siglip":
        return Reference(chance=siglip_chance(text_of, batch), floor=0.0)
    if config.contrastive_form == "triplet":
        apart = batch > 1 and len(text_of.unique()) > 1
        return Reference(chance=config.margin if apart else 0.0, floor=0.0)
    if config.contrastive_form == "soft-targets":
        return Reference(chance=math.log(batch), floor=soft_target_floor(config.target_temperature, situation))
    return Reference(chance=math.log(batch), floor=shared_text_floor(text_of, batch))


def siglip_chance(text_of: Tensor, batch: int) -> float:
    """b times the binary entropy of the share of right pairs in a batch of b.

    Args:
        text_of: (n,) integers, which text each of the n rows has.
        batch: rows that are drawn without putting back.
    """
    sizes, total = torch.bincount(text_of.cpu()).double(), len(text_of)
    alike = float((sizes * (sizes - 1)).sum()) / (total * (total - 1)) if total > 1 else 0.0
    p = (1 + (batch - 1) * alike) / batch
    return -batch * sum(share * math.log(share) for share in (p, 1 - p) if share > 0)


def soft_target_floor(temperature: float, situation: Situation) -> float:
    """The mean entropy of the targets, over 32 batches that are drawn from the training split."""
    labels, text_of = situation.labels[situation.text_of >= 0].cpu(), situation.written.cpu()
    if not len(text_of):
        return 0.0
    generator, found = torch.Generator().manual_seed(0), []
    for _ in range(DRAWS):
        rows = torch.randperm(len(text_of), generator=generator)[: situation.pairs]
        found.append(torch.special.entr(label_targets(labels[rows], text_of[rows], temperature)).sum(1).mean())
    return float(torch.stack(found).mean())


def shared_text_floor(text_of: Tensor, batch: int) -> float:
    """The floor of :func:`info_nce` with groups: the expected ln of how many rows of a batch carry a row's own text.

    Args:
        text_of: (n,) integers, which text each of the n rows has.
        batch: rows that are drawn without putting back.

    Returns:
        Nats; 0 where every text is its own.
    """
    from scipy.stats import hypergeom

    sizes, how_many = torch.bincount(text_of.cpu()).unique(return_counts=True)
    total, others = len(text_of), np.arange(batch)
    floor = 0.0
    for size, count in zip(sizes.tolist(), how_many.tolist(), strict=True):
        if size > 1:
            chances = hypergeom.pmf(others, total - 1, size - 1, batch - 1)
            floor += count * size / total * float((chances * np.log1p(others)).sum())
    return floor
