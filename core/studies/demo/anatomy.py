"""Normal anatomy of a frontal chest radiograph as maps of attenuation (in mean free paths of the beam)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.bones import clavicles_and_shoulders, ribs, spine
from core.studies.demo.canvas import (
    Field,
    Stroke,
    arch,
    ball,
    lookup,
    pixel_grid,
    profile,
    step,
    strokes,
    texture,
)
from core.studies.demo.devices import device_strokes
from core.studies.demo.vessels import lung_border, vessel_strokes

AIR = 0.82
"""Share of the tissue on the beam's path that a full lung replaces by air."""


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


@dataclass
class Scene:
    """What the beam meets."""

    body: Body
    size: int
    x: Field
    """(size, size), body coordinates: a tilted body is sheared."""
    y: Field
    """(size, 1)"""
    tissue: Field
    """Soft tissue of the torso, which lungs replace by air."""
    bone: Field
    """Everything else that adds to (or, as gas, takes from) the tissue."""
    heart: Field
    """Depth of heart and great vessels in [0, 1], which take the lungs' place."""
    chest: Chest
    vessels: Field
    added: Field
    """Attenuation that findings add."""

    def attenuation(self) -> Field:
        """The sum along the beam; low in air, high in bone."""
        chest = self.chest
        air = np.minimum(AIR * chest.air, 0.97) * (1 - 0.94 * self.heart)
        total = self.tissue * (1 - air) + self.bone + self.added
        seen = chest.markings * chest.inside * (1 - 0.75 * self.heart)
        total += np.float32(0.62 * self.body.vessels) * self.vessels * seen
        return np.maximum(total, 0)


def build_scene(body: Body, size: int, body_seed: int, render_seed: int) -> Scene:
    """Draw the normal anatomy of ``body``."""
    px, py = pixel_grid(size)
    y = ((py - 0.5 - np.float32(body.move[1])) / np.float32(body.zoom) + np.float32(0.5)).astype(np.float32)
    x = ((px - np.float32(body.move[0])) + np.float32(body.tilt) * (py - 0.5)) / np.float32(body.zoom)
    x = x.astype(np.float32)
    rng = np.random.default_rng([body_seed, 41])
    chest = _chest(body, x, y)
    chest.air *= (1 + 0.03 * texture(size, 0.11, rng)) * (1 - 0.09 * step(chest.down - 0.62, 0.45))
    tissue = _torso(body, x, y, size, rng)
    bone = spine(body, x, y) + clavicles_and_shoulders(body, x, y) * step(tissue - 0.7, 0.5)
    bone += ribs(body, chest.across, chest.wall, chest.out, y + 0.0035 * texture(size, 0.16, rng))
    bone += _breasts(body, chest, y)
    bone += _belly(body, x, y, chest, rng)
    heart = _mediastinum(body, x, y)
    bone += (0.42 + 0.05 * texture(size, 0.10, rng)) * heart + _windpipe(body, x, y)
    lines = vessel_strokes(body, np.random.default_rng([body_seed, 42]))
    vessels = strokes(size, placed(lines, body)) + _hila(body, x, y) + _fine_vessels(size, chest, body.coarse, rng)
    wires = device_strokes(body, render_seed)
    if wires:
        bone += 0.9 * strokes(size, placed(wires, body))
    return Scene(body, size, x, y, tissue, bone, heart, chest, vessels, np.zeros_like(x))


def placed(lines: Iterable[Stroke], body: Body) -> list[Stroke]:
    """Strokes from body to image coordinates: the inverse of the change that ``build_scene`` makes."""
    zoom, tilt, (dx, dy) = body.zoom, body.tilt, body.move
    moved: list[Stroke] = []
    for points, widths, strength in lines:
        rows = [(y - 0.5) * zoom + dy for _, y in points]
        moved.append(
            ([(p[0] * zoom - tilt * v + dx, v + 0.5) for p, v in zip(points, rows, strict=True)], widths, strength)
        )
    return moved


def _by_side(left: np.ndarray, right_value: Field | float, left_value: Field | float) -> Field:
    return np.where(left, np.float32(left_value), np.float32(right_value))


