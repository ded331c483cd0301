"""What a head is trained and validated on, and what its objective and its predictions are on a part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.devices import autocast
from core.heads import Head
from core.losses.objective import Objective


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Cached features of the training and validation splits, on the device that trains.

    Attributes:
        features, labels: (n, image_width) and (n, K) of the training split.
        captions: (c, text_width) features of the distinct texts; ``caption_of`` (n,) says who has which, -1: none.
        prompts, negatives: (K, text_width) features of the positive and negative disease prompts.
        val_features, val_labels, val_caption_of: of the validation split.
    """

    features: Tensor
    labels: Tensor
    captions: Tensor
    caption_of: Tensor
    prompts: Tensor
    negatives: Tensor
    val_features: Tensor
    val_labels: Tensor
    val_caption_of: Tensor


def loss_terms(
    head: Head, objective: Objective, data: TrainingData, features: Tensor, labels: Tensor, caption_of: Tensor
) -> dict[str, Tensor]:
    """Each loss of an objective on a batch, before its weight.

    Args:
        head, objective: in the mode, and with the losses, that are wanted.
        data: whose captions and prompts.
        features, labels, caption_of: (b, image_width), (b, K) and (b,) of the batch; a radiograph without a text (-1)
            takes no part in the contrastive loss of images and texts.
    """
    wanted, found = objective.weights, {}
    output = head.images(features)
    prompts = head.prompts(data.prompts) if {"contrastive", "orthogonal"} & wanted.keys() else None
    if "classification" in wanted and output.logits is not None:
        found["classification"] = objective.classification(output.logits.float(), labels)
    if "contrastive" in wanted and prompts is not None:
        if output.tokens is not None:
            found["contrastive"] = objective.of_diseases(output.tokens.float(), prompts.float(), head.scale)
        else:
            written = caption_of >= 0
            images, groups = output.embedding[written], caption_of[written]
            texts = head.texts(data.captions[groups])
            found["contrastive"] = objective.paired(images.float(), texts.float(), head.scale, groups, labels[written])
    if "orthogonal" in wanted and prompts is not None:
        found["orthogonal"] = objective.orthogonal(prompts.float())
    return found


@torch.no_grad()
def validation_loss(head: Head, objective: Objective, data: TrainingData, batch_size: int) -> float:
    """The weighted sum of the losses on the validation split, in batches as large as those of training, because the
    contrastive loss grows with them. A term is a mean over what is known; one without anything known is left out.

    Returns:
        NaN where nothing is known, or there is no validation split.
    """
    own = (data.val_features, data.val_labels, data.val_caption_of)
    sums, counts = dict.fromkeys(objective.weights, 0.0), dict.fromkeys(objective.weights, 0)
    for features, labels, caption_of in zip(*(part.split(batch_size) for part in own), strict=True):
        known = {"classification": int((~labels.isnan()).sum())}
        if head.caption_branch:
            known["contrastive"] = int((caption_of >= 0).sum())
        with autocast(features.device):
            terms = loss_terms(head, objective, data, features, labels, caption_of)
        for name, value in terms.items():
            count = known.get(name, len(features))
            counts[name] += count
            sums[name] += count * float(value)
    means = [objective.weights[name] * sums[name] / counts[name] for name in sums if counts[name]]
    return sum(means) if means else math.nan


def zero_shot_probabilities(images: Tensor, prompts: Tensor, negatives: Tensor, scale: Tensor | float) -> Tensor:
    """Softmax over a positive and a negative prompt (PNC; CheXzero, Tiu et al., 2022).

    Args:
        images: (n, d); prompts, negatives: (K, d); all rows of norm 1.
        scale: inverse temperature.

    Returns:
        (n, K) probabilities of the positive prompt.
    """
    return torch.sigmoid(scale * (images @ prompts.T - images @ negatives.T))


@torch.no_grad()
def predict(head: Head, features: Tensor, prompts: Tensor, negatives: Tensor) -> Tensor:
    """(n, K) probabilities: the classifier's where the head has one, else zero-shot with negative prompts."""
    output = head.images(features)
    if output.logits is not None:
        return output.logits.float().sigmoid()
    return zero_shot_probabilities(output.embedding, head.prompts(prompts), head.prompts(negatives), head.scale).float()
