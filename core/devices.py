"""Which device works, and in which precision."""

from __future__ import annotations

import contextlib

import torch

from core.config.run import Precision


def best_device() -> torch.device:
    """The accelerator where there is one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")


def precision(device: torch.device) -> str:
    """``bf16`` on a GPU that has it, else ``fp32``."""
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def autocast(device: torch.device, wanted: Precision = "auto") -> contextlib.AbstractContextManager[None]:
    """Mixed precision: with ``auto`` on a GPU that has bf16 and nowhere else; ``bf16`` also on the CPU."""
    if wanted == "bf16" or (wanted == "auto" and precision(device) == "bf16"):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def describe(device: torch.device) -> str:
    """The device in words, for logs and tables."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.get_num_threads()} threads)"
