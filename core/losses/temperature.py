"""The contrastive temperature over a training."""

from __future__ import annotations

import math

from core.config.objective import ObjectiveConfig


def temperature_at(config: ObjectiveConfig, step: int, steps: int) -> float:
    """The scheduled temperature of a step: from the first step's to the last one's, evenly in its logarithm or along
    half a cosine.

    Args:
        config: ``temperature``, ``temperature_end`` (0: it stays) and ``temperature_schedule``.
        step: counts from 0.
        steps: of the whole training; where there is one alone, it has the temperature of the start.
    """
    if not config.temperature_end or steps < 2:
        return config.temperature
    done = min(max(step / (steps - 1), 0.0), 1.0)
    if config.temperature_schedule == "cosine":
        done = (1 - math.cos(math.pi * done)) / 2
    return math.exp((1 - done) * math.log(config.temperature) + done * math.log(config.temperature_end))
