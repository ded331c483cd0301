"""An import of as many rows as NIH has: time and memory against a tenth of it, and the unchanged folder again."""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from core.config.importing import ImportConfig
from core.studies.importing import import_study
from core.studies.vocabulary import NIH_FINDINGS

ROWS, PER_PATIENT, SIDE = 112_120, 4, 16


def write(folder: Path, rows: int) -> None:
    """A folder in NIH's layout with pictures of 16 x 16: it shows what grows with the rows, not the decoder."""
    rng = np.random.default_rng(0)
    names = [f"{row // PER_PATIENT:08d}_{row % PER_PATIENT:03d}.png" for row in range(rows)]
    places = [folder / f"images_{part:03d}/images" for part in range(1, 13)]
    for place in places:
        place.mkdir(parents=True)
    for row, name in enumerate(names):
        picture = rng.integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
        Image.fromarray(picture).save(places[row * 12 // rows] / name, compress_level=1)
    found = rng.random((rows, 14)) < 0.06
    table = pd.DataFrame({"Image Index": names, "Patient ID": [int(name[:8]) for name in names]})
    table["Finding Labels"] = ["|".join(np.array(NIH_FINDINGS)[row]) or "No Finding" for row in found]
    table["Patient Age"], table["Patient Gender"], table["View Position"] = rng.integers(1, 95, rows), "F", "PA"
    table.to_csv(folder / "Data_Entry_2017_v2020.csv", index=False)
    cut = rows * 4 // 5 // PER_PATIENT * PER_PATIENT
    (folder / "train_val_list.txt").write_text("\n".join(names[:cut]))
    (folder / "test_list.txt").write_text("\n".join(names[cut:]))


def bring(folder: Path) -> tuple[float, float]:
    """Seconds of an import, and the largest memory in MB of a process of its own that did it."""
    started = time.perf_counter()
    import_study(ImportConfig(source="nih", path=str(folder), name=folder.name, size=SIDE))
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(folder: Path) -> tuple[float, float]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(bring, folder).result()


def compare() -> None:
    """A tenth, the whole, and the whole again."""
    with tempfile.TemporaryDirectory(prefix="fluoroscope-bench-") as place:
        os.environ["FLUOROSCOPE_HOME"] = f"{place}/home"
        for rows in (ROWS // 10, ROWS):
            folder = Path(place) / f"nih-{rows}"
            write(folder, rows)
            taken, memory = apart(folder)
            again, _ = apart(folder)
            pixels = rows * SIDE * SIDE / 1e6
            print(
                f"{rows:7,} rows: {taken:5.1f} s, {memory:.0f} MB at most in the importing process "
                f"({pixels:.0f} MB of pixels); unchanged again {again:.1f} s",
                flush=True,
            )