def _chest(body: Body, x: Field, y: Field) -> Chest:
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
    dome = _by_side(left, *body.dome)
    base = dome + bend * lateral * lateral * (0.55 + 0.45 * lateral) + 0.035 * inner * inner - y
    above = step(base, 0.006)
    recess = 0.13 * np.exp(np.minimum(base, 0) * np.float32(1 / 0.04))
    gap = out - medial
    air = np.sqrt(arch(wall * np.float32(1 / 0.13))) * arch(gap * np.float32(1 / 0.07))
    air *= recess + above * (1 - recess)
    air *= (0.80 + 0.20 * np.clip((y - apex) / 0.30, 0, 1)) * _by_side(left, *body.air)
    inside = step(wall - 0.002, 0.006) * step(gap, 0.02) * above
    across = np.clip(out / np.maximum(border, 0.02), 0, 1.5)
    down = np.clip((y - apex) / (dome - apex), -0.2, 1.5)
    return Chest(left, out, wall, base, across, down, air, inside, np.ones_like(x))


def _torso(body: Body, x: Field, y: Field, size: int, rng: np.random.Generator) -> Field:
    """Skin, fat and muscle: the outline with shoulders, and its thickness along the beam."""
    t = body.torso
    wide = t + 0.10
    knots = [-0.2, 0.0, 0.04, 0.07, 0.100, 0.140, 0.20, 0.30, 0.42, 0.50, 0.58, 0.70, 1.2]
    neck = 0.100 + 0.012 * body.fat
    half = [neck, neck, neck + 0.010, neck + 0.04, 0.245, 0.40, wide - 0.02, wide + 0.03, wide]
    half += [t + 0.045, t + 0.012, t, t + 0.01]
    edge = np.clip(1 - np.square(x / profile(y, knots, half, smooth=0.018)), 0, 1)
    depths = [1.85, 2.2, 2.65, 2.9, 3.05, 3.2, 3.3]
    thick = profile(y, [0.0, 0.12, 0.2, 0.35, 0.6, 0.75, 1.0], depths) * (1 + 0.10 * body.fat)
    # Arms and axillae are thinner than the chest; muscle and skin folds keep them from being even.
    thick = thick * (1 - 0.38 * step(np.abs(x) - 0.37, 0.13)) * (1 + 0.02 * texture(size, 0.09, rng))
    return thick * np.sqrt(edge)


def _windpipe(body: Body, x: Field, y: Field) -> Field:
    """Trachea and main bronchi: missing tissue."""
    xs = x + np.float32(body.shift - 0.003) - 0.016 * np.clip((y - 0.22) / 0.15, 0, 1)
    tube = arch((0.0225 - np.abs(xs)) * 45) * step(0.372 - y, 0.03)
    fork = y - 0.362
    span = step(fork, 0.02) * step(0.075 - fork, 0.04)
    mid = body.shift + 0.013
    right = arch((0.015 - np.abs(x - mid + 0.75 * fork)) * 70) * span
    left = arch((0.012 - np.abs(x - mid - 1.25 * fork)) * 70) * span
    rings = 1 + 0.06 * np.sin(y * np.float32(2 * np.pi / 0.013))
    return -0.78 * tube * rings - 0.30 * np.maximum(right, left)


def _fine_vessels(size: int, chest: Chest, coarse: float, rng: np.random.Generator) -> Field:
    """Vessels too small to follow one by one: thin ridges of smooth noise, denser towards the base, and mottle."""
    net = np.maximum(1 - 1.6 * np.abs(texture(size, 0.034, rng)), 0)
    finer = np.maximum(1 - 1.6 * np.abs(texture(size, 0.020, rng)), 0)
    mottle = texture(size, 0.05, rng)
    more = (0.55 + 0.45 * np.clip(chest.down, 0, 1)) * (1.15 - 0.55 * np.clip(chest.across, 0, 1))
    return more * ((0.15 + 0.22 * coarse) * net + (0.12 + 0.25 * coarse) * finer + 0.06 * mottle)


