"""Wires, electrodes and lines of patients in bed: they lie on AP films whatever the lungs show."""

from __future__ import annotations

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Stroke


def device_strokes(body: Body, seed: int) -> list[Stroke]:
    """Monitor leads, a central line and tubes as strokes in body coordinates; none on a PA film."""
    rng = np.random.default_rng([seed, 71])
    leads, line = rng.random() < 0.55, rng.random() < 0.25
    if not body.portable:
        return []
    drawn: list[Stroke] = []
    if leads:
        for sign in rng.permutation([-1, 1])[: rng.integers(1, 3)]:
            x, y = sign * rng.uniform(0.22, 0.34), rng.uniform(0.30, 0.75)
            drawn.append(([(x - 0.008, y), (x, y), (x + 0.008, y)], [0.018, 0.018, 0.018], 0.55))
            drawn.append(
                (_sweep((x, y), (sign * rng.uniform(0.1, 0.5), 1.02 if y > 0.5 else -0.02), rng), [0.0045] * 13, 0.6)
            )
    if line:
        side = -1 if rng.random() < 0.75 else 1
        way = [
            (side * 0.33, 0.16),
            (side * 0.18, 0.185),
            (side * 0.07, 0.20),
            (-0.035, 0.27),
            (-0.045, 0.36),
            (-0.05, 0.44),
        ]
        drawn.append((way, [0.0055] * len(way), 0.45))
    return drawn + _tubes(body, rng)


def _tubes(body: Body, rng: np.random.Generator) -> list[Stroke]:
    """A breathing tube that ends above the carina, and a feeding tube into the stomach."""
    breathing, feeding, end = rng.random() < 0.22, rng.random() < 0.22, rng.uniform(0.26, 0.32)
    middle = body.shift
    drawn: list[Stroke] = []
    if breathing:
        way = [(middle + 0.004, -0.05), (middle, 0.12), (middle - 0.006, end)]
        drawn.append((way, [0.0095] * 3, 0.20))
        drawn.append(([(x + 0.004, y) for x, y in way], [0.0030] * 3, 0.75))
    if feeding:
        low = body.dome[1]
        way = [(middle + x, y) for x, y in ((0.010, -0.05), (0.008, 0.15), (0.018, 0.35), (0.022, 0.55), (0.030, low))]
        way += [(middle + 0.055, low + 0.045), (middle + 0.10, low + 0.085), (middle + 0.15, low + 0.10)]
        drawn.append((way, [0.0055] * len(way), 0.50))
    return drawn


def _sweep(a: tuple[float, float], b: tuple[float, float], rng: np.random.Generator) -> list[tuple[float, float]]:
    """A loose wire from a to b."""
    sway = rng.normal(0, 0.08)
    ts = np.linspace(0, 1, 13)
    return [(a[0] + t * (b[0] - a[0]) + sway * np.sin(np.pi * t), a[1] + t * (b[1] - a[1])) for t in ts]
