"""What is learned on top of frozen towers: heads that bring both modalities into one space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config.run import HeadConfig

MAX_SCALE = 100.0
"""The learned inverse temperature is kept at or below this, as in CLIP (Radford et al., 2021)."""


@dataclass(frozen=True, kw_only=True)
class ImageOutput:
    """What a head makes of a batch of image features.

    Attributes:
        embedding: (b, d), rows of norm 1.
        logits: (b, K) of the classifier, or None for a head without one.
        tokens: (b, K, d), rows of norm 1: one vector per disease, or None.
    """

    embedding: Tensor
    logits: Tensor | None = None
    tokens: Tensor | None = None


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


class ProjectionHead(Head):
    """A linear layer, and residual blocks if any, on each tower."""

    def __init__(self, image_width: int, text_width: int, config: HeadConfig, temperature: float, learn: bool) -> None:
        super().__init__(image_width, temperature, learn)
        self.image = _projection(image_width, config)
        self.text = _projection(text_width, config)

    def images(self, features: Tensor) -> ImageOutput:
        return ImageOutput(embedding=F.normalize(self.image(self.standardised(features)), dim=-1))

    def texts(self, features: Tensor) -> Tensor:
        return F.normalize(self.text(F.normalize(features, dim=-1)), dim=-1)


class _Residual(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.GELU(), nn.Linear(width, width), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x)


def _projection(width: int, config: HeadConfig) -> nn.Module:
    blocks = [_Residual(config.width, config.dropout) for _ in range(config.layers)]
    return nn.Sequential(nn.Linear(width, config.width), *blocks)


class TextModule(nn.Module):
    """Transformer 2, "the orthogonal module": the K prompts look at each other and move apart.

    Args:
        text_width: dimension of the prompt features.
        config: width, layers and attention heads.
    """

    def __init__(self, text_width: int, config: HeadConfig) -> None:
        super().__init__()
        same = text_width == config.width
        self.inlet: nn.Module = nn.Identity() if same else nn.Linear(text_width, config.width)
        # No dropout: the K prompts are the same in every step, so there is nothing to regularise, and its noise would
        # part them in training only. (On CLIP's prompts the Gram loss fell to 0.003 that way, while the mean cosine
        # in evaluation mode stayed at 0.5.)
        self.transformer = _transformer(config.replace(dropout=0.0))

    def forward(self, features: Tensor) -> Tensor:
        """(K, text_width) -> (K, width) of norm 1."""
        # unit vectors have entries of 1/sqrt(width): scaled to 1, they weigh as much as what attention adds
        tokens = F.normalize(self.inlet(features), dim=-1) * self.transformer.layers[0].linear1.in_features ** 0.5
        return F.normalize(self.transformer(tokens.unsqueeze(0)).squeeze(0), dim=-1)


def _transformer(config: HeadConfig) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        config.width,
        config.attention_heads,
        dim_feedforward=2 * config.width,
        dropout=config.dropout,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
    return nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)


class DiseaseTokenHead(Head):
    """Fine-grained feature alignment: one token per disease in each branch, a transformer in each, one classifier.

    The embedding of a whole image is the sum of its disease tokens, weighted by their probabilities: it lies near
    the diseases that the model sees in it.
    """

    caption_branch = False
    classifier = True

    def __init__(
        self, image_width: int, text_width: int, diseases: int, config: HeadConfig, temperature: float, learn: bool
    ) -> None:
        super().__init__(image_width, temperature, learn)
        self.dropout = nn.Dropout(config.dropout)
        self.split = nn.Linear(image_width, diseases * config.width)
        self.image_transformer = _transformer(config)
        self.text_module = TextModule(text_width, config)
        self.shared_classifier = nn.Linear(config.width, 1)
        self.diseases = diseases

    def images(self, features: Tensor) -> ImageOutput:
        tokens = self.split(self.dropout(self.standardised(features))).unflatten(-1, (self.diseases, -1))
        tokens = self.image_transformer(tokens)
        logits = self.shared_classifier(tokens).squeeze(-1)
        tokens = F.normalize(tokens, dim=-1)
        embedding = F.normalize((logits.sigmoid().unsqueeze(-1) * tokens).sum(1), dim=-1)
        return ImageOutput(embedding=embedding, logits=logits, tokens=tokens)

    def prompts(self, features: Tensor) -> Tensor:
        embedded: Tensor = self.text_module(features)
        return embedded


def build_head(
    config: HeadConfig,
    *,
    image_width: int,
    prompts: Tensor,
    temperature: float,
    learn_temperature: bool,
) -> Head:
    """The head that a config names.

    Args:
        config: kind and sizes.
        image_width: dimension of the image features.
        prompts: (K, text_width) features of the disease prompts.
        temperature: of the contrastive loss and of zero-shot probabilities, at the start.
        learn_temperature: whether it is learned (for a head without anything else to learn: only with a tower).
    """
    text_width = prompts.shape[1]
    if config.kind == "linear":
        return LinearHead(image_width, text_width, prompts, temperature, learn_temperature)
    if config.kind == "projection":
        return ProjectionHead(image_width, text_width, config, temperature, learn_temperature)
    if config.kind == "disease-tokens":
        return DiseaseTokenHead(image_width, text_width, len(prompts), config, temperature, learn_temperature)
    return PlainHead(image_width, text_width, temperature, learn_temperature)
