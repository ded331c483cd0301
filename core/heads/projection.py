"""A projection on each tower, with what is private to each modality beside it where that is wanted."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config.run import HeadConfig
from core.heads.base import Head, ImageOutput, Parted


class ProjectionHead(Head):
    """A linear layer, and residual blocks if any, on each tower; with a private width also a :class:`Private` map."""

    def __init__(self, image_width: int, text_width: int, config: HeadConfig, temperature: float, learn: bool) -> None:
        super().__init__(image_width, temperature, learn)
        self.image = _projection(image_width, config)
        self.text = _projection(text_width, config)
        self.image_private = Private(image_width, config) if config.private else None
        self.text_private = Private(text_width, config) if config.private else None

    def images(self, features: Tensor) -> ImageOutput:
        return ImageOutput(embedding=F.normalize(self.image(self.standardised(features)), dim=-1))

    def texts(self, features: Tensor) -> Tensor:
        return F.normalize(self.text(F.normalize(features, dim=-1)), dim=-1)

    def parted(self, images: Tensor, embedding: Tensor, texts: Tensor, embedded: Tensor) -> tuple[Parted, Parted]:
        assert self.image_private is not None and self.text_private is not None, "asked for without a private width"
        # unit vectors have entries of 1/sqrt(width): scaled to 1, as standardised image features are
        scaled = F.normalize(texts, dim=-1) * texts.shape[-1] ** 0.5
        return self.image_private(self.standardised(images), embedding), self.text_private(scaled, embedded)


class Private(nn.Module):
    """What of one modality the shared space does not hold, and a way back to the features from both (Domain Separation
    Networks; Bousmalis et al., NeurIPS 2016; there the way back is shared, but here the towers differ in width).

    Args:
        inlet: dimension of the features.
        config: common and private width.
    """

    def __init__(self, inlet: int, config: HeadConfig) -> None:
        super().__init__()
        self.map = nn.Linear(inlet, config.private)
        self.decoder = nn.Linear(config.width + config.private, inlet)

    def forward(self, features: Tensor, common: Tensor) -> Parted:
        """(n, inlet) features, of mean square 1, and (n, width) of norm 1."""
        private = self.map(features)
        rebuilt = self.decoder(torch.cat([common, private], dim=-1))
        return Parted(features=features, common=common, private=private, rebuilt=rebuilt)


class _Residual(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


def _projection(width: int, config: HeadConfig) -> nn.Module:
    blocks = [_Residual(config.width, config.dropout) for _ in range(config.layers)]
    return nn.Sequential(nn.Linear(width, config.width), *blocks)
