"""The settings of an ablation: configurations that are compared, each trained with the same seeds."""

from __future__ import annotations

from collections.abc import Iterator

from core.config.base import Config, config, setting
from core.config.run import RunConfig
from core.errors import ConfigError
from core.workspace import checked_slug

MOST_RUNS = 1000


@config
class Variant(Config):
    """One configuration of an ablation."""

    label: str = setting(help="what the table calls it")
    run: RunConfig = setting(help="settings of its runs; each seed takes the place of theirs")


@config
class AblationConfig(Config):
    """A grid: every configuration is trained and judged once for every seed."""

    name: str = setting(help="of the ablation: a-z, 0-9, '.', '-', '_'")
    study: str = setting(help="name of the study, the same for all")
    variants: tuple[Variant, ...] = setting(
        help="the configurations; the first is the baseline unless another is asked"
    )
    seeds: tuple[int, ...] = setting(default=(0, 1, 2), help="seeds of initialisation, order and dropout")

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_slug(self.name, "ablation")
        labels = [variant.label for variant in self.variants]
        if not labels or not all(label.strip() for label in labels) or len(set(labels)) < len(labels):
            raise ConfigError(f"The configurations are {labels}: give one or more, each with a label of its own.")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(f"The seeds are {list(self.seeds)}: give one or more, from 0 on, each once.")
        if len(labels) * len(self.seeds) > MOST_RUNS:
            raise ConfigError(
                f"{len(labels)} configurations x {len(self.seeds)} seeds are more than {MOST_RUNS:,} runs: "
                "vary less at once."
            )
        if others := sorted({variant.run.study for variant in self.variants} - {self.study}):
            raise ConfigError(f"The study is {self.study!r}, but configurations are of {others}: compare on one study.")

    def cells(self) -> Iterator[tuple[str, int, RunConfig]]:
        """(label, seed, full settings) of every run; all configurations with one seed before the next seed."""
        for seed in self.seeds:
            for variant in self.variants:
                label = f"{self.name}: {variant.label} · seed {seed}"
                yield variant.label, seed, variant.run.replace(seed=seed, label=label)
