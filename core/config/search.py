"""The settings of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.config.base import Config, config, setting
from core.config.run import RunConfig
from core.config.space import Dimension, Value, with_values
from core.errors import ConfigError
from core.workspace import checked_slug

Judged = Literal["auroc", "loss"]

JUDGED: dict[Judged, str] = {"auroc": "validation AUROC", "loss": "validation loss"}
"""What a trial is judged by, in words; the test split never takes part."""

IN_BATCHES = ("contrastive", "supervised", "alignment")
"""Losses of one sample against the others of its batch: they grow, or shrink, with its size."""


@config
class SearchConfig(Config):
    """Which settings vary, how often they are tried, and what a trial is judged by."""

    name: str = setting(help="of the search: a-z, 0-9, '.', '-', '_'")
    base: RunConfig = setting(help="the settings that do not vary")
    space: tuple[Dimension, ...] = setting(help="the settings that do")
    trials: int = setting(default=20, help="trials in all; failed and pruned ones count", low=1, high=100_000)
    judged: Judged = setting(
        default="auroc", help="validation AUROC (macro), the higher the better, or validation loss, the lower"
    )
    sampler: Literal["tpe", "random"] = setting(
        default="tpe", help="tpe: ten random trials, then where good ones lay (Bergstra et al., 2011); random"
    )
    pruner: Literal["median", "hyperband", "none"] = setting(
        default="median",
        help="median: ends a trial that is worse than half of the others at the same epoch (from the sixth trial on); "
        "hyperband: in brackets (Li et al., 2018); none",
    )
    grace: int = setting(
        default=2, help="epochs that a trial has done before the median pruner looks", low=1, high=10_000
    )
    seed: int = setting(
        default=0, help="of the sampler; each trial draws from it and its own number", low=0, high=2**31
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_slug(self.name, "search")
        self.base.check()
        if not self.base.losses:
            raise ConfigError(f"Preset {self.base.preset!r} trains nothing here, so no setting of it can be searched.")
        paths = [one.path for one in self.space]
        if not paths or len(set(paths)) < len(paths):
            raise ConfigError(f"The space has {paths or 'no settings'}; it needs one or more, each once.")
        if "training.epochs" in paths and self.pruner == "hyperband":
            raise ConfigError("Hyperband varies the epochs itself: leave training.epochs out, or take another pruner.")
        if self.judged == "loss":
            self._check_comparable(paths)

    def _check_comparable(self, paths: list[str]) -> None:
        """A loss compares trials only where it means the same in all of them."""
        wrong = [path for path in paths if path.startswith("objective.")]
        if set(self.base.losses) & set(IN_BATCHES) and "training.batch_size" in paths:
            wrong.append("training.batch_size")
        if wrong:
            raise ConfigError(
                f"Trials that differ in {', '.join(wrong)} have losses that mean different things: judge them by "
                "'auroc', or leave these settings out."
            )

    @property
    def maximised(self) -> bool:
        return self.judged == "auroc"

    def trial(self, number: int, values: Mapping[str, Value]) -> RunConfig:
        """The settings of a trial.

        Raises:
            ConfigError: they do not fit together.
        """
        made = with_values(self.base, values).replace(label=f"{self.name} · trial {number}")
        made.check()
        return made

    def check_same(self, other: SearchConfig) -> None:
        """Whether another search is this one, but for the number of trials.

        Raises:
            ConfigError: it differs; in what is said.
        """
        own, asked = self.to_json(), other.to_json()
        if wrong := [name for name in own if name != "trials" and own[name] != asked[name]]:
            raise ConfigError(
                f"A search {self.name!r} is there with another {', '.join(wrong)}: give another name, or go on with it "
                f"as it is (`python -m scripts.search --resume {self.name}`)."
            )
