"""A finished run written as a model folder, or as the same folder in a ZIP; the same run gives the same bytes."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.cards.facts import Facts, gather
from core.cards.folder import CONFIG, LABELS, MANIFEST, MOST_BYTES, PROMPTS, README, RESULTS, THRESHOLDS, WEIGHTS
from core.cards.text import card
from core.config.model import FORM
from core.errors import ArtefactError, RunError
from core.files import read_json, replacing, stamp, sync_folder, verify, write_json
from core.metrics.results import to_json
from core.runs import Run
from core.workspace import home

DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file in a ZIP: it says nothing, and is the same each time."""


def write_model(run: Run, folder: Path) -> Path:
    """Write a model folder; it is there whole, or not at all.

    Args:
        run: a finished one.
        folder: must not exist, or be empty.

    Raises:
        RunError, StudyError, ArtefactError: see :func:`core.cards.facts.gather`; or the folder holds something.
    """
    folder = folder.expanduser().absolute()
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise RunError(f"{folder.name!r} exists and is no empty folder: nothing is written over. Give another name.")
    facts = gather(run)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    draft.mkdir()
    try:
        _write(facts, draft)
        os.replace(draft, folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def zip_model(run: Run, stream: BinaryIO, name: str) -> None:
    """Write the same folder, called ``name``, as a ZIP, piece by piece.

    Raises:
        RunError, StudyError, ArtefactError: see :func:`write_model`.
    """
    with tempfile.TemporaryDirectory(prefix=".card-", dir=home()) as place:
        folder = write_model(run, Path(place) / "model")
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as packed:
            for file in (*MOST_BYTES, MANIFEST):
                info = zipfile.ZipInfo(f"{name}/{file}", DATE)
                info.external_attr = 0o644 << 16
                info.file_size = (folder / file).stat().st_size
                with (folder / file).open("rb") as source, packed.open(info, "w") as target:
                    shutil.copyfileobj(source, target, 1024**2)


def weights_bytes(run: Run) -> int:
    """The size of all that a run has learned; 0 where it has not been trained yet."""
    path = run.folder / "checkpoints" / "head.safetensors"
    return path.stat().st_size if path.is_file() else 0


def _write(facts: Facts, folder: Path) -> None:
    from safetensors.numpy import save

    thresholds = [{"finding": name, **to_json(own)} for name, own in facts.thresholds.items()]
    write_json(folder / CONFIG, facts.config.to_json())
    write_json(folder / LABELS, facts.labels)
    write_json(folder / THRESHOLDS, {"form": FORM, "chosen_on": "val", "findings": thresholds})
    write_json(folder / RESULTS, to_json(facts.results))
    with replacing(folder / PROMPTS) as stream:
        stream.write(save({name: np.ascontiguousarray(own) for name, own in sorted(facts.prompts.items())}))
    with replacing(folder / README) as stream:
        stream.write(card(facts.config, facts.thresholds, facts.results).encode())
    _copy_weights(facts.run, folder / WEIGHTS)
    write_json(folder / MANIFEST, _manifest(folder))


def _copy_weights(run: Run, path: Path) -> None:
    """The bytes that the run's own manifest names."""
    own = run.folder / "checkpoints" / "head.safetensors"
    said: dict[str, Any] = read_json(own.with_suffix(".json"))["file"]
    verify(own, said)
    with replacing(path) as target, own.open("rb") as source:
        shutil.copyfileobj(source, target, 1024**2)
    if stamp(path) != said:
        raise ArtefactError(f"The weights of run {run.id[:8]} changed while they were copied: try again.")


def _manifest(folder: Path) -> dict[str, Any]:
    found = {name: stamp(folder / name) for name in MOST_BYTES}
    large = [name for name, most in MOST_BYTES.items() if found[name]["bytes"] > most]
    if large:
        raise RunError(f"{large[0]} would have {found[large[0]]['bytes']:,} bytes, more than a model folder may hold.")
    return {"form": FORM, "files": found}
