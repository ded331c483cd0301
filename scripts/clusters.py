"""Where a command's work is to run: ``--on here``, or ``--on slurm`` with what is asked of Slurm."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import dataclass, field

import tyro

from core.config.slurm import SlurmConfig
from core.slurm.placing import Place

MARK = "--slurm."


@dataclass(frozen=True)
class Demands:
    """What is asked of Slurm"""

    slurm: SlurmConfig = field(default_factory=SlurmConfig)


def parent() -> argparse.ArgumentParser:
    """The option that commands share."""
    made = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    made.add_argument(
        "--on",
        choices=("here", "slurm"),
        help="this machine, or a cluster: then also --slurm.partition, --slurm.gpus and so on (--on slurm --help lists "
        "them); not given: where it ran before, at first here",
    )
    return made


def take(arguments: list[str]) -> tuple[Place | None, list[str]]:
    """Where to run (None: not said), and the arguments that are left for the command itself."""
    chosen, _ = parent().parse_known_args(arguments)
    if chosen.on == "slurm":
        if {"-h", "--help"} & {*arguments}:
            with contextlib.suppress(SystemExit):  # the command's own help follows
                tyro.cli(Demands, prog="... --on slurm", args=["--help"])
        found, rest = tyro.cli(Demands, args=arguments, return_unknown_args=True, add_help=False)
        return found.slurm, rest
    if stray := [word for word in arguments if word.startswith(MARK)]:
        parent().error(f"{stray[0]} is asked of a cluster: give --on slurm, too")
    return chosen.on, arguments
