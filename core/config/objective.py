"""What a run learns from: weights and forms of its losses."""

from __future__ import annotations

from typing import Literal

from core.config.base import Config, config, setting
from core.errors import ConfigError

ALL_LOSSES = (
    "classification",
    "contrastive",
    "orthogonal",
    "graph",
    "supervised",
    "alignment",
    "consistency",
    "vector",
    "views",
    "subspaces",
)

LOSSES: dict[str, tuple[str, ...]] = {
    "none": ("contrastive", "orthogonal", "supervised", "alignment", "views"),
    "linear": ("classification", "contrastive", "supervised", "alignment", "views"),
    "projection": ("contrastive", "orthogonal", "supervised", "alignment", "views", "subspaces"),
    "disease-tokens": tuple(loss for loss in ALL_LOSSES if loss != "subspaces"),
}
"""The losses that each kind of head can be trained with: the others need a classifier, learned prompts, one token per
finding, or a private subspace."""

ClassificationForm = Literal["bce", "focal", "asymmetric", "three-class"]

CLASSIFICATION_FORMS: dict[str, tuple[ClassificationForm, ...]] = {
    "linear": ("bce", "focal", "asymmetric"),
    "disease-tokens": ("bce", "focal", "asymmetric", "three-class"),
}
"""The classification forms that each kind of head with a classifier can be trained with."""

ContrastiveForm = Literal["info-nce", "siglip", "triplet", "hard-negative", "soft-targets", "normalised-logits"]

PAIRED: tuple[ContrastiveForm, ...] = ("info-nce", "siglip", "triplet", "hard-negative", "soft-targets")
"""The contrastive forms of images and their texts."""

CONTRASTIVE_FORMS: dict[str, tuple[ContrastiveForm, ...]] = {
    "none": PAIRED,
    "linear": PAIRED,
    "projection": PAIRED,
    "disease-tokens": ("info-nce", "normalised-logits"),
}
"""The contrastive forms that each kind of head can be trained with."""


