"""A study of noise and blobs: small, quick, and with something in it that can be learned."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.errors import InputError
from core.studies.manifest import About
from core.studies.pixels import Pictures
from core.studies.study import SPLITS, Study
from core.studies.vocabulary import NIH_FINDINGS
from core.studies.writing import write_study

SIDE = 64
Labels = NDArray[np.float32]


def picture(labels: Sequence[float], rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 (64, 64) noise, with a bright square at a place of its own for each finding that is present."""
    image = rng.integers(0, 80, (SIDE, SIDE))
    for finding in np.flatnonzero(np.asarray(labels) == 1):
        top, left = 3 + finding // 4 * 15, 3 + finding % 4 * 15
        image[top : top + 13, left : left + 13] += 120
    return image.astype(np.uint8)


def given(shown: Sequence[NDArray[np.uint8] | str]) -> Pictures:
    """Pictures that are there already, or the reason why there is none."""
    keys = [hashlib.blake2b(f"{row}{one!s}".encode(), digest_size=16).hexdigest() for row, one in enumerate(shown)]
    return Pictures(tasks=shown, keys=keys, make=hand_over)


def hand_over(one: NDArray[np.uint8] | str, size: int) -> NDArray[np.uint8]:
    if isinstance(one, str):
        raise InputError(one)
    return one


def tiny_study(
    name: str = "tiny",
    *,
    counts: tuple[int, int, int] = (40, 12, 12),
    findings: tuple[str, ...] = NIH_FINDINGS,
    text: bool = False,
    labels: Callable[[Labels], Labels] = lambda drawn: drawn,
    seed: int = 0,
) -> Study:
    """Write a study with ``counts`` radiographs in train, val and test, two of each patient.

    Args:
        labels: changes the drawn labels (N, K) of 0 and 1.
    """
    rng, total = np.random.default_rng(seed), sum(counts)
    values = labels((rng.random((total, len(findings))) < 0.4).astype(np.float32))
    split = np.repeat(SPLITS, counts)
    samples = pd.DataFrame(
        {
            "id": [f"r{row:03d}" for row in range(total)],
            "patient": [f"p-{own}-{row // 2}" for row, own in enumerate(split)],
            "split": split,
            "text": pd.Series([f"report {row}: blobs" if text else None for row in range(total)], dtype="object"),
            "age": np.full(total, 50, np.float32),
            "sex": "F",
            "view": "PA",
        }
    )
    for column, finding in enumerate(findings):
        samples[f"finding:{finding}"] = values[:, column]
    pictures = given([picture(row.tolist(), rng) for row in values])
    about = About(source="test", title="Blobs", synthetic=True)
    return write_study(name, samples, pictures, size=SIDE, findings=findings, about=about)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that another process does; so long only where it never comes."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.02)
