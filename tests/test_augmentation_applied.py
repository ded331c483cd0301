"""Draws applied: torch and numpy agree, and each kind does what it says, by hand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.augmentation import arrays, tensors
from core.augmentation.drawing import Draws, MixUp, draw
from core.config.augmentation import AugmentationConfig
from core.errors import InputError
from tests.test_augmentation import ALL, ONE_EACH

Pictures = NDArray[np.float32]
Apply = Callable[[Pictures, Draws], Pictures]


def by_torch(pictures: Pictures, draws: Draws) -> Pictures:
    found: Pictures = tensors.augmented(torch.from_numpy(pictures)[:, None], draws)[:, 0].numpy()
    return found


BOTH = pytest.mark.parametrize("apply", [by_torch, arrays.augmented], ids=["torch", "numpy"])


def nothing(count: int = 1, **changes: Any) -> Draws:
    """Draws that change nothing, but for the given ones."""
    off = draw(AugmentationConfig(), range(count), seed=0, turn=0)
    return dataclasses.replace(off, **{name: np.full(count, value) for name, value in changes.items()})


def noise_pictures(count: int = 3, side: int = 64) -> Pictures:
    """The worst case for two ways of interpolating: each pixel differs from its neighbours."""
    return np.random.default_rng(0).integers(0, 256, (count, side, side)).astype(np.float32)


@pytest.mark.parametrize("change", [*ONE_EACH, ALL.to_json()], ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("side", [63, 224])
def test_torch_and_numpy_agree(change: dict[str, Any], side: int) -> None:
    pictures = noise_pictures(4, side)
    draws = draw(AugmentationConfig.from_json(change), range(4), seed=1, turn=5)
    one, other = by_torch(pictures, draws), arrays.augmented(pictures, draws)
    assert np.abs(one - other).max() < 0.2
    assert np.abs(one - pictures).max() > 1  # something was done
    assert one.min() >= 0 and one.max() <= 255 and one.dtype == other.dtype == np.float32


@BOTH
def test_off_is_the_same_bit_by_bit(apply: Apply) -> None:
    pictures = noise_pictures()
    before = pictures.copy()
    assert np.array_equal(apply(pictures, nothing(3)), before)


def test_off_costs_nothing_in_training() -> None:
    batch = torch.rand(2, 1, 32, 32)
    assert tensors.augmented(batch, nothing(2)) is batch


@BOTH
def test_what_is_given_stays_as_it_is(apply: Apply) -> None:
    pictures = noise_pictures()
    before = pictures.copy()
    assert not np.array_equal(apply(pictures, draw(ALL, range(3), seed=0, turn=0)), before)
    assert np.array_equal(pictures, before)


@BOTH
@pytest.mark.parametrize("turn", range(3))
def test_a_radiograph_does_not_depend_on_its_batch(apply: Apply, turn: int) -> None:
    pictures = noise_pictures(5)
    whole = apply(pictures, draw(ALL, range(5), seed=0, turn=turn))
    alone = apply(pictures[3:4], draw(ALL, [3], seed=0, turn=turn))
    assert np.abs(whole[3] - alone[0]).max() < 1e-3


@BOTH
class TestPlace:
    def test_a_quarter_turn_is_counter_clockwise(self, apply: Apply) -> None:
        pictures = noise_pictures()
        found = apply(pictures, nothing(3, degrees=90.0))
        assert found == pytest.approx(np.rot90(pictures, axes=(1, 2)), abs=0.1)
        back = apply(pictures, nothing(3, degrees=-90.0))
        assert back == pytest.approx(np.rot90(pictures, -1, axes=(1, 2)), abs=0.1)

    def test_a_shift_by_whole_pixels(self, apply: Apply) -> None:
        pictures = noise_pictures()
        found = apply(pictures, nothing(3, right=8 / 64, down=-4 / 64))
        assert found[:, :60, 8:] == pytest.approx(pictures[:, 4:, :56], abs=0.01)
        assert not found[:, 60:].any() and not found[:, :, :8].any()  # black comes in

    def test_a_shift_is_seen_after_the_turn(self, apply: Apply) -> None:
        pictures = noise_pictures()
        found = apply(pictures, nothing(3, degrees=90.0, right=8 / 64))
        assert found[:, :, 8:] == pytest.approx(np.rot90(pictures, axes=(1, 2))[:, :, :56], abs=0.1)

    def test_a_mirror_image_is_turned_after_it(self, apply: Apply) -> None:
        pictures = noise_pictures()
        assert apply(pictures, nothing(3, flipped=True)) == pytest.approx(pictures[:, :, ::-1], abs=0.01)
        both = apply(pictures, nothing(3, flipped=True, degrees=90.0))
        assert both == pytest.approx(np.rot90(pictures[:, :, ::-1], axes=(1, 2)), abs=0.1)
        moved = apply(pictures, nothing(3, flipped=True, right=8 / 64))
        assert moved[:, :, 8:] == pytest.approx(pictures[:, :, ::-1][:, :, :56], abs=0.01)

    def test_a_crop_enlarges_a_quarter(self, apply: Apply) -> None:
        # the lower left quarter of a ramp: twice as large, so half as steep; at the old edges black is mixed in
        across = np.arange(64, dtype=np.float32)
        ramp = np.broadcast_to(across, (1, 64, 64)).copy()
        found = apply(ramp, nothing(1, kept=0.25, crop_x=-0.5, crop_y=0.5))[0]
        assert found[:-1, 1:] == pytest.approx(np.broadcast_to((across[1:] - 0.5) / 2, (63, 63)), abs=0.01)
        assert found[-1, 1:] == pytest.approx(0.75 * found[-2, 1:], abs=0.01)
        quarters = np.kron([[10.0, 20.0], [30.0, 40.0]], np.ones((32, 32)))[None].astype(np.float32)
        assert (apply(quarters, nothing(1, kept=0.25, crop_x=-0.5, crop_y=0.5))[0, 1:-1, 1:-1] == 30).all()

    def test_a_turn_lets_black_in_at_the_corners(self, apply: Apply) -> None:
        found = apply(np.full((1, 64, 64), 200, np.float32), nothing(1, degrees=45.0))[0]
        assert found[0, 0] == found[0, -1] == found[-1, 0] == found[-1, -1] == 0
        assert found[32, 32] == pytest.approx(200)
        # an octagon is left: 2 (sqrt 2 - 1) of the square
        assert found.mean() / 200 == pytest.approx(2 * (math.sqrt(2) - 1), abs=0.01)

    def test_a_marker_stays_on_its_side(self, apply: Apply) -> None:
        config = ALL.replace(flip=AugmentationConfig().flip, crop=0.8, noise=0, brightness=0, cutout=0)
        pictures = np.zeros((200, 64, 64), np.float32)
        pictures[:, 26:38, 44:56] = 250
        found = apply(pictures, draw(config, range(200), seed=0, turn=0)) > 120
        assert found.any((1, 2)).all()
        assert not found[:, :, :32].any()


@BOTH
class TestTone:
    def test_brightness_contrast_and_gamma_by_hand(self, apply: Apply) -> None:
        grey = np.array([0, 100, 127.5, 200, 250], np.float32)[:, None, None] * np.ones((1, 8, 8), np.float32)
        assert apply(grey, nothing(5, brightness=20.0))[:, 0, 0].tolist() == [20, 120, 147.5, 220, 255]
        assert apply(grey, nothing(5, brightness=-20.0))[:, 0, 0].tolist() == [0, 80, 107.5, 180, 230]
        assert apply(grey, nothing(5, contrast=2.0))[:, 0, 0].tolist() == [0, 72.5, 127.5, 255, 255]
        expected = [0, 255 * (100 / 255) ** 2, 63.75, 255 * (200 / 255) ** 2, 255 * (250 / 255) ** 2]
        assert apply(grey, nothing(5, gamma=2.0))[:, 0, 0] == pytest.approx(expected, rel=1e-5)

    def test_what_comes_in_from_outside_stays_black(self, apply: Apply) -> None:
        found = apply(np.full((1, 16, 16), 50, np.float32), nothing(1, brightness=30.0, right=0.5))
        assert not found[:, :, :8].any() and found[:, :, 8:] == pytest.approx(80)


@BOTH
class TestNoiseAndHoles:
    def test_noise_has_its_deviation_and_is_made_again(self, apply: Apply) -> None:
        grey = np.full((2, 224, 224), 128, np.float32)
        draws = dataclasses.replace(nothing(2, noise=6.0), window=np.array([5, 3_000_000]))
        added = apply(grey, draws) - 128
        assert added.mean((1, 2)) == pytest.approx([0, 0], abs=0.15)
        assert added.std((1, 2)) == pytest.approx([6, 6], abs=0.1)
        assert abs(np.corrcoef(added[0].ravel(), added[1].ravel())[0, 1]) < 0.03
        assert np.array_equal(apply(grey, draws) - 128, added)

    def test_a_hole_is_black_and_as_large_as_it_says(self, apply: Apply) -> None:
        white = np.full((1, 64, 64), 255, np.float32)
        found = apply(white, nothing(1, hole=0.25, hole_x=0.5, hole_y=0.75))[0]
        assert (found == 0).sum() == 16 * 16 and not found[40:56, 24:40].any()
        assert (found == 255).sum() == 64 * 64 - 256
        noisy = apply(white, nothing(1, hole=0.25, hole_x=0.5, hole_y=0.5, noise=9.0))[0]
        assert not noisy[24:40, 24:40].any()  # nothing lies over it


def test_mixing_by_hand() -> None:
    values = torch.tensor([[10.0, 0.0], [20.0, 100.0]])
    found = tensors.mixed(values, MixUp(0.75, np.array([1, 0])))
    assert found.tolist() == [[12.5, 25.0], [17.5, 75.0]]
    assert torch.equal(tensors.mixed(values, MixUp(1.0, np.arange(2))), values)


def test_half_precision_around_it_changes_nothing() -> None:
    pictures = torch.from_numpy(noise_pictures())[:, None]
    draws = draw(ALL, range(3), seed=0, turn=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = tensors.augmented(pictures, draws)
    assert torch.equal(inside, tensors.augmented(pictures, draws))


@pytest.mark.parametrize(
    "pictures",
    [torch.zeros(2, 1, 8, 9), torch.zeros(1, 1, 8, 8), torch.zeros(2, 8, 8), torch.zeros(2, 3, 8, 8),
     torch.zeros(2, 1, 8, 8, dtype=torch.uint8)],
)  # fmt: skip
def test_what_does_not_fit_is_refused(pictures: torch.Tensor) -> None:
    with pytest.raises(InputError, match=r"square|float32 \(b, 1, S, S\)"):
        tensors.augmented(pictures, nothing(2))
    if pictures.ndim == 4 and pictures.shape[1] == 1 and pictures.dtype == torch.float32:
        with pytest.raises(InputError, match="square"):
            arrays.augmented(pictures[:, 0].numpy(), nothing(2))
