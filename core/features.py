"""Frozen towers are passed over once: raw features are kept on disk under a key of all that changes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from core.augmentation.drawing import draw
from core.augmentation.tensors import augmented
from core.config.augmentation import AugmentationConfig
from core.encoders import Encoder, TextEncoder, as_pixels
from core.errors import ArtefactError
from core.files import read_json, replacing, stamp, verify, write_json
from core.parallel import gathered, told, world
from core.studies.study import Progress, Study
from core.workspace import home

BATCH = 32


def image_features(encoder: Encoder, study: Study, progress: Progress | None = None) -> NDArray[np.float32]:
    """Raw image features of a whole study, float32 (N, image_width), in the order of its samples."""
    key = {"tower": encoder.config.image.to_json(), "weights": encoder.image_weights, **_made_on(encoder)}
    return _cached(
        {**key, "kind": "images", "study": study.fingerprint}, lambda: fresh_image_features(encoder, study, progress)
    )


def fresh_image_features(
    encoder: Encoder, study: Study, progress: Progress | None = None, rows: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """The same, or that of some rows, not kept on disk: weights that a run has changed are wanted once."""

    def pixels(part: slice) -> Tensor:
        return as_pixels(study.images[part if rows is None else rows[part]], encoder.device)

    return _in_batches(encoder, len(study) if rows is None else len(rows), pixels, progress)


def view_features(
    encoder: Encoder,
    study: Study,
    rows: NDArray[np.int64],
    augmentation: AugmentationConfig,
    *,
    seed: int,
    view: int,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Raw features (n, image_width) of a changed version of some radiographs: what is random about it depends on the
    seed, the number of the view and the row alone."""

    def changed(part: slice) -> Tensor:
        own = rows[part]
        return augmented(as_pixels(study.images[own], encoder.device), draw(augmentation, own, seed=seed, turn=view))

    def compute() -> NDArray[np.float32]:
        return _in_batches(encoder, len(rows), changed, progress)

    key = {"tower": encoder.config.image.to_json(), "weights": encoder.image_weights, **_made_on(encoder)}
    drawn = {"augmentation": augmentation.of_pictures(), "seed": seed, "view": view}
    which = hashlib.sha256(rows.tobytes()).hexdigest()
    return _cached({**key, **drawn, "kind": "view", "study": study.fingerprint, "rows": which}, compute)


def _in_batches(
    encoder: Encoder, count: int, pixels: Callable[[slice], Tensor], progress: Progress | None
) -> NDArray[np.float32]:
    """(count, image_width): each process works on a share of them, and all get all."""
    share = world().share(count)
    own = np.empty((share.stop - share.start, encoder.image_width), np.float32)
    for start in range(share.start, share.stop, BATCH):
        stop = min(start + BATCH, share.stop)
        own[start - share.start : stop - share.start] = encoder.embed_pixels(pixels(slice(start, stop)))
        if progress:
            progress(count * (stop - share.start) // max(1, len(own)), count)
    if world().size == 1:
        return own
    return gathered(torch.from_numpy(own).to(encoder.device), count).cpu().numpy()


def text_features(encoder: TextEncoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Raw text features, float32 (n, text_width), in the order of the texts."""
    digest = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
    key = {"tower": encoder.config.text.to_json(), "weights": encoder.text_weights, **_made_on(encoder)}
    return _cached({**key, "kind": "texts", "texts": digest}, lambda: encoder.embed_texts(texts))


def _made_on(encoder: TextEncoder) -> dict[str, Any]:
    return {"precision": encoder.precision, "device": encoder.device.type}


def _cached(key: dict[str, Any], compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    folder = home() / "features"
    folder.mkdir(parents=True, exist_ok=True)
    first = world().first
    lock = FileLock(folder / f"{name}.lock") if first else nullcontext()
    with lock:  # a second run that wants the same waits instead of doing it twice
        found = _kept(folder / name) if first else None
        if told(found is not None):
            return _read(folder / name) if found is None else found
        found = compute()
        if first:
            _write(folder / name, key, found)
        return found


def _kept(stem: Path) -> NDArray[np.float32] | None:
    try:
        return _read(stem)
    except ArtefactError:
        return None


def _read(stem: Path) -> NDArray[np.float32]:
    manifest = read_json(stem.with_suffix(".json"))
    verify(stem.with_suffix(".npy"), manifest.get("file"))
    found: NDArray[np.float32] = np.load(stem.with_suffix(".npy"), allow_pickle=False)
    return found


def _write(stem: Path, key: dict[str, Any], values: NDArray[np.float32]) -> None:
    with replacing(stem.with_suffix(".npy")) as stream:
        np.save(stream, values, allow_pickle=False)
    write_json(stem.with_suffix(".json"), {"key": key, "file": stamp(stem.with_suffix(".npy"))})
