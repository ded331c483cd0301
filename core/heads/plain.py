"""The towers as they are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.heads.base import Head, ImageOutput


class PlainHead(Head):
    """The towers as they are, frozen or not. Towers of different width, which share no space, are brought to the
    narrower one by a fixed random map with orthonormal rows: as long as both are frozen, cosines across modalities are
    at chance, as they should be. A temperature is learned only with a tower."""

    def __init__(self, image_width: int, text_width: int, temperature: float, learn: bool = False) -> None:
        super().__init__(image_width, temperature, learn)
        width = min(image_width, text_width)
        for name, own in (("image_map", image_width), ("text_map", text_width)):
            matrix = torch.empty(width, own)
            nn.init.orthogonal_(matrix, generator=torch.Generator().manual_seed(0))
            self.register_buffer(name, matrix if own != width else torch.eye(width))
        self.image_map: Tensor
        self.text_map: Tensor

    def images(self, features: Tensor) -> ImageOutput:
        return ImageOutput(embedding=F.normalize(features @ self.image_map.T, dim=-1))

    def texts(self, features: Tensor) -> Tensor:
        return F.normalize(features @ self.text_map.T, dim=-1)
