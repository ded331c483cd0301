"""Normal anatomy of a frontal chest radiograph as maps of attenuation (in mean free paths of the beam)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from core.studies.demo.abdomen import draw_abdomen
from core.studies.demo.body import Body
from core.studies.demo.bones import ribs, spine
from core.studies.demo.canvas import Field, Stroke, pixel_grid, step, strokes, texture
from core.studies.demo.chest import Chest, draw_chest
from core.studies.demo.devices import device_strokes
from core.studies.demo.organs import airways, aorta, breasts, folds, hila, mediastinum, torso
from core.studies.demo.shoulders import clavicles, girdles
from core.studies.demo.vessels import fine_vessels, vessel_strokes

AIR = 0.82
"""Share of the tissue on the beam's path that a full lung replaces by air."""

IN_FRONT = 0.80
"""Share of the lung's air that the heart takes the place of; the rest lies before and behind it."""


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
        air = np.minimum(AIR * chest.air, 0.97) * (1 - IN_FRONT * self.heart)
        total = self.tissue * (1 - air) + self.bone + self.added
        seen = chest.markings * chest.inside * (1 - 0.55 * self.heart)
        total += np.float32(0.62 * self.body.vessels) * self.vessels * seen
        return np.maximum(total, 0)


def build_scene(body: Body, size: int, body_seed: int, render_seed: int) -> Scene:
    """Draw the normal anatomy of ``body``."""
    px, py = pixel_grid(size)
    y = ((py - 0.5 - np.float32(body.move[1])) / np.float32(body.zoom) + np.float32(0.5)).astype(np.float32)
    x = ((px - np.float32(body.move[0])) + np.float32(body.tilt) * (py - 0.5)) / np.float32(body.zoom)
    x = x.astype(np.float32)
    rng = np.random.default_rng([body_seed, 41])
    chest = draw_chest(body, x, y, rng)
    tissue = torso(body, x, y, rng)
    bone = spine(body, x, y, rng) + (clavicles(body, x, y) + girdles(body, size)) * step(tissue - 0.5, 0.5)
    wavy = y + 0.0035 * texture(size, 0.16, rng)
    bone += ribs(body, chest.across, chest.wall, chest.left, wavy, rng)
    passing = np.random.default_rng([render_seed, 43])
    bone += draw_abdomen(body, x, y, chest, passing) + folds(body, x, y, passing) + breasts(body, x, y, rng)
    heart = mediastinum(body, x, y)
    bone += (0.30 + 0.04 * texture(size, 0.10, rng)) * heart + aorta(body, x, y) + airways(body, x, y)
    lines = vessel_strokes(body, np.random.default_rng([body_seed, 42]))
    vessels = strokes(size, placed(lines, body)) + hila(body, x, y, rng)
    vessels += fine_vessels(size, chest.across, chest.down, body.coarse, rng)
    wires = device_strokes(body, render_seed)
    if wires:
        bone += 0.9 * strokes(size, placed(wires, body))
    return Scene(body, size, x, y, tissue, bone, heart, chest, vessels, np.zeros_like(x))


def placed(lines: Iterable[Stroke], body: Body) -> list[Stroke]:
    """Strokes from body to image coordinates."""
    return [(body.place(points), widths, strength) for points, widths, strength in lines]
