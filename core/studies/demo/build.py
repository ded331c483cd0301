"""Builds the demo study on all cores."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from core.studies.demo import DemoConfig, notes, render, sample_table
from core.studies.demo.marking import boxes_of
from core.studies.manifest import About
from core.studies.pixels import Pictures
from core.studies.study import COLUMNS, PREFIX, Progress, Study
from core.studies.vocabulary import NIH_FINDINGS
from core.studies.writing import write_study


def build_demo(config: DemoConfig | None = None, name: str = "demo", progress: Progress | None = None) -> Study:
    """Sample, draw and write the demo study.

    Args:
        config: number and size of the radiographs, and the seed; the same config gives the same study.
        name: slug of the study.
        progress: called with (done, total).
    """
    config = config or DemoConfig()
    table = sample_table(config)
    rows: list[dict[str, Any]] = table.to_dict("records")
    pictures = Pictures(tasks=rows, keys=_keys(rows, config.size), make=render)
    title, boxes = "Demo: synthetic radiographs", boxes_of(rows)
    about = About(source="demo", title=title, synthetic=True, notes=notes(table), boxes=boxes)
    kept = table[[*COLUMNS, *(PREFIX + finding for finding in NIH_FINDINGS)]]
    return write_study(name, kept, pictures, size=config.size, findings=NIH_FINDINGS, about=about, progress=progress)


def _keys(rows: list[dict[str, Any]], size: int) -> list[str]:
    """A picture is drawn again when its row changes, or the program that draws it."""
    program = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        program.update(file.read_bytes())
    start = program.hexdigest() + str(size)
    return [hashlib.blake2b(f"{start}{row}".encode(), digest_size=16).hexdigest() for row in rows]
