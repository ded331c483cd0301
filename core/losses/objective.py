"""The weighted sum of a config's losses, and the lines that each of them is read against."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from core.config.run import ObjectiveConfig
from core.losses.base import Reference
from core.losses.classification import prevalence_entropy
from core.losses.orthogonal import orthogonal_absolute, orthogonal_cross_entropy, orthogonal_gram, orthogonal_reference


class Objective:
    """The weighted sum of a config's losses."""

    def __init__(self, config: ObjectiveConfig) -> None:
        self.config = config
        named = {name: getattr(config, name) for name in ("classification", "contrastive", "orthogonal")}
        self.weights: dict[str, float] = {name: weight for name, weight in named.items() if weight > 0}

    def orthogonal(self, prompts: Tensor) -> Tensor:
        """The configured form of the orthogonal loss on (K, d) unit rows."""
        if self.config.orthogonal_form == "gram":
            return orthogonal_gram(prompts)
        if self.config.orthogonal_form == "absolute":
            return orthogonal_absolute(prompts)
        return orthogonal_cross_entropy(prompts, self.config.orthogonal_scale)

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of the terms."""
        return torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()

    def references(self, labels: Tensor, *, answers: int, width: int, group_floor: float) -> dict[str, Reference]:
        """Chance and floor of each term.

        Args:
            labels: (n, K) of the training split; chance of the classification is guessing each prevalence.
            answers: how many texts the contrastive loss chooses from: K for disease tokens, else the batch size.
            width: dimension of the shared space.
            group_floor: mean ln of the number of right answers in a batch (0 where every text is its own).
        """
        diseases = labels.shape[1]
        found: dict[str, Reference] = {}
        if "classification" in self.weights:
            found["classification"] = Reference(chance=prevalence_entropy(labels), floor=0.0)
        if "contrastive" in self.weights:
            found["contrastive"] = Reference(chance=math.log(answers), floor=group_floor)
        if "orthogonal" in self.weights:
            form, scale = self.config.orthogonal_form, self.config.orthogonal_scale
            found["orthogonal"] = orthogonal_reference(form, diseases, width, scale)
        return found
