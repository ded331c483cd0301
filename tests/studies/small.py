"""A study of some flat squares, and a maker of pictures that says which ones it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import Stopped
from core.studies.manifest import About
from core.studies.pixels import Pictures
from core.studies.study import Study
from core.studies.writing import write_study
from tests.tiny import given, hand_over

SIZE = 16
FINDINGS = ("Mass", "Edema")
NAN = float("nan")
FILES = ("hashes.npy", "images.npy", "samples.parquet", "set_aside.parquet", "boxes.parquet", "summary.json")


def table(count: int = 6, **columns: Any) -> pd.DataFrame:
    """Each sample a patient of its own; half train, then val and test in turn."""
    made = pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(count)],
            "patient": [f"p{row}" for row in range(count)],
            "split": [("train", "train", "val", "test")[row % 4] for row in range(count)],
            "text": pd.Series([None] * count, dtype=object),
            "age": np.float32(50),
            "sex": "F",
            "view": "PA",
            "finding:Mass": np.float32(1),
            "finding:Edema": np.array([NAN, *[0] * (count - 1)], np.float32),
        }
    )
    return made.assign(**columns)


def pictures(count: int = 6, start: int = 0) -> list[Any]:
    """Flat squares, each of a grey value of its own (all different up to 256 of them)."""
    return [np.full((SIZE, SIZE), (start + row) % 256, np.uint8) for row in range(count)]


def written(
    samples: pd.DataFrame | None = None,
    shown: Sequence[Any] | Pictures | None = None,
    name: str = "x",
    uncertain: str = "S2",
    **more: Any,
) -> Study:
    """Write it; ``shown`` are squares, or reasons why there is none."""
    samples = table() if samples is None else samples
    shown = pictures(len(samples)) if shown is None else shown
    shown = shown if isinstance(shown, Pictures) else given(shown)
    about = About(source="test", title="Test", synthetic=True, uncertain=uncertain)
    return write_study(name, samples, shown, size=SIZE, findings=FINDINGS, about=about, **more)


def watched(shown: Sequence[Any]) -> tuple[Pictures, list[int]]:
    """The same pictures, and a list that the row of each is added to when it is made (in this process)."""
    asked: list[int] = []

    def make(task: tuple[int, Any], size: int) -> NDArray[np.uint8]:
        asked.append(task[0])
        return hand_over(task[1], size)

    return Pictures(tasks=list(enumerate(shown)), keys=given(shown).keys, make=make), asked


def stopping(after: int) -> Callable[[int, int], None]:
    """A report of progress that asks to stop when that many are done."""

    def progress(done: int, total: int) -> None:
        if done >= after:
            raise Stopped(f"stopped at {done} of {total}")

    return progress


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of a study's files, all but the manifest (which says its name)."""
    return {file: (folder / file).read_bytes() for file in FILES}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
