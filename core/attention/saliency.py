"""Saliency maps: which places of a radiograph move a score of a model. No weight is ever changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.attention.structure import LastMap, Tokens, structure_of
from core.attention.watching import Watched
from core.errors import ConfigError, InputError
from core.towers.base import ImageTower

Method = Literal["gradient", "rollout"]
Score = Callable[[Tensor], Tensor]
"""Features (1, width) of the image tower -> the score, a scalar."""


@dataclass(frozen=True)
class Found:
    """A map as it was computed.

    Attributes:
        values: float32 (h, w), at least 0, not scaled; h x w is the tower's own grid.
        score: the score.
        method: how, in words.
        where: at which part of the tower, in words.
    """

    values: NDArray[np.float32]
    score: float
    method: str
    where: str


def saliency(tower: ImageTower, score: Score, pixels: Tensor, method: Method = "gradient") -> Found:
    """Where the pixels lie that move a score.

    Args:
        tower: in evaluation mode.
        score: of its features.
        pixels: float (1, 1, S, S) in 0..255, on the tower's device.
        method: ``gradient``: Grad-CAM (Selvaraju et al., ICCV 2017) at the last feature map of a convolutional tower,
            gradient-weighted attention roll-out (Chefer, Gur & Wolf, ICCV 2021) for a vision transformer;
            ``rollout``: attention roll-out (Abnar & Zuidema, ACL 2020), transformers only: it knows no score.

    Raises:
        ConfigError: a tower that is not known, or roll-out of one that does not attend.
        InputError: a tower that computes its attention in a way that cannot be watched.
    """
    structure = structure_of(tower)
    with torch.enable_grad():
        if isinstance(structure, Tokens):
            return _of_tokens(tower, structure, score, pixels, method)
        if method == "rollout":
            raise ConfigError(
                "Roll-out follows attention from layer to layer, and this tower is convolutional: it has none. "
                "Choose the method 'gradient' (Grad-CAM)."
            )
        return _of_last_map(tower, structure, score, pixels)


def _of_last_map(tower: ImageTower, structure: LastMap, score: Score, pixels: Tensor) -> Found:
    held: list[Tensor] = []

    def cut(_part: object, _given: object, gave: Tensor) -> Tensor:
        held.append(gave.detach().requires_grad_())  # gradients are needed from here on alone
        return held[-1]

    hook = structure.part.register_forward_hook(cut)
    try:
        found = score(tower(pixels))
    finally:
        hook.remove()
    gradient = _gradients(found, held[-1:])[0]
    values = grad_cam(held[-1].detach()[0], gradient[0])
    side = values.shape[-1]
    return Found(_numpy(values), float(found.detach()), "Grad-CAM", f"{structure.name}, {side} x {side}")


def grad_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM: each channel weighted by its mean gradient, summed, what lowers the score left out.

    Args:
        features, gradient: (channels, h, w) of the feature map, and of the score by it.

    Returns:
        (h, w), at least 0.
    """
    weights = gradient.mean((1, 2), keepdim=True)
    return (weights * features).sum(0).clamp_min(0)


def _of_tokens(tower: ImageTower, structure: Tokens, score: Score, pixels: Tensor, method: Method) -> Found:
    with Watched() as watched:
        found = score(tower(pixels))
    attention = watched.attention
    if len(attention) != structure.layers:
        raise InputError(
            f"This tower has {structure.layers} layers of self-attention, of which {len(attention)} could be watched: "
            "its library computes it in a way that is not known. Other views work for it."
        )
    heads = [one.detach()[0] for one in attention]
    if method == "rollout":
        through, name = roll_out(heads), "Attention roll-out (of no score)"
    else:
        gradients = [one[0] for one in _gradients(found, attention)]
        through, name = gradient_roll_out(heads, gradients), "Gradient-weighted roll-out"
    row = through[0] if structure.read == "first" else through[structure.before :].mean(0)
    side = round((len(row) - structure.before) ** 0.5)
    if side * side != len(row) - structure.before:
        raise InputError(f"{len(row) - structure.before} patches do not form a square, but radiographs are square.")
    values = row[structure.before :].unflatten(0, (side, side))
    where = f"{structure.layers} layers of attention, {side} x {side} patches"
    return Found(_numpy(values), float(found.detach()), name, where)


def gradient_roll_out(attention: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """Which tokens flowed into which, as far as it raised the score (Chefer, Gur & Wolf, ICCV 2021, equations 5, 6).

    Args:
        attention, gradients: (heads, n, n) of each layer, from the first on; rows of ``attention`` sum to 1.

    Returns:
        (n, n), at least 0: row i is of token i, less what a token keeps of itself from before the first layer.
    """
    start = torch.eye(attention[0].shape[-1], device=attention[0].device)
    through = start
    for own, gradient in zip(attention, gradients, strict=True):
        through = through + (own * gradient).clamp_min(0).mean(0) @ through
    return through - start


def roll_out(attention: list[Tensor]) -> Tensor:
    """Which tokens flowed into which (Abnar & Zuidema, ACL 2020): each layer half its mean attention, half itself.

    Args:
        attention: (heads, n, n) of each layer, from the first on; rows sum to 1.

    Returns:
        (n, n), rows sum to 1.
    """
    start = torch.eye(attention[0].shape[-1], device=attention[0].device)
    through = start
    for own in attention:
        through = (own.mean(0) + start) / 2 @ through
    return through


def _gradients(score: Tensor, of: list[Tensor]) -> list[Tensor]:
    """Zeros where the score does not depend on what is asked for."""
    if not score.requires_grad:
        return [torch.zeros_like(one) for one in of]
    return list(torch.autograd.grad(score, of, materialize_grads=True))


def _numpy(values: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = values.detach().float().cpu().numpy()
    return found
