"""What lies in a folder of radiographs: every file once, nothing outside it, and names found again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import StudyError

MISSING, SEVERAL, OUTSIDE, UNNAMED = (
    "no picture of that name",
    "several pictures of that name, in different folders",
    "the name leads out of the folder",
    "names no picture",
)


@dataclass(frozen=True)
class Folder:
    """A folder read once.

    Attributes:
        root: the resolved folder.
        files: size in bytes and time of change (ns) of each file, by its path relative to the root, with ``/``.
        outside: relative paths of links that lead out of the root; they are never opened.
    """

    root: Path
    files: dict[str, tuple[int, int]]
    outside: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Folder:
        """Walk the folder; links are followed where their target lies inside it.

        Raises:
            StudyError: it is no folder that can be read.
        """
        root = path.expanduser().resolve()
        if not root.is_dir():
            raise StudyError("There is no such folder; give one that exists on this machine.")
        files: dict[str, tuple[int, int]] = {}
        outside: set[str] = set()
        try:
            for name, entry in _walk(root, "", outside):
                stat = entry.stat()
                files[name] = stat.st_size, stat.st_mtime_ns
        except OSError as error:
            raise StudyError(f"The folder cannot be read ({error.strerror}); check its permissions.") from error
        return cls(root, files, frozenset(outside))

    def having(self, *suffixes: str) -> list[str]:
        """Relative paths with one of these endings (lower case, with the dot), sorted."""
        return sorted(name for name in self.files if name.lower().endswith(suffixes))

    @cached_property
    def _by_name(self) -> dict[str, str | None]:
        """Relative path by bare name, and by name without suffix; None where several files have it."""
        found: dict[str, str | None] = {}
        for path in self.files:
            name = path.rsplit("/", 1)[-1]
            for short in {name, name.rpartition(".")[0] or name}:
                found[short] = None if short in found and found[short] != path else path
        return found

    def locate(self, names: Sequence[object], *, within: str = "") -> tuple[list[str], NDArray[np.object_]]:
        """Find the file that each name means: a relative path, else a bare name (also without its suffix).

        Args:
            names: n names as they stand in a table; missing ones (NaN, None) name nothing.
            within: relative folder that paths may also be relative to.

        Returns:
            relative paths (n), empty where there is none, and reasons (n), empty where there is one.
        """
        files, reasons = [], np.full(len(names), "", dtype=object)
        for at, given in enumerate(names):
            name = "" if pd.isna(given) else str(given).strip()
            found, reason = self._find(name, within) if name else ("", UNNAMED)
            files.append(found)
            reasons[at] = reason
        return files, reasons

    def _find(self, name: str, within: str) -> tuple[str, str]:
        if name in self.files:
            return name, ""
        path = name.replace("\\", "/").removeprefix("./")
        if path.startswith("/") or ".." in path.split("/") or path in self.outside:
            return "", OUTSIDE
        for whole in (path, f"{within}/{path}"):
            if whole in self.files:
                return whole, ""
        if "/" in path:
            return self._ending(path)
        found = self._by_name.get(path, "")
        return ("", SEVERAL) if found is None else (found, "" if found else MISSING)

    def _ending(self, path: str) -> tuple[str, str]:
        """A path that begins above the root (``CheXpert-v1.0/train/...``): its leading folders are dropped in turn."""
        rest = path
        while "/" in rest:
            rest = rest.partition("/")[2]
            if rest in self.files:
                return rest, ""
        return "", MISSING


def _walk(root: Path, prefix: str, outside: set[str]) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(root / prefix) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            name = f"{prefix}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                target = Path(entry.path).resolve()
                if not target.is_relative_to(root):
                    outside.add(name)
                    continue
                if target.is_dir():  # it lies inside, so it is walked under its own name
                    continue
                if not target.exists():
                    continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, f"{name}/", outside)
            elif entry.is_file():
                yield name, entry
