"""Server time of every view on a study as large as NIH ChestX-ray14, opened and then worked with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from core.errors import FluoroscopeError
from core.workspace import ROOT
from scripts.generated import workspace

SAMPLES = 112_120
VIEWS = (
    *("home", "studies", "train", "curves", "ablation", "search"),
    *("space", "similarity", "gap", "diseases", "attention", "retrieval", "compare", "report"),
)
COLUMNS = (("first", 8), ("again", 8), ("processor", 11))
TARGET = 0.3
"""Seconds that what comes again may take."""


def compare(folder: Path | None = None, samples: int = SAMPLES, views: tuple[str, ...] = VIEWS) -> None:
    """Print milliseconds, first and again, of each view and of what can be moved in it, and the memory of the app.

    Args:
        folder: where the generated workspace is kept for the next time; None: among the temporary files.
        samples: of the study.
        views: what to measure.
    """
    home = folder or Path(tempfile.gettempdir()) / f"fluoroscope-generated-{samples}"
    print(f"workspace of {samples:,} generated radiographs and two runs: {home}", flush=True)
    workspace(home, samples)
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.measuring", *views],
        cwd=ROOT,
        env={**os.environ, "FLUOROSCOPE_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    out, err = process.communicate()
    if process.returncode:
        raise FluoroscopeError(f"A view failed, so nothing more was measured: {err.strip().splitlines()[-1]}")
    *rows, memory = [json.loads(line) for line in out.splitlines()]
    print(f"{'milliseconds':52}{'first':>8}{'again':>8}{'processor':>11}")
    for row in rows:
        numbers = "".join(f"{1000 * row[name]:{width}.0f}" for name, width in COLUMNS)
        print(f"{row['view']:12}{row['what'][:38]:40}{numbers}{'  slow' if row['processor'] > TARGET else ''}")
    slow = sum(row["processor"] > TARGET for row in rows)
    print(
        f"{slow} of {len(rows)} take more than {1000 * TARGET:.0f} ms again; memory {memory['held']:,} MB, at most ",
        end="",
    )
    print(f"{memory['largest']:,} MB")
