"""What an objective, and the predictions of a head, are on a part of the training data."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.heads import Head, ImageOutput
from core.inputs import Batch, Split, TrainingData
from core.losses.classification import three_class
from core.losses.consistency import consistency, prompt_logits, vector
from core.losses.objective import Objective
from core.losses.structure import graph, semantic
from core.losses.subspaces import subspaces

OF_PROMPTS = {"contrastive", "orthogonal", "graph", "alignment", "consistency", "vector"}
OF_CAPTIONS = {"contrastive", "alignment", "subspaces"}


def loss_terms(head: Head, objective: Objective, batch: Batch, output: ImageOutput | None = None) -> dict[str, Tensor]:
    """Each loss of an objective on a batch, before its weight.

    Args:
        head, objective: in the mode, and with the losses, that are wanted.
        batch: a radiograph without a text (-1) takes no part in the losses of images and texts.
        output: what the head makes of the batch's features, where that is known already.
    """
    wanted = objective.weights
    output = output or head.images(batch.features)
    found = _of_images(head, objective, batch, output)
    if OF_PROMPTS & wanted.keys():
        prompts = head.prompts(batch.prompts).float()
        found |= _of_prompts(head, objective, batch, output, prompts)
    if head.caption_branch and OF_CAPTIONS & wanted.keys():
        texts = head.texts(batch.texts).float()
        found |= _of_captions(head, objective, batch, output, texts)
    return {name: found[name] for name in wanted if name in found}


def _of_images(head: Head, objective: Objective, batch: Batch, output: ImageOutput) -> dict[str, Tensor]:
    """Losses that need no text; that of two views only where there is a second one (not in validation)."""
    wanted, embedding = objective.weights, output.embedding.float()
    found: dict[str, Tensor] = {}
    if "classification" in wanted and objective.config.classification_form == "three-class":
        assert output.classes is not None, "the head was built with two classes"
        found["classification"] = three_class(output.classes.float(), batch.stated)
    elif "classification" in wanted and output.logits is not None:
        found["classification"] = objective.classification(output.logits.float(), batch.labels)
    if "supervised" in wanted:
        found["supervised"] = objective.supervised(embedding, batch.labels)
    if "views" in wanted and batch.second is not None:
        found["views"] = objective.views(embedding, head.images(batch.second).embedding.float())
    return found


def _of_prompts(
    head: Head, objective: Objective, batch: Batch, output: ImageOutput, prompts: Tensor
) -> dict[str, Tensor]:
    """Losses of (K, d) prompts, alone or with images."""
    wanted, found = objective.weights, dict[str, Tensor]()
    if output.tokens is not None and output.logits is not None:
        found = _of_tokens(head, objective, batch, output.tokens.float(), output.logits.float(), prompts)
    if "orthogonal" in wanted:
        found["orthogonal"] = objective.orthogonal(prompts)
    if "graph" in wanted and batch.data.nearness is not None:
        found["graph"] = graph(prompts, batch.data.nearness)
    if "alignment" in wanted and not head.caption_branch:
        own = torch.eye(len(prompts), device=prompts.device)  # prompt k tells of finding k
        found["alignment"] = _alignment(objective, output.embedding.float(), batch.labels, prompts, own)
    return found


def _of_tokens(
    head: Head, objective: Objective, batch: Batch, tokens: Tensor, logits: Tensor, prompts: Tensor
) -> dict[str, Tensor]:
    """Losses of (b, K, d) disease tokens with (K, d) prompts, and of the two classifiers that read them."""
    wanted, found = objective.weights, dict[str, Tensor]()
    if "contrastive" in wanted:
        found["contrastive"] = objective.of_diseases(tokens, prompts, head.scale)
    if {"consistency", "vector"} & wanted.keys():
        second = prompt_logits(tokens, prompts, head.prompts(batch.negatives).float(), head.scale)
        found |= {"consistency": consistency(logits, second), "vector": vector(logits, second)}
    return found


def _of_captions(
    head: Head, objective: Objective, batch: Batch, output: ImageOutput, texts: Tensor
) -> dict[str, Tensor]:
    """Losses of images and the (w, d) texts of those that have one."""
    wanted, found = objective.weights, dict[str, Tensor]()
    written, embedding = batch.written, output.embedding.float()
    labels, codes = batch.labels[written], batch.caption_of[written]
    if "contrastive" in wanted:
        found["contrastive"] = objective.paired(embedding[written], texts, head.scale, codes, labels)
    if "alignment" in wanted:
        found["alignment"] = _alignment(objective, embedding[written], labels, texts, labels)
    if "subspaces" in wanted:
        found["subspaces"] = subspaces(head.parted(batch.features, embedding, batch.texts, texts))
    return found


def _alignment(
    objective: Objective, images: Tensor, image_labels: Tensor, texts: Tensor, text_labels: Tensor
) -> Tensor:
    if objective.config.alignment_form == "semantic":
        return semantic(images, image_labels, texts, text_labels)
    return objective.alignment(images, texts)


def mixed_terms(head: Head, objective: Objective, batch: Batch, share: float, others: Tensor) -> dict[str, Tensor]:
    """The losses of mixed images: those of their own answers, and of the others', by their shares (MixUp; Zhang et al.,
    ICLR 2018; for contrastive losses as in i-Mix; Lee et al., ICLR 2021).

    Args:
        share: of each row's own image, in [0, 1].
        others: (b,) rows whose images hold the rest.
    """
    output = head.images(batch.features)
    own = loss_terms(head, objective, batch, output)
    theirs = loss_terms(head, objective, batch.answers_of(others), output)
    return {name: share * value + (1 - share) * theirs[name] for name, value in own.items()}


@torch.no_grad()
def validation_loss(head: Head, objective: Objective, data: TrainingData, batch_size: int) -> float:
    """The weighted sum of the losses on the validation split, in batches as large as those of training, because the
    contrastive loss grows with them. A term is a mean over what is known; one without anything known is left out.
    Balancing takes no part: it moves during training, and epochs could not be compared.

    Returns:
        NaN where nothing is known, or there is no validation split.
    """
    sums, counts = dict.fromkeys(objective.weights, 0.0), dict.fromkeys(objective.weights, 0)
    for rows in _pieces(data.val, batch_size):
        with data.autocast():
            batch = data.batch(data.val, rows)
            terms = loss_terms(head, objective, batch)
        known = _known(head, objective, batch)
        for name, value in terms.items():
            count = known.get(name, len(batch))
            counts[name] += count
            sums[name] += count * float(value)
    means = [objective.weights[name] * sums[name] / counts[name] for name in sums if counts[name]]
    return sum(means) if means else math.nan


def _known(head: Head, objective: Objective, batch: Batch) -> dict[str, int]:
    """Over how many cells or rows a loss is a mean, where these are not all rows."""
    config, has = objective.config, batch.labels == 1
    cells = batch.stated if config.classification_form == "three-class" else batch.labels
    known = {"classification": int((~cells.isnan()).sum()), "supervised": int(has.sum())}
    if head.caption_branch:
        known["contrastive"] = known["alignment"] = int(batch.written.sum())
        has = has[batch.written]
    if config.alignment_form == "semantic":
        known["alignment"] = int(has.any(0).sum())  # a mean over findings
    return known


def _pieces(split: Split, size: int) -> tuple[Tensor, ...]:
    return torch.arange(len(split), device=split.labels.device).split(size)


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
def predict(head: Head, data: TrainingData, split: Split, batch_size: int) -> Tensor:
    """(n, K) probabilities: the classifier's where the head has one, else zero-shot with negative prompts."""
    prompts = negatives = None
    if not head.classifier:
        with data.autocast():
            prompts, negatives = head.prompts(data.texts.prompts()), head.prompts(data.texts.negatives())
    found = [split.labels.new_zeros(0, split.labels.shape[1])]
    for rows in _pieces(split, batch_size):
        with data.autocast():
            output = head.images(split.images(rows, None))
        if output.logits is not None:
            found.append(output.logits.float().sigmoid())
        elif prompts is not None and negatives is not None:
            embedding = output.embedding.float()  # mixed precision may leave it in half
            found.append(zero_shot_probabilities(embedding, prompts.float(), negatives.float(), head.scale))
    return torch.cat(found)
