"""The weighted sum of a config's losses, and the lines that each of them is read against."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.config.objective import ObjectiveConfig
from core.losses.balancing import equal, loss_weighted, uncertainty
from core.losses.base import Reference, Situation
from core.losses.classification import classification, classification_reference
from core.losses.consistency import consistency_reference, vector_reference
from core.losses.contrastive import (
    hard_negative_info_nce,
    info_nce,
    label_targets,
    siglip,
    soft_target_contrastive,
    triplet,
)
from core.losses.contrastive_lines import contrastive_reference
from core.losses.diseases import disease_contrastive, disease_reference, normalised_disease_contrastive
from core.losses.orthogonal import orthogonal_absolute, orthogonal_cross_entropy, orthogonal_gram, orthogonal_reference
from core.losses.structure import alignment_reference, coral, mmd, supervised, supervised_reference
from core.losses.subspaces import subspaces_reference
from core.losses.views import views, views_reference


class Objective(nn.Module):
    """The weighted sum of a config's losses, with what they learn themselves."""

    def __init__(self, config: ObjectiveConfig) -> None:
        super().__init__()
        self.config = config
        self.weights = config.weights
        if "contrastive" in self.weights and config.contrastive_form == "siglip":
            self.siglip_bias = nn.Parameter(torch.tensor(config.siglip_bias))
        if config.balancing == "uncertainty":
            self.log_sigma = nn.ParameterDict({name: nn.Parameter(torch.tensor(0.0)) for name in self.weights})

    def classification(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The configured classification loss of two classes, of (b, K) logits and labels."""
        return classification(self.config, logits, labels)

    def paired(self, images: Tensor, texts: Tensor, scale: Tensor, groups: Tensor, labels: Tensor) -> Tensor:
        """The configured contrastive loss of images and their texts.

        Args:
            images, texts: (b, d), rows of norm 1.
            scale: inverse temperature.
            groups: (b,) integers, which text each row has.
            labels: (b, K), for soft targets.
        """
        form = self.config.contrastive_form
        if form == "siglip":
            return siglip(images, texts, scale, self.siglip_bias, groups)
        if form == "triplet":
            # in evaluation the same draw each time, so that epochs can be compared
            generator = None if self.training else torch.Generator().manual_seed(0)
            return triplet(images, texts, self.config.margin, self.config.negatives, groups, generator)
        if form == "hard-negative":
            return hard_negative_info_nce(images, texts, scale, self.config.beta, groups)
        if form == "soft-targets":
            targets = label_targets(labels, groups, self.config.target_temperature)
            return soft_target_contrastive(images, texts, scale, targets)
        return info_nce(images, texts, scale, groups)

    def of_diseases(self, tokens: Tensor, prompts: Tensor, scale: Tensor) -> Tensor:
        """The configured contrastive loss of (b, K, d) disease tokens and (K, d) prompts."""
        normalised = self.config.contrastive_form == "normalised-logits"
        return (normalised_disease_contrastive if normalised else disease_contrastive)(tokens, prompts, scale)

    def alignment(self, images: Tensor, texts: Tensor) -> Tensor:
        """The configured distance of two clouds of unit vectors, (n, d) and (m, d), whatever they show."""
        return (mmd if self.config.alignment_form == "mmd" else coral)(images, texts)

    def supervised(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The supervised contrastive loss of (b, d) unit vectors and their (b, K) labels."""
        return supervised(embeddings, labels, self.config.supervised_temperature)

    def views(self, first: Tensor, second: Tensor) -> Tensor:
        """The contrastive loss of two views, (b, d) unit vectors each."""
        return views(first, second, self.config.views_temperature)

    def orthogonal(self, prompts: Tensor) -> Tensor:
        """The configured form of the orthogonal loss on (K, d) unit rows."""
        if self.config.orthogonal_form == "gram":
            return orthogonal_gram(prompts)
        if self.config.orthogonal_form == "absolute":
            return orthogonal_absolute(prompts)
        return orthogonal_cross_entropy(prompts, self.config.orthogonal_scale)

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of the terms, balanced as configured."""
        values = torch.stack(list(terms.values()))
        weights = values.new_tensor([self.weights[name] for name in terms])
        if self.config.balancing == "loss-weighted":
            return loss_weighted(values, weights)
        if self.config.balancing == "uncertainty":
            return uncertainty(values, weights, torch.stack([self.log_sigma[name] for name in terms]))
        return equal(values, weights)

    def references(self, situation: Situation) -> dict[str, Reference]:
        """Chance and floor of each term on the training split."""
        config, diseases, here = self.config, situation.labels.shape[1], situation
        texts = here.pairs if len(here.written) else 0
        lines: dict[str, Callable[[], Reference]] = {
            "classification": lambda: classification_reference(config, here.labels, here.stated),
            "contrastive": lambda: (
                disease_reference(config.contrastive_form, diseases)
                if here.tokens
                else contrastive_reference(config, here)
            ),
            "orthogonal": lambda: orthogonal_reference(
                config.orthogonal_form, diseases, here.width, config.orthogonal_scale
            ),
            "graph": lambda: Reference(chance=float(diseases > 1), floor=0.0),
            "supervised": lambda: supervised_reference(here.labels, here.batch),
            "alignment": alignment_reference,
            "consistency": consistency_reference,
            "vector": lambda: vector_reference(diseases),
            "views": lambda: views_reference(here.rows, config.views_temperature),
            "subspaces": lambda: subspaces_reference(here.rows, texts),
        }
        return {name: lines[name]() for name in self.weights}
