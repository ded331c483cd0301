"""Draws applied with numpy and scipy, picture by picture: for looking at them where torch is not imported."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from core.augmentation.drawing import MIDDLE_GREY, Draws, check_pictures, normal_numbers

Pictures = NDArray[np.float32]

_normal_numbers = functools.cache(normal_numbers)


def augmented(pictures: ArrayLike, draws: Draws) -> Pictures:
    """Changed copies of pictures.

    Args:
        pictures: (n, S, S), grey levels in 0..255.
        draws: one for each.

    Returns:
        float32 (n, S, S) in 0..255; what comes in from outside of a picture is black.

    Raises:
        InputError: the pictures are not square, or not as many as the draws.
    """
    found = np.array(pictures, np.float32)
    check_pictures(found.shape, draws)
    if draws.toned:
        found = np.stack([_toned(picture, draws, at) for at, picture in enumerate(found)])
    if draws.moved:
        found = np.stack([_moved(picture, matrix) for picture, matrix in zip(found, draws.matrices(), strict=True)])
    if draws.noise.any():
        found = np.stack([_noisy(picture, draws, at) for at, picture in enumerate(found)])
    for picture, (left, top, right, bottom) in zip(found, draws.holes(found.shape[-1]), strict=True):
        picture[top:bottom, left:right] = 0
    return found


def _toned(picture: Pictures, draws: Draws, at: int) -> Pictures:
    contrast, brightness, gamma = (np.float32(part[at]) for part in (draws.contrast, draws.brightness, draws.gamma))
    straight = np.clip((picture - np.float32(MIDDLE_GREY)) * contrast + (np.float32(MIDDLE_GREY) + brightness), 0, 255)
    return np.asarray((straight / 255) ** gamma * 255, np.float32)


def _moved(picture: Pictures, matrix: NDArray[np.float64]) -> Pictures:
    """Bilinear, as torch's ``grid_sample`` with corners not aligned: pixel j of S lies at (2 j + 1) / S - 1."""
    side, turn = len(picture), matrix[:, :2]
    offset = ((turn.sum(1) * (1 / side - 1) + matrix[:, 2] + 1) * side - 1) / 2
    found = ndimage.affine_transform(  # rows before columns: y before x
        picture, turn[::-1, ::-1], offset[::-1], order=1, mode="grid-constant", cval=0.0, output=np.float32
    )
    return np.asarray(found, np.float32)


def _noisy(picture: Pictures, draws: Draws, at: int) -> Pictures:
    start = draws.window[at]
    normal = _normal_numbers(len(picture))[start : start + picture.size].reshape(picture.shape)
    return np.clip(picture + np.float32(draws.noise[at]) * normal, 0, 255)
