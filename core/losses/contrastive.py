"""Contrastive losses between images and their texts."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import cosines


def info_nce(images: Tensor, texts: Tensor, scale: Tensor, groups: Tensor | None = None) -> Tensor:
    """Symmetric image-text contrastive loss (InfoNCE; van den Oord et al., 2018; CLIP: Radford et al., 2021).

    Args:
        images, texts: (b, d), rows of norm 1; row i of both belongs together.
        scale: inverse temperature.
        groups: (b,) integers; rows of equal group carry the same text, and each of them counts as a right answer with
            equal share (a caption that occurs twice in a batch is not its own negative).

    Returns:
        Scalar in nats, the mean of both directions; 0 (with a zero gradient) for b = 0. Guessing gives ln b; the floor
        is the mean ln of the group sizes.
    """
    if not len(images):
        return (images.sum() + texts.sum()) * 0
    logits = scale * cosines(images, texts)
    same = torch.eye(len(images), device=images.device, dtype=torch.bool)
    if groups is not None:
        same = groups[:, None] == groups[None, :]
    targets = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


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
