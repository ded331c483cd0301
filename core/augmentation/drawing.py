"""What is done to which radiograph: the numbers, drawn from seed, turn and row alone.

A radiograph's numbers depend neither on the batch that it is in nor on what was drawn before, so that an interrupted
run goes on with the pictures that it would have had, and a whole study can be drawn in pieces of any size.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.config.augmentation import AugmentationConfig
from core.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MIDDLE_GREY = 127.5
"""Contrast rises and falls about this."""

NOISE = 1 << 22
"""So many standard normal numbers are made once; the noise of a picture is a window of them."""

_OF_PICTURES, _OF_BATCHES, _OF_NOISE = 1, 2, 3
"""First words of the seeds: streams that must not meet."""

_NUMBERS = (
    *("kept", "crop_x", "crop_y", "degrees", "right", "down", "flipped", "brightness", "contrast", "gamma"),
    *("noise", "window", "hole", "hole_x", "hole_y"),
)
"""Each radiograph takes all of these, wanted or not: switching noise on does not turn it another way."""


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What is done to n radiographs, in this order: tone, place, noise, hole. Arrays of n, float64 unless said.

    Attributes:
        kept: share of the area that the crop keeps; 1: all.
        crop_x, crop_y: centre of the crop, -1..1 from the left and from the top.
        degrees: rotation, counter-clockwise as one looks at it.
        right, down: shift, in shares of the side.
        flipped: bool, whether left and right change places.
        brightness: grey levels that are added, after ``contrast`` (a factor about middle grey).
        gamma: exponent of grey levels in 0..1, last of the tones.
        noise: standard deviation in grey levels; ``window``: int64, where its window begins.
        hole: side of the black square in shares of the picture's; 0: none. ``hole_x``, ``hole_y``: its centre, 0..1
            from the left and from the top; a part of it may lie outside (DeVries and Taylor, 2017).
    """

    kept: Floats
    crop_x: Floats
    crop_y: Floats
    degrees: Floats
    right: Floats
    down: Floats
    flipped: NDArray[np.bool_]
    brightness: Floats
    contrast: Floats
    gamma: Floats
    noise: Floats
    window: Integers
    hole: Floats
    hole_x: Floats
    hole_y: Floats

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, which: slice | Integers) -> Draws:
        """The draws of some of the radiographs."""
        return Draws(**{field.name: getattr(self, field.name)[which] for field in dataclasses.fields(self)})

    @property
    def toned(self) -> bool:
        """Whether any picture's grey levels change all over."""
        return bool(np.any(self.brightness) or np.any(self.contrast != 1) or np.any(self.gamma != 1))

    @property
    def moved(self) -> bool:
        """Whether anything in any picture changes its place."""
        return bool((self.matrices() != np.eye(2, 3)).any())

    def matrices(self) -> Floats:
        """Where each point of the new picture lies in the old one, (n, 2, 3); both in -1..1, x before y."""
        zoom, angle = np.sqrt(self.kept), np.deg2rad(self.degrees)
        across, aslant = zoom * np.cos(angle), zoom * np.sin(angle)
        mirror = np.where(self.flipped, -1.0, 1.0)
        # a shift is seen in the new picture: it is undone first, so it turns and shrinks with everything else
        right, down = 2 * self.right, 2 * self.down
        rows = [
            [across * mirror, -aslant * mirror, self.crop_x - mirror * (across * right - aslant * down)],
            [aslant, across, self.crop_y - aslant * right - across * down],
        ]
        return np.moveaxis(np.array(rows, np.float64), -1, 0)

    def holes(self, side: int) -> Integers:
        """The black squares in pictures of that side: left, top, right, bottom in pixels (n, 4), ends excluded."""
        wide = np.round(self.hole * side)
        left, top = (np.round(at * side - wide / 2) for at in (self.hole_x, self.hole_y))
        return np.clip(np.stack([left, top, left + wide, top + wide], axis=1), 0, side).astype(np.int64)

    def words(self, at: int) -> list[str]:
        """What is done to one of them, item by item; nothing where it stays as it is."""
        said = [
            (self.kept[at] < 1, f"crop {self.kept[at]:.2f}"),
            (self.degrees[at] != 0, f"{self.degrees[at]:+.1f}°"),
            (self.right[at] != 0, f"{'right' if self.right[at] > 0 else 'left'} {abs(self.right[at]):.1%}"),
            (self.down[at] != 0, f"{'down' if self.down[at] > 0 else 'up'} {abs(self.down[at]):.1%}"),
            (self.flipped[at], "mirrored"),
            (self.brightness[at] != 0, f"brightness {self.brightness[at]:+.0f}"),
            (self.contrast[at] != 1, f"contrast × {self.contrast[at]:.2f}"),
            (self.gamma[at] != 1, f"gamma {self.gamma[at]:.2f}"),
            (self.noise[at] > 0, f"noise {self.noise[at]:.1f}"),
            (self.hole[at] > 0, f"cut-out {self.hole[at]:.2f}"),
        ]
        return [text.replace("%", " %") for true, text in said if true]


