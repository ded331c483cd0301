"""The losses, each with the value that guessing gives (chance) and the lowest that it can reach (floor)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.config.run import ObjectiveConfig


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
    logits = scale * _cosines(images, texts)
    same = torch.eye(len(images), device=images.device, dtype=torch.bool)
    if groups is not None:
        same = groups[:, None] == groups[None, :]
    targets = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


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
    logits = scale * _cosines(tokens, prompts)
    answers = torch.arange(len(prompts), device=tokens.device).expand(len(tokens), -1)
    rows = F.cross_entropy(logits.flatten(0, 1), answers.flatten())
    columns = F.cross_entropy(logits.transpose(1, 2).flatten(0, 1), answers.flatten())
    return (rows + columns) / 2


def orthogonal_gram(prompts: Tensor) -> Tensor:
    """Mean squared off-diagonal cosine of (K, d) unit rows; in [0, 1], 0 where all are at right angles."""
    return _off_diagonal(prompts).square().mean() if len(prompts) > 1 else prompts.sum() * 0


def orthogonal_absolute(prompts: Tensor) -> Tensor:
    """Mean |off-diagonal cosine| of (K, d) unit rows; in [0, 1], 0 where all are at right angles."""
    return _off_diagonal(prompts).abs().mean() if len(prompts) > 1 else prompts.sum() * 0


def orthogonal_cross_entropy(prompts: Tensor, scale: float) -> Tensor:
    """Cross-entropy of (T T^t * scale) against the identity, for (K, d) unit rows.

    Not orthogonal at its optimum: it goes on to the simplex, where every cosine is -1/(K-1).
    """
    logits = scale * _cosines(prompts, prompts)
    return F.cross_entropy(logits, torch.arange(len(prompts), device=prompts.device))


def _cosines(a: Tensor, b: Tensor) -> Tensor:
    """a b^t in single precision, under autocast too: bf16 would round a logit of 100 to the nearest half."""
    wide = torch.promote_types(a.dtype, torch.float32)
    with torch.autocast(a.device.type, enabled=False):
        return a.to(wide) @ b.to(wide).T


def _off_diagonal(prompts: Tensor) -> Tensor:
    cosines = _cosines(prompts, prompts)
    count = len(prompts)
    # the flattened matrix without its first entry, in rows of K+1, has the diagonal in its last column
    return cosines.flatten()[1:].view(count - 1, count + 1)[:, :-1].flatten()


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The lines that a loss curve is read against."""

    chance: float
    floor: float


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


class Objective:
    """The weighted sum of a config's losses."""

    def __init__(self, config: ObjectiveConfig) -> None:
        self.config = config
        named = {name: getattr(config, name) for name in ("classification", "contrastive", "orthogonal")}
        self.weights: dict[str, float] = {name: weight for name, weight in named.items() if weight > 0}

    def orthogonal(self, prompts: Tensor) -> Tensor:
        """The configured form of the orthogonal loss on (K, d) unit rows."""
        if self.config.orthogonal_form == "gram":
            return orthogonal_gram(prompts)
        if self.config.orthogonal_form == "absolute":
            return orthogonal_absolute(prompts)
        return orthogonal_cross_entropy(prompts, self.config.orthogonal_scale)

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of the terms."""
        return torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()

    def references(self, labels: Tensor, *, answers: int, width: int, group_floor: float) -> dict[str, Reference]:
        """Chance and floor of each term.

        Args:
            labels: (n, K) of the training split; chance of the classification is guessing each prevalence.
            answers: how many texts the contrastive loss chooses from: K for disease tokens, else the batch size.
            width: dimension of the shared space.
            group_floor: mean ln of the number of right answers in a batch (0 where every text is its own).
        """
        diseases = labels.shape[1]
        found: dict[str, Reference] = {}
        if "classification" in self.weights:
            found["classification"] = Reference(chance=_prevalence_entropy(labels), floor=0.0)
        if "contrastive" in self.weights:
            found["contrastive"] = Reference(chance=math.log(answers), floor=group_floor)
        if "orthogonal" in self.weights:
            form, scale = self.config.orthogonal_form, self.config.orthogonal_scale
            found["orthogonal"] = orthogonal_reference(form, diseases, width, scale)
        return found


def _prevalence_entropy(labels: Tensor) -> float:
    known = ~labels.isnan()
    prevalence = labels.nan_to_num().sum(0) / known.sum(0).clamp_min(1)
    p = prevalence.clamp(1e-7, 1 - 1e-7)
    entropy = -(p * p.log() + (1 - p) * (1 - p).log())
    return float((entropy * known.sum(0)).sum() / known.sum().clamp_min(1))
