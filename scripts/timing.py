"""How long something takes, for the benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def once(work: Callable[[], object], device: torch.device | None = None) -> float:
    """Seconds of one run; a GPU has finished what it was given."""
    started = time.perf_counter()
    work()
    if device is not None and device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def typical(
    work: Callable[[], object], *, warm: int = 1, repeats: int = 5, device: torch.device | None = None
) -> float:
    """The median of some runs after some that warm up."""
    taken = [once(work, device) for _ in range(warm + repeats)]
    return statistics.median(taken[warm:])
