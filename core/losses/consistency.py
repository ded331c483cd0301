"""Losses between two classifiers of the same findings: that of the image branch, and the prompts of the text branch as
class weights."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from core.losses.base import Reference


def prompt_logits(tokens: Tensor, positive: Tensor, negative: Tensor, scale: Tensor) -> Tensor:
    """The text branch's classifier: is the token of a finding nearer to its positive or to its negative prompt?

    Its sigmoid is the softmax over both prompts (CheXzero; Tiu et al., 2022), finding by finding.

    Args:
        tokens: (b, K, d), rows of norm 1.
        positive, negative: (K, d), rows of norm 1.
        scale: inverse temperature.

    Returns:
        (b, K) log odds of presence: scale * (cos(token, positive) - cos(token, negative)).
    """
    return scale * (tokens * (positive - negative)).sum(-1)


def consistency(first: Tensor, second: Tensor) -> Tensor:
    """How far two classifiers disagree: the Jensen-Shannon divergence of what they say of each cell, yes or no.

    Each learns from the other, as in mutual learning (Zhang et al., CVPR 2018), whose Kullback-Leibler divergence has
    no upper end; labels take no part, so that unknown cells count too.

    Args:
        first, second: (b, K) logits.

    Returns:
        Scalar in nats, in [0, ln 2], the mean over cells; 0 (with a zero gradient) where there is none.
    """
    if not first.numel():
        return (first.sum() + second.sum()) * 0
    total = torch.zeros_like(first)
    for sign in (1, -1):  # yes, no
        own, other = F.logsigmoid(sign * first), F.logsigmoid(sign * second)
        middle = torch.logaddexp(own, other) - math.log(2)
        total = total + own.exp() * (own - middle) + other.exp() * (other - middle)
    return total.mean() / 2


def vector(first: Tensor, second: Tensor) -> Tensor:
    """1 - the mean cosine of the two classifiers' K logits of a radiograph: they shall rank and sign findings alike,
    each on a scale of its own.

    Args:
        first, second: (b, K) logits.

    Returns:
        Scalar in [0, 2]; 0 (with a zero gradient) for K = 1, where a vector has no direction, and for b = 0.
    """
    if not len(first) or first.shape[1] < 2:
        return (first.sum() + second.sum()) * 0
    return 1 - F.cosine_similarity(first, second, dim=1, eps=1e-6).mean()


def consistency_reference() -> Reference:
    """Floor 0. There is no level of guessing: two classifiers that guess the same agree."""
    return Reference(chance=math.nan, floor=0.0)


def vector_reference(diseases: int) -> Reference:
    """Chance 1: two independent directions. Floor 0. For one finding the loss is 0 throughout."""
    return Reference(chance=float(diseases > 1), floor=0.0)
