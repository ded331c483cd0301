"""What every head is: image features in, one space for both modalities out, with a temperature."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

MAX_SCALE = 100.0
"""The learned inverse temperature is kept at or below this, as in CLIP (Radford et al., 2021)."""


@dataclass(frozen=True, kw_only=True)
class ImageOutput:
    """What a head makes of a batch of image features.

    Attributes:
        embedding: (b, d), rows of norm 1.
        logits: (b, K) of the classifier, log odds of a finding's presence against its absence, or None for a head
            without one.
        tokens: (b, K, d), rows of norm 1: one vector per disease, or None.
        classes: (b, K, 3) logits of a three-class classifier: absent, present, uncertain; else None. ``logits`` are
            then present minus absent: the third class is left out of predictions (CheXpert; Irvin et al., AAAI 2019).
    """

    embedding: Tensor
    logits: Tensor | None = None
    tokens: Tensor | None = None
    classes: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Parted:
    """A modality as what it shares with the other one, and what it has for itself.

    Attributes:
        features: (n, width), scaled to a mean square of about 1 an entry.
        common: (n, d), rows of norm 1, in the shared space.
        private: (n, p).
        rebuilt: (n, width), the features as they follow from ``common`` and ``private``.
    """

    features: Tensor
    common: Tensor
    private: Tensor
    rebuilt: Tensor


class Head(nn.Module):
    """Base: standardises image features, L2-normalises text features, holds the temperature.

    Attributes:
        caption_branch: whether free text can be embedded (the disease-token model knows only its K prompts).
        classifier: whether :meth:`images` gives logits.
    """

    caption_branch = True
    classifier = False

    def __init__(self, image_width: int, temperature: float, learn_temperature: bool) -> None:
        super().__init__()
        scale = torch.tensor(1.0 / temperature).log()
        self.log_scale = nn.Parameter(scale, requires_grad=learn_temperature)
        self.register_buffer("mean", torch.zeros(image_width))
        self.register_buffer("std", torch.ones(image_width))
        self.mean: Tensor
        self.std: Tensor

    @property
    def scale(self) -> Tensor:
        """The inverse temperature, at most 100."""
        return self.log_scale.exp().clamp(max=MAX_SCALE)

    @torch.no_grad()
    def bound_scale(self) -> None:
        """Put a learned temperature back inside its bound after a step: beyond it the gradient is 0, for good."""
        if self.log_scale.requires_grad:
            self.log_scale.clamp_(max=math.log(MAX_SCALE) - 1e-5)  # float32's e^ln(100) is above 100

    @torch.no_grad()
    def set_temperature(self, temperature: float) -> None:
        """Follow a schedule; below 0.01 the scale stays at its bound, 100."""
        self.log_scale.fill_(-math.log(temperature))

    @torch.no_grad()
    def fit_statistics(self, features: Tensor, labels: Tensor) -> None:
        """Take mean and standard deviation of the training split's features (n, image_width), and whatever else a
        head wants to know of it and its labels (n, K) before it is trained.

        A channel that hardly moves in training (ReLU leaves some at 0) counts with a tenth of the mean deviation:
        divided by its own, the first radiograph that wakes it would drown all others.
        """
        std = features.std(0, correction=0)
        self.mean.copy_(features.mean(0))
        self.std.copy_(torch.where(std.max() > 0, std.clamp_min(0.1 * std.mean()), 1.0))

    def standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.std

    def images(self, features: Tensor) -> ImageOutput:
        """(b, image_width) raw features -> embeddings, logits, tokens."""
        raise NotImplementedError

    def texts(self, features: Tensor) -> Tensor:
        """(b, text_width) raw features of free text -> (b, d) of norm 1."""
        raise NotImplementedError

    def prompts(self, features: Tensor) -> Tensor:
        """(K, text_width) features of the K disease prompts, in order -> (K, d) of norm 1."""
        return self.texts(features)

    def query(self, features: Tensor, prompts: Tensor) -> Tensor:
        """What somebody looks for, beside the images.

        Args:
            features: (b, text_width) raw features of free text.
            prompts: (K, text_width) features of the K disease prompts, for a head that knows nothing but these.

        Returns:
            (b, d) of norm 1.
        """
        return self.texts(features)

    def parted(self, images: Tensor, embedding: Tensor, texts: Tensor, embedded: Tensor) -> tuple[Parted, Parted]:
        """Both modalities in what is common and what is private to each (a projection head with a private width).

        Args:
            images, embedding: (b, image_width) raw features, and what :meth:`images` made of them.
            texts, embedded: (w, text_width) raw features, and what :meth:`texts` made of them.
        """
        raise NotImplementedError
