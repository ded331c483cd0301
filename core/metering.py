"""What a process takes of its machine: memory, processors, accelerator."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


class Meter:
    """Reads at most once a second: a look goes through the table of all processes, which takes 1.6 ms (a hundred
    processes, one core: 0.2 % of the time), one that comes too soon half a microsecond.

    What it can say, each only where it is known (a number that nobody can tell is left out, never 0):

    - ``host_bytes``: resident memory of the process and its children; pages that they share count for each.
    - ``cores``: processor seconds that they used in a second since the look before.
    - ``accelerator_bytes``, ``accelerator_peak_bytes``: what tensors of this process take of the accelerator, now and
      at most since it began.
    - ``accelerator_busy``: share of the last moments (0..1) in which the GPU did anything at all, for whomever.
    """

    def __init__(self, device: torch.device, *, every: float = 1.0) -> None:
        self.device, self.every = device, every
        self._process = psutil.Process()
        self._looked, self._used = -every, 0.0
        self._first = True
        self._tells_use = device.type == "cuda"

    def read(self) -> dict[str, float]:
        """The readings, or nothing where the look before is too near."""
        now = time.monotonic()
        if now - self._looked < self.every:
            return {}
        memory, used = self._of_processes()
        found = {"host_bytes": float(memory)}
        if not self._first:
            found["cores"] = max(0.0, used - self._used) / (now - self._looked)
        self._first, self._looked, self._used = False, now, used
        return found | self._of_accelerator()

    def _of_processes(self) -> tuple[int, float]:
        """Resident bytes, and the processor seconds of all that live or ended (a parent inherits those)."""
        memory, seconds = 0, 0.0
        for process in (self._process, *self._process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss
                seconds += times.user + times.system + times.children_user + times.children_system
        return memory, seconds

    def _of_accelerator(self) -> dict[str, float]:
        import torch

        if self.device.type == "mps":
            return {"accelerator_bytes": float(torch.mps.current_allocated_memory())}
        if self.device.type != "cuda":
            return {}
        found = {
            "accelerator_bytes": float(torch.cuda.memory_allocated(self.device)),
            "accelerator_peak_bytes": float(torch.cuda.max_memory_allocated(self.device)),
        }
        if self._tells_use:
            try:
                found["accelerator_busy"] = torch.cuda.utilization(self.device) / 100
            except Exception as error:  # NVML has a class of its own for each reason; it is asked once
                self._tells_use = False
                log.info("How busy the GPU is cannot be told: %s", error)
        return found
