"""Numbers that others published, for reference; none of them was measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MARK = "published, not measured here"
NIH = "NIH ChestX-ray14, official test split, mean AUROC of 14 findings"
UNSTATED = "mean AUROC; the data set is not stated where it is quoted"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A published mean AUROC.

    Attributes:
        name: of the model.
        how: zero-shot, or trained on the data it is judged on.
        value: as published.
        measured_on: data and measure.
        second_hand: quoted by others; the paper itself was not looked at.
    """

    name: str
    how: Literal["zero-shot", "trained"]
    value: float
    measured_on: str = NIH
    second_hand: bool = False

    @property
    def title(self) -> str:
        return f"{self.name} ({self.how})" + (" [2nd]" if self.second_hand else "")


LINES: tuple[Published, ...] = (
    Published(name="VECL", how="zero-shot", value=0.816),
    Published(name="CARZero", how="zero-shot", value=0.811, second_hand=True),
    Published(name="KAD", how="zero-shot", value=0.788, second_hand=True),
    Published(name="MedKLIP", how="zero-shot", value=0.723),
    Published(name="CARZero", how="trained", value=0.851, second_hand=True),
    Published(name="CheXclusion DenseNet121", how="trained", value=0.849),
    Published(name="torchxrayvision ResNet50-all", how="trained", value=0.811),
    Published(name="torchxrayvision DenseNet121-all", how="trained", value=0.774),
    Published(name="Fine-grained alignment, vision only", how="trained", value=0.725, measured_on=UNSTATED),
    Published(name="Fine-grained alignment, all losses", how="trained", value=0.728, measured_on=UNSTATED),
    Published(name="Fine-grained alignment, DenseNet", how="trained", value=0.754, measured_on=UNSTATED),
    Published(name="Fine-grained alignment, DenseNet + contrastive", how="trained", value=0.757, measured_on=UNSTATED),
)
"""Second hand: CARZero and KAD are quoted from other papers. No published zero-shot value on NIH was found for CLIP
or BiomedCLIP."""
