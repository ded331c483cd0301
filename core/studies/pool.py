"""Processes that make pictures on all cores and write them straight into one file."""

from __future__ import annotations

import ctypes
import hashlib
import multiprocessing
import os
import signal
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError, InputError, StudyError

CHUNK = 16
"""Pictures that a process is given at a time."""

Make = Callable[[Any, int], NDArray[np.uint8]]
"""(task, size) -> uint8 (size, size); raises InputError where there is no picture. A function of a module."""


@dataclass(frozen=True)
class Made:
    """What became of one row: the hash of its pixels (32 hex digits), or the reason why it has none."""

    row: int
    pixels: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Target:
    """The file: the picture of row i lies ``start + i * size * size`` bytes from its beginning."""

    path: Path
    start: int
    size: int


def cores() -> int:
    """How many processes decode: ``$FLUOROSCOPE_WORKERS``, else all cores that this process may use.

    Raises:
        ConfigError: the variable is not a number from 1 to 1024.
    """
    given = os.environ.get("FLUOROSCOPE_WORKERS", "")
    if given and not (given.isdecimal() and 1 <= int(given) <= 1024):
        raise ConfigError(f"FLUOROSCOPE_WORKERS is {given[:20]!r}; it must be a number from 1 to 1024, or unset.")
    return int(given) if given else len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def make_all(tasks: Sequence[Any], rows: Sequence[int], make: Make, target: Target) -> Iterator[list[Made]]:
    """Make the pictures of some rows and write them into the file; yields what is done, chunk by chunk.

    A bounded number of chunks is under way at a time. A picture on which the decoder itself breaks down (a crash, not
    an exception) is reported as such, and the others go on; not so with one process, which is this one.
    """
    if cores() == 1:
        yield from (make_some(make, target, chunk) for chunk in _chunks(tasks, rows))
        return
    left = _chunks(tasks, rows)
    while True:
        waiting: deque[tuple[list[tuple[int, Any]], Future[list[Made]]]] = deque()
        try:
            with _without_main(), _pool(cores()) as pool:
                try:
                    yield from _through(pool, left, waiting, make, target)
                finally:  # a stop, or an error: what nobody began is dropped
                    pool.shutdown(cancel_futures=True)
            return
        except BrokenProcessPool:
            for chunk, future in waiting:
                whole = future.done() and future.exception() is None
                yield future.result() if whole else _apart(make, target, chunk)


def make_some(make: Make, target: Target, chunk: list[tuple[int, Any]]) -> list[Made]:
    """Make some pictures in this process."""
    made = []
    with target.path.open("r+b", buffering=0) as stream:
        for row, task in chunk:
            try:
                picture = make(task, target.size)
            except InputError as error:
                made.append(Made(row, reason=str(error)))
                continue
            assert picture.shape == (target.size, target.size) and picture.dtype == np.uint8
            data = np.ascontiguousarray(picture)
            _write(stream.fileno(), data.data.cast("B"), target.start + row * data.nbytes)
            made.append(Made(row, pixels=pixel_hash(data)))
    return made


def pixel_hash(picture: NDArray[np.uint8]) -> str:
    """32 hex digits of BLAKE2 over a picture's pixels."""
    return hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).hexdigest()


def _write(handle: int, data: memoryview, at: int) -> None:
    while data:
        written = os.pwrite(handle, data, at)
        data, at = data[written:], at + written


def _chunks(tasks: Sequence[Any], rows: Sequence[int]) -> Iterator[list[tuple[int, Any]]]:
    left = iter(rows)
    while chunk := [(row, tasks[row]) for row in islice(left, CHUNK)]:
        yield chunk


def _through(
    pool: ProcessPoolExecutor,
    left: Iterator[list[tuple[int, Any]]],
    waiting: deque[tuple[list[tuple[int, Any]], Future[list[Made]]]],
    make: Make,
    target: Target,
) -> Iterator[list[Made]]:
    for chunk in left:
        try:
            waiting.append((chunk, pool.submit(make_some, make, target, chunk)))
        except BrokenProcessPool:
            waiting.append((chunk, Future()))  # never begun: it is done with the others that were lost
            raise
        if len(waiting) > 2 * cores():
            yield waiting[0][1].result()
            waiting.popleft()
    while waiting:
        yield waiting[0][1].result()
        waiting.popleft()


def _apart(make: Make, target: Target, chunk: list[tuple[int, Any]]) -> list[Made]:
    """A chunk in a process of its own, after one had broken down on it or on a neighbour; then halves of it, and so on
    until the picture is found."""
    try:
        with _without_main(), _pool(1) as pool:
            try:
                pool.submit(os.getpid).result()
            except BrokenProcessPool as error:
                raise StudyError("No process can be started that decodes: is memory or the disk full?") from error
            return pool.submit(make_some, make, target, chunk).result()
    except BrokenProcessPool:
        if len(chunk) == 1:
            return [Made(chunk[0][0], reason="the decoder broke down on it (a damaged file, or too little memory)")]
        middle = len(chunk) // 2
        return _apart(make, target, chunk[:middle]) + _apart(make, target, chunk[middle:])


def _pool(processes: int) -> ProcessPoolExecutor:
    # spawned, not forked: a fork would inherit the lock of the job, and the threads of whatever was loaded
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=spawn, initializer=_die_with_parent, initargs=(os.getpid(),))


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide ``__main__`` from new processes: they need nothing of it, and to import it again would take seconds (it may
    load pandas or torch), or fail (a notebook, a pipe)."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _die_with_parent(parent: int) -> None:
    """A worker whose parent was killed would wait for work for ever: on Linux the kernel ends it as well."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before this process could ask to go with it
        os._exit(1)
