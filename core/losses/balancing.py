"""How several losses become one."""

from __future__ import annotations

import torch
from torch import Tensor

MOST = 30.0
"""A loss counts in its own weight up to this (exp of it is 1e13): beyond 88 single precision would overflow."""

FARTHEST = 5.0
"""A learned log sigma stays between minus and plus this, so that a loss at 0 does not weigh without end."""


def equal(values: Tensor, weights: Tensor) -> Tensor:
    """The sum of weight * L over (n,) losses."""
    return (weights * values).sum()


def loss_weighted(values: Tensor, weights: Tensor) -> Tensor:
    """The sum of weight * exp(L) * L, where exp(L) is a factor without a gradient: larger losses count more."""
    return (weights * values.detach().clamp_max(MOST).exp() * values).sum()


def uncertainty(values: Tensor, weights: Tensor, raw: Tensor) -> Tensor:
    """The sum of weight * (L / sigma^2 + log sigma) with a learned sigma for each loss (Kendall et al., CVPR 2018).

    For a loss that stays at L, sigma^2 goes to 2 L. The sum can fall below 0.

    Args:
        values, weights: (n,).
        raw: (n,), learned; log sigma = 5 tanh(raw / 5), which is raw near 0.
    """
    log_sigma = FARTHEST * torch.tanh(raw / FARTHEST)
    return (weights * (values * (-2 * log_sigma).exp() + log_sigma)).sum()
