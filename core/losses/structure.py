"""Losses on how vectors lie: findings as in a tree, radiographs by their findings, two modalities alike."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import Reference, cosines

BANDWIDTHS = (0.25, 0.5, 1.0, 2.0)
"""Squared widths of the MMD's Gaussian kernels; squared distances of unit vectors lie in [0, 4]."""

DRAWS = 32


def graph(prompts: Tensor, nearness: Tensor) -> Tensor:
    """1 - the mean cosine between the rows of H = M M^t and of a tree's nearness, without the diagonals (that of H is 1
    whatever is learned).

    Args:
        prompts: M, (K, d), rows of norm 1.
        nearness: (K, K), such as ``path_similarity``.

    Returns:
        Scalar in [0, 2]; 0 (with a zero gradient) for K = 1. Independent directions give 1 on average; the floor is 0.
    """
    count = len(prompts)
    if count == 1:
        return prompts.sum() * 0
    own = torch.eye(count, device=prompts.device, dtype=torch.bool)
    found = cosines(prompts, prompts).masked_fill(own, 0)
    return 1 - F.cosine_similarity(found, nearness.to(found).masked_fill(own, 0), dim=1).mean()


def supervised(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss, finding by finding (SupCon, L_out; Khosla et al., NeurIPS 2020).

    For each finding, each radiograph that has it shall be nearer to the others that have it than to those that do not;
    radiographs of which it is not known take no part.

    Args:
        embeddings: (b, d), rows of norm 1.
        labels: (b, K): 1 present, 0 absent, NaN unknown.
        temperature: of the softmax over the other radiographs.

    Returns:
        Scalar in nats, the mean over pairs of radiograph and finding that have a positive; 0 (with a zero gradient)
        where there is none. Guessing gives the mean ln of the others; no less than the mean ln of the positives.
    """
    similarity = cosines(embeddings, embeddings) / temperature
    costs = []
    for finding in labels.T:
        rows = (~finding.isnan()).nonzero().squeeze(1)
        positive, others = _positives(finding[rows])
        if positive.any():
            shares = similarity[rows][:, rows].masked_fill(~others, -torch.inf).log_softmax(1).masked_fill(~others, 0)
            costs.append(-((shares * positive).sum(1) / positive.sum(1).clamp_min(1))[positive.any(1)])
    return torch.cat(costs).mean() if costs else embeddings.sum() * 0


def _positives(finding: Tensor) -> tuple[Tensor, Tensor]:
    """(n, n) booleans each: pairs of two different rows that both have the finding, and all pairs of different rows."""
    others = ~torch.eye(len(finding), device=finding.device, dtype=torch.bool)
    has = finding == 1
    return has[:, None] & has[None, :] & others, others


def supervised_reference(labels: Tensor, batch: int) -> Reference:
    """The mean over 32 batches that are drawn from the (n, K) labels of the training split."""
    generator, chance, floor = torch.Generator().manual_seed(0), [], []
    labels = labels.cpu()
    for _ in range(DRAWS):
        drawn = labels[torch.randperm(len(labels), generator=generator)[:batch]]
        for finding in drawn.T:
            positive, others = _positives(finding[~finding.isnan()])
            able = positive.any(1)
            chance.append(others[able].sum(1).float().log())
            floor.append(positive[able].sum(1).float().log())
    if not sum(map(len, chance)):
        return Reference(chance=0.0, floor=0.0)
    return Reference(chance=float(torch.cat(chance).mean()), floor=float(torch.cat(floor).mean()))


def mmd(images: Tensor, texts: Tensor) -> Tensor:
    """Squared maximum mean discrepancy, Gaussian kernels, biased estimate (Gretton et al., JMLR 2012).

    Args:
        images, texts: (n, d) and (m, d), rows of norm 1; they need not be pairs.

    Returns:
        Scalar in [0, 2], 0 (its floor) where both lie alike; 0 (with a zero gradient) where one is empty.
    """
    if not len(images) or not len(texts):
        return (images.sum() + texts.sum()) * 0
    within = _kernel(images, images).mean() + _kernel(texts, texts).mean()
    return within - 2 * _kernel(images, texts).mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    squared = 2 - 2 * cosines(a, b)
    return torch.stack([(-squared / (2 * width)).exp() for width in BANDWIDTHS]).mean(0)


def coral(images: Tensor, texts: Tensor) -> Tensor:
    """Squared distance of the two covariances over 4 d^2 (CORAL; Sun and Saenko, ECCV 2016); means do not count.

    Args:
        images, texts: (n, d) and (m, d), rows of norm 1; they need not be pairs.

    Returns:
        Scalar, 0 or above (its floor); 0 (with a zero gradient) where one is empty.
    """
    if not len(images) or not len(texts):
        return (images.sum() + texts.sum()) * 0
    with torch.autocast(images.device.type, enabled=False):
        apart = _covariance(images.float()) - _covariance(texts.float())
        return apart.square().sum() / (4 * images.shape[1] ** 2)


def _covariance(vectors: Tensor) -> Tensor:
    centred = vectors - vectors.mean(0)
    return centred.T @ centred / max(1, len(vectors) - 1)


def semantic(images: Tensor, image_labels: Tensor, texts: Tensor, text_labels: Tensor) -> Tensor:
    """Finding by finding, how far the centroid of the images that have it lies from that of the texts that have it
    (moving semantic alignment; Xie et al., ICML 2018).

    Unlike there, both sides have labels, so that none are guessed; the centroids are those of the batch, not moving
    averages; a sample counts in each of its findings; and it is a mean over findings, not their sum.

    Args:
        images, texts: (n, d) and (m, d), rows of norm 1; they need not be pairs.
        image_labels, text_labels: (n, K) and (m, K); who has a finding has a 1.

    Returns:
        Scalar, squared Euclidean distance in [0, 4], the mean over the findings that both sides have; 0 (its floor),
        with a zero gradient where there is none.
    """
    shown, told = image_labels == 1, text_labels == 1
    both = shown.any(0) & told.any(0)
    if not both.any():
        return (images.sum() + texts.sum()) * 0
    apart = _centroids(images, shown[:, both]) - _centroids(texts, told[:, both])
    return apart.square().sum(1).mean()


def _centroids(vectors: Tensor, members: Tensor) -> Tensor:
    """(n, d) and (n, K) booleans -> (K, d)."""
    return cosines((members / members.sum(0)).T, vectors.T)


def alignment_reference() -> Reference:
    """Floor 0. There is no level of guessing: two clouds, or two centroids, can lie alike by chance, or as far apart as
    they like."""
    return Reference(chance=math.nan, floor=0.0)
