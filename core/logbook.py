"""What a run writes down of its training, one line of ``metrics.jsonl`` for each step, and how that is read."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.files import replacing

Floats = NDArray[np.float64]

REMEMBERED = 64
"""So many bytes before the place that was read up to tell whether a file is still the one that was read."""

CHUNK = 8192
"""So many lines are parsed at once: the parsed rows of a long run would take a hundred times what its columns do."""


@dataclass(frozen=True, kw_only=True)
class StepMetrics:
    """One line of ``metrics.jsonl``; what is empty is left out of it.

    Attributes:
        step, epoch: steps done, and epochs as a fraction.
        elapsed: seconds of training, summed over interruptions.
        loss, terms: the weighted sum, and each loss before its weight, in nats (cosines for Gram and absolute).
        learning_rate, temperature, gradient_norm: of this step, the norm before clipping.
        images_per_second: over this step.
        learning_rates: of what learns in this step, where head and towers have rates of their own.
        use: what the machine gives, as :class:`core.metering.Meter` says it; at most once a second, else empty.
        validation: at the end of an epoch ``loss`` and ``auroc`` (macro) on the validation split, where it has what
            they need; else empty.
    """

    step: int
    epoch: float
    elapsed: float
    loss: float
    terms: dict[str, float]
    learning_rate: float
    temperature: float
    gradient_norm: float
    images_per_second: float
    learning_rates: dict[str, float] = field(default_factory=dict)
    use: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float]


class MetricsLog:
    """``metrics.jsonl``: one writer, one line per write."""

    def __init__(self, folder: Path, *, keep_up_to: int = 0) -> None:
        """Open for appending; lines of steps past ``keep_up_to`` (which a resumed run makes again) are cut off.

        With 0, the run begins anew, and so does its log.
        """
        self.path = folder / "metrics.jsonl"
        kept = [row for row in read_metrics(self.path) if keep_up_to and row.get("step", 0) <= keep_up_to]
        with replacing(self.path) as stream:
            stream.write("".join(json.dumps(row) + "\n" for row in kept).encode())
        self._handle = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def write(self, row: dict[str, Any]) -> None:
        os.write(self._handle, (json.dumps(row, allow_nan=False) + "\n").encode())

    def close(self) -> None:
        os.close(self._handle)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a ``metrics.jsonl``; a torn last line is left out."""
    _, lines = Tail(path).new()
    return [row for part in _parsed(lines) for row in part]


class Tail:
    """The whole lines of a file that one other process writes, each of them once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: tuple[int, int] | None = None
        self._offset, self._before = 0, b""

    def new(self) -> tuple[bool, list[bytes]]:
        """Whether the file is another one than at the last look, as a resumed run makes it, and what is new in it."""
        try:
            stream = self.path.open("rb")
        except FileNotFoundError:
            anew, self._file, self._offset, self._before = self._file is not None, None, 0, b""
            return anew, []
        with stream:
            found = os.fstat(stream.fileno())
            file = (found.st_dev, found.st_ino)
            anew = self._file is not None and (file != self._file or not self._goes_on(stream))
            if anew:
                self._offset, self._before = 0, b""
            self._file = file
            stream.seek(self._offset)
            whole, newline, _ = stream.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        self._before = (self._before + whole + newline)[-REMEMBERED:]
        return anew, whole.splitlines()

    def _goes_on(self, stream: Any) -> bool:
        """A file system may give the number of a file that was replaced to the next one: what stands before the
        place that was read up to must still stand there."""
        stream.seek(self._offset - len(self._before))
        return bool(stream.read(len(self._before)) == self._before)


def _parsed(lines: Sequence[bytes]) -> Iterator[list[dict[str, Any]]]:
    """The rows of some lines, in chunks; a power cut can leave a block of zeros or half a line in the middle."""
    for start in range(0, len(lines), CHUNK):
        part = [line for line in lines[start : start + CHUNK] if line.startswith(b"{") and line.endswith(b"}")]
        try:
            rows = json.loads(b"[" + b",".join(part) + b"]")  # a third quicker than line by line
        except ValueError:
            rows = [row for line in part if (row := _row(line)) is not None]
        yield rows


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return row


@dataclass(frozen=True)
class Metrics:
    """The rows of a ``metrics.jsonl`` as columns.

    Attributes:
        columns: float64 (n,) read-only, one entry for each step, NaN where it has none. What stands in a group is
            called by both names: ``terms.orthogonal``, ``validation.auroc``.
        references: chance level and floor (None: unknown) of losses.
        notes: what the run, or what supervised it, had to say.
    """

    columns: Mapping[str, Floats]
    references: Mapping[str, Mapping[str, float | None]]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.columns.get("step", ()))

    def column(self, name: str) -> Floats:
        """(n,) the values of that name, NaN where a step has none."""
        return self.columns[name] if name in self.columns else np.full(len(self), np.nan)

    def last(self, name: str) -> float | None:
        """The newest value of that name."""
        found = np.flatnonzero(np.isfinite(self.column(name)))
        return float(self.column(name)[found[-1]]) if len(found) else None


class Logbook:
    """A ``metrics.jsonl`` that is read as it grows: each look parses the new lines alone.

    Safe to use from several threads. What was handed out never changes: columns are only ever written past its end.
    """

    def __init__(self, path: Path) -> None:
        self._tail, self._lock = Tail(path), threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._held: dict[str, Floats] = {}
        self._references: dict[str, Mapping[str, float | None]] = {}
        self._notes: tuple[str, ...] = ()

    def read(self) -> Metrics:
        """Everything that whole lines say so far."""
        with self._lock:
            anew, lines = self._tail.new()
            if anew:
                self._begin()
            for rows in _parsed(lines):
                self._take(rows)
            columns = {name: held[: self._count] for name, held in self._held.items()}
            for column in columns.values():
                column.setflags(write=False)
            return Metrics(columns, dict(self._references), self._notes)

    def _take(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self._references |= row.get("references", {})
            self._notes += (str(row["note"]),) if "note" in row else ()
        steps = [row for row in rows if "step" in row]
        if not steps:
            return
        start, self._count = self._count, self._count + len(steps)
        found = _columns(steps)
        for name in [*self._held, *(name for name in found if name not in self._held)]:
            held = self._roomy(name)
            held[start : self._count] = found.get(name, np.nan)
            self._held[name] = held

    def _roomy(self, name: str) -> Floats:
        """The column with room for all steps; what it did not hold before is not known."""
        held = self._held.get(name, np.empty(0))
        if len(held) >= self._count:
            return held
        grown = np.full(max(256, 2 * self._count), np.nan)
        grown[: len(held)] = held
        return grown


def _columns(rows: Sequence[Any], prefix: str = "") -> dict[str, Floats]:
    """The numbers of some rows by name, NaN where a row has none; groups in groups are opened."""
    found: dict[str, Floats] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        if any(isinstance(value, dict) for value in values):
            inside = [value if isinstance(value, dict) else {} for value in values]
            found |= _columns(inside, f"{prefix}{name}.")
        else:
            numbers = [value if type(value) in (int, float) else np.nan for value in values]
            found[f"{prefix}{name}"] = np.array(numbers, np.float64)
    return found
