"""Import: the folder of one import, from which a supervised process makes a study."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from filelock import FileLock

from core import jobs
from core.config.importing import ImportConfig
from core.errors import FluoroscopeError, RunBusy, StudyError
from core.files import read_json, write_json
from core.studies.writing import discard_draft
from core.work import Work
from core.workspace import checked_slug, home

FORGOTTEN = "(forgotten)"
"""Stands in the settings of a finished import for its path."""


@dataclass(frozen=True)
class Import(Work):
    """``imports/NAME``: settings, progress, state and log of the import that makes the study NAME."""

    @classmethod
    def begin(cls, config: ImportConfig) -> Self:
        """Keep the settings of an import and start it; of two that begin at once, one is told.

        Raises:
            ConfigError: the name cannot name a study.
            RunBusy: an import of that name is running.
        """
        lock = home() / "imports" / f".{checked_slug(config.name)}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            made = cls.create(config)
            made.start()
        return made

    @classmethod
    def create(cls, config: ImportConfig) -> Self:
        """Keep the settings of an import (they replace those of an earlier one of that name); nothing is started.

        Raises:
            ConfigError, RunBusy: see :meth:`begin`.
        """
        made = cls(home() / "imports" / checked_slug(config.name))
        if made.state().busy:
            raise RunBusy(f"An import of {config.name!r} is running; stop it first, or give another name.")
        made.folder.mkdir(parents=True, exist_ok=True)
        for old in ("failure.json", "progress.json", "exit.json", "process.json", "log.txt"):
            (made.folder / old).unlink(missing_ok=True)
        made._write(config)
        return made

    @classmethod
    def load(cls, name: str) -> Self:
        """The import of a study.

        Raises:
            StudyError: there was none.
        """
        found = cls(home() / "imports" / checked_slug(name))
        if not (found.folder / "config.json").is_file():
            raise StudyError(f"No import of {name!r}; start one with `python -m scripts.study import`.")
        return found

    @cached_property
    def config(self) -> ImportConfig:
        """The full settings.

        Raises:
            ConfigError, ArtefactError: the file is not of our form.
        """
        return ImportConfig.from_json(read_json(self.folder / "config.json"))

    def start(self) -> None:
        """Start, or go on, in the background.

        Raises:
            RunBusy: it is already running.
        """
        jobs.start(self.folder, ["-m", "scripts.worker", "import", self.id])

    def forget_path(self) -> None:
        """Once the study is made, nothing here needs to know where its radiographs lie: a path may name a person."""
        mapping = self.config.mapping.replace(table="")
        self._write(self.config.replace(path=FORGOTTEN, mapping=mapping))

    def _write(self, config: ImportConfig) -> None:
        write_json(self.folder / "config.json", config.to_json())
        os.chmod(self.folder / "config.json", 0o600)  # until it is forgotten it holds the path

    def discard(self) -> None:
        """Forget an unfinished import and what it has decoded so far; a study of that name stays.

        Raises:
            RunBusy: it is running.
            StudyError: it is finished: there is nothing to discard.
        """
        if self.state().busy:
            raise RunBusy(f"The import of {self.id!r} is running; stop it first.")
        if self.state().done:
            raise StudyError(f"The import of {self.id!r} is finished; its study is studies/{self.id}.")
        discard_draft(self.id)
        shutil.rmtree(self.folder, ignore_errors=True)


def list_imports() -> list[Import]:
    """The imports of this workspace whose settings can be read, the last changed first."""
    found = []
    for path in (home() / "imports").glob("*/config.json"):
        one = Import(path.parent)
        try:
            _ = one.config  # reading it is the check
            found.append((path.stat().st_mtime_ns, one))
        except (FluoroscopeError, OSError):
            continue
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]
