"""Who a process is, and which locks are held: a number alone is given out again, and is never signalled."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import Any

import psutil

from core.errors import ArtefactError
from core.files import read_json

LOOKS, BETWEEN = 5, 0.02
"""How often a lock is asked for, and the seconds between: whoever looks at a lock holds it for a moment."""


def locked(path: Path) -> bool:
    """Whether a process holds the lock of a file; one that is not there nobody holds."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def hold(path: Path, *, looks: int = LOOKS) -> int | None:
    """The descriptor of a lock that this process holds from now on; None where another one holds it.

    The kernel frees it when the last process that has the descriptor is gone.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for look in range(looks):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if look + 1 < looks:
                time.sleep(BETWEEN)
    os.close(handle)
    return None


def here() -> dict[str, str]:
    """Which machine this is, and since which start of it."""
    return {"host": socket.gethostname(), "boot": boot_id()}


def boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))


def identity(pid: int) -> dict[str, Any]:
    """What tells a process from all others of this machine since it was started."""
    return {"pid": pid, "born": born(pid)}


def born(pid: int) -> float:
    """When a process started, on a clock that nobody sets: ticks since boot (else psutil's seconds since 1970).

    Raises:
        psutil.NoSuchProcess: there is none of that number.
    """
    try:  # the second field is the program's name in brackets and may hold anything, brackets too
        return float(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return psutil.Process(pid).create_time()


def age(since: float) -> float:
    """Seconds since a process was :func:`born`, on the same clock."""
    if Path("/proc/self/stat").exists():
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - since / os.sysconf("SC_CLK_TCK"))
    return max(0.0, time.time() - since)


def told(folder: Path) -> dict[str, Any]:
    """``process.json`` of a job; empty where it is absent, torn, or of another machine or another start of it."""
    try:
        data = read_json(folder / "process.json")
        return data if {name: data[name] for name in here()} == here() else {}
    except (ArtefactError, KeyError, TypeError):
        return {}


def process_of(folder: Path, role: str) -> int | None:
    """The pid of a live process of a job, its ``runner`` or ``worker``; never a stranger's that got the same number."""
    try:
        own = told(folder)[role]
        pid = int(own["pid"])
        same = born(pid) == own["born"] and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        return pid if same else None
    except (psutil.Error, KeyError, TypeError, ValueError):
        return None


def kill_tree(pid: int) -> None:
    """The process first, so that it starts no more children; each child even where another one just ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
