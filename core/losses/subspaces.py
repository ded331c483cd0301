"""What two modalities share, and what each has for itself (Domain Separation Networks; Bousmalis et al., NeurIPS 2016).

That the shared space is shared is for the other losses to see to (contrastive, alignment).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from core.heads.base import Parted
from core.losses.base import Reference, cosines


def subspaces(modalities: Sequence[Parted]) -> Tensor:
    """Common and private shall not tell the same, and together they shall tell everything.

    For each modality :func:`difference` + :func:`reconstruction`, each with a weight of 1 (both are shares: of variance
    told twice, of variance lost).

    Returns:
        Scalar, 0 or above (its floor): the mean over the modalities that have rows; 0 where none has.
    """
    costs = [difference(own.common, own.private) + reconstruction(own) for own in modalities if len(own.features)]
    if not costs:
        return torch.stack([own.rebuilt.sum() + own.private.sum() for own in modalities]).sum() * 0
    return torch.stack(costs).mean()


def difference(common: Tensor, private: Tensor) -> Tensor:
    """The mean squared correlation of a common and a private dimension, over the rows of a batch.

    The paper takes the squared Frobenius norm of common^t private; correlations, and their mean, do not depend on scale
    and width, so that the private part cannot get away by being small.

    Args:
        common: (n, d).
        private: (n, p).

    Returns:
        Scalar in [0, 1]; 0 (with a zero gradient) for n below 2. Independent dimensions give 1 / (n-1).
    """
    if len(common) < 2:
        return (common.sum() + private.sum()) * 0
    first, second = (F.normalize(own.float() - own.float().mean(0), dim=0, eps=1e-6) for own in (common, private))
    return cosines(first.T, second.T).square().mean()


def reconstruction(modality: Parted) -> Tensor:
    """Mean squared error of the rebuilt features; 1 for a guess of 0, as they have a mean square of 1."""
    return F.mse_loss(modality.rebuilt.float(), modality.features.float())


def subspaces_reference(images: int, texts: int) -> Reference:
    """Chance: independent dimensions and a reconstruction of 0, in a batch of so many images and texts. Floor 0 (where
    the widths are too narrow for the features it is not reached)."""
    independent = [1 / (count - 1) if count > 1 else 0.0 for count in (images, texts) if count]
    return Reference(chance=1 + sum(independent) / max(1, len(independent)), floor=0.0)
