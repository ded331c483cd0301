"""Contrastive losses between images and their texts.

In all of them rows i of ``images`` and ``texts``, (b, d) of norm 1, belong together, and rows of equal ``groups`` (b,)
carry the same text: they are never each other's negatives. Each is the mean of both directions (image to text, text to
image), and 0 with a zero gradient for b = 0.
"""

from __future__ import annotations

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
    same = same_text(len(images), groups, images.device)
    targets = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def hard_negative_info_nce(
    images: Tensor, texts: Tensor, scale: Tensor, beta: float, groups: Tensor | None = None
) -> Tensor:
    """InfoNCE whose negatives weigh more the harder they are (Robinson et al., ICLR 2021, without debiasing).

    A negative with logit z weighs exp(beta z), where the weights of a row have mean 1; beta 0 is :func:`info_nce`.

    Returns:
        Scalar in nats. Guessing gives ln b; the floor is the mean ln of the group sizes.
    """
    if not len(images):
        return (images.sum() + texts.sum()) * 0
    logits = scale * cosines(images, texts)
    same = same_text(len(images), groups, images.device)
    targets = same.to(logits.dtype) / same.sum(1, keepdim=True)
    both = [F.cross_entropy(_with_hard_negatives(own, same, beta), targets) for own in (logits, logits.T)]
    return (both[0] + both[1]) / 2


def _with_hard_negatives(logits: Tensor, same: Tensor, beta: float) -> Tensor:
    others = (~same).sum(1, keepdim=True).clamp_min(1)
    harder = (beta * logits).masked_fill(same, torch.finfo(logits.dtype).min)
    mean_weight = harder.logsumexp(1, keepdim=True) - others.log()
    return torch.where(same, logits, logits + beta * logits - mean_weight)


def siglip(images: Tensor, texts: Tensor, scale: Tensor, bias: Tensor, groups: Tensor | None = None) -> Tensor:
    """Sigmoid loss of all pairs (SigLIP; Zhai et al., ICCV 2023): is this the text of this image, yes or no?

    Args:
        images, texts: (b, d), rows of norm 1.
        scale, bias: a pair's logit is scale * cosine + bias; pairs with the same text count as right ones.
        groups: (b,) integers, which text each row has.

    Returns:
        Scalar in nats: the sum over the b x b pairs, divided by b. Guessing gives b times the binary entropy of the
        share of right pairs: ln b + (b-1) ln(b/(b-1)) where every text is its own. The floor is 0.
    """
    if not len(images):
        return (images.sum() + texts.sum()) * 0
    logits = scale * cosines(images, texts) + bias
    same = same_text(len(images), groups, images.device)
    return F.binary_cross_entropy_with_logits(logits, same.to(logits.dtype), reduction="sum") / len(images)


