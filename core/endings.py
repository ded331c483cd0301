"""How work ends, in words: exit codes, signals, and errors of the system and of the accelerator."""

from __future__ import annotations

import errno
import re
import signal
from collections import deque
from pathlib import Path

from core.errors import AcceleratorFailed, FluoroscopeError, NoRoom, OutOfMemory, RunError

NO_ROOM_CODE, BUSY, STOPPED = 74, 75, 85
"""Exit codes: no room to write; somebody else holds the lock; stopped on request after saving (can be resumed)."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
WORKSPACE_CLOSED = (
    "The workspace may not be written to: check its permissions, or set FLUOROSCOPE_HOME to a folder that may."
)
LESS_MEMORY = (
    "Where towers learn, set training.micro_batch (the same steps with less memory); else lower training.batch_size, "
    "take a smaller encoder, or let fewer runs share the device (FLUOROSCOPE_SLOTS). Then start a changed copy."
)
SPOILT = re.compile(
    r"CUDA (driver )?error|cuDNN|CUDNN_STATUS|CUBLAS_STATUS|CUSOLVER_STATUS|CUFFT|NCCL|device-side assert|"
    r"no kernel image|HIP error|NVIDIA driver|Unable to find an engine"
)
SHORT = re.compile(r"out of memory|(cannot|can't) allocate memory|ALLOC_FAILED|std::bad_alloc", re.IGNORECASE)
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE)


def in_words(code: int, *, memory: bool = False) -> str:
    """A worker's exit code as a user reads it; negative: the signal that ended it, ``memory``: known to be for that."""
    if code == 0:
        return "finished"
    if code in (STOPPED, -signal.SIGTERM):  # SIGTERM itself: it came before the worker could listen
        return "stopped"
    if code == -signal.SIGKILL:
        return "killed for memory (signal 9)" if memory else "killed (signal 9), possibly out of memory"
    if -code in CRASHES:
        return f"crashed ({(signal.strsignal(-code) or '').lower()}, signal {-code})"
    if code == NO_ROOM_CODE:
        return "failed: no room to write"
    return f"killed by signal {-code}" if code < 0 else "failed"


def what_to_do(code: int, *, memory: bool = False) -> str:
    """Why it ended and what helps, for work that could not say so itself; empty where the code tells nothing."""
    if code == -signal.SIGKILL:
        why = "The kernel killed it, because memory ran out." if memory else "If nobody killed it, memory ran out."
        return f"{why} {LESS_MEMORY}"
    if -code in CRASHES:
        return "A library crashed, outside of Python: the end of the log may name it. What was saved is whole."
    return str(no_room()) if code == NO_ROOM_CODE else ""


def no_room(why: str = "the disk is full") -> NoRoom:
    return NoRoom(f"No room to write ({why}). What was saved is whole: make room, then go on.")


def as_ours(error: Exception) -> FluoroscopeError | None:
    """An error of the system, of memory or of the accelerator as one of ours; None where it is none of these.

    Torch's errors are known by name and text: this module is read where torch is not.
    """
    if isinstance(error, FluoroscopeError):
        return error
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return no_room(error.strerror or "the disk is full")
    if isinstance(error, OSError) and error.errno in NO_RIGHT:
        return RunError(WORKSPACE_CLOSED)
    return _of_memory_or_device(error)


def _of_memory_or_device(error: Exception) -> FluoroscopeError | None:
    text = str(error)
    first = text.strip().partition("\n")[0][:300] or type(error).__name__
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryError" in kinds or ("RuntimeError" in kinds and SPOILT.search(text) and SHORT.search(first)):
        return OutOfMemory(f"The accelerator's memory ran out ({first}). {LESS_MEMORY}")
    if isinstance(error, MemoryError) or (isinstance(error, (OSError, RuntimeError)) and SHORT.search(first)):
        return OutOfMemory(f"Memory ran out ({first}). {LESS_MEMORY}")
    if "AcceleratorError" in kinds or (isinstance(error, RuntimeError) and SPOILT.search(text)):
        return AcceleratorFailed(
            f"The accelerator failed: {first}. What was saved is whole. See whether nvidia-smi still lists it and "
            "nobody else uses it; then go on."
        )
    return None


class MemoryKills:
    """How often the kernel killed a process of this group for memory: whether it just did."""

    LOOKS = 100
    """Looks that are kept: freeing much memory takes a killed process some seconds."""

    def __init__(self) -> None:
        self.path = _counter()
        self._seen: deque[int | None] = deque([self._count()], maxlen=self.LOOKS)

    def look(self) -> None:
        self._seen.append(self._count())

    def just_now(self) -> bool:
        """Whether there was one since the oldest look that is kept; False where the kernel does not tell."""
        before, now = self._seen[0], self._count()
        return before is not None and now is not None and now > before

    def _count(self) -> int | None:
        if self.path is None:
            return None
        try:
            told = dict(line.split()[:2] for line in self.path.read_text().splitlines() if line.strip())
            return int(told["oom_kill"])
        except (OSError, KeyError, ValueError):
            return None


def _counter() -> Path | None:
    """The file in which the kernel counts what it killed for memory in our control group (version 2, or 1)."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    groups = {names: path for _, names, path in (line.split(":", 2) for line in lines if line.count(":") > 1)}
    root = Path("/sys/fs/cgroup")
    places = []
    for names, folder, name in (("", root, "memory.events"), ("memory", root / "memory", "memory.oom_control")):
        if names in groups:
            places += [folder / groups[names].lstrip("/") / name, folder / name]  # in a container it is the root
    return next((path for path in places if path.is_file()), None)
