"""A workspace as a user makes it: an NIH folder imported, and some runs, all by the real commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from core.studies.vocabulary import NIH_FINDINGS
from core.workspace import ROOT
from tests.tiny import picture

WHOLE = ("orthogonal", "zero-shot", "linear", "contrastive", "contrastive-normalised-logits")
"""Presets that go through all stages here; tests/test_presets.py trains the others."""

WARD = "secretward"
PATIENTS = [f"97531{number:03d}" for number in range(32)]
PLANTED = re.compile(rf"(?<![\d.])97531\d{{3}}(?!\d)|{WARD}".encode(), re.IGNORECASE)
"""A patient's number (not some digits of a longer number) or the folder's name."""

QUICK = (
    "--training.epochs 2 --training.batch-size 16 --head.width 32 --projection.epochs 20 --evaluation.replicates 100"
)


@dataclass(frozen=True)
class Finished:
    """Where it lies, whose runs are whose, and what the commands printed."""

    home: Path
    runs: dict[str, str]
    printed: dict[str, str]


def command(home: Path, *arguments: str, columns: int = 250) -> subprocess.Popen[str]:
    """Start ``python -m ARGUMENTS`` as a user would, in a terminal so wide."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "FLUOROSCOPE_HOME": str(home),
            "FLUOROSCOPE_SLOTS": "2",
            "COLUMNS": str(columns),
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def printed(process: subprocess.Popen[str], code: int = 0, seconds: float = 300) -> str:
    """What a command printed, on both streams, when it ended as it should."""
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == code, out + err
    return out + err


def nih_folder(folder: Path) -> None:
    """64 radiographs of 32 patients in NIH's layout, one more of zero bytes, and a row without a picture."""
    rng = np.random.default_rng(0)
    labels = rng.random((64, 14)) < 0.4
    pictures = folder / "images_001" / "images"
    pictures.mkdir(parents=True)
    names = [f"{PATIENTS[row // 2]}_{row % 2:03d}.png" for row in range(64)]
    for name, row in zip(names, labels, strict=True):
        Image.fromarray(picture(row.astype(float).tolist(), rng)).save(pictures / name)
    (pictures / f"{PATIENTS[0]}_002.png").touch()
    names += [f"{PATIENTS[0]}_002.png", f"{PATIENTS[1]}_002.png"]
    found = ["|".join(np.array(NIH_FINDINGS)[row]) or "No Finding" for row in labels]
    table = pd.DataFrame({"Image Index": names, "Finding Labels": [*found, "Mass", "Mass"]})
    table["Patient ID"] = [int(name[:8]) for name in names]
    table["Patient Age"], table["Patient Gender"], table["View Position"] = 50, "F", "PA"
    table.to_csv(folder / "Data_Entry_2017_v2020.csv", index=False)
    (folder / "train_val_list.txt").write_text("\n".join([*names[:52], *names[64:]]))
    (folder / "test_list.txt").write_text("\n".join(names[52:64]))
    mark(folder, names, labels)


def mark(folder: Path, names: list[str], labels: np.ndarray) -> None:
    """Boxes in the test radiographs around the squares of four findings, in NIH's pixels (1024 a side)."""
    rows = []
    for row in range(52, 64):
        for finding in range(4):
            if labels[row, finding]:
                left, top = (16 * (3 + 15 * part) for part in (finding % 4, finding // 4))
                rows.append([names[row], NIH_FINDINGS[finding], left, top, 208, 208])
    table = pd.DataFrame(rows, columns=["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"])
    table.to_csv(folder / "BBox_List_2017.csv", index=False)


def make(folder: Path) -> Finished:
    """Import and run; the first run alone (its map is the others' reference), the others two at a time."""
    home, source = folder / "workspace", folder / WARD
    nih_folder(source)
    imported = ["import", "nih", "--path", str(source), "--name", "tiny", "--size", "64", "--val-fraction", "0.2"]
    texts = {"import": printed(command(home, "scripts.study", *imported))}

    def run(preset: str) -> str:
        quick = ["--encoder", "lite", "--study", "tiny", "--preset", preset, *QUICK.split()]
        return printed(command(home, "scripts.run", *quick))

    first, *others = WHOLE
    texts[first] = run(first)
    with ThreadPoolExecutor(len(others)) as pool:
        texts |= dict(zip(others, pool.map(run, others), strict=True))
    runs = {
        preset: re.findall(r"run folder: .*/(\S+)", text)[0] for preset, text in texts.items() if preset != "import"
    }
    return Finished(home=home, runs=runs, printed=texts)
