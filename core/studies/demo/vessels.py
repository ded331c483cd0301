"""Pulmonary vessels: trees that branch from the hila and thin out towards the pleura."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, Stroke, curve, lookup

# Directions of the main branches, degrees below the horizontal away from the midline, and their widths.
_TRUNKS = (
    (-84, 0.55),
    (-66, 0.7),
    (-45, 0.6),
    (-20, 0.6),
    (6, 0.65),
    (26, 0.8),
    (44, 1.0),
    (58, 1.2),
    (72, 1.3),
    (86, 1.0),
)
_STRIDE = 0.019


def lung_border(body: Body, side: int) -> Field:
    """Half width of the rib cage over y on one side, for ``lookup``."""
    a, w = body.apex, body.chest[side]
    knots = [a - 0.10, a - 0.012, a + 0.012, a + 0.04, a + 0.08, a + 0.14, a + 0.22, 0.45, 0.58, 0.70, 0.80, 0.95, 1.2]
    widths = [-0.9, 0.06, 0.145, 0.200, 0.248, 0.293, 0.328, 0.352, 0.373, 0.388, 0.396, 0.40, 0.40]
    # The taper acts on the upper chest and dies out towards the base.
    scale = [w * (1 + body.taper * min(1.0, max(0.0, (0.7 - knot) / 0.35))) for knot in knots]
    return curve(knots, [v if v < 0 else v * s for v, s in zip(widths, scale, strict=True)], smooth=0.016)


class _Tree:
    """One lung's growing tree; every number it draws comes from two prepared streams, which is fast."""

    def __init__(self, body: Body, side: int, rng: np.random.Generator):
        self.sign = 1 if side else -1
        rows = np.linspace(0, 1.2, 241, dtype=np.float32)
        self.border = lookup(lung_border(body, side), rows).tolist()
        self.floor = body.dome[side] + 0.06
        self.normal: Iterator[float] = iter(rng.standard_normal(3000).tolist())
        self.uniform: Iterator[float] = iter(rng.random(3000).tolist())
        self.lines: list[Stroke] = []

    def grow(self, r: float, y: float, heading: float, width: float, order: int) -> None:
        """Grow one branch step by step, thinning, with side branches, to the pleura or until it is too thin."""
        points, widths = [(self.sign * r, y)], [width]
        bend = 0.02 * next(self.normal)
        while width > 0.0013 and len(points) < 22:
            heading += bend + 0.10 * next(self.normal)
            r += _STRIDE * math.cos(heading)
            y += _STRIDE * math.sin(heading)
            if y > self.floor or y < 0.08 or r < 0.03 or r > self.border[int(y * 200)] - 0.012:
                break
            width *= 0.875 if order == 0 else 0.83
            points.append((self.sign * r, y))
            widths.append(width)
            if order < 3 and next(self.uniform) < (0.55 if order == 0 else 0.42):
                turn = math.copysign(0.3 + 0.55 * next(self.uniform), next(self.normal))
                self.grow(r, y, heading + turn, width * (0.55 + 0.35 * next(self.uniform)), order + 1)
        if len(points) > 1:
            self.lines.append((points, widths, min(1.0, 0.22 + 60 * widths[0])))


def vessel_strokes(body: Body, rng: np.random.Generator) -> list[Stroke]:
    """Draw both lungs' vessel trees as strokes in body coordinates, the faintest first."""
    lines: list[Stroke] = []
    for side in (0, 1):
        tree = _Tree(body, side, rng)
        for angle, thick in _TRUNKS:
            r = 0.075 + 0.008 * next(tree.normal)
            y = 0.415 - 0.016 * side + 0.035 * math.sin(math.radians(angle)) + 0.007 * next(tree.normal)
            heading = math.radians(angle + 8 * next(tree.normal))
            tree.grow(r, y, heading, 0.0115 * thick * (0.8 + 0.35 * next(tree.uniform)), 0)
        lines += tree.lines
    return sorted(lines, key=lambda line: line[2])
