"""What a model folder says of the model in it: all that is needed to build it again, whatever the study."""

from __future__ import annotations

from core.config.augmentation import AugmentationConfig
from core.config.base import Config, config, setting
from core.config.encoders import EncoderConfig
from core.config.objective import ObjectiveConfig
from core.config.run import EvaluationConfig, HeadConfig, PromptConfig, RunConfig, TrainingConfig
from core.config.tuning import TuningConfig

FORM = 1
"""The version of the folder's form."""


@config
class TowerPrints(Config):
    """Hashes of all weights of the towers as the model was used, with what they have learned."""

    image: str = setting(help="32 hex digits, of the image tower")
    text: str = setting(help="32 hex digits, of the text tower")


@config
class TrainedOn(Config):
    """A study whose training split the model has learned from."""

    study: str = setting(help="its name where the model was made")
    fingerprint: str = setting(help="32 hex digits that change with any sample, label, split or pixel")
    split_hash: str = setting(help="16 hex digits that change when a patient moves to another split")


@config
class ModelConfig(Config):
    """``config.json`` of a model folder."""

    form: int = setting(help="version of the folder's form", low=FORM, high=FORM)
    preset: str = setting(help="the named experiment that it started from")
    encoder: EncoderConfig = setting(help="the towers")
    seed: int = setting(help="seed of initialisation, order and dropout", low=0, high=2**31 - 1)
    head: HeadConfig = setting(help="what was learned on top of the towers")
    tuning: TuningConfig = setting(help="what of the towers has learned")
    objective: ObjectiveConfig = setting(help="the losses")
    training: TrainingConfig = setting(help="the loop that it was trained by; nothing of it is needed to load it")
    augmentation: AugmentationConfig = setting(help="random changes to radiographs in training")
    prompts: PromptConfig = setting(help="the prompts")
    evaluation: EvaluationConfig = setting(help="how it is judged")
    weights: TowerPrints = setting(help="hashes of the towers' weights")
    trained_on: tuple[TrainedOn, ...] = setting(help="the studies that it has learned from")
    others: bool = setting(help="whether it began with weights that learned from something that is not known here")

    @property
    def title(self) -> str:
        """What it is called where it has no other name."""
        return f"{self.preset} · {self.encoder.key}"

    def to_run(self, study: str) -> RunConfig:
        """The settings of a run with this model that trains nothing."""
        return RunConfig(
            study=study,
            preset=self.preset,
            encoder=self.encoder,
            seed=self.seed,
            head=self.head,
            tuning=self.tuning,
            objective=self.objective,
            training=TrainingConfig(epochs=0),
            prompts=self.prompts,
            evaluation=self.evaluation,
        )
