"""What a head is trained and validated on, and what its objective and its predictions are on a part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.devices import autocast
from core.heads import Head
from core.losses.objective import Objective
from core.losses.structure import graph

OF_PROMPTS = {"contrastive", "orthogonal", "graph", "alignment"}


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Cached features of the training and validation splits, on the device that trains.

    Attributes:
        features, labels: (n, image_width) and (n, K) of the training split.
        captions: (c, text_width) features of the distinct texts; ``caption_of`` (n,) says who has which, -1: none.
        prompts, negatives: (K, text_width) features of the positive and negative disease prompts.
        val_features, val_labels, val_caption_of: of the validation split.
        nearness: (K, K), how near the findings stand in a tree; None where one of them is not in it.
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
    nearness: Tensor | None = None


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
    wanted: dict[str, float] = objective.weights
    found: dict[str, Tensor] = {}
    output = head.images(features)
    embedding = output.embedding.float()
    prompts = head.prompts(data.prompts).float() if OF_PROMPTS & wanted.keys() else None
    written = caption_of >= 0
    texts = prompts
    if head.caption_branch and {"contrastive", "alignment"} & wanted.keys():
        texts = head.texts(data.captions[caption_of[written]]).float()
    if "classification" in wanted and output.logits is not None:
        found["classification"] = objective.classification(output.logits.float(), labels)
    if "contrastive" in wanted and prompts is not None and texts is not None:
        if output.tokens is not None:
            found["contrastive"] = objective.of_diseases(output.tokens.float(), prompts, head.scale)
        else:
            found["contrastive"] = objective.paired(
                embedding[written], texts, head.scale, caption_of[written], labels[written]
            )
    if "orthogonal" in wanted and prompts is not None:
        found["orthogonal"] = objective.orthogonal(prompts)
    if "graph" in wanted and prompts is not None and data.nearness is not None:
        found["graph"] = graph(prompts, data.nearness)
    if "supervised" in wanted:
        found["supervised"] = objective.supervised(embedding, labels)
    if "alignment" in wanted and texts is not None:
        found["alignment"] = objective.alignment(embedding[written] if head.caption_branch else embedding, texts)
    return found


@torch.no_grad()
def validation_loss(head: Head, objective: Objective, data: TrainingData, batch_size: int) -> float:
    """The weighted sum of the losses on the validation split, in batches as large as those of training, because the
    contrastive loss grows with them. A term is a mean over what is known; one without anything known is left out.
    Balancing takes no part: it moves during training, and epochs could not be compared.

    Returns:
        NaN where nothing is known, or there is no validation split.
    """
    own = (data.val_features, data.val_labels, data.val_caption_of)
    sums, counts = dict.fromkeys(objective.weights, 0.0), dict.fromkeys(objective.weights, 0)
    for features, labels, caption_of in zip(*(part.split(batch_size) for part in own), strict=True):
        known = {"classification": int((~labels.isnan()).sum()), "supervised": int((labels == 1).sum())}
        if head.caption_branch:
            known["contrastive"] = known["alignment"] = int((caption_of >= 0).sum())
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
