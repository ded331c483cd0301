"""The queue for the accelerators of a machine: locks of files alone, so that nobody has to serve it.

``accelerators/HOST/`` in the workspace:

    last          the number that was drawn last
    order         locked while somebody draws a number or takes accelerators: a moment
    tickets/N     locked by the runner that waits with number N
    NAME.SLOT     locked by the runner and the worker that have the accelerator, until the last of them is gone

The kernel frees what a killed process held, so a waiter that is gone waits no more. Only who has the lowest of all
numbers takes accelerators, and takes all that are asked for or none: nobody can wait for somebody who waits.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from core.accelerators import CPU, accelerators, slots
from core.errors import ArtefactError, RunError
from core.files import read_json, write_json
from core.processes import hold, locked
from core.workspace import home


@dataclass(frozen=True)
class Granted:
    """Accelerators that are ours as long as this process, or one that inherited the descriptors, lives."""

    names: list[str] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a worker is told, so that it sees these GPUs alone (``cpu`` stands for whatever torch finds there)."""
        shown = [name for name in self.names if name != CPU]
        return {"CUDA_VISIBLE_DEVICES": ",".join(shown)} if shown else {}


@dataclass
class Ticket:
    """A place in the queue, ours as long as this process lives."""

    number: int
    wanted: int
    devices: list[str]
    handle: int

    @classmethod
    def draw(cls, wanted: int) -> Self:
        """Take the next number.

        Raises:
            RunError: more accelerators are wanted than there are.
        """
        devices = _devices_for(wanted)
        folder = queue_of(socket.gethostname())
        (folder / "tickets").mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            number = 1 + max([_last(folder), *(int(path.name) for path in _tickets(folder))])
            write_json(folder / "last", number)
            path = folder / "tickets" / str(number)
            write_json(path, {"devices": devices})
            handle = os.open(path, os.O_RDWR)
            fcntl.flock(handle, fcntl.LOCK_EX)
        return cls(number, wanted, devices, handle)

    def take(self) -> Granted | None:
        """All accelerators that are wanted, when nobody who wants the same came before and enough are free."""
        folder = queue_of(socket.gethostname())
        with _alone(folder):
            for path in _before(folder, self.number, self.devices):
                if locked(path):
                    return None
                path.unlink(missing_ok=True)  # its runner is gone
            granted = self._free(folder)
            if granted is not None:
                self._leave(folder)
            return granted

    def give_up(self) -> None:
        folder = queue_of(socket.gethostname())
        with _alone(folder):
            self._leave(folder)

    def _free(self, folder: Path) -> Granted | None:
        """First a device for itself; one that others share where there is none."""
        found: dict[str, int] = {}
        for slot in range(slots()):
            for name in self.devices:
                if name in found or len(found) == self.wanted:
                    continue
                handle = hold(folder / f"{_safe(name)}.{slot}", looks=1)
                if handle is not None:
                    found[name] = handle
        if len(found) == self.wanted:
            return Granted(list(found), list(found.values()))
        for handle in found.values():
            os.close(handle)
        return None

    def _leave(self, folder: Path) -> None:
        (folder / "tickets" / str(self.number)).unlink(missing_ok=True)
        os.close(self.handle)


def refuse(wanted: int) -> None:
    """Say at once what could never be granted; one accelerator there always is, so that nobody is asked for it.

    Raises:
        ConfigError: ``FLUOROSCOPE_SLOTS`` is no number.
        RunError: there are fewer than are wanted.
    """
    slots()
    if wanted > 1:
        _devices_for(wanted)


def _devices_for(wanted: int) -> list[str]:
    devices = accelerators()
    if wanted > len(devices):
        raise RunError(
            f"{wanted} accelerators are asked for, and there {'are' if len(devices) > 1 else 'is'} {len(devices)} "
            f"({', '.join(devices)}): ask for fewer, or see what CUDA_VISIBLE_DEVICES hides."
        )
    return devices


def queue_of(host: str) -> Path:
    """Where the queue of a machine lies."""
    return home() / "accelerators" / _safe(host)


def before(queue: Path, number: int) -> int:
    """How many wait before the one with this number."""
    return sum(map(locked, _before(queue, number, _devices(queue / "tickets" / str(number)))))


def _before(queue: Path, number: int, devices: list[str]) -> list[Path]:
    """Tickets with lower numbers that stand for some of the same devices, the lowest first."""
    earlier = [path for path in _tickets(queue) if int(path.name) < number]
    return [path for path in earlier if not (theirs := _devices(path)) or not devices or {*theirs} & {*devices}]


def _devices(ticket: Path) -> list[str]:
    try:
        return list(map(str, read_json(ticket)["devices"]))
    except (ArtefactError, KeyError, TypeError):
        return []


def _tickets(queue: Path) -> list[Path]:
    found = (path for path in (queue / "tickets").glob("*") if path.name.isdecimal())
    return sorted(found, key=lambda path: int(path.name))


def _last(queue: Path) -> int:
    try:
        return int(read_json(queue / "last"))
    except (ArtefactError, TypeError, ValueError):
        return 0


def _safe(name: str) -> str:
    return re.sub(r"[^\w-]", "_", name)[:100]


@contextlib.contextmanager
def _alone(queue: Path) -> Iterator[None]:
    handle = os.open(queue / "order", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
