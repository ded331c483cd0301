"""Draws applied with torch, a whole batch at once on the device that trains."""

from __future__ import annotations

import functools
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.drawing import MIDDLE_GREY, Draws, MixUp, check_pictures, normal_numbers
from core.errors import InputError


@torch.no_grad()
def augmented(pixels: Tensor, draws: Draws) -> Tensor:
    """Changed copies of a batch; where nothing is to be done, the batch itself.

    Args:
        pixels: float32 (b, 1, S, S), grey levels in 0..255, on any device.
        draws: one for each.

    Returns:
        float32 (b, 1, S, S) in 0..255 on the same device; what comes in from outside of a picture is black.

    Raises:
        InputError: the pictures are not of that form, or not as many as the draws.
    """
    if pixels.ndim != 4 or pixels.shape[1] != 1 or pixels.dtype != torch.float32:
        raise InputError(f"Pictures must be float32 (b, 1, S, S); got {pixels.dtype} {tuple(pixels.shape)}.")
    check_pictures(pixels.shape, draws)
    if draws.toned:
        pixels = _toned(pixels, draws)
    if draws.moved:
        pixels = _moved(pixels, draws)
    if draws.noise.any():
        pixels = _noisy(pixels, draws)
    return _with_holes(pixels, draws) if draws.hole.any() else pixels


def mixed(values: Tensor, mix: MixUp) -> Tensor:
    """Pictures, features or one loss per sample, (b, ...), each with its share of its partner's."""
    return blended(values, values[torch.from_numpy(mix.partner).to(values.device)], mix.share)


def blended(own: Tensor, other: Tensor, share: float) -> Tensor:
    """``share`` of the one, and the rest of the other."""
    return share * own + (1 - share) * other


def _each(numbers: NDArray[Any], like: Tensor) -> Tensor:
    """One number per picture (b,) as float32 (b, 1, 1, 1) on the pictures' device."""
    return torch.from_numpy(numbers).to(like.device, torch.float32).view(-1, 1, 1, 1)


def _toned(pixels: Tensor, draws: Draws) -> Tensor:
    contrast, brightness, gamma = (_each(part, pixels) for part in (draws.contrast, draws.brightness, draws.gamma))
    straight = ((pixels - MIDDLE_GREY) * contrast + (MIDDLE_GREY + brightness)).clamp_(0, 255)
    return straight.div_(255).pow_(gamma).mul_(255)


def _moved(pixels: Tensor, draws: Draws) -> Tensor:
    return F.grid_sample(pixels, _grid(pixels, draws), mode="bilinear", padding_mode="zeros", align_corners=False)


def _grid(pixels: Tensor, draws: Draws) -> Tensor:
    """As ``affine_grid`` without its matrix product, which autocast would do in half precision: a pixel or so off."""
    side = pixels.shape[-1]
    line = (torch.arange(side, device=pixels.device, dtype=torch.float32) * 2 + 1) / side - 1
    matrices = torch.from_numpy(draws.matrices()).to(pixels.device, torch.float32)[..., None]
    across = (matrices[:, :, 0] * line)[:, :, None, :]
    along = (matrices[:, :, 1] * line + matrices[:, :, 2])[:, :, :, None]
    return (across + along).permute(0, 2, 3, 1)


@functools.cache
def _normal_numbers(side: int, device: torch.device) -> Tensor:
    return torch.from_numpy(normal_numbers(side)).to(device)


def _noisy(pixels: Tensor, draws: Draws) -> Tensor:
    numbers, size = _normal_numbers(pixels.shape[-1], pixels.device), pixels[0].numel()
    normal = torch.stack([numbers[start : start + size] for start in draws.window.tolist()])
    return torch.addcmul(pixels, _each(draws.noise, pixels), normal.view_as(pixels)).clamp_(0, 255)


def _with_holes(pixels: Tensor, draws: Draws) -> Tensor:
    side = pixels.shape[-1]
    left, top, right, bottom = (_each(part, pixels) for part in draws.holes(side).T)
    at = torch.arange(side, device=pixels.device)
    inside = (at >= left) & (at < right) & (at[:, None] >= top) & (at[:, None] < bottom)
    return pixels.masked_fill(inside, 0)
