"""One token per disease in each branch: the orthogonal module."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config.run import HeadConfig
from core.heads.base import Head, ImageOutput


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
        self,
        image_width: int,
        text_width: int,
        diseases: int,
        config: HeadConfig,
        temperature: float,
        learn: bool,
        classes: int = 2,
    ) -> None:
        super().__init__(image_width, temperature, learn)
        self.dropout = nn.Dropout(config.dropout)
        self.split = nn.Linear(image_width, diseases * config.width)
        self.image_transformer = _transformer(config)
        self.text_module = TextModule(text_width, config)
        self.shared_classifier = nn.Linear(config.width, 3 if classes == 3 else 1)
        self.diseases = diseases

    def images(self, features: Tensor) -> ImageOutput:
        tokens = self.split(self.dropout(self.standardised(features))).unflatten(-1, (self.diseases, -1))
        tokens = self.image_transformer(tokens)
        found = self.shared_classifier(tokens)
        classes = found if found.shape[-1] == 3 else None
        logits = found.squeeze(-1) if classes is None else found[..., 1] - found[..., 0]
        tokens = F.normalize(tokens, dim=-1)
        embedding = F.normalize((logits.sigmoid().unsqueeze(-1) * tokens).sum(1), dim=-1)
        return ImageOutput(embedding=embedding, logits=logits, tokens=tokens, classes=classes)

    def prompts(self, features: Tensor) -> Tensor:
        embedded: Tensor = self.text_module(features)
        return embedded

    def query(self, features: Tensor, prompts: Tensor) -> Tensor:
        """Free text as one more token beside the K prompts, each text by itself; its own last vector is the answer.

        The module was trained on the K prompts alone. Nothing in it tells one place from another, so it takes one
        more token, but it has never learned to: a text that means one of the findings lands near that finding, what
        it makes of other texts is a guess.
        """
        tokens = F.normalize(features, dim=-1)  # as the prompts' features are
        return torch.stack([self.text_module(torch.cat([prompts, token[None]]))[-1] for token in tokens])
