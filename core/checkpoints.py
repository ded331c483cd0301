"""Checkpoints that are whole or not there: written aside, hashed, named last; the newest two are kept, and the best.

step-00000120/  model, optimiser, random, ... .safetensors; manifest.json, written last, with their SHA-256
best-00000080/  the weights that validation liked best, which the checkpoints above name and do not repeat
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from core.errors import ArtefactError
from core.files import read_json, stamp, sync_folder, verify, write_json

KEEP = 2
Tensors = dict[str, Tensor]
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that training needs to go on as if it had never stopped.

    Attributes:
        step: steps done.
        tensors: named groups of tensors (model, optimiser, random).
        state: JSON values: random states of Python and numpy, ...
        best: the step whose weights validation liked best; 0: none yet.
        best_weights: of that step; None: they were damaged, or there are none.
    """

    step: int
    tensors: dict[str, Tensors]
    state: dict[str, Any]
    best: int = 0
    best_weights: Tensors | None = None

    def save(self, folder: Path) -> int:
        """Write ``folder/step-N`` (and the best weights, where they are new) and drop what is no longer needed.

        Returns:
            The size of all checkpoints that are kept, in bytes.
        """
        if self.best and self.best_weights is not None and not _whole(_best(folder, self.best)):
            _write(_best(folder, self.best), {"model": self.best_weights}, {"step": self.best})
        final = folder / f"step-{self.step:08d}"
        _write(final, self.tensors, {"step": self.step, "state": self.state, "best": self.best})
        _tidy(folder, final.name)
        return sum(path.stat().st_size for path in folder.glob("*-*/*"))

    @classmethod
    def load(cls, folder: Path, *, with_best: bool = True) -> Checkpoint:
        """Read one checkpoint.

        Args:
            folder: ``.../step-N``.
            with_best: whether damaged best weights are an error; else they are left out.

        Raises:
            ArtefactError: torn, altered, or not of our form; nothing is ever unpickled.
        """
        manifest, tensors = _read(folder)
        best, weights = int(manifest.get("best", 0)), None
        if best:
            try:
                weights = _read(_best(folder.parent, best))[1]["model"]
            except ArtefactError:
                if with_best:
                    raise
        return cls(step=manifest["step"], tensors=tensors, state=manifest["state"], best=best, best_weights=weights)


def _best(folder: Path, step: int) -> Path:
    return folder / f"best-{step:08d}"


def _whole(folder: Path) -> bool:
    try:
        _verified(folder)
    except ArtefactError:
        return False
    return True


def _write(final: Path, groups: dict[str, Tensors], body: dict[str, Any]) -> None:
    """A folder of safetensors that appears under its name only when all of it is on the disk."""
    draft = final.with_name(f"{final.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, tensors in groups.items():
        with (draft / f"{name}.safetensors").open("wb") as stream:
            stream.write(save({key: value.detach().cpu().contiguous() for key, value in tensors.items()}))
            stream.flush()
            os.fsync(stream.fileno())
    body = {**body, "files": {path.name: stamp(path) for path in sorted(draft.glob("*.safetensors"))}}
    write_json(draft / "manifest.json", {**body, "sha256": _digest(body)})
    shutil.rmtree(final, ignore_errors=True)
    os.replace(draft, final)
    sync_folder(final.parent)


def _verified(folder: Path) -> dict[str, Any]:
    """The manifest of a folder whose files are all what it says."""
    manifest: dict[str, Any] = read_json(folder / "manifest.json")
    if not isinstance(manifest, dict) or manifest.pop("sha256", None) != _digest(manifest):
        raise ArtefactError(f"manifest.json of {folder.name} does not have the SHA-256 that it names: altered.")
    for name, expected in manifest["files"].items():
        verify(folder / name, expected)
    return manifest


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensors]]:
    manifest = _verified(folder)
    return manifest, {Path(name).stem: load_file(folder / name) for name in manifest["files"]}


def _tidy(folder: Path, newest_name: str) -> None:
    """Keep the newest two and the best that they name. Later steps than the newest did not verify when this run
    resumed, or it would stand there: they must not crowd out good ones."""
    kept = [path for path in _folders(folder) if path.name <= newest_name][-KEEP:]
    named = [_best(folder, step) for path in kept if (step := _best_of(path))]
    for other in folder.glob("*-*"):
        if other.is_dir() and other not in kept and other not in named:
            shutil.rmtree(other, ignore_errors=True)


def _best_of(folder: Path) -> int:
    try:
        return int(read_json(folder / "manifest.json").get("best", 0))
    except (ArtefactError, AttributeError, TypeError, ValueError):
        return 0  # damaged: it will be passed over


def _digest(body: dict[str, Any]) -> str:
    """The SHA-256 of a manifest's content; a flipped digit of a random state would be met nowhere else."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()


def newest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that verifies; damaged ones are named in the log and passed over.

    Where none is whole because the best weights that they share are damaged, the newest goes on without these.
    """
    for with_best in (True, False):
        for path in reversed(_folders(folder)):
            try:
                found = Checkpoint.load(path, with_best=with_best)
            except ArtefactError as error:
                if with_best:
                    log.warning("Checkpoint %s is passed over: %s", path.name, error)
                continue
            if found.best and found.best_weights is None:
                log.warning("%s goes on without the best weights of step %d.", path.name, found.best)
            return found
    return None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir() and path.suffix != ".tmp")


class CheckpointWriter:
    """Writes checkpoints to disk in a thread of its own, one after the other, so that training goes on meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._writing: Future[int] | None = None
        self._size = 0

    @property
    def busy(self) -> bool:
        return self._writing is not None and not self._writing.done()

    def write(self, checkpoint: Checkpoint) -> None:
        """Begin to write; its tensors must be nobody else's. Waits for the one before, where that is not done.

        Raises:
            OSError: of the one before (a full disk); the older ones are whole.
        """
        self.wait()
        self._writing = self._thread.submit(checkpoint.save, self.folder)

    def wait(self) -> None:
        """Wait until what was begun is on the disk.

        Raises:
            OSError: it is not (a full disk); the older ones are whole.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            size = writing.result()
            if abs(size - self._size) > 0.01 * size:
                log.info("checkpoints take %.1f MB on disk", size / 1e6)
            self._size = size

    def raise_failed(self) -> None:
        """Raises what went wrong in what is done; waits for nothing."""
        if self._writing is not None and self._writing.done():
            self.wait()


def on_host(tensors: Tensors) -> Tensors:
    """Copies in host memory, which training changes no more."""
    return {name: value.detach().to("cpu", copy=True) for name, value in tensors.items()}


def random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of the generators of torch, of this process's GPU, of Python and numpy: as tensors, as JSON values."""
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    version, keys, gauss = random.getstate()
    name, array, *rest = np.random.get_state()
    numpy_state = [name, np.asarray(array).tolist(), *rest]
    return tensors, {"python": [version, list(keys), gauss], "numpy": numpy_state}


def restore_random_state(tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Undo everything that was drawn since :func:`random_state`."""
    torch.set_rng_state(tensors["torch"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    name, array, *rest = state["numpy"]
    np.random.set_state((name, np.array(array, dtype=np.uint32), *rest))


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """AdamW's moments and step counts, by parameter number."""
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, own in optimiser.state_dict()["state"].items()
        for key, value in own.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what :func:`optimiser_tensors` gave; groups and rates stay those of the config."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
