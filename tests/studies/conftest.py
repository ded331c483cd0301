"""What the tests of studies share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from core.studies import importing, pool
from tests.studies.small_table import put, rows_of


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not waited for: nobody pulls the plug in a test, and a study is flushed 16 times."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def squares_folder(tmp_path: Path) -> Path:
    """16 flat squares of 8 patients, and their table."""
    return put(tmp_path / "pictures", rows_of())


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded."""
    found: list[str] = []

    def decode(task: Any, size: int) -> Any:
        found.append(Path(task.path).name)
        return importing.read_radiograph(Path(task.path), size, task.fit)

    monkeypatch.setattr(importing, "decode", decode)
    monkeypatch.setattr(pool, "CHUNK", 3)
    return found
