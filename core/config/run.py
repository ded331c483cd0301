"""The settings of a run."""

from __future__ import annotations

from typing import Literal

from core.config.augmentation import AugmentationConfig
from core.config.base import Config, config, setting
from core.config.encoders import EncoderConfig
from core.config.objective import ObjectiveConfig
from core.config.tuning import TuningConfig
from core.errors import ConfigError

Precision = Literal["auto", "fp32", "bf16"]
Mirror = Literal["tensorboard", "mlflow"]


@config
class HeadConfig(Config):
    """What is learned on top of the towers."""

    kind: Literal["none", "linear", "projection", "disease-tokens"] = setting(
        default="none",
        help="none: the towers alone; linear: on images; projection: on both; disease-tokens: the orthogonal module",
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
    """The loop: linear warm-up, then cosine decay."""

    epochs: int = setting(
        default=30, help="passes over the training split; 0 trains nothing", low=0, high=10_000, main=True
    )
    batch_size: int = setting(default=64, help="radiographs in a step", low=1, high=65_536, main=True)
    learning_rate: float = setting(
        default=1e-3, help="peak learning rate of the head (that of towers: tuning)", low=1e-8, high=10.0, main=True
    )
    optimiser: Literal["adamw", "sgd"] = setting(default="adamw", help="adamw, or sgd with momentum 0.9")
    weight_decay: float = setting(
        default=1e-4, help="decay of weights; of biases, norms and temperatures none", low=0.0, high=10.0
    )
    warmup: float = setting(default=0.1, help="share of all steps that warms up", low=0.0, high=1.0)
    clip_norm: float = setting(default=1.0, help="gradient norm is clipped to this", low=1e-3, high=1e6)
    micro_batch: int = setting(
        default=0,
        help="images (texts) in a learning tower at a time, same gradient, less memory; 0: the whole batch",
        low=0,
        high=65_536,
    )
    precision: Precision = setting(default="auto", help="auto: bf16 on a GPU that has it, else fp32")
    compiled: bool = setting(default=False, help="compile towers that learn (torch.compile): a slower start")
    devices: int = setting(default=1, help="accelerators that train together (torchrun)", low=1, high=1024)
    keep: Literal["last", "best"] = setting(
        default="last",
        help="which weights are kept: the last, or those with the best validation AUROC (loss, without labels)",
        main=True,
    )
    checkpoint_every: float = setting(
        default=20.0, help="seconds between checkpoints; one is always made at the end", low=0.0, high=86_400.0
    )
    snapshots: int = setting(
        default=8,
        help="moments, beginning and end among them, whose embeddings are kept to look at later; 0: none",
        low=0,
        high=1000,
    )
    snapshot_epochs: tuple[int, ...] = setting(
        default=(), help="these epochs, beside beginning and end, instead of moments that are spread evenly"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        epochs = list(self.snapshot_epochs)
        if epochs != sorted(set(epochs)) or any(epoch < 0 for epoch in epochs):
            raise ConfigError(
                f"TrainingConfig.snapshot_epochs is {epochs}; it must be epochs in rising order, from 0, such as 0 1 5."
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

    threshold_rule: Literal["f1", "youden", "fixed", "sensitivity", "specificity"] = setting(
        default="f1",
        help="thresholds, chosen on validation: best F1, Youden's J, 0.5, or a sensitivity or specificity to reach",
    )
    threshold_target: float = setting(
        default=0.9, help="the sensitivity (specificity) to reach, where that is the rule", low=0.01, high=0.999
    )
    replicates: int = setting(default=1000, help="bootstrap replicates over patients", low=10, high=100_000)


@config
class ProjectionConfig(Config):
    """The 3D map."""

    method: Literal["umap", "pca", "tsne"] = setting(
        default="umap", help="umap, tsne: keep neighbours; pca: principal components, keep the largest spreads"
    )
    engine: Literal["auto", "umap-learn", "fast"] = setting(
        default="auto",
        help="umap-learn: the reference (t-SNE: scikit-learn); fast: manifolds-rs, checked against it; "
        "auto: fast where it is installed",
    )
    dimensions: Literal[3, 2] = setting(default=3, help="of the map: in space, or flat")
    neighbours: int = setting(default=15, help="UMAP's n_neighbors", low=2, high=500)
    min_dist: float = setting(default=0.1, help="UMAP's min_dist", low=0.0, high=0.99)
    epochs: int = setting(default=200, help="UMAP's n_epochs", low=10, high=10_000)
    perplexity: float = setting(default=30.0, help="t-SNE's perplexity: how many neighbours count", low=2.0, high=500.0)
    repeats: int = setting(
        default=2,
        help="further maps with other random states, to see how stable it is; 0: not measured",
        low=0,
        high=20,
    )


@config
class RunConfig(Config):
    """Everything that makes a run what it is."""

    study: str = setting(help="name of the study")
    preset: str = setting(help="the named experiment that it started from")
    encoder: EncoderConfig = setting(help="the towers")
    label: str = setting(default="", help="a free name for lists and figures")
    start_from: str = setting(
        default="", help="id of a run, or model:NAME of a kept model folder, with whose weights this one begins"
    )
    findings: tuple[str, ...] = setting(
        default=(), help="findings to ask the study for (unknown where it lacks them); none: its own"
    )
    seed: int = setting(default=0, help="seed of initialisation, order and dropout", low=0, high=2**31 - 1, main=True)
    mirrors: tuple[Mirror, ...] = setting(
        default=(), help="other programs that get the metrics too, in the run's folder: tensorboard, mlflow"
    )
    head: HeadConfig = setting(help="what is learned", factory=HeadConfig)
    tuning: TuningConfig = setting(help="what of the towers learns", factory=TuningConfig)
    objective: ObjectiveConfig = setting(help="the losses", factory=ObjectiveConfig)
    training: TrainingConfig = setting(help="the loop", factory=TrainingConfig)
    augmentation: AugmentationConfig = setting(help="random changes to radiographs", factory=AugmentationConfig)
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
            ConfigError: a loss that this kind of head cannot learn from, nothing that learns, or prompt templates
                without ``{finding}``.
        """
        if self.training.epochs:
            self.objective.check_head(self.head.kind, self.head.private)
            self._check_tuning()
            self._check_views()
        for name, templates in (("positive", self.prompts.positive), ("negative", self.prompts.negative)):
            if not templates or any("{finding}" not in template for template in templates):
                raise ConfigError(
                    f"PromptConfig.{name} is {list(templates)}; it needs one template or more, {{finding}} in each."
                )

    def _check_tuning(self) -> None:
        if self.head.kind == "none" and self.losses and not self.tuning.learns:
            raise ConfigError(
                "HeadConfig.kind is 'none' and TuningConfig leaves both towers frozen, so nothing can learn: choose a "
                "head, let a tower learn (tuning.image, tuning.text), or set 0 epochs for a zero-shot run."
            )
        if self.head.kind == "linear" and self.tuning.text != "nothing":
            raise ConfigError(
                "TuningConfig.text lets the text tower learn, but a linear head keeps the prompts as its class weights "
                "as they are: leave it frozen, or take a head of kind 'projection', 'disease-tokens' or 'none'."
            )
        if self.head.kind == "none" and "orthogonal" in self.losses and self.tuning.text == "nothing":
            raise ConfigError("The orthogonal loss parts prompts: without a head, the text tower has to learn.")

    def _check_views(self) -> None:
        if "views" not in self.losses:
            return
        if not self.augmentation.changes_pictures or (self.tuning.image == "nothing" and self.augmentation.views < 2):
            raise ConfigError(
                f"ObjectiveConfig.views is {self.objective.views:g}, but AugmentationConfig gives one view of each "
                "radiograph: switch rotation, crop, noise or another change on, with 2 views or more."
            )
        if self.augmentation.mixup:
            raise ConfigError(
                "ObjectiveConfig.views compares two views of one radiograph, and AugmentationConfig.mixup mixes "
                "several: set one of them to 0."
            )
