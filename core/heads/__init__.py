"""What is learned on top of towers: heads that bring both modalities into one space."""

from __future__ import annotations

from torch import Tensor

from core.config.run import HeadConfig
from core.heads.base import MAX_SCALE, Head, ImageOutput, Parted
from core.heads.disease_tokens import DiseaseTokenHead, TextModule
from core.heads.linear import LinearHead
from core.heads.plain import PlainHead
from core.heads.projection import ProjectionHead

__all__ = [
    "MAX_SCALE",
    "DiseaseTokenHead",
    "Head",
    "ImageOutput",
    "LinearHead",
    "Parted",
    "PlainHead",
    "ProjectionHead",
    "TextModule",
    "build_head",
]


def build_head(
    config: HeadConfig,
    *,
    image_width: int,
    prompts: Tensor,
    temperature: float,
    learn_temperature: bool,
    classes: int = 2,
) -> Head:
    """The head that a config names.

    Args:
        config: kind and sizes.
        image_width: dimension of the image features.
        prompts: (K, text_width) features of the disease prompts.
        temperature: of the contrastive loss and of zero-shot probabilities, at the start.
        learn_temperature: whether it is learned (for a head without anything else to learn: only with a tower).
        classes: of the classifier of a disease-tokens head: 2 (absent, present), or 3 (and uncertain).
    """
    text_width = prompts.shape[1]
    if config.kind == "linear":
        return LinearHead(image_width, text_width, prompts, temperature, learn_temperature)
    if config.kind == "projection":
        return ProjectionHead(image_width, text_width, config, temperature, learn_temperature)
    if config.kind == "disease-tokens":
        return DiseaseTokenHead(image_width, text_width, len(prompts), config, temperature, learn_temperature, classes)
    return PlainHead(image_width, text_width, temperature, learn_temperature)
