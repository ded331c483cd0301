"""``images.npy`` while it is being made: each picture is made once, whatever stops the import in between."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib.format import write_array_header_1_0
from numpy.typing import NDArray

from core.studies.pool import Made, Make, Target, make_all, pixel_hash
from core.studies.study import Progress

IMAGES, JOURNAL, HASHES = "images.npy", "journal.txt", "hashes.npy"
HEADER = 128
"""Bytes before the first picture: numpy pads the header of a growing first axis to the same length."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of n samples, and how each is made.

    Attributes:
        tasks: what ``make`` needs to know of each.
        keys: 32 hex digits each, which change when the picture would.
        make: see :data:`core.studies.pool.Make`.
    """

    tasks: Sequence[Any]
    keys: Sequence[str]
    make: Make


class PixelFile:
    """A folder with ``images.npy`` and a journal of the rows that are in it.

    The journal has a line for each row, written after its pixels: row, key and the hash of the pixels. What a killed
    process left is checked against the hashes when the file is opened again; what could not be read is tried again.
    """

    def __init__(self, folder: Path, keys: Sequence[str], size: int) -> None:
        self.folder, self.keys, self.size = folder, keys, size
        self.made: dict[int, Made] = {}
        self._take_up()
        with (folder / IMAGES).open("r+b" if (folder / IMAGES).exists() else "w+b") as stream:
            write_header(stream, len(keys), size)
            stream.truncate(HEADER + len(keys) * size * size)
        self._journal = os.open(folder / JOURNAL, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if (end := os.lseek(self._journal, 0, os.SEEK_END)) and os.pread(self._journal, 1, end - 1) != b"\n":
            os.write(self._journal, b"\n")  # a line that was torn ends here, and spoils no other one

    def _take_up(self) -> None:
        """Believe the journal where it speaks of these pictures and the pixels are what it says."""
        told = read_journal(self.folder / JOURNAL)
        try:
            whole = (self.folder / IMAGES).stat().st_size
            held = np.memmap(self.folder / IMAGES, np.uint8, "r") if whole else np.empty(0, np.uint8)
        except FileNotFoundError:
            return
        area = self.size * self.size
        for one, key in told:
            if not (one.row < len(self.keys) and self.keys[one.row] == key):
                continue
            at = HEADER + one.row * area
            if at + area <= whole and pixel_hash(held[at : at + area]) == one.pixels:
                self.made[one.row] = one

    def note(self, made: Sequence[Made]) -> None:
        lines = [f"{one.row} {self.keys[one.row]} {one.pixels}\n" for one in made if one.pixels]
        os.write(self._journal, "".join(lines).encode())
        self.made.update({one.row: one for one in made})

    def close(self) -> None:
        os.close(self._journal)

    def copy(self, other: Path, rows: dict[str, tuple[int, str]]) -> None:
        """Take pictures that an earlier study or import holds under the same keys.

        Args:
            other: an ``images.npy`` of the same size of pictures.
            rows: row in it and hash of the pixels, by key.
        """
        area = self.size * self.size
        wanted = [row for row in range(len(self.keys)) if row not in self.made and self.keys[row] in rows]
        with other.open("rb") as source, (self.folder / IMAGES).open("r+b") as target:
            for row in wanted:
                at, pixels = rows[self.keys[row]]
                source.seek(HEADER + at * area)
                picture = np.frombuffer(source.read(area), np.uint8)
                if len(picture) == area and pixel_hash(picture) == pixels:
                    target.seek(HEADER + row * area)
                    target.write(picture.tobytes())
                    target.flush()
                    self.note([Made(row, pixels)])

    def fill(self, pictures: Pictures, progress: Progress | None) -> None:
        """Make what is not there yet; ``progress`` may raise to stop, and nothing that was made is lost."""
        count = len(self.keys)
        if progress:
            progress(len(self.made), count)
        left = [row for row in range(count) if row not in self.made]
        for made in make_all(pictures.tasks, left, pictures.make, Target(self.folder / IMAGES, HEADER, self.size)):
            self.note(made)
            if progress:
                progress(len(self.made), count)

    def keep(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Leave only some rows, and flush: gaps are filled with pictures from the end, so that little is moved.

        Returns:
            the rows in their new order.
        """
        kept, area = np.sort(rows), self.size * self.size
        gaps = np.setdiff1d(np.arange(len(kept)), kept)
        moved = dict(zip(gaps.tolist(), kept[kept >= len(kept)].tolist(), strict=True))
        with (self.folder / IMAGES).open("r+b") as stream:
            for gap, row in moved.items():
                stream.seek(HEADER + row * area)
                picture = stream.read(area)
                stream.seek(HEADER + gap * area)
                stream.write(picture)
            write_header(stream, len(kept), self.size)
            stream.truncate(HEADER + len(kept) * area)
            stream.flush()
            os.fsync(stream.fileno())
        order = np.arange(len(kept))
        for gap, row in moved.items():
            order[gap] = row
        return order


def read_journal(path: Path) -> list[tuple[Made, str]]:
    """The rows of a journal with their keys, a later line of a row after an earlier one; torn lines are left out."""
    found = []
    try:
        whole, _, _ = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")
    except FileNotFoundError:
        return []
    for line in whole.splitlines():
        row, _, rest = line.partition(" ")
        key, _, pixels = rest.partition(" ")
        if row.isdecimal() and len(key) == len(pixels) == 32:
            found.append((Made(int(row), pixels), key))
    return found


def write_header(stream: BinaryIO, count: int, size: int) -> None:
    """The header of a .npy file of uint8 (count, size, size), 128 bytes long."""
    stream.seek(0)
    write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (count, size, size)})
    assert stream.tell() == HEADER
