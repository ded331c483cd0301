"""Models of other workspaces, kept in this one: ``models/<name>/`` is a whole model folder."""

from __future__ import annotations

import dataclasses
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.cards.folder import MANIFEST, MOST_BYTES, MOST_IN_MANIFEST, check_file, opened, refuse
from core.cards.reading import Model, read_model
from core.errors import ArtefactError
from core.files import sync_folder
from core.workspace import checked_slug, home

MODEL = "model:"
"""What ``start_from`` of a run begins with that takes the weights of a kept model."""


def is_model(source: str) -> bool:
    """Whether ``start_from`` names a kept model, not a run."""
    return source.startswith(MODEL)


def name_of(model: Model) -> str:
    """What a model is called when it is kept: by its settings, and by the digest of all its files."""
    return f"{_slug(model.config.title)}-{model.digest[:12]}"


def source_of(model: Model) -> str:
    """What ``start_from`` says of a model, kept already or not."""
    return f"{MODEL}{name_of(model)}"


@contextmanager
def keeping(path: str | Path) -> Iterator[Model]:
    """Copy a model folder into this workspace, so that runs of it go on when the folder is gone.

    The copy is what is checked, so that nobody can change it in between; one model is kept once. Where the block ends
    with an error, a model that was not here before is not kept.

    Raises:
        ArtefactError: see :func:`core.cards.reading.read_model`.
    """
    folder, place = opened(path), home() / "models"
    draft = place / f".draft-{secrets.token_hex(6)}"
    draft.mkdir(parents=True)
    try:
        for name, most in {**MOST_BYTES, MANIFEST: MOST_IN_MANIFEST}.items():
            shutil.copyfile(check_file(folder, name, most), draft / name)
        found = read_model(draft)
        final = place / name_of(found)
        new = not _whole(final)
        if new:
            shutil.rmtree(final, ignore_errors=True)
            os.replace(draft, final)
            sync_folder(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    try:
        yield dataclasses.replace(found, folder=final)
    except BaseException:
        if new:
            shutil.rmtree(final, ignore_errors=True)
        raise


def is_kept(source: str) -> bool:
    """Whether the kept model that ``start_from`` names is in this workspace."""
    return (home() / "models" / checked_slug(source.removeprefix(MODEL), "model")).is_dir()


def kept(source: str) -> Model:
    """The kept model that ``start_from`` names.

    Raises:
        ArtefactError: it is not in this workspace, or was altered since.
        ConfigError: that is no name of one.
    """
    name = source.removeprefix(MODEL)
    if not is_kept(source):
        refuse(
            f"models/{name} is not in this workspace any more",
            "Bring the folder again: python -m scripts.embed FOLDER --study NAME.",
        )
    return read_model(home() / "models" / name)


def _whole(folder: Path) -> bool:
    try:
        return folder.is_dir() and bool(read_model(folder))
    except ArtefactError:
        return False


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "model"
