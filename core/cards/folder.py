"""The files of a model folder, and how much of each is read at most."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from core.errors import ArtefactError, StudyError
from core.studies.folder import resolved

README, CONFIG, LABELS, THRESHOLDS = "README.md", "config.json", "labels.json", "thresholds.json"
PROMPTS, RESULTS, WEIGHTS, MANIFEST = "prompts.safetensors", "results.json", "model.safetensors", "manifest.json"

MOST_BYTES = {
    README: 4 * 1024**2,
    CONFIG: 1024**2,
    LABELS: 1024**2,
    THRESHOLDS: 4 * 1024**2,
    PROMPTS: 256 * 1024**2,
    RESULTS: 64 * 1024**2,
    WEIGHTS: 16 * 1024**3,
}
"""All files that a manifest names, and how large each may be."""

MOST_IN_MANIFEST = 64 * 1024
PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
"""Endings of files that may hold code."""


def refuse(what: str, do: str = "Export the model again (python -m scripts.card RUN --out DIR).") -> NoReturn:
    """Raise ArtefactError: what is wrong with a model folder, and what to do."""
    raise ArtefactError(f"This model folder cannot be used: {what}. {do}")


def shown(text: object, most: int = 60) -> str:
    """Something foreign inside a message: cut, and quoted, so that it cannot be mistaken for our own words."""
    return repr(str(text)[:most])


def opened(path: str | Path) -> Path:
    """A folder, resolved.

    Raises:
        ArtefactError: there is none.
    """
    try:
        return resolved(str(path))
    except StudyError:
        refuse("there is no such folder", "Give one that `python -m scripts.card RUN --out DIR` wrote.")


def check_file(folder: Path, name: str, most: int) -> Path:
    """A file of the folder: a real one, not too large.

    Raises:
        ArtefactError: it is missing, a link, no file, or too large.
    """
    path = folder / name
    try:
        found = os.lstat(path)
    except OSError:
        _missing(folder, name)
    if stat.S_ISLNK(found.st_mode):
        refuse(f"{name} is a link, which may lead anywhere", "Put the file itself there.")
    if not stat.S_ISREG(found.st_mode):
        refuse(f"{name} is no plain file")
    if found.st_size > most:
        refuse(f"{name} has {found.st_size:,} bytes; up to {most:,} are allowed")
    return path


def _missing(folder: Path, name: str) -> NoReturn:
    if name == WEIGHTS and (others := [path.name for path in folder.iterdir() if path.suffix.lower() in PICKLED]):
        refuse(
            f"it holds {shown(sorted(others)[0])} in place of {WEIGHTS}. Such files can hold code that runs when they "
            "are opened, and are never opened here",
            f"Ask whoever made it for {WEIGHTS}.",
        )
    whole = ", ".join((*MOST_BYTES, MANIFEST))
    refuse(f"{name} is missing", f"A model folder holds {whole}. Copy all of it, or export the model again.")


def read_object(path: Path) -> Any:
    """JSON of a foreign file that was checked before; numbers that are none are refused.

    Raises:
        ArtefactError: it is not JSON.
    """
    return parse(path.read_bytes(), path.name)


def parse(data: bytes, name: str) -> Any:
    """See :func:`read_object`."""

    def no_number(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name stands twice in an object")
        return found

    try:
        return json.loads(data, parse_constant=no_number, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        refuse(f"{name} is not valid JSON ({str(error)[:120]})")
