"""What is asked of Slurm for one run: checked word by word, because these words reach a scheduler's command line."""

from __future__ import annotations

import re

from core.config.base import Config, config, setting
from core.errors import ConfigError

_PARTITION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(,[A-Za-z0-9][A-Za-z0-9_.-]{0,63}){0,15}")
_TIME = re.compile(r"\d{1,6}|\d{1,6}:\d{2}|\d{1,5}:\d{2}:\d{2}|\d{1,4}-\d{1,2}(:\d{2}){0,2}")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,:/@%+=&|*\[\]-]{0,199}")

EXTRAS = (
    "account",
    "begin",
    "constraint",
    "cpus-per-gpu",
    "exclude",
    "exclusive",
    "gpus",
    "gres",
    "licenses",
    "mail-type",
    "mail-user",
    "mem-per-cpu",
    "mem-per-gpu",
    "nice",
    "nodelist",
    "partition",
    "prefer",
    "priority",
    "qos",
    "reservation",
    "tmp",
    "wckey",
)
"""The options of sbatch that may be given as they are; the others are either settings here or would break a run."""


@config
class SlurmConfig(Config):
    """What a run asks of a cluster."""

    partition: str = setting(default="", help="partition, or several with commas; none: the cluster's own", main=True)
    gpus: int = setting(default=0, help="GPUs of one node", low=0, high=64, main=True)
    time: str = setting(
        default="1-00:00:00", help="time limit, such as 90 (minutes), 4:00:00 or 2-12; none: the partition's", main=True
    )
    cpus: int = setting(default=4, help="CPU cores; 0: the cluster's default", low=0, high=4096, main=True)
    memory: int = setting(default=0, help="gigabytes of host memory; 0: the cluster's default", low=0, high=65_536)
    requeue: bool = setting(
        default=True, help="go on from the checkpoint after preemption, a lost node or the time limit", main=True
    )
    warning: int = setting(
        default=120, help="seconds before the time limit at which a checkpoint is saved", low=10, high=65_535
    )
    at_once: int = setting(default=0, help="runs of an ablation that may work at once; 0: all", low=0, high=1000)
    extra: tuple[str, ...] = setting(default=(), help="more options of sbatch, such as account=NAME or qos=NAME")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.partition and not _PARTITION.fullmatch(self.partition):
            raise ConfigError(
                f"SlurmConfig.partition is {self.partition[:80]!r}; it must be the name of a partition "
                "(letters, digits, '_', '.', '-'), or several with commas. `sinfo` lists them."
            )
        if self.time and not _TIME.fullmatch(self.time):
            raise ConfigError(
                f"SlurmConfig.time is {self.time[:80]!r}; it must be minutes (90), minutes:seconds, "
                "hours:minutes:seconds (4:00:00), days-hours (2-12) or days-hours:minutes:seconds."
            )
        for line in self.extra:
            _check_extra(line)


def _check_extra(line: str) -> None:
    name, given, value = line.removeprefix("--").partition("=")
    if name not in EXTRAS:
        raise ConfigError(
            f"SlurmConfig.extra has {line[:80]!r}; each line must be NAME=VALUE, NAME one of: {', '.join(EXTRAS)}."
        )
    if (given and not _VALUE.fullmatch(value)) or (not given and name != "exclusive"):
        raise ConfigError(
            f"SlurmConfig.extra has {line[:80]!r}; the value of {name} must be 1 to 200 letters, digits and "
            "_ . , : / @ % + = & | * [ ] -, without blanks."
        )
