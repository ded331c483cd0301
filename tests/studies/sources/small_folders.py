"""Miniature folders of published datasets: tiny pictures under the names of the real tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from PIL import Image

from core.config.importing import ImportConfig
from core.studies.folder import Folder
from core.studies.listing import FACTS, Listing
from core.studies.sources import read_source
from core.studies.sources.published import packaged
from core.studies.study import PREFIX


def table_of(name: str, rows: int | None = None) -> pd.DataFrame:
    """A table that torchxrayvision ships, as text."""
    return pd.read_csv(packaged(name), dtype=str, nrows=rows)


def pictures(folder: Path, names: Sequence[str]) -> None:
    """Tiny pictures; a .dcm or .dicom is only a file of that name, because sources open none."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".jpg"):
            Image.new("L", (4, 4), 7).save(path)
        else:
            path.write_bytes(b"not opened")


def listed(source: str, folder: Path) -> Listing:
    """The folder's listing, checked for what every listing keeps to."""
    folder.mkdir(exist_ok=True)
    found = read_source(ImportConfig(source=source, path=str(folder), name="x"), Folder.read(folder))  # type: ignore[arg-type]
    samples = found.samples
    assert list(samples)[: len(FACTS)] == list(FACTS)
    assert samples["file"].is_unique and all((folder / file).is_file() for file in samples["file"])
    assert found.findings == tuple(name.removeprefix(PREFIX) for name in samples if name.startswith(PREFIX))
    for name in (*(PREFIX + finding for finding in found.findings), "age"):
        assert samples[name].dtype == "float32"
    for name in ("text", "sex", "view"):
        assert all(value is None or (isinstance(value, str) and value.strip()) for value in samples[name])
    assert all(isinstance(value, str) for value in [*samples["patient"], *samples["split"]])
    assert list(found.set_aside) == ["row", "file", "reason"] and found.set_aside["reason"].ne("").all()
    assert set(found.boxes["file"]) <= set(samples["file"]) and set(found.boxes["finding"]) <= set(found.findings)
    said = " ".join(found.notes)
    assert str(folder) not in said and not any(name in said for name in samples["patient"] if name)
    return found


def labels(found: Listing, finding: str) -> list[str]:
    """A finding's labels as they can be compared: "1", "0", "-1" and "nan"."""
    return [f"{value:g}" for value in found.samples[PREFIX + finding]]
