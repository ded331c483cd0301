"""What a head is fed with: images and texts as features, cached ones or fresh ones from towers that learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.drawing import MixUp, draw
from core.augmentation.tensors import augmented, mixed
from core.config.augmentation import AugmentationConfig
from core.encoders import as_pixels
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
    """

    tower: ImageTower
    pixels: NDArray[np.uint8]
    rows: NDArray[np.int64]
    device: torch.device
    augmentation: AugmentationConfig
    seed: int

    def __len__(self) -> int:
        return len(self.rows)

    def __call__(self, rows: Tensor, moment: Moment | None) -> Tensor:
        own = self.rows[rows.cpu().numpy()]
        pixels = as_pixels(self.pixels[own], self.device)
        if moment is not None:
            turn = moment.epoch + SECOND * moment.second
            pixels = augmented(pixels, draw(self.augmentation, own, seed=self.seed, turn=turn))
            pixels = pixels if moment.mix is None else mixed(pixels, moment.mix)
        found: Tensor = self.tower(pixels)
        return found


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
    """

    tower: TextTower
    written: Sequence[str]
    positive: Sequence[Sequence[str]]
    negative: Sequence[Sequence[str]]
    device: torch.device

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
        tokens = self.tower.tokenize(texts)
        found: Tensor = self.tower({name: value.to(self.device) for name, value in tokens.items()})
        return found

    def _ensemble(self, prompts: Sequence[Sequence[str]]) -> Tensor:
        found = self._features([text for own in prompts for text in own])
        return ensemble(found.float().unflatten(0, (len(prompts), -1)))


def ensemble(vectors: Tensor) -> Tensor:
    """(K, T, width) of T templates -> (K, width): unit vectors, averaged, then normalised."""
    return F.normalize(F.normalize(vectors, dim=-1).mean(1), dim=-1)


@dataclass(frozen=True, kw_only=True)
class Split:
    """The samples of one split, on the device that trains.

    Attributes:
        images: their features.
        labels: (n, K): 1 present, 0 absent, NaN unknown.
        stated: (n, K): the same, but -1 where a study keeps uncertain ones as a class of their own.
        caption_of: (n,) integers, whose text is which; -1: none.
    """

    images: Images
    labels: Tensor
    stated: Tensor
    caption_of: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """What a head is trained and validated on.

    Attributes:
        train, val: the splits.
        texts: captions and prompts.
        mixup: alpha of MixUp's Beta distribution; 0: images are not mixed.
        two_views: whether a loss compares two views of each image.
        nearness: (K, K), how near the findings stand in a tree; None where one of them is not in it.
    """

    train: Split
    val: Split
    texts: Texts
    mixup: float = 0.0
    two_views: bool = False
    nearness: Tensor | None = None

    def batch(self, split: Split, rows: Tensor, moment: Moment | None = None) -> Batch:
        """Some rows of a split; a second view only in training, where images are changed."""
        other = split.images(rows, replace(moment, second=True)) if moment and self.two_views else None
        return Batch(
            features=split.images(rows, moment),
            second=other,
            labels=split.labels[rows],
            stated=split.stated[rows],
            caption_of=split.caption_of[rows],
            data=self,
        )


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a head and its losses see of some radiographs; texts are embedded when a loss asks for them.

    Attributes:
        features: (b, image_width).
        labels, stated, caption_of: as in :class:`Split`.
        data: whose texts and prompts.
        second: (b, image_width) of a second augmented view of the same images; None where there is one view alone.
    """

    features: Tensor
    labels: Tensor
    stated: Tensor
    caption_of: Tensor
    data: TrainingData
    second: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def written(self) -> Tensor:
        """(b,) booleans: who has a text."""
        return self.caption_of >= 0

    @cached_property
    def texts(self) -> Tensor:
        """(w, text_width) of the rows that have a text, in their order."""
        return self.data.texts.captions(self.caption_of[self.written])

    @cached_property
    def prompts(self) -> Tensor:
        """(K, text_width) of the positive prompts."""
        return self.data.texts.prompts()

    @cached_property
    def negatives(self) -> Tensor:
        """(K, text_width) of the negative prompts."""
        return self.data.texts.negatives()

    def answers_of(self, others: Tensor) -> Batch:
        """The same images with the labels and texts of the rows ``others`` (b,), as MixUp needs them."""
        return replace(
            self,
            labels=self.labels[others],
            stated=self.stated[others],
            caption_of=self.caption_of[others],
        )
