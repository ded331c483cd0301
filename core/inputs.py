"""What a head is fed with: the samples of a split, and batches of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from core.config.run import Precision
from core.devices import autocast
from core.feeds import Images, Moment, Texts


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
        precision: in which towers and heads work: ``auto``, ``fp32`` or ``bf16``.
    """

    train: Split
    val: Split
    texts: Texts
    mixup: float = 0.0
    two_views: bool = False
    nearness: Tensor | None = None
    precision: Precision = "auto"

    def autocast(self) -> AbstractContextManager[None]:
        """The precision, for the length of a block."""
        return autocast(self.train.labels.device, self.precision)

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
