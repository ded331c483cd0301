"""The supervised process that makes a set of embeddings: by an import, or by training."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from filelock import FileLock

from core import jobs
from core.config.vectors import OrthogonaliseConfig, VectorImportConfig
from core.errors import ArtefactError, FluoroscopeError, InputError, RunBusy
from core.files import read_json, write_json
from core.imported import CURVE, ImportedSet, folder_of, import_embeddings, refuse_taken
from core.studies.vocabulary import VOCABULARIES
from core.work import StopRequest, Work
from core.workspace import home

Settings = VectorImportConfig | OrthogonaliseConfig
KINDS: dict[str, type[Settings]] = {"import": VectorImportConfig, "orthogonalise": OrthogonaliseConfig}

FORGOTTEN = "(forgotten)"
"""Stands in the settings of a finished import for its paths."""


@dataclass(frozen=True)
class Making(Work):
    """``embeddings/NAME``: settings, progress, state and log of what makes the set NAME, beside the set itself."""

    @classmethod
    def begin(cls, settings: Settings) -> Self:
        """Keep the settings and start; of two that begin at once, one is told.

        Raises:
            ConfigError, InputError: the name cannot name a set, or names one; or the set to start from will not do.
            RunBusy: a process is at work on that name.
        """
        lock = home() / "embeddings" / f".{folder_of(settings.name).name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            made = cls.create(settings)
            made.start()
        return made

    @classmethod
    def create(cls, settings: Settings) -> Self:
        """Keep the settings (they replace those of an earlier try of that name); nothing is started.

        Raises:
            ConfigError, InputError, RunBusy: see :meth:`begin`.
        """
        made = cls(folder_of(settings.name))
        if made.state().busy:
            raise RunBusy(f"A process is at work on {settings.name!r}; stop it first, or give another name.")
        refuse_taken(settings.name)
        if isinstance(settings, OrthogonaliseConfig):
            check_source(settings)
        made.folder.mkdir(parents=True, exist_ok=True)
        for old in ("failure.json", "progress.json", "exit.json", "process.json", "log.txt", CURVE):
            (made.folder / old).unlink(missing_ok=True)
        made._write(settings)
        return made

    @classmethod
    def load(cls, name: str) -> Self:
        """What makes, or made, a set.

        Raises:
            ArtefactError: nothing was started under that name.
        """
        found = cls(folder_of(name))
        if not (found.folder / "config.json").is_file():
            raise ArtefactError(f"Nothing makes a set {name!r}; start with `python -m scripts.embeddings import`.")
        return found

    @cached_property
    def settings(self) -> Settings:
        """The full settings.

        Raises:
            ConfigError, ArtefactError: the file is not of our form.
        """
        found = read_json(self.folder / "config.json")
        if not isinstance(found, dict) or found.get("work") not in KINDS:
            raise ArtefactError(f"config.json of {self.id!r} does not say what is to be done: remove it, start anew.")
        return KINDS[found["work"]].from_json(found.get("settings"))

    def start(self) -> None:
        """Start, or start again, in the background.

        Raises:
            RunBusy: it is already running.
        """
        jobs.start(self.folder, ["-m", "scripts.worker", "embeddings", self.id])

    def carry_out(self) -> None:
        """Do the work, in a process of its own: it listens to requests to stop.

        Raises:
            FluoroscopeError: it cannot be done, or was stopped; says why.
        """
        if isinstance(self.settings, VectorImportConfig):
            self._import(self.settings)
            return
        from core.vectors.orthogonalising import orthogonalise

        orthogonalise(self.settings, self.folder, StopRequest())

    def _import(self, own: VectorImportConfig) -> None:
        """Once the set is made, nothing here needs to know where its files lie: a path may name a person."""
        import_embeddings(own.path, own.name, labels=own.labels, array=own.array, label_column=own.label_column)
        self._write(own.replace(path=FORGOTTEN, labels=own.labels if own.labels in VOCABULARIES else FORGOTTEN))

    def _write(self, settings: Settings) -> None:
        work = next(name for name, kind in KINDS.items() if isinstance(settings, kind))
        write_json(self.folder / "config.json", {"work": work, "settings": settings.to_json()})
        os.chmod(self.folder / "config.json", 0o600)  # until they are forgotten it holds paths


def check_source(settings: OrthogonaliseConfig) -> ImportedSet:
    """The set that the module starts from.

    Raises:
        ArtefactError: there is none of that name.
        InputError: it holds one vector, or is the new set's own name.
        ConfigError: width and attention heads do not fit together.
    """
    from core.config.run import HeadConfig

    source = ImportedSet.load(settings.source)
    if len(source.labels) < 2:
        raise InputError(f"The set {source.name!r} holds one vector: there is nothing to part it from. Take another.")
    width = settings.width or source.embedding.vectors.shape[1]
    HeadConfig(
        kind="disease-tokens", width=width, layers=settings.layers, attention_heads=settings.attention_heads
    )  # making it is the check
    return source


def list_makings(*, finished: bool = False) -> list[Making]:
    """What was started and has no set yet (or has one, where those that ``finished`` are wanted, too), the last
    started first."""
    found = []
    for path in (home() / "embeddings").glob("*/config.json"):
        one = Making(path.parent)
        try:
            _ = one.settings  # reading it is the check
            if finished or not (one.folder / "set.json").is_file():
                found.append((path.stat().st_mtime_ns, one))
        except (FluoroscopeError, OSError):
            continue
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]
