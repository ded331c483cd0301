"""Losses of a classifier of findings, over the cells that are known."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from core.config.objective import ObjectiveConfig
from core.losses.base import Reference


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


def asymmetric(logits: Tensor, labels: Tensor, *, gamma_positive: float, gamma_negative: float, shift: float) -> Tensor:
    """Asymmetric loss over the known cells (ASL; Ridnik et al., ICCV 2021): easy cells count less.

    A present finding of probability p costs -(1-p)^gamma_positive ln p, an absent one -q^gamma_negative ln(1-q) with
    q = max(p - shift, 0). Equal exponents without a shift are the focal loss (Lin et al., ICCV 2017, without alpha).

    Args:
        logits: (b, K).
        labels: (b, K): 1 present, 0 absent, NaN unknown.
        gamma_positive, gamma_negative: 0 or above.
        shift: in [0, 1), how probable an absent finding may be for nothing.

    Returns:
        Scalar in nats, 0 or above (its floor): the mean over known cells; 0 (with a zero gradient) where none is known.
    """
    known = ~labels.isnan()
    if not known.any():
        return logits.sum() * 0
    x, y = logits[known].float(), labels[known]
    p, left = x.sigmoid(), (-x).sigmoid()
    # a power below 1 is infinitely steep at 0
    present = left.clamp_min(1e-8) ** gamma_positive * F.logsigmoid(x)
    log_left = (left + shift).clamp_max(1).log() if shift else F.logsigmoid(-x)
    absent = (p - shift).clamp_min(1e-8) ** gamma_negative * log_left
    return -(y * present + (1 - y) * absent).mean()


def focal(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Focal loss over the known cells (Lin et al., 2017): -(1 - p)^gamma ln p, p the probability of what is true."""
    return asymmetric(logits, labels, gamma_positive=gamma, gamma_negative=gamma, shift=0.0)


def three_class(classes: Tensor, stated: Tensor) -> Tensor:
    """Cross-entropy over absent, present and uncertain, where something is stated (U-MultiClass of CheXpert; Irvin et
    al., AAAI 2019).

    Args:
        classes: (b, K, 3) logits of absent, present, uncertain.
        stated: (b, K): 0 absent, 1 present, -1 uncertain, NaN unknown.

    Returns:
        Scalar in nats: the mean over known cells; 0 (with a zero gradient) where nothing is known. Without a -1 it is
        a cross-entropy over two classes, from which the third one is learned away.
    """
    known = ~stated.isnan()
    if not known.any():
        return classes.sum() * 0
    return F.cross_entropy(classes[known], stated[known].long() % 3)  # -1 becomes 2


def classification(config: ObjectiveConfig, logits: Tensor, labels: Tensor) -> Tensor:
    """The configured form of two classes."""
    if config.classification_form == "focal":
        return focal(logits, labels, config.gamma)
    if config.classification_form == "asymmetric":
        return asymmetric(
            logits,
            labels,
            gamma_positive=config.gamma_positive,
            gamma_negative=config.gamma_negative,
            shift=config.shift,
        )
    return masked_bce(logits, labels)


def classification_reference(config: ObjectiveConfig, labels: Tensor, stated: Tensor) -> Reference:
    """Chance: the best that one constant guess for each finding gives, over the (n, K) labels, or what is stated where
    there are three classes (for a cross-entropy, the shares of the classes). Floor: 0."""
    if config.classification_form == "three-class":
        return Reference(chance=shares_entropy(stated), floor=0.0)
    if config.classification_form == "bce":
        return Reference(chance=prevalence_entropy(labels), floor=0.0)
    guesses, labels = torch.linspace(-14, 14, 2801), labels.cpu()
    costs = [torch.stack([classification(config, one[None], torch.tensor([y])) for one in guesses]) for y in (1.0, 0.0)]
    best = []
    for finding in labels.T:
        known = finding[~finding.isnan()]
        best.append(float((known.mean() * costs[0] + (1 - known.mean()) * costs[1]).min()) if len(known) else 0.0)
    counts = (~labels.isnan()).sum(0)
    return Reference(chance=float(torch.tensor(best) @ counts.float() / counts.sum().clamp_min(1)), floor=0.0)


def prevalence_entropy(labels: Tensor) -> float:
    known = ~labels.isnan()
    prevalence = labels.nan_to_num().sum(0) / known.sum(0).clamp_min(1)
    p = prevalence.clamp(1e-7, 1 - 1e-7)
    entropy = -(p * p.log() + (1 - p) * (1 - p).log())
    return float((entropy * known.sum(0)).sum() / known.sum().clamp_min(1))


def shares_entropy(stated: Tensor) -> float:
    """The entropy in nats of what is stated of a finding (absent, present, uncertain), the mean over known cells."""
    counts = torch.stack([(stated == value).sum(0) for value in (0, 1, -1)]).float()
    known = counts.sum(0)
    entropy = torch.special.entr(counts / known.clamp_min(1)).sum(0)
    return float((entropy * known).sum() / known.sum().clamp_min(1))
