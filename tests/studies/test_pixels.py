"""``images.npy`` while it is made: gaps are closed, and what a killed process left is believed where it is true."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.studies.pixels import HEADER, IMAGES, JOURNAL, PixelFile, read_journal
from core.studies.pool import Made, pixel_hash
from tests.studies.small import pictures, watched
from tests.tiny import given

pytestmark = pytest.mark.usefixtures("workspace")  # pictures are made in this process

SIZE = 16
AREA = SIZE * SIZE


def filled(folder: Path, shown: list[NDArray[np.uint8]]) -> PixelFile:
    """An open file with all these pictures."""
    folder.mkdir(exist_ok=True)
    file = PixelFile(folder, given(shown).keys, SIZE)
    file.fill(given(shown), None)
    return file


def kept_slowly(rows: list[int], count: int) -> list[int]:
    """Which row ends up where: places that are free are taken by the kept rows from beyond the new end."""
    places: list[int | None] = [row if row in rows else None for row in range(count)]
    beyond = [row for row in rows if row >= len(rows)]
    return [beyond.pop(0) if place is None else place for place in places[: len(rows)]]


@pytest.mark.parametrize("count", range(1, 7))
def test_any_rows_may_be_kept(tmp_path: Path, count: int) -> None:
    """Every way to leave rows out: none, at the beginning, at the end, in between, all but one, all."""
    shown = pictures(count, start=7)
    for number, some in enumerate(itertools.product([False, True], repeat=count)):
        rows = np.flatnonzero(some)
        with closing(filled(tmp_path / str(number), shown)) as file:
            order = file.keep(rows)
        assert order.tolist() == kept_slowly(rows.tolist(), count)
        found = np.load(tmp_path / str(number) / IMAGES, allow_pickle=False)
        assert found.shape == (len(rows), SIZE, SIZE) and found[:, 0, 0].tolist() == [7 + row for row in order]
        assert (tmp_path / str(number) / IMAGES).stat().st_size == HEADER + len(rows) * AREA


@pytest.mark.parametrize("seed", range(20))
def test_many_rows(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(50, 250))
    shown = list(rng.integers(0, 255, (count, SIZE, SIZE), np.uint8))
    rows = np.flatnonzero(rng.random(count) < rng.choice([0.05, 0.5, 0.95]))
    with closing(filled(tmp_path / "x", shown)) as file:
        order = file.keep(rng.permutation(rows))
    assert order.tolist() == kept_slowly(rows.tolist(), count)
    assert np.array_equal(np.load(tmp_path / "x" / IMAGES), np.stack(shown)[order])
    stayed = order == np.arange(len(order))
    assert (~stayed).sum() == (rows >= len(rows)).sum(), "no picture is moved that could stay"


class TestJournal:
    """Three pictures of three rows; then something happens to the files."""

    SHOWN = pictures(3, start=20)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        filled(tmp_path / "x", self.SHOWN).close()
        return tmp_path / "x"

    def believed(self, folder: Path, size: int = SIZE) -> set[int]:
        """The rows that are taken as made when the file is opened again."""
        with closing(PixelFile(folder, given(self.SHOWN).keys, size)) as file:
            return set(file.made)

    def finished(self, folder: Path) -> list[int]:
        """Make the rest; which rows that was."""
        shown, asked = watched(self.SHOWN)
        with closing(PixelFile(folder, shown.keys, SIZE)) as file:
            file.fill(shown, None)
        assert np.array_equal(np.load(folder / IMAGES), np.stack(self.SHOWN))
        return asked

    def test_a_line_says_row_key_and_hash(self, folder: Path) -> None:
        keys = given(self.SHOWN).keys
        wanted = [f"{row} {keys[row]} {pixel_hash(self.SHOWN[row])}" for row in range(3)]
        assert (folder / JOURNAL).read_text().splitlines() == wanted
        assert self.believed(folder) == {0, 1, 2} and self.finished(folder) == []

    def test_cut_at_every_byte(self, folder: Path) -> None:
        """Whole lines count; the rest is made again, once, and a third start finds nothing to do."""
        journal = (folder / JOURNAL).read_bytes()
        for length in range(len(journal)):
            (folder / JOURNAL).write_bytes(journal[:length])
            whole = journal[:length].count(b"\n")
            assert self.finished(folder) == list(range(whole, 3)), f"cut at {length}"
            assert self.finished(folder) == [], f"cut at {length}, started twice"

    def test_a_flipped_bit_anywhere_in_the_journal(self, folder: Path) -> None:
        journal = (folder / JOURNAL).read_bytes()
        for at in range(len(journal)):
            damaged = bytearray(journal)
            damaged[at] ^= 1 << at % 8
            (folder / JOURNAL).write_bytes(damaged)
            rest = set(range(3)) - self.believed(folder)
            if chr(journal[at]) != "\n":
                assert rest == {journal[:at].count(b"\n")}, f"byte {at}"
            assert set(self.finished(folder)) == rest

    def test_a_flipped_bit_anywhere_in_the_pictures(self, folder: Path) -> None:
        images = (folder / IMAGES).read_bytes()
        for at in (*range(0, HEADER, 9), *range(HEADER, len(images), 37), len(images) - 1):
            damaged = bytearray(images)
            damaged[at] ^= 4
            (folder / IMAGES).write_bytes(damaged)
            assert self.finished(folder) == ([] if at < HEADER else [(at - HEADER) // AREA])

    @pytest.mark.parametrize("length", [0, 1, HEADER, HEADER + 1, HEADER + AREA, HEADER + 3 * AREA - 1])
    def test_cut_pictures(self, folder: Path, length: int) -> None:
        with (folder / IMAGES).open("r+b") as stream:
            stream.truncate(length)
        assert self.finished(folder) == list(range(max(0, length - HEADER) // AREA, 3))

    def test_pictures_of_another_size_or_key(self, folder: Path) -> None:
        assert self.believed(folder, size=8) == set()
        with closing(PixelFile(folder, ["0" * 32, *given(self.SHOWN).keys[1:]], SIZE)) as file:
            assert set(file.made) <= {1, 2}

    def test_a_later_line_counts(self, folder: Path) -> None:
        key = given(self.SHOWN).keys[0]
        with (folder / JOURNAL).open("a") as stream:
            stream.write(f"0 {key} {'0' * 32}\n7 {key} {'1' * 32}\nnoise\n")
        assert read_journal(folder / JOURNAL)[3:] == [(Made(0, "0" * 32), key), (Made(7, "1" * 32), key)]
        assert read_journal(folder / "none") == []

    def test_pictures_are_copied_by_key_and_checked(self, folder: Path, tmp_path: Path) -> None:
        """Another order, one picture more, one that is damaged in the source, and one whose hash is wrong."""
        keys = given(self.SHOWN).keys
        rows = {key: (row, pixel_hash(self.SHOWN[row])) for row, key in enumerate(keys)}
        data = bytearray((folder / IMAGES).read_bytes())
        data[HEADER + 2 * AREA] ^= 1
        (folder / IMAGES).write_bytes(data)
        (tmp_path / "y").mkdir()
        with closing(PixelFile(tmp_path / "y", ["f" * 32, *reversed(keys)], SIZE)) as file:
            file.copy(folder / IMAGES, rows | {keys[0]: (0, "0" * 32)})
            assert set(file.made) == {2}
        held = np.load(tmp_path / "y" / IMAGES)
        assert held.shape == (4, SIZE, SIZE) and np.array_equal(held[2], self.SHOWN[1]) and not held[[0, 1, 3]].any()