def _hila(body: Body, x: Field, y: Field) -> Field:
    """The soft knots of arteries and veins from which the vessels leave."""
    total = np.zeros_like(x)
    for sign, y0 in ((-1, 0.425), (1, 0.405)):
        out = sign * (x - np.float32(body.shift))
        arm = np.exp(-np.square((out - 0.082 - 0.25 * (y - y0)) / 0.026) - np.square((y - y0) / 0.058))
        knot = np.exp(-np.square((out - 0.092) / 0.020) - np.square((y - y0 + 0.01) / 0.024))
        total += 0.50 * arm + 0.32 * knot
    return total


def _breasts(body: Body, chest: Chest, y: Field) -> Field:
    """Breast shadows: they fade upwards and end in a soft crescent below."""
    if body.breast <= 0.05:
        return np.zeros_like(chest.out)
    size = 0.66 + 0.36 * min(body.breast, 1.4)
    low = 0.66 + 0.07 * size
    shadow = ball(chest.out, y, 0.225, low - 0.13 * size, 0.165 * size, 0.15 * size)
    crescent = np.exp(-np.square((low - y - 0.9 * np.square(chest.out - 0.225)) / 0.055))
    return np.float32(0.95 * body.breast**0.7) * shadow * shadow * (0.55 + 0.75 * crescent)


def _belly(body: Body, x: Field, y: Field, chest: Chest, rng: np.random.Generator) -> Field:
    """The abdomen's density below the domes, the stomach bubble and a little bowel gas in it."""
    size = x.shape[0]
    under = step(-chest.base, 0.02) * step(chest.wall + 0.02, 0.03)
    liver = under * (0.40 + 0.09 * texture(size, 0.12, rng)) * (1 - 0.25 * step(x, 0.12))
    big = 0.028 + 0.026 * body.bubble
    wobble = texture(size, 0.08, rng)
    r = np.square((x - 0.165) / (1.5 * big)) + np.square((y - body.dome[1] - 0.04 - big) / big)
    shown = min(1.0, body.bubble + 0.2) if body.bubble > 0.15 else 0.0
    bubble = shown * np.clip(1.1 + 0.15 * wobble - r, 0, 1)
    loops = np.clip(texture(size, 0.04, rng) - 1.1, 0, 1) * step(y - body.dome[1] - 0.12, 0.05)
    loops = loops * step(0.27 - chest.out, 0.06)
    return liver - step(-chest.base - 0.022, 0.01) * (0.95 * bubble + 0.40 * loops * chest.left)


def _mediastinum(body: Body, x: Field, y: Field) -> Field:
    """Depth of heart, great vessels and aortic knob, 0 to 1, inside one smooth outline."""
    h = body.heart
    y0 = 0.36 + body.heart_drop
    floor = max(body.dome) + 0.03
    tall = (floor - y0) * (0.94 + 0.06 * h)
    knots = [0.0, 0.15, 0.24, 0.34, *(y0 + tall * np.array([0.30, 0.62, 0.9])), floor + 0.03]
    half = [0.048, 0.048, 0.052, 0.054, 0.066 * h, 0.100 * h, 0.094 * h, 0.06 * h]
    to_right = profile(y, knots, half, smooth=0.018)
    fill = body.heart_tilt
    knots = [0.0, 0.15, 0.245, 0.275, 0.335, *(y0 + tall * np.array([0.16, 0.40, 0.66, 0.80, 0.92])), floor + 0.03]
    knob = 0.032 + 0.034 * body.knob
    half = [0.046, 0.046, knob + 0.008, knob + 0.018, 0.054, 0.080 + 0.02 * (h - 1)]
    half += [(0.138 + 0.008 * fill) * h, (0.198 + 0.006 * fill) * h, 0.212 * h, 0.196 * h, 0.12 * h]
    to_left = profile(y, knots, half, smooth=0.012)
    xs = x - np.float32(body.shift)
    width = np.where(xs < 0, to_right, to_left)
    low = np.clip((y - y0 + 0.06) / 0.14, 0, 1)
    solid = arch((width - np.abs(xs)) / (0.34 * width + 0.006 + 0.018 * (1 - low)))
    return solid * step(floor + 0.02 - y, 0.05) * (0.62 + 0.38 * low) * step(y - 0.06, 0.3)
