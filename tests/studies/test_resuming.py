"""A study that was broken off and is started again: only what is missing is made, and nobody can tell afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Stopped
from core.studies import pool
from core.studies.study import study_names
from tests.studies.small import (
    FILES,
    SIZE,
    content,
    names_in,
    pictures,
    stopping,
    table,
    watched,
    written,
)

pytestmark = pytest.mark.usefixtures("workspace", "quick_disk")


class TestGoingOn:
    """Broken off and started again: only what is missing is made, and nobody can tell afterwards."""

    COUNT = 10

    @pytest.fixture(autouse=True)
    def _in_pairs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool, "CHUNK", 2)

    def shown(self) -> list[Any]:
        return [*pictures(3), "cut off", *pictures(self.COUNT - 4, start=4)]

    @pytest.mark.parametrize("after", [0, 2, 4, 6, 8, 10])
    def test_after_a_stop(self, workspace: Path, after: int) -> None:
        whole = written(table(self.COUNT), self.shown(), name="whole")
        shown, asked = watched(self.shown())
        with pytest.raises(Stopped, match=f"at {after} of 10"):
            written(table(self.COUNT), shown, progress=stopping(after))
        assert asked == list(range(after)) and study_names() == ["whole"]
        asked.clear()
        seen: list[int] = []
        again = written(table(self.COUNT), shown, progress=lambda done, total: seen.append(done))
        missing = [row for row in range(self.COUNT) if row >= after or row == 3]  # the unreadable one is tried again
        assert asked == missing and seen[0] == self.COUNT - len(missing) and seen[-1] == self.COUNT
        assert again.fingerprint == whole.fingerprint and content(again.folder) == content(whole.folder)
        assert names_in(workspace / "studies") == [".whole.lock", ".x.lock", "whole", "x"]

    def test_after_many_stops(self) -> None:
        shown, asked = watched(pictures(self.COUNT))
        for after in (2, 4, 6, 8, 10):
            with pytest.raises(Stopped):
                written(table(self.COUNT), shown, progress=stopping(after))
        again = written(table(self.COUNT), shown)
        assert asked == list(range(self.COUNT)), "each once"
        assert content(again.folder) == content(written(table(self.COUNT), shown, name="whole").folder)

    @pytest.mark.parametrize("at", [128, 128 + 5 * SIZE * SIZE + 17, 128 + 8 * SIZE * SIZE - 1])
    def test_a_flipped_byte_of_the_draft_is_noticed(self, workspace: Path, at: int) -> None:
        shown, asked = watched(pictures(self.COUNT))
        with pytest.raises(Stopped):
            written(table(self.COUNT), shown, progress=stopping(8))
        path = workspace / "studies/.x.import/images.npy"
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)
        asked.clear()
        assert np.array_equal(written(table(self.COUNT), shown).images, np.stack(pictures(self.COUNT)))
        assert asked == [(at - 128) // (SIZE * SIZE), 8, 9]

    @pytest.mark.parametrize("file", ["plan", "journal.txt", "images.npy"])
    @pytest.mark.parametrize("damage", ["gone", "empty", "noise"])
    def test_a_damaged_draft(self, workspace: Path, file: str, damage: str) -> None:
        shown, _ = watched(pictures(self.COUNT))
        with pytest.raises(Stopped):
            written(table(self.COUNT), shown, progress=stopping(8))
        path = workspace / "studies/.x.import" / file
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(b"" if damage == "empty" else bytes(range(256)) * 3)
        assert np.array_equal(written(table(self.COUNT), shown).images, np.stack(pictures(self.COUNT)))
        assert names_in(workspace / "studies") == [".x.lock", "x"]

    def test_a_table_that_was_being_written(self, workspace: Path) -> None:
        """A killed process leaves it under its temporary name, which must not become a part of the study."""
        shown, _ = watched(pictures(self.COUNT))
        with pytest.raises(Stopped):
            written(table(self.COUNT), shown, progress=stopping(8))
        (workspace / "studies/.x.import/.samples.parquet.abc.tmp").write_bytes(b"PAR1")
        assert names_in(written(table(self.COUNT), shown).folder) == sorted([*FILES, "study.json"])

    def test_a_study_whose_name_begins_the_same(self, workspace: Path) -> None:
        """What waits for ``x`` is told from the lock and the draft of ``x.earlier-1``."""
        other, asked = watched(pictures(self.COUNT))
        with pytest.raises(Stopped):
            written(table(self.COUNT), other, name="x.earlier-1", progress=stopping(8))
        written()
        asked.clear()
        written(table(self.COUNT), other, name="x.earlier-1")
        assert asked == [8, 9]
