"""A study as large as NIH ChestX-ray14, made of noise: its prevalences, patients, sexes, ages, views and texts."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.studies.manifest import About
from core.studies.pixels import Pictures
from core.studies.study import COLUMNS, PREFIX, Study
from core.studies.vocabulary import NIH_FINDINGS, spoken_name
from core.studies.writing import write_study

PREVALENCE = (0.103, 0.025, 0.119, 0.177, 0.052, 0.056, 0.013, 0.047, 0.042, 0.021, 0.022, 0.015, 0.030, 0.002)
SIDE = 64
NOTE = "Generated: its radiographs are noise, its labels are drawn with the prevalences of NIH ChestX-ray14."


def picture(task: int, size: int) -> NDArray[np.uint8]:
    """Eight by eight squares of noise."""
    squares = np.random.default_rng(task).integers(0, 256, (8, 8), dtype=np.uint8)
    return np.kron(squares, np.ones((size // 8, size // 8), np.uint8))


def make_study(name: str, samples: int) -> Study:
    """Write it; about as many radiographs of a patient as in NIH ChestX-ray14, patients divided 7 : 1 : 2."""
    rng = np.random.default_rng(0)
    patient = np.sort(rng.integers(0, max(4, samples * 30_805 // 112_120), samples))
    splits = np.array(["train", "val", "test"])[np.searchsorted([0.7, 0.8], rng.random(patient.max() + 1))]
    labels = rng.random((samples, len(NIH_FINDINGS))) < np.array(PREVALENCE)
    sides = rng.choice(["left", "right", "bilateral"], samples)
    spoken = np.array([spoken_name(finding).lower() for finding in NIH_FINDINGS])
    texts = [", ".join(f"{side} {one}" for one in spoken[row]) for side, row in zip(sides, labels, strict=True)]
    table = pd.DataFrame({"id": [f"{row:08d}" for row in range(samples)], "patient": [f"p{one}" for one in patient]})
    table["split"], table["text"] = splits[patient], [f"There is {text or 'no finding'}." for text in texts]
    table["age"], table["sex"] = rng.integers(1, 95, samples).astype(float), rng.choice(["F", "M"], samples)
    table["view"] = rng.choice(["PA", "AP"], samples, p=[0.6, 0.4])
    table[[PREFIX + finding for finding in NIH_FINDINGS]] = labels.astype(np.float32)
    keys = [hashlib.blake2b(f"{name}{row}".encode(), digest_size=16).hexdigest() for row in range(samples)]
    pictures = Pictures(tasks=range(samples), keys=keys, make=picture)
    about = About(source="generated", title="Generated", synthetic=True, notes=[NOTE])
    wanted = table[[*COLUMNS, *(PREFIX + finding for finding in NIH_FINDINGS)]]
    return write_study(name, wanted, pictures, size=SIDE, findings=NIH_FINDINGS, about=about)
