"""A folder of flat squares and a table that names them: quick to make, to change and to import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from core.config.importing import ImportConfig, MappingConfig
from core.studies.importing import import_study
from core.studies.study import Study

COUNT = 16
ALL = [f"{n:03d}.png" for n in range(COUNT)]
Row = dict[str, Any]


def draw(path: Path, shade: int) -> None:
    """A picture of one grey value and a corner, so that no two of different shades are the same."""
    image = np.full((20, 20), shade % 256, np.uint8)
    image[:4, :4] = shade // 256
    Image.fromarray(image).save(path)


def rows_of(count: int = COUNT, split: str = "") -> list[Row]:
    """Two pictures of each patient, of all different shades."""
    return [
        {"file": f"{n:03d}.png", "person": f"secret-{n // 2}", "split": split, "Effusion": n % 2, "Mass": n % 3 - 1}
        for n in range(count)
    ]


def put(folder: Path, rows: list[Row], shades: dict[int, int] | None = None) -> Path:
    """Write pictures and a table; ``shades`` gives some pictures another one."""
    folder.mkdir(exist_ok=True)
    for n, row in enumerate(rows):
        draw(folder / row["file"], 5 * ((shades or {}).get(n, n)))
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder


def brought(folder: Path, progress: Any = None, **settings: Any) -> Study:
    rows = pd.read_csv(folder / "table.csv", nrows=1)
    mapping = {
        "image": "file",
        "patient": "person" if "person" in rows else "",
        "split": "split" if rows["split"].notna().any() else "",
        "findings": ("Effusion", "Mass"),
    }
    own = {"source": "table", "path": str(folder), "name": "x", "size": 16, "mapping": MappingConfig(**mapping)}
    return import_study(ImportConfig(**{**own, **settings}), progress)
