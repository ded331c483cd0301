"""The import against Pillow alone: both decode and scale the same files of 1024 x 1024 in as many processes."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from core.config.importing import ImportConfig
from core.studies.importing import import_study
from core.studies.pool import cores

FILES, SIDE, SIZE = 2000, 1024, 224
TURNS = 3


@lru_cache
def grain(number: int) -> NDArray[np.uint8]:
    """(1024, 1024) with the smoothness and noise of a radiograph."""
    rng = np.random.default_rng(number)
    shape = Image.fromarray(rng.normal(128, 40, (10, 10)).astype(np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(shape) + rng.normal(0, 1.2, (SIDE, SIDE)), 0, 255).astype(np.uint8)


def write(folder: Path, number: int) -> None:
    """One PNG of some hundred kB, like NIH's; no two have the same pixels."""
    picture = np.roll(grain(number % 8), number // 8 + 1, axis=number % 2)
    Image.fromarray(picture).save(folder / f"{number:05d}.png", compress_level=1)


def scale(path: Path) -> np.ndarray:
    """What Pillow does at the least."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def pillow(paths: list[Path]) -> None:
    with _pool() as pool:
        for _ in pool.map(scale, paths, chunksize=16):
            pass


def ours(folder: Path, turn: int) -> None:
    import_study(ImportConfig(source="table", path=str(folder), name=f"bench-{turn}", size=SIZE))


def compare() -> None:
    """Alternating turns of both in one run; the medians are compared."""
    with tempfile.TemporaryDirectory(prefix="fluoroscope-bench-") as place:
        folder = Path(place) / "files"
        folder.mkdir()
        os.environ["FLUOROSCOPE_HOME"] = f"{place}/home"
        with _pool() as pool:
            list(pool.map(partial(write, folder), range(FILES), chunksize=16))
        paths = sorted(folder.glob("*.png"))
        pd.DataFrame({"image": [path.name for path in paths], "patient": range(FILES)}).to_csv(
            folder / "table.csv", index=False
        )
        weight = sum(path.stat().st_size for path in paths) / FILES / 1000
        print(f"{FILES} PNG files of {SIDE} x {SIDE}, {weight:.0f} kB each, {cores()} processes:")
        alone, whole = [], []
        for turn in range(TURNS):
            alone.append(FILES / _seconds(partial(pillow, paths)))
            whole.append(FILES / _seconds(partial(ours, folder, turn)))
            ratio = whole[-1] / alone[-1]
            print(f"  Pillow {alone[-1]:7.1f} files/s   import {whole[-1]:7.1f} files/s   {ratio:.2f}", flush=True)
        again = _seconds(partial(ours, folder, 0))
        print(f"  median ratio {np.median(np.divide(whole, alone)):.2f}; the unchanged folder again: {again:.2f} s")


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn"))
