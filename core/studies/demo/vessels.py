"""Pulmonary vessels: trees that branch from the hila and thin out towards the pleura."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import cycle

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, Stroke, curve, lookup, texture

# The main branches of one lung: degrees below the horizontal away from the midline, width, and where they leave the
# hilum: distance from the midline and height above (-) or below (+) its middle.
_TRUNKS = (
    (-80, 0.60, 0.070, -0.060),
    (-62, 0.75, 0.085, -0.055),
    (-40, 0.60, 0.092, -0.045),
    (-14, 0.55, 0.096, -0.015),
    (8, 0.60, 0.098, 0.005),
    (24, 0.75, 0.100, 0.025),
    (40, 0.90, 0.104, 0.045),
    (54, 1.05, 0.104, 0.060),
    (66, 1.15, 0.098, 0.070),
    (80, 0.95, 0.088, 0.075),
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
        self.normal: Iterator[float] = cycle(rng.standard_normal(1500).tolist())
        self.uniform: Iterator[float] = cycle(rng.random(1500).tolist())
        self.lines: list[Stroke] = []

    def grow(self, r: float, y: float, heading: float, width: float, order: int) -> None:
        """Grow one branch step by step, thinning, with side branches, to the pleura or until it is too thin."""
        points, widths = [(self.sign * r, y)], [width]
        bend = 0.045 * next(self.normal)
        while width > 0.0016 and len(points) < 22:
            heading += bend + 0.13 * next(self.normal)
            r += _STRIDE * math.cos(heading)
            y += _STRIDE * math.sin(heading)
            if y > self.floor or y < 0.08 or r < 0.03 or r > self.border[int(y * 200)] - 0.012:
                break
            width *= 0.865 if order == 0 else 0.82
            points.append((self.sign * r, y))
            widths.append(width)
            if order < 3 and next(self.uniform) < (0.50 if order == 0 else 0.34):
                turn = math.copysign(0.3 + 0.55 * next(self.uniform), next(self.normal))
                self.grow(r, y, heading + turn, width * (0.55 + 0.35 * next(self.uniform)), order + 1)
        if len(points) > 1:
            self.lines.append((points, widths, min(1.0, 0.16 + 48 * widths[0])))


def vessel_strokes(body: Body, rng: np.random.Generator) -> list[Stroke]:
    """Draw both lungs' vessel trees as strokes in body coordinates, the faintest first."""
    lines: list[Stroke] = []
    for side in (0, 1):
        tree = _Tree(body, side, rng)
        for angle, thick, out, below in _TRUNKS:
            r = out + 0.007 * next(tree.normal)
            y = 0.430 - 0.022 * side + below + 0.010 * next(tree.normal)
            heading = math.radians(angle + 10 * next(tree.normal))
            tree.grow(r, y, heading, 0.0150 * thick * (0.75 + 0.40 * next(tree.uniform)), 0)
        lines += tree.lines
    return sorted(lines, key=lambda line: line[2])


def fine_vessels(size: int, across: Field, down: Field, coarse: float, rng: np.random.Generator) -> Field:
    """Vessels too small to follow one by one: thin ridges of smooth noise, denser towards the base, and mottle."""
    net = np.maximum(1 - 1.6 * np.abs(texture(size, 0.034, rng)), 0)
    finer = np.maximum(1 - 1.6 * np.abs(texture(size, 0.020, rng)), 0)
    mottle = texture(size, 0.05, rng)
    more = (0.55 + 0.45 * np.clip(down, 0, 1)) * (1.15 - 0.55 * np.clip(across, 0, 1))
    return more * ((0.12 + 0.22 * coarse) * net + (0.10 + 0.25 * coarse) * finer + 0.07 * mottle)
