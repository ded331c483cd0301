"""A linear layer on the image side, prompts as class weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.heads.base import Head, ImageOutput


class LinearHead(Head):
    """One linear layer from image features into the text tower's space; the frozen prompts are the class weights:
    logit_k = scale * cos(W x, prompt_k) + bias_k."""

    classifier = True

    def __init__(self, image_width: int, text_width: int, prompts: Tensor, temperature: float, learn: bool) -> None:
        super().__init__(image_width, temperature, learn)
        self.image = nn.Linear(image_width, text_width)
        self.register_buffer("class_weights", F.normalize(prompts, dim=-1))
        self.class_weights: Tensor
        self.bias = nn.Parameter(torch.zeros(len(prompts)))

    @torch.no_grad()
    def fit_statistics(self, features: Tensor, labels: Tensor) -> None:
        """The biases start at the log odds of each finding, so that training begins near chance."""
        super().fit_statistics(features, labels)
        share = labels.nanmean(0).nan_to_num(0.5).clamp(1e-3, 1 - 1e-3)
        self.bias.copy_(share.logit())

    def images(self, features: Tensor) -> ImageOutput:
        embedding = F.normalize(self.image(self.standardised(features)), dim=-1)
        return ImageOutput(embedding=embedding, logits=self.scale * embedding @ self.class_weights.T + self.bias)

    def texts(self, features: Tensor) -> Tensor:
        return F.normalize(features, dim=-1)