@config
class ObjectiveConfig(Config):
    """A weighted sum of named losses; a weight of 0 leaves a loss out."""

    classification: float = setting(default=0.0, help="weight of the classification loss", low=0, high=1e3, main=True)
    contrastive: float = setting(
        default=0.0, help="weight of the image-text contrastive loss", low=0, high=1e3, main=True
    )
    orthogonal: float = setting(
        default=0.0, help="weight of the orthogonal loss on disease prompts", low=0, high=1e3, main=True
    )
    graph: float = setting(
        default=0.0, help="weight of the loss that lays prompts out as findings stand in a tree", low=0, high=1e3
    )
    supervised: float = setting(
        default=0.0, help="weight of the supervised contrastive loss of radiographs, by findings", low=0, high=1e3
    )
    supervised_temperature: float = setting(
        default=0.1, help="temperature of the supervised contrastive loss", low=0.01, high=10.0
    )
    alignment: float = setting(
        default=0.0, help="weight of the loss that lays images and texts out alike", low=0, high=1e3
    )
    alignment_form: Literal["mmd", "coral", "semantic"] = setting(
        default="mmd",
        help="mmd: distributions, by Gaussian kernels; coral: covariances; semantic: the centroids of each finding",
    )
    consistency: float = setting(
        default=0.0, help="weight of agreement between the classifier and prompts as class weights", low=0, high=1e3
    )
    vector: float = setting(
        default=0.0,
        help="weight of the angle between the logits of these two, radiograph by radiograph",
        low=0,
        high=1e3,
    )
    views: float = setting(
        default=0.0, help="weight of the contrastive loss of two augmented views of a radiograph", low=0, high=1e3
    )
    views_temperature: float = setting(
        default=0.1, help="temperature of the contrastive loss of two views", low=0.01, high=10.0
    )
    subspaces: float = setting(
        default=0.0, help="weight of the loss that parts what is common from what is private", low=0, high=1e3
    )
    classification_form: ClassificationForm = setting(
        default="bce",
        help="bce: cross-entropy; focal, asymmetric: easy cells count less; three-class: uncertain is one of its own",
        main=True,
    )
    gamma: float = setting(default=2.0, help="of the focal form: the higher, the less easy cells count", low=0, high=10)
    gamma_positive: float = setting(
        default=1.0, help="of the asymmetric form: focus among present findings", low=0, high=10
    )
    gamma_negative: float = setting(
        default=4.0, help="of the asymmetric form: focus among absent findings", low=0, high=10
    )
    shift: float = setting(
        default=0.05, help="of the asymmetric form: so probable may an absent finding be for nothing", low=0, high=0.5
    )
    contrastive_form: ContrastiveForm = setting(
        default="info-nce",
        help="disease tokens: the first, or the last (a known mistake: stops at 1.72); other heads: all but the last",
        main=True,
    )
    margin: float = setting(default=1.0, help="of the triplet form, in distance", low=0.01, high=1.4)
    negatives: Literal["random", "semi-hard", "hard"] = setting(
        default="random", help="of the triplet form: a permutation, the nearest beyond the positive, the nearest"
    )
    beta: float = setting(
        default=1.0, help="of the hard-negative form: a negative of logit z weighs exp(beta z)", low=0.0, high=10.0
    )
    siglip_bias: float = setting(
        default=-10.0, help="of the siglip form: what is added to every logit, at the start", low=-100.0, high=100.0
    )
    target_temperature: float = setting(
        default=0.1, help="of the soft-targets form: lower, and fewer others count as right", low=0.01, high=10.0
    )
    orthogonal_form: Literal["gram", "absolute", "cross-entropy"] = setting(
        default="gram",
        help="gram: mean squared cosine; absolute: mean |cosine|; cross-entropy ends at the simplex, cosine -1/(K-1)",
        main=True,
    )
    orthogonal_scale: float = setting(
        default=10.0,
        help="inverse temperature of the cross-entropy form; from 15 up it stops short of the simplex",
        low=0.01,
        high=1e3,
    )
    temperature: float = setting(
        default=0.07, help="contrastive temperature (the start, where learned)", low=0.01, high=10.0, main=True
    )
    learn_temperature: bool = setting(default=True, help="whether the temperature is learned (kept at 0.01 or above)")
    temperature_end: float = setting(
        default=0.0,
        help="where the temperature is led to until the last step, where not learned; 0: it stays",
        low=0,
        high=10,
    )
    temperature_schedule: Literal["linear", "cosine"] = setting(
        default="linear", help="how it is led there: evenly in its logarithm, or along half a cosine of it"
    )
    balancing: Literal["equal", "loss-weighted", "uncertainty"] = setting(
        default="equal",
        help="on top of the weights: equal: nothing; loss-weighted: larger losses count more; uncertainty: learned",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature_end and self.learn_temperature:
            raise ConfigError(
                f"ObjectiveConfig.temperature_end is {self.temperature_end:g} and learn_temperature is True, but a "
                "temperature is led or learned. Set learn_temperature to False, or temperature_end to 0."
            )
        if 0 < self.temperature_end < 0.01:
            raise ConfigError(
                f"ObjectiveConfig.temperature_end is {self.temperature_end:g}; it must be 0 (no schedule), or lie "
                "between 0.01 and 10 as every temperature."
            )

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each loss that counts."""
        named = {name: getattr(self, name) for name in ALL_LOSSES}
        return {name: weight for name, weight in named.items() if weight > 0}

    def check_head(self, kind: str, private: int = 0) -> None:
        """Whether a kind of head can learn from these losses.

        Args:
            kind: a key of ``LOSSES``.
            private: the head's private width.

        Raises:
            ConfigError: a loss, or a form of one, that it cannot learn from; the kinds that can are named.
        """
        for loss, weight in self.weights.items():
            if loss not in LOSSES[kind]:
                able = " or ".join(repr(kind) for kind, losses in LOSSES.items() if loss in losses)
                raise ConfigError(
                    f"ObjectiveConfig.{loss} is {weight:g}, but a head of kind {kind!r} cannot learn from that "
                    f"loss: set its weight to 0, or take a head of kind {able}."
                )
        if self.contrastive:
            self._check_form("contrastive", self.contrastive_form, kind, CONTRASTIVE_FORMS[kind])
        if self.classification:
            self._check_form("classification", self.classification_form, kind, CLASSIFICATION_FORMS[kind])
        if self.subspaces and not private:
            raise ConfigError(
                f"ObjectiveConfig.subspaces is {self.subspaces:g}, but HeadConfig.private is 0, so that there is no "
                "private subspace: set it to a width such as 64, or the weight to 0."
            )

    @staticmethod
    def _check_form(loss: str, form: str, kind: str, able: tuple[str, ...]) -> None:
        if form not in able:
            raise ConfigError(
                f"ObjectiveConfig.{loss}_form is {form!r}, but a head of kind {kind!r} can be trained with "
                f"{', '.join(able)}: take one of these, or set the {loss} weight to 0."
            )