def draw(config: AugmentationConfig, rows: ArrayLike, *, seed: int, turn: int) -> Draws:
    """The draws of some radiographs.

    Args:
        config: how far things may go.
        rows: (n,) integers, the radiographs' rows in their study.
        seed: of the run.
        turn: which time these radiographs are seen: the epoch, or the number of the cached view.

    Returns:
        ``Draws`` in the order of the rows; the same arguments give the same ones, row by row.

    Raises:
        InputError: rows, seed or turn are not integers of 0 and more.
    """
    drawn = dict(zip(_NUMBERS, _uniforms(rows, seed, turn).T, strict=True))
    either = {name: 2 * value - 1 for name, value in drawn.items()}
    kept = 1 - (1 - config.crop) * drawn["kept"]
    room = 1 - np.sqrt(kept)
    return Draws(
        kept=kept,
        crop_x=room * either["crop_x"],
        crop_y=room * either["crop_y"],
        degrees=config.rotation * either["degrees"],
        right=config.translation * either["right"],
        down=config.translation * either["down"],
        flipped=drawn["flipped"] < config.flip,
        brightness=config.brightness * either["brightness"],
        contrast=1 + config.contrast * either["contrast"],
        gamma=config.gamma ** either["gamma"],
        noise=config.noise * drawn["noise"],
        window=(drawn["window"] * NOISE).astype(np.int64),
        hole=np.where(drawn["hole"] < config.cutout_probability, config.cutout, 0.0),
        hole_x=drawn["hole_x"],
        hole_y=drawn["hole_y"],
    )


def _uniforms(rows: ArrayLike, seed: int, turn: int) -> Floats:
    """Numbers in 0..1 for each row, (n, 15), from a generator of its own (10 microseconds each)."""
    wanted = np.asarray(rows)
    if wanted.ndim != 1 or (len(wanted) and (wanted.dtype.kind not in "iu" or wanted.min() < 0)):
        raise InputError(f"Rows must be integers of 0 and more in one dimension; got {wanted.dtype} {wanted.shape}.")
    if min(seed, turn) < 0:
        raise InputError(f"Seed and turn must be 0 or more; got {seed} and {turn}.")
    found = np.empty((len(wanted), len(_NUMBERS)))
    for at, row in enumerate(wanted.tolist()):
        found[at] = np.random.default_rng((_OF_PICTURES, seed, turn, row)).random(len(_NUMBERS))
    return found


class MixUp(NamedTuple):
    """``share`` of each sample of a batch, the rest of another one: ``partner`` (n,), int64 places in the batch."""

    share: float
    partner: Integers


def batch_generator(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step of a run that concern a whole batch."""
    return np.random.default_rng((_OF_BATCHES, seed, step))


def mixup_draw(alpha: float, count: int, rng: np.random.Generator) -> MixUp:
    """How a batch is mixed: one share for all, Beta(alpha, alpha), and a permutation (Zhang et al., 2018).

    Losses mix as pictures do: share x (loss against the own labels) + (1 - share) x (loss against the partner's).

    Args:
        alpha: of the Beta distribution; 0: nothing is mixed.
        count: samples in the batch.
        rng: from :func:`batch_generator`.
    """
    if alpha <= 0:
        return MixUp(1.0, np.arange(count))
    return MixUp(float(rng.beta(alpha, alpha)), rng.permutation(count))


def normal_numbers(side: int) -> NDArray[np.float32]:
    """Standard normal numbers, the same in every process: enough that a window of side x side may begin at any of the
    first ``NOISE``. Windows cost a hundredth of what new numbers would, and torch and numpy see the same ones."""
    made = np.random.default_rng(_OF_NOISE).standard_normal(NOISE, dtype=np.float32)
    return np.resize(made, NOISE + side * side)  # goes round


def check_pictures(shape: Sequence[int], draws: Draws) -> None:
    """Raise ``InputError`` unless there is one draw for each square picture."""
    if len(shape) < 3 or shape[-1] != shape[-2] or shape[0] != len(draws):
        raise InputError(
            f"Pictures of shape {tuple(shape)} do not fit {len(draws)} draws: they must be square, one for each draw."
        )
