"""From settings to the command line of sbatch."""

from __future__ import annotations

import sys
from pathlib import Path

from core.config.slurm import SlurmConfig
from core.workspace import ROOT

SCRIPT = Path(__file__).with_name("job.sh")


def words(config: SlurmConfig, name: str, folder: Path, plan: Path, tasks: int | None) -> list[str]:
    """The whole command, word by word.

    Args:
        config: what is asked for.
        name: of the job, as ``squeue`` shows it.
        folder: where Slurm's own output goes.
        plan: the file that tells the job what to do.
        tasks: of an array; None: a job alone.
    """
    array = [] if tasks is None else [f"--array=0-{tasks - 1}" + (f"%{config.at_once}" if config.at_once else "")]
    output = str(folder / ("slurm-%j.out" if tasks is None else "slurm-%A_%a.out"))
    head = str(folder).replace("%", "%%")  # Slurm reads % in the name as the beginning of a field
    return [
        "sbatch",
        "--parsable",
        f"--job-name=fluoroscope-{name}",
        f"--chdir={ROOT}",
        f"--output={head}{output[len(str(folder)) :]}",
        "--open-mode=append",
        "--export=ALL",
        "--nodes=1",
        "--ntasks=1",
        f"--signal=B:USR1@{config.warning}",
        "--requeue" if config.requeue else "--no-requeue",
        *_demands(config),
        *array,
        str(SCRIPT),
        sys.executable,
        "-m",
        "core.slurm.task",
        str(plan),
    ]


def _demands(config: SlurmConfig) -> list[str]:
    told = {
        "partition": config.partition,
        "time": config.time,
        "gres": f"gpu:{config.gpus}" if config.gpus else "",
        "cpus-per-task": config.cpus or "",
        "mem": f"{config.memory}G" if config.memory else "",
    }
    own = [f"--{name}={value}" for name, value in told.items() if value]
    return own + [f"--{line.removeprefix('--')}" for line in config.extra]
