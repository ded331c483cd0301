"""Where the lungs lie: coordinates inside the rib cage, and the air on every beam's path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, arch, lookup, profile, step, texture
from core.studies.demo.vessels import lung_border


@dataclass
class Chest:
    """Coordinates and air of both lungs, each (size, size) float32; a half of the image belongs to one lung."""

    left: np.ndarray
    """Bool: the patient's left half (image right)."""
    out: Field
    """Distance from the midline."""
    wall: Field
    """Depth below the lateral and apical chest wall; negative outside."""
    base: Field
    """Height above the diaphragm's dome; negative below."""
    across: Field
    """0 at the midline to 1 at the lateral wall."""
    down: Field
    """0 at the apex to 1 at the dome's top."""
    air: Field
    """Air on the beam's path, 0 (none) to about 1; findings take air out of it or put more in."""
    inside: Field
    """1 in the visible lung field, 0 outside, soft at its borders."""
    markings: Field
    """Share of the vessels that is still visible."""

    def on(self, side: int) -> Field:
        """1 on the half of the patient's right (0) or left (1) lung, else 0."""
        return (self.left if side else ~self.left).astype(np.float32)


def _by_side(left: np.ndarray, right_value: Field | float, left_value: Field | float) -> Field:
    return np.where(left, np.float32(left_value), np.float32(right_value))


def draw_chest(body: Body, x: Field, y: Field, rng: np.random.Generator) -> Chest:
    """Both lungs of ``body`` over the body coordinates ``x`` (size, size) and ``y`` (size, 1)."""
    left = x > 0
    out = np.abs(x)
    tables = [lung_border(body, side) for side in (0, 1)]
    border = _by_side(left, lookup(tables[0], y), lookup(tables[1], y))
    slopes = [np.gradient(table) / (1.5 / (len(table) - 1)) for table in tables]
    steep = [lookup((1 / np.sqrt(1 + slope**2)).astype(np.float32), y) for slope in slopes]
    wall = (border - out) * _by_side(left, *steep)
    apex = body.apex
    medial = profile(y, [0.0, apex, apex + 0.05, 0.25, 0.5, 0.8], [0.14, 0.11, 0.062, 0.05, 0.035, 0.03])
    centre = _by_side(left, 0.165 * body.chest[0], 0.165 * body.chest[1])
    lateral = np.clip((out - centre) / np.maximum(border - centre, 0.05), 0, 1.3)
    inner = np.clip((centre - out) / centre, 0, 2)
    bend = _by_side(left, *(0.112 * b for b in body.dome_bend))
    # The central tendon joins the two domes under the heart.
    dome = body.dome[0] + np.float32(body.dome[1] - body.dome[0]) * step(x, 0.07)
    dome = dome + 0.0035 * texture(x.shape[0], 0.30, rng)
    base = dome + bend * lateral * lateral * (0.55 + 0.45 * lateral) + 0.035 * inner * inner - y
    above = step(base, 0.006)
    recess = 0.13 * np.exp(np.minimum(base, 0) * np.float32(1 / 0.04))
    gap = out - medial
    air = np.sqrt(arch(wall * np.float32(1 / 0.13))) * arch(gap * np.float32(1 / 0.07))
    air *= recess + above * (1 - recess)
    air *= (0.80 + 0.20 * np.clip((y - apex) / 0.30, 0, 1)) * _by_side(left, *body.air)
    down = np.clip((y - apex) / (dome - apex), -0.2, 1.5)
    air *= (1 + 0.03 * texture(x.shape[0], 0.11, rng)) * (1 - 0.09 * step(down - 0.62, 0.45))
    inside = step(wall - 0.002, 0.006) * step(gap, 0.02) * above
    across = np.clip(out / np.maximum(border, 0.02), 0, 1.5)
    return Chest(left, out, wall, base, across, down, air, inside, np.ones_like(x))
