"""Checkpoints that are whole or not there: written aside, hashed, named last; two are kept."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import shutil
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
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything that training needs to go on as if it had never stopped.

    Attributes:
        step: steps done.
        tensors: named groups of tensors (model, best, optimiser, random).
        state: JSON values: best metric, random states of Python and numpy, ...
    """

    step: int
    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write ``folder/step-N`` and drop all but the newest two."""
        draft, final = folder / f"step-{self.step:08d}.tmp", folder / f"step-{self.step:08d}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name, tensors in self.tensors.items():
            with (draft / f"{name}.safetensors").open("wb") as stream:
                stream.write(save({key: value.detach().cpu().contiguous() for key, value in tensors.items()}))
                stream.flush()
                os.fsync(stream.fileno())
        stamps = {path.name: stamp(path) for path in sorted(draft.glob("*.safetensors"))}
        body = {"step": self.step, "state": self.state, "files": stamps}
        write_json(draft / "manifest.json", {**body, "sha256": _digest(body)})
        shutil.rmtree(final, ignore_errors=True)
        os.replace(draft, final)
        sync_folder(folder)
        # Later steps did not verify when this run resumed, or it would stand there: they must not crowd out good ones.
        kept = [path for path in _folders(folder) if path.name <= final.name][-KEEP:]
        for other in folder.glob("step-*"):
            if other not in kept:
                shutil.rmtree(other, ignore_errors=True)

    @classmethod
    def load(cls, folder: Path) -> Checkpoint:
        """Read one checkpoint.

        Raises:
            ArtefactError: torn, altered, or not of our form; nothing is ever unpickled.
        """
        manifest = read_json(folder / "manifest.json")
        if not isinstance(manifest, dict) or manifest.pop("sha256", None) != _digest(manifest):
            raise ArtefactError(f"manifest.json of {folder.name} does not have the SHA-256 that it names: altered.")
        tensors = {}
        for name, expected in manifest["files"].items():
            verify(folder / name, expected)
            tensors[Path(name).stem] = load_file(folder / name)
        return cls(step=manifest["step"], tensors=tensors, state=manifest["state"])


def _digest(body: dict[str, Any]) -> str:
    """The SHA-256 of a manifest's content; a flipped digit of a random state would be met nowhere else."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, allow_nan=False).encode()).hexdigest()


def newest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that verifies; damaged ones are named in the log and passed over."""
    for path in reversed(_folders(folder)):
        try:
            return Checkpoint.load(path)
        except ArtefactError as error:
            log.warning("Checkpoint %s is passed over: %s", path.name, error)
    return None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir() and path.suffix != ".tmp")


def random_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state of torch's, CUDA's, Python's and numpy's generators: as tensors, and as JSON values."""
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors |= {f"cuda-{index}": state for index, state in enumerate(torch.cuda.get_rng_state_all())}
    version, keys, gauss = random.getstate()
    name, array, *rest = np.random.get_state()
    numpy_state = [name, np.asarray(array).tolist(), *rest]
    return tensors, {"python": [version, list(keys), gauss], "numpy": numpy_state}


def restore_random_state(tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Undo everything that was drawn since :func:`random_state`."""
    torch.set_rng_state(tensors["torch"])
    cuda = [tensors[name] for name in sorted(tensors) if name.startswith("cuda-")]
    if cuda and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)
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
