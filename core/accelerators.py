"""Which accelerators this machine has, found without torch: what loads torch takes seconds, and memory of a GPU.

``CUDA_VISIBLE_DEVICES`` says which GPUs are ours where it is set. ``FLUOROSCOPE_SLOTS`` says how many runs may share
the CPU, or each GPU (1 where it is not set).
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError

CPU = "cpu"
"""The name of the only accelerator of a machine without a GPU."""

LISTED = re.compile(r"^\s*(GPU|MIG) (.*?)\(UUID: ([\w-]+)\)", re.MULTILINE)
"""A line of ``nvidia-smi -L``: ``GPU 0: NAME (UUID: GPU-...)``, and below it its parts, where it is cut into such."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or the part of one, as ``CUDA_VISIBLE_DEVICES`` may name it, and its model."""

    name: str
    model: str


def slots() -> int:
    """How many runs may share the CPU, or each GPU.

    Raises:
        ConfigError: ``FLUOROSCOPE_SLOTS`` is not a number of 1 or more.
    """
    given = os.environ.get("FLUOROSCOPE_SLOTS") or "1"
    if not given.isdecimal() or not int(given):
        raise ConfigError(f"FLUOROSCOPE_SLOTS is {given!r}; it must be a whole number, 1 or more: runs per device.")
    return int(given)


def accelerators() -> list[str]:
    """The names of what runs of this process may use: GPUs as ``CUDA_VISIBLE_DEVICES`` takes them, or ``cpu``."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        return [gpu.name for gpu in gpus()] or [CPU]
    entries = [entry.strip() for entry in given.split(",")]
    ours = list(itertools.takewhile(lambda entry: entry not in ("", "-1"), entries))  # as CUDA reads it
    there = gpus() if ours else []
    return list(dict.fromkeys(_own_name(entry, there) for entry in ours)) or [CPU]


def _own_name(entry: str, there: list[Gpu]) -> str:
    """One device has one name, however it was called, so that its lock is one.

    CUDA counts faster models first, ``nvidia-smi`` by slots: a number means the same only where all are alike.
    """
    if entry.isdecimal():
        alike = len({gpu.model for gpu in there}) == 1 or os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
        whole = all(gpu.name.startswith("GPU-") for gpu in there)
        return there[int(entry)].name if alike and whole and int(entry) < len(there) else entry
    found = [gpu.name for gpu in there if gpu.name.startswith(entry)]
    return found[0] if len(found) == 1 else entry


def gpus() -> list[Gpu]:
    """The NVIDIA GPUs of this machine, or their parts where they are cut into such."""
    if shutil.which("nvidia-smi"):
        try:
            said = subprocess.run(
                ["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=15, stdin=subprocess.DEVNULL
            )
            return listed(said.stdout)
        except (OSError, subprocess.SubprocessError):
            pass  # it is installed, but there is no GPU or no driver: the kernel's own list says so, too
    found = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return [Gpu(str(number), path.read_text().partition("\n")[0]) for number, path in enumerate(found)]


def listed(text: str) -> list[Gpu]:
    """What ``nvidia-smi -L`` printed; a GPU that is cut into parts (MIG) counts as these."""
    found: list[Gpu] = []
    for kind, words, name in LISTED.findall(text):
        if kind == "MIG" and found and found[-1].name.startswith("GPU-"):
            found.pop()
        found.append(Gpu(name, words.partition(":")[2].strip()))
    return found
