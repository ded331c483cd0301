"""Which folders belong to Slurm: ``slurm.json`` with the settings and, once it is handed over, the job's number."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from core import jobs
from core.config.slurm import SlurmConfig
from core.errors import ArtefactError, ConfigError
from core.files import read_json, write_json
from core.workspace import home

FILE, PLAN, STOP = jobs.ON_CLUSTER, "slurm-plan.json", "slurm-stop.json"
LAST, BEAT = "slurm-last.json", "slurm-heartbeat"
"""In a job's folder: where it runs; what was handed over; that it is to stop; what Slurm last said; a growing count."""


Place = SlurmConfig | Literal["here"]
"""On Slurm with these settings, or on the machine that starts it."""


@dataclass(frozen=True)
class Placement:
    """A job's place on the cluster.

    Attributes:
        config: what is asked of Slurm, also at the next start.
        id: ``123``, or ``123_4`` in an array; empty before it is handed over.
        user: the number of the user whose job it is.
    """

    config: SlurmConfig
    id: str = ""
    user: int = -1

    def write(self, folder: Path) -> None:
        write_json(folder / FILE, {"config": self.config.to_json(), "id": self.id, "user": self.user})


def placement(folder: Path) -> Placement | None:
    """Where on the cluster a job is, or is to be; None where it belongs to this machine."""
    try:
        data: dict[str, Any] = read_json(folder / FILE)
        return Placement(SlurmConfig.from_json(data["config"]), str(data["id"]), int(data["user"]))
    except (ArtefactError, ConfigError, AttributeError, KeyError, TypeError, ValueError):
        return None


def place(folder: Path, where: Place) -> None:
    """Say where a job that is not at work runs from its next start on."""
    if where == "here":
        (folder / FILE).unlink(missing_ok=True)
        return
    before = placement(folder)
    (replace(before, config=where) if before else Placement(where)).write(folder)


def check_devices(where: Place, devices: int) -> None:
    """Whether a run that trains on so many devices gets them.

    Raises:
        ConfigError: it asks Slurm for another number of GPUs (none at all is allowed: it then works on the CPU).
    """
    if where != "here" and where.gpus and where.gpus != devices:
        raise ConfigError(
            f"SlurmConfig.gpus is {where.gpus}, and the run trains on {devices} (TrainingConfig.devices): "
            "ask for as many as it uses."
        )


def asked_to_stop(folder: Path) -> bool:
    """Whether a user asked the job to stop since it was handed over: then nothing starts it again."""
    return (folder / STOP).exists()


def output(folder: Path) -> Path | None:
    """The file with Slurm's own words on a job (those of an array lie in the folder of its ablation)."""
    own = placement(folder)
    if own is None or not own.id:
        return None
    found = [folder / f"slurm-{own.id}.out", *(home() / "ablations").glob(f"*/slurm-{own.id}.out")]
    return next((path for path in found if path.is_file()), None)


def adopt(folder: Path, job: str) -> bool:
    """Inside a job: write its number down where whoever handed it over did not come to it; whether it is the one
    that the folder belongs to."""
    own = placement(folder)
    if own is None or own.id not in ("", job):
        return False
    if not own.id:
        replace(own, id=job, user=os.getuid()).write(folder)
    return True
