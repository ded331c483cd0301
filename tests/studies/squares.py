"""What the processes of a test do: a module of little, because each process imports it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError


def square(task: Any, size: int) -> NDArray[np.uint8]:
    """A flat square of a number; a word is an order."""
    match task:
        case "exit":
            os._exit(3)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "fail":
            raise ValueError("a bug")
        case "refuse":
            raise InputError("cut off")
        case "wait":
            time.sleep(600)
    return np.full((size, size), task, np.uint8)
