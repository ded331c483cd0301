"""Images and texts as features: cached ones, or fresh ones from towers that learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.drawing import MixUp, draw
from core.augmentation.tensors import augmented, blended, mixed
from core.config.augmentation import AugmentationConfig
from core.encoders import as_pixels
from core.parallel import spread, world
from core.towers.base import ImageTower, TextTower

SECOND = 1 << 20
"""Second views of an epoch are drawn as if they were of an epoch that never comes."""


@dataclass(frozen=True)
class Moment:
    """When in training a batch is drawn: whatever is random about its images depends on this and the seed alone.

    Attributes:
        epoch, step: from 0.
        mix: how its images are mixed with each other (MixUp); None: not at all.
        second: whether another view of the same images is wanted.
    """

    epoch: int
    step: int
    mix: MixUp | None = None
    second: bool = False


class Images(Protocol):
    """The images of a split."""

    def __len__(self) -> int: ...

    def __call__(self, rows: Tensor, moment: Moment | None) -> Tensor:
        """Features (b, image_width) of some rows; without a moment as they are, not augmented."""


class Texts(Protocol):
    """The distinct captions of a study, and its prompts."""

    def captions(self, codes: Tensor) -> Tensor:
        """(c,) numbers of captions -> (c, text_width)."""

    def prompts(self) -> Tensor:
        """(K, text_width), rows of norm 1: the positive prompts."""

    def negatives(self) -> Tensor:
        """(K, text_width), rows of norm 1: the negative prompts."""


@dataclass(frozen=True)
class CachedImages:
    """Features of a frozen tower.

    Attributes:
        features: (n, image_width) of the images as they are.
        views: (v, n, image_width) of changed versions, which the epochs take in turn; None: they are not changed.
    """

    features: Tensor
    views: Tensor | None = None

    def __len__(self) -> int:
        return len(self.features)

    def __call__(self, rows: Tensor, moment: Moment | None) -> Tensor:
        if moment is None:
            return self.features[rows]
        turn = moment.epoch + moment.second
        found = self.features[rows] if self.views is None else self.views[turn % len(self.views)][rows]
        return found if moment.mix is None else mixed(found, moment.mix)


@dataclass(frozen=True)
class LiveImages:
    """Images that go through a tower that learns, each time.

    Attributes:
        tower: in the mode that is wanted.
        pixels: uint8 (N, S, S), the study's.
        rows: (n,) which of them make the split.
        augmentation, seed: how they are changed in training.
        piece: images that the tower sees at a time; 0: a whole batch (see :func:`core.parallel.spread`).
    """

    tower: ImageTower
    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    device: torch.device
    augmentation: AugmentationConfig
    seed: int
    piece: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, rows: Tensor, moment: Moment | None) -> Tensor:
        share = world().share(len(rows))
        pixels = self._pixels(self.rows[rows.cpu().numpy()], share, moment)

        def features(piece: slice) -> Tensor:
            found: Tensor = self.tower(pixels[piece.start - share.start : piece.stop - share.start])
            return found

        return spread(features, len(rows), self.piece, self.tower)

    def _pixels(self, batch: NDArray[np.int64], share: slice, moment: Moment | None) -> Tensor:
        """What the tower gets to see of this process's share of a batch."""
        if moment is None:
            return as_pixels(self.pixels[batch[share]], self.device)
        turn = moment.epoch + SECOND * moment.second
        places = np.arange(len(batch))[share]
        needed = places if moment.mix is None else np.unique([places, moment.mix.partner[share]])
        pixels = augmented(
            as_pixels(self.pixels[batch[needed]], self.device),
            draw(self.augmentation, batch[needed], seed=self.seed, turn=turn),
        )
        if moment.mix is None:
            return pixels
        own, other = (np.searchsorted(needed, wanted) for wanted in (places, moment.mix.partner[share]))
        return blended(pixels[own], pixels[other], moment.mix.share)


@dataclass(frozen=True)
class CachedTexts:
    """Features of a frozen tower: (c, text_width) of the captions, (K, text_width) of the prompts."""

    of_captions: Tensor
    positive: Tensor
    negative: Tensor

    def captions(self, codes: Tensor) -> Tensor:
        return self.of_captions[codes]

    def prompts(self) -> Tensor:
        return self.positive

    def negatives(self) -> Tensor:
        return self.negative


@dataclass(frozen=True)
class LiveTexts:
    """Texts that go through a tower that learns, each time.

    Attributes:
        tower: in the mode that is wanted.
        written: the distinct captions.
        positive, negative: for each finding its prompts, the same number for all.
        piece: texts that the tower sees at a time; 0: all (see :func:`core.parallel.spread`).
    """

    tower: TextTower
    written: Sequence[str]
    positive: Sequence[Sequence[str]]
    negative: Sequence[Sequence[str]]
    device: torch.device
    piece: int = 0

    def captions(self, codes: Tensor) -> Tensor:
        if not len(codes):
            return torch.zeros(0, self.tower.width, device=self.device)
        distinct, place = codes.unique(return_inverse=True)
        return self._features([self.written[code] for code in distinct.tolist()])[place]

    def prompts(self) -> Tensor:
        return self._ensemble(self.positive)

    def negatives(self) -> Tensor:
        return self._ensemble(self.negative)

    def _features(self, texts: Sequence[str]) -> Tensor:
        tokens = {name: value.to(self.device) for name, value in self.tower.tokenize(texts).items()}

        def features(piece: slice) -> Tensor:
            found: Tensor = self.tower({name: value[piece] for name, value in tokens.items()})
            return found

        return spread(features, len(texts), self.piece, self.tower)

    def _ensemble(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        found = self._features([text for own in prompts for text in own])
        return ensemble(found.float().unflatten(0, (len(prompts), -1)))


def ensemble(vectors: Tensor) -> Tensor:
    """(K, T, width) of T templates -> (K, width): unit vectors, averaged, then normalised."""
    return F.normalize(F.normalize(vectors, dim=-1).mean(1), dim=-1)