def triplet(
    images: Tensor,
    texts: Tensor,
    margin: float,
    negatives: str,
    groups: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Triplet margin loss: the mean of max(||a - p|| - ||a - n|| + margin, 0), Euclidean, on unit vectors.

    Args:
        images, texts: (b, d), rows of norm 1; anchor and positive are the two of a row.
        margin: by which a negative shall be farther than the positive.
        negatives: ``random``, a permutation that gives nobody its own text; ``hard``, the nearest other text;
            ``semi-hard``, the nearest that is farther than the positive, else the farthest (Schroff et al., CVPR 2015).
        groups: (b,) integers, which text each row has.
        generator: on the CPU, of the permutation; torch's own where None.

    Returns:
        Scalar in distance, in [0, margin + 2]; 0 (with a zero gradient) where no row has a negative. Where all vectors
        are alike, so that nothing is told apart, it is the margin; the floor is 0 for margins up to sqrt 2.
    """
    if not len(images):
        return (images.sum() + texts.sum()) * 0
    same = same_text(len(images), groups, images.device)
    with torch.autocast(images.device.type, enabled=False):
        distances = torch.cdist(images.float(), texts.float(), compute_mode="donot_use_mm_for_euclid_dist")
    drawn = permuted_negatives(same, generator) if negatives == "random" else None
    return (
        _triplet_one_way(distances, same, margin, negatives, drawn)
        + _triplet_one_way(distances.T, same, margin, negatives, drawn)
    ) / 2


def _triplet_one_way(distances: Tensor, same: Tensor, margin: float, negatives: str, drawn: Tensor | None) -> Tensor:
    """The mean over the rows (anchors) that have a negative."""
    positive, allowed = distances.diagonal(), ~same
    if drawn is not None:
        allowed = allowed & F.one_hot(drawn, len(distances)).bool()
    elif negatives == "semi-hard":
        farther = allowed & (distances > positive[:, None])
        farthest = F.one_hot(distances.masked_fill(same, -1).argmax(1), len(distances)).bool()
        allowed = torch.where(farther.any(1, keepdim=True), farther, allowed & farthest)
    able = allowed.any(1)
    if not able.any():
        return distances.sum() * 0
    nearest = distances[able].masked_fill(~allowed[able], torch.inf).amin(1)
    return (positive[able] - nearest + margin).clamp_min(0).mean()


def permuted_negatives(same: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A random permutation of the rows that gives no row one of its own text, wherever that is possible (no text has
    more than half of the rows).

    Rows are laid out text by text, texts and the rows of each in random order, and turned by the size of the largest.

    Args:
        same: (b, b) booleans, whether two rows carry the same text.
        generator: on the CPU; torch's own where None.
    """
    count = len(same)
    first = same.int().argmax(1)  # the first row with the same text stands for the text
    order = torch.randperm(count, generator=generator).to(same.device)
    place_of_text = torch.randperm(count, generator=generator).to(same.device)
    order = order[place_of_text[first[order]].argsort(stable=True)]
    drawn = torch.empty_like(order)
    drawn[order] = order.roll(-int(same.sum(1).max()))
    return drawn


def soft_target_contrastive(images: Tensor, texts: Tensor, scale: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy against targets that are shares, not one right answer (MedCLIP; Wang et al., EMNLP 2022).

    Args:
        images, texts: (b, d), rows of norm 1.
        scale: inverse temperature.
        targets: (b, b), rows that sum to 1, such as :func:`label_targets`.

    Returns:
        Scalar in nats. Guessing gives ln b; the floor is the mean entropy of the targets' rows.
    """
    if not len(images):
        return (images.sum() + texts.sum()) * 0
    logits = scale * cosines(images, texts)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def label_targets(labels: Tensor, groups: Tensor | None, temperature: float) -> Tensor:
    """Who is a right answer for whom, by the cosine of their findings: softmax over j of cos(l_i, l_j) / temperature.

    l holds a 1 for each finding that is present, and one more where findings are known and none is present; an unknown
    finding counts as not seen. A row is as like itself, and the rows with its own text, as can be (1).

    Args:
        labels: (b, K): 1 present, 0 absent, NaN unknown.
        groups: (b,) integers, which text each row has.
        temperature: towards 0 the targets of InfoNCE return.

    Returns:
        (b, b), rows that sum to 1.
    """
    present = (labels == 1).to(torch.float32)
    healthy = (~labels.isnan()).any(1) & ~present.any(1)
    vectors = F.normalize(torch.cat([present, healthy[:, None].to(present.dtype)], dim=1), dim=1)
    alike = cosines(vectors, vectors)
    same = same_text(len(labels), groups, labels.device)
    return torch.softmax(alike.masked_fill(same, 1.0) / temperature, dim=1)


def same_text(count: int, groups: Tensor | None, device: torch.device) -> Tensor:
    """(b, b) booleans: which rows carry the same text (each its own where ``groups`` is None)."""
    if groups is None:
        return torch.eye(count, device=device, dtype=torch.bool)
    return groups[:, None] == groups[None, :]
