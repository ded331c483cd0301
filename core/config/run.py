"""The settings of a run."""

from __future__ import annotations

from typing import Literal

from core.config.base import Config, config, setting
from core.config.encoders import EncoderConfig
from core.config.objective import ObjectiveConfig
from core.errors import ConfigError


@config
class HeadConfig(Config):
    """What is learned on top of the frozen towers."""

    kind: Literal["none", "linear", "projection", "disease-tokens"] = setting(
        default="none",
        help="none: the towers as they are; linear, projection: heads; disease-tokens: the orthogonal module",
    )
    width: int = setting(default=256, help="dimension of the shared space", low=2, high=4096, main=True)
    layers: int = setting(
        default=1, help="disease-tokens: layers of each transformer; projection: residual blocks, or 0", low=0, high=12
    )
    attention_heads: int = setting(default=4, help="attention heads of each disease transformer", low=1, high=64)
    dropout: float = setting(default=0.1, help="dropout in the heads", low=0.0, high=0.9)
    private: int = setting(
        default=0,
        help="projection: dimension of a space private to each modality (subspaces loss), or 0",
        low=0,
        high=4096,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind == "disease-tokens" and not self.layers:
            raise ConfigError("HeadConfig.layers is 0; a disease transformer needs one layer or more.")
        if self.kind == "disease-tokens" and self.width % self.attention_heads:
            raise ConfigError(
                f"HeadConfig.width is {self.width} and attention_heads {self.attention_heads}: the width must be a "
                "multiple of the heads, such as 256 and 4."
            )


@config
class TrainingConfig(Config):
    """The loop: AdamW, linear warm-up, cosine decay."""

    epochs: int = setting(
        default=30, help="passes over the training split; 0 trains nothing", low=0, high=10_000, main=True
    )
    batch_size: int = setting(default=64, help="radiographs in a step", low=1, high=65_536, main=True)
    learning_rate: float = setting(default=1e-3, help="peak learning rate", low=1e-8, high=10.0, main=True)
    weight_decay: float = setting(default=1e-4, help="AdamW's decoupled weight decay", low=0.0, high=10.0)
    warmup: float = setting(default=0.1, help="share of all steps that warms up", low=0.0, high=1.0)
    clip_norm: float = setting(default=1.0, help="gradient norm is clipped to this", low=1e-3, high=1e6)
    keep: Literal["last", "best"] = setting(
        default="last",
        help="which weights are kept: the last, or those with the best validation AUROC (loss, without labels)",
        main=True,
    )
    checkpoint_every: float = setting(
        default=20.0, help="seconds between checkpoints; one is always made at the end", low=0.0, high=86_400.0
    )


@config
class PromptConfig(Config):
    """Templates around a finding's name; the embeddings of several are averaged, then normalised."""

    positive: tuple[str, ...] = setting(
        default=(
            "a chest radiograph showing {finding}",
            "chest x-ray with {finding}",
            "there is {finding}",
            "findings consistent with {finding}",
        ),
        help="templates for a finding that is present; each holds {finding}",
    )
    negative: tuple[str, ...] = setting(
        default=(
            "a chest radiograph without {finding}",
            "chest x-ray with no {finding}",
            "there is no {finding}",
            "no evidence of {finding}",
        ),
        help="templates for a finding that is absent; each holds {finding}",
    )


@config
class EvaluationConfig(Config):
    """How a trained model is judged on the test split."""

    threshold_rule: Literal["f1", "youden", "fixed"] = setting(
        default="f1", help="how thresholds are chosen on the validation split: best F1, Youden's J, or 0.5"
    )
    replicates: int = setting(default=1000, help="bootstrap replicates over patients", low=10, high=100_000)


@config
class ProjectionConfig(Config):
    """The 3D map."""

    neighbours: int = setting(default=15, help="UMAP's n_neighbors", low=2, high=500)
    min_dist: float = setting(default=0.1, help="UMAP's min_dist", low=0.0, high=0.99)
    epochs: int = setting(default=200, help="UMAP's n_epochs", low=10, high=10_000)


@config
class RunConfig(Config):
    """Everything that makes a run what it is."""

    study: str = setting(help="name of the study")
    preset: str = setting(help="the named experiment that it started from")
    encoder: EncoderConfig = setting(help="the frozen towers")
    label: str = setting(default="", help="a free name for lists and figures")
    seed: int = setting(default=0, help="seed of initialisation, order and dropout", low=0, high=2**31 - 1, main=True)
    head: HeadConfig = setting(help="what is learned", factory=HeadConfig)
    objective: ObjectiveConfig = setting(help="the losses", factory=ObjectiveConfig)
    training: TrainingConfig = setting(help="the loop", factory=TrainingConfig)
    prompts: PromptConfig = setting(help="the prompts", factory=PromptConfig)
    evaluation: EvaluationConfig = setting(help="the judgement", factory=EvaluationConfig)
    projection: ProjectionConfig = setting(help="the map", factory=ProjectionConfig)

    @property
    def title(self) -> str:
        """What lists and legends call this run."""
        return self.label or f"{self.preset} · {self.encoder.key}"

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that this run trains with; none where nothing is trained."""
        return tuple(self.objective.weights) if self.training.epochs else ()

    def check(self) -> None:
        """Whether the settings fit together (each alone was checked when it was made).

        Raises:
            ConfigError: a loss that this kind of head cannot learn from, or prompt templates without ``{finding}``.
        """
        if self.training.epochs:
            self.objective.check_head(self.head.kind, self.head.private)
        for name, templates in (("positive", self.prompts.positive), ("negative", self.prompts.negative)):
            if not templates or any("{finding}" not in template for template in templates):
                raise ConfigError(
                    f"PromptConfig.{name} is {list(templates)}; it needs one template or more, {{finding}} in each."
                )
