"""Asking Slurm: its own commands, without a shell, each with a time limit."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from core.errors import ClusterError

PATIENCE = 10.0
"""Seconds after which a command of Slurm counts as hanging (without a controller they give up after 9: measured)."""


def available() -> bool:
    """Whether jobs can be handed to Slurm from this machine."""
    return shutil.which("sbatch") is not None


def environment() -> dict[str, str]:
    """Ours, without what Slurm says of a job that we may be in ourselves: the new job would take it for its own."""
    kept = ("SLURM_CONF", "SLURM_CLUSTERS")
    return {name: value for name, value in os.environ.items() if not name.startswith("SLURM_") or name in kept}


def call(*words: str, env: dict[str, str] | None = None, patience: float | None = None) -> str:
    """What a command of Slurm prints, after so many seconds at most (None: :data:`PATIENCE`).

    Raises:
        ClusterError: it is not here, hangs, or refuses; with its own words.
    """
    seconds = PATIENCE if patience is None else patience
    try:
        ended = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
            env={**environment(), **(env or {})},
        )
    except OSError as error:
        raise ClusterError(
            f"{words[0]} cannot be run ({error.strerror}): Slurm's commands are not on this machine. Start the run "
            "here, or log in to a machine of the cluster."
        ) from error
    except subprocess.TimeoutExpired:
        raise ClusterError(f"Slurm did not answer {words[0]} within {seconds:.0f} s.") from None
    if ended.returncode:
        raise ClusterError(f"{words[0]}: {_own_words(ended.stderr) or f'exit code {ended.returncode}'}")
    return ended.stdout


def _own_words(text: str) -> str:
    """What a command complains of, without its repeated prefix."""
    lines = (line.partition(": error: ")[2] or line for line in text.splitlines() if line.strip())
    return "; ".join(dict.fromkeys(line.strip().rstrip(".") for line in lines))[:500]


@dataclass(frozen=True)
class Partition:
    """One of the cluster's partitions."""

    name: str
    default: bool
    limit: str
    gpus: str

    def __str__(self) -> str:
        parts = ["default"] * self.default + [f"up to {self.limit}"] + [self.gpus] * bool(self.gpus)
        return f"{self.name} ({', '.join(parts)})"


def partitions() -> list[Partition]:
    """Those that are up, each once.

    Raises:
        ClusterError: Slurm cannot be asked.
    """
    return read_partitions(call("sinfo", "--noheader", "--format=%P|%a|%l|%G"))


def read_partitions(text: str) -> list[Partition]:
    """From lines of ``sinfo --format=%P|%a|%l|%G``, one for each kind of node."""
    found: dict[str, Partition] = {}
    for line in text.splitlines():
        name, _, rest = line.strip().partition("|")
        up, limit, gres = (*rest.split("|"), "", "")[:3]
        if up == "up":
            gpus = gres if gres.startswith("gpu") else ""
            before = found.get(name.rstrip("*"))
            own = Partition(name.rstrip("*"), name.endswith("*"), limit, gpus or (before.gpus if before else ""))
            found[own.name] = own
    return list(found.values())
