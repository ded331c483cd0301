"""Further maps of a run, by other settings, made in the background and kept beside its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from core import jobs
from core.config.run import ProjectionConfig
from core.errors import ArtefactError, FluoroscopeError, RunError
from core.files import read_json, write_json
from core.runs import Run
from core.store import Projection
from core.work import Work
from core.workspace import checked_slug

GRACE = 5.0
"""Seconds to end in when it is asked to stop: there is nothing to save, and some computations cannot be interrupted."""

WITHOUT = {
    "umap": ("perplexity",),
    "pca": ("engine", "neighbours", "min_dist", "epochs", "perplexity", "repeats"),
    "tsne": ("neighbours", "min_dist", "epochs"),
}
"""Settings that do not change a map of each method."""


@dataclass(frozen=True)
class AskedMap(Work):
    """``runs/ID/projections/KEY``: settings, progress, state, log, and the map itself when it is made.

    Attributes:
        config: how it is made.
        seed: the random state.
    """

    config: ProjectionConfig
    seed: int

    @classmethod
    def of(cls, run: Run, config: ProjectionConfig, seed: int) -> Self:
        """The map of a run by these settings, there or not; nothing is made before :meth:`start`.

        Settings that do not count for the method, such as the neighbours of principal components, name no other map.
        """
        said = json.dumps(_what_counts(config, seed), sort_keys=True)
        key = f"{config.method}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"
        return cls(run.folder / "projections" / key, config, seed)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The map that was asked for in a folder.

        Raises:
            ConfigError, ArtefactError: its settings are not there, or not of our form.
        """
        try:
            found = read_json(folder / "config.json")
            return cls(folder, ProjectionConfig.from_json(found["config"]), int(found["seed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtefactError(
                f"config.json of map {folder.name} does not say how it is made ({error!r}): remove its folder."
            ) from error

    @classmethod
    def named(cls, name: str) -> Self:
        """The map that was asked for, of ``RUN/KEY``.

        Raises:
            RunError: there is no such run.
            ConfigError, ArtefactError: it was not asked for, or its settings are not of our form.
        """
        run, _, key = name.partition("/")
        return cls.load(Run.load(run).folder / "projections" / checked_slug(key, "map"))

    @property
    def run_id(self) -> str:
        return self.folder.parent.parent.name

    @property
    def exists(self) -> bool:
        """Whether the map can be shown; where it is still at work, what is missing is its faithfulness."""
        return (self.folder / "map.json").is_file()

    @property
    def measured(self) -> bool:
        """Whether the map is there with its faithfulness."""
        try:
            return bool(read_json(self.folder / "map.json")["faithfulness"]["measured"])
        except (ArtefactError, KeyError, TypeError):
            return False

    def projection(self) -> Projection:
        """The map.

        Raises:
            ArtefactError: not made yet, torn or altered.
        """
        return Projection.load(self.folder / "map")

    def start(self) -> None:
        """Make it, or make it again, in the background; no accelerator is taken.

        Raises:
            RunBusy: it is being made.
            RunError: the run has not been embedded yet.
        """
        if not Run(self.folder.parent.parent).has("embed"):
            raise RunError(f"Run {self.run_id[:8]} has no embeddings yet, so there is nothing to map: let it finish.")
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".begin.lock"):
            if not (self.folder / "config.json").is_file():  # when it was made says when it was asked for
                write_json(self.folder / "config.json", {"config": self.config.to_json(), "seed": self.seed})
            jobs.start(self.folder, ["-m", "scripts.worker", "map", f"{self.run_id}/{self.id}"], grace=GRACE)

    def carry_out(self) -> None:
        """Do the work, in a process of its own: it listens to requests to stop.

        Raises:
            FluoroscopeError: it cannot be done, or was stopped; says why.
        """
        from core.maps.asking import make_map

        make_map(self)


def maps_of(run: Run) -> list[AskedMap]:
    """The further maps of a run that are there or were started, the last asked for first; its own is not among them."""
    found = []
    for path in (run.folder / "projections").glob("*/config.json"):
        try:
            found.append((path.stat().st_mtime_ns, AskedMap.load(path.parent)))
        except (FluoroscopeError, OSError):
            continue
    return [one for _, one in sorted(found, key=lambda pair: (-pair[0], pair[1].id))]


def same_as_own(run: Run, config: ProjectionConfig, seed: int) -> bool:
    """Whether the map that the run makes itself is by these settings."""
    return _what_counts(run.config.projection, run.config.seed) == _what_counts(config, seed)


def _what_counts(config: ProjectionConfig, seed: int) -> dict[str, Any]:
    said = {name: value for name, value in config.to_json().items() if name not in WITHOUT[config.method]}
    return said if config.method == "pca" else {**said, "seed": seed}
