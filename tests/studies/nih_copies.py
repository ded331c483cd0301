"""Small copies of the real NIH files, which a test may damage."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

from core.config.importing import ImportConfig
from core.studies.importing import import_study
from core.studies.study import Study
from core.workspace import salted


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The published table, read without pandas."""
    with next(folder.glob("Data_Entry_2017*.csv")).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def a_copy(real_data: Path, folder: Path, count: int = 40) -> Path:
    """Every twentieth row of the real set (both lists among them), in a folder that may be damaged."""
    source = real_data / "nih_small"
    rows = rows_of(source)[:: 808 // count][:count]
    (folder / "images_001/images").mkdir(parents=True)
    kept = {row["Image Index"] for row in rows}
    for file in kept:
        shutil.copy(source / "images_001/images" / file, folder / "images_001/images")
    for part in ("train_val_list.txt", "test_list.txt"):
        (folder / part).write_text("\n".join(sorted(kept & set((source / part).read_text().split()))))
    write_table(folder, rows)
    return folder


def write_table(folder: Path, rows: list[dict[str, str]], encoding: str = "utf-8") -> None:
    with (folder / "Data_Entry_2017_v2020.csv").open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def imported(folder: Path, name: str = "x", *, size: int = 16, **settings: Any) -> Study:
    return import_study(ImportConfig(source="nih", path=str(folder), name=name, size=size, **settings))


def id_of(row: dict[str, str]) -> str:
    """The salted id of a picture that is there."""
    return salted([f"images_001/images/{row['Image Index']}"], "r")[0]
