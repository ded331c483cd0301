"""What each finding does to the film: air that fluid or tissue displaces, shadows that it adds, vessels that it hides.

Findings that move organs (cardiomegaly, emphysema, the volume loss of atelectasis and fibrosis) do that part in
``body.reshape``, before anything is drawn. Each finding draws from its own random stream, which is fixed for a
patient: the others do not notice whether it is there, and follow-ups show it in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from core.studies.demo.anatomy import Scene, placed
from core.studies.demo.body import severity_of, sides
from core.studies.demo.canvas import Field, Stroke, ball, bump, lookup, step, strokes, texture
from core.studies.demo.vessels import lung_border
from core.studies.vocabulary import NIH_FINDINGS

Rng = np.random.Generator


def apply_findings(scene: Scene, row: Mapping[str, Any]) -> None:
    """Draw every finding that ``row`` names on ``scene``, always in NIH's order."""
    for _ in each_finding(scene, row):
        pass


def each_finding(scene: Scene, row: Mapping[str, Any]) -> Iterator[str]:
    """The same one by one: yields the name of each finding when it is drawn, once for each side."""
    for number, name in enumerate(NIH_FINDINGS):
        draw = _DRAW.get(name)
        if draw is None:
            continue
        for side in sides(row, name) if name != "Hernia" else sides(row, name)[:1]:
            draw(scene, side, severity_of(row, name), np.random.default_rng([int(row["body_seed"]), 61, number, side]))
            yield name


def _place(scene: Scene, side: int, across: float, down: float) -> tuple[float, float]:
    """x and y of a spot in one lung: ``across`` 0 (midline) to 1 (wall), ``down`` 0 (apex) to 1 (dome)."""
    body = scene.body
    y = body.apex + down * (body.dome[side] - body.apex)
    return (1 if side else -1) * across * float(lookup(lung_border(body, side), np.asarray(y))), y


def _fill(scene: Scene, share: Field) -> None:
    """Replace a share (0 to 1) of the air on each beam by fluid or tissue."""
    scene.chest.air *= 1 - np.clip(share, 0, 0.96)


def _patch(scene: Scene, side: int, centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    """A soft round region of one lung, 1 at its centre."""
    r = np.square((scene.x - centre[0]) / radii[0]) + np.square((scene.y - centre[1]) / radii[1])
    return np.exp(-r) * scene.chest.on(side)


def _lines(scene: Scene, lines: list[Stroke]) -> Field:
    return strokes(scene.size, placed(lines, scene.body))


def _atelectasis(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Plate-like bands above a raised dome, and crowding at the base."""
    lines: list[Stroke] = []
    slant = rng.normal(-0.12, 0.20) * (1 if side else -1)
    for number in range(4):
        x, y = _place(scene, side, rng.uniform(0.45, 0.70), 0.68 + 0.085 * number + rng.uniform(-0.02, 0.02))
        half, lean, thick = rng.uniform(0.045, 0.095), slant + rng.normal(0, 0.06), rng.uniform(0.009, 0.016)
        ends = [(x + half * t, y + half * t * lean + 0.006 * t * t) for t in (-1, -0.4, 0.3, 1)]
        if number < 1 + int(3 * severity):
            lines.append((ends, [thick * 0.35, thick, 0.7 * thick, 0.003], rng.uniform(0.6, 1.0)))
    chest = scene.chest
    scene.added += (0.20 + 0.34 * severity) * _lines(scene, lines) * chest.inside * (1 - 0.7 * scene.heart)
    crowded = step(0.11 - chest.base, 0.12) * (0.8 + 0.2 * texture(scene.size, 0.03, rng))
    _fill(scene, (0.05 + 0.34 * severity) * crowded * chest.on(side))


def _effusion(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Fluid with a meniscus that climbs along the wall; supine, it layers behind the lung as a veil."""
    chest, body = scene.chest, scene.body
    height = 0.040 + 0.05 * severity + 0.27 * severity**2
    u = np.clip(chest.across, 0, 1)
    bottom = body.dome[side] + 0.112 * body.dome_bend[side]
    # A little fluid only fills the angle; much of it covers the whole dome.
    least = 0.30 + 0.32 * severity
    level = bottom - height * (least + (1 - least) * u * u * u) + 0.004 * float(rng.normal())
    fluid = step(scene.y - level, (0.035 if body.portable else 0.014) + 0.02 * severity) * chest.on(side)
    if body.portable:
        veil = 0.28 * severity * step(chest.down - 0.15, 0.9) * chest.on(side)
        _fill(scene, veil)
    _fill(scene, 0.94 * fluid)
    chest.markings *= 1 - 0.85 * fluid
    recess = np.exp(np.minimum(chest.base, 0) * np.float32(1 / 0.03)) * (1 - 0.9 * scene.heart)
    scene.added += 0.22 * fluid * recess * step(chest.wall, 0.01)


def _infiltration(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Ill-defined hazy patches anywhere in the lung."""
    haze = np.zeros_like(scene.x)
    for _ in range(2):
        spot = _place(scene, side, rng.uniform(0.35, 0.75), rng.uniform(0.25, 0.95))
        haze = np.maximum(haze, _patch(scene, side, spot, (rng.uniform(0.07, 0.12), rng.uniform(0.08, 0.14))))
    clouds = np.clip(0.62 + 0.28 * texture(scene.size, 0.045, rng) + 0.18 * texture(scene.size, 0.02, rng), 0, 1.2)
    _fill(scene, (0.12 + 0.38 * severity) * haze * clouds)


def _mass(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """A round shadow of 3 to 7 cm with a lobed outline."""
    x, y = _place(scene, side, rng.uniform(0.45, 0.72), rng.uniform(0.18, 0.85))
    radius = 0.042 + 0.050 * severity
    angle = np.arctan2(scene.y - y, scene.x - x)
    lobes = 1 + 0.04 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.025 * np.sin(3 * angle + rng.uniform(0, 6))
    lobes = lobes + 0.05 * texture(scene.size, 0.05, rng)
    depth = ball((scene.x - x) / lobes, (scene.y - y) / lobes, 0, 0, radius, radius * rng.uniform(0.85, 1.1))
    soft = depth * (0.1 + 0.9 * depth)
    _fill(scene, (0.34 + 0.50 * severity) * soft)
    scene.added += 0.06 * soft * scene.chest.inside


def _nodule(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """One to three round shadows of 1 to 3 cm."""
    for number in range(3):
        x, y = _place(scene, side, rng.uniform(0.40, 0.82), rng.uniform(0.12, 0.90))
        radius = (0.018 + 0.022 * severity) * rng.uniform(0.85, 1.15)
        if number < 1 + int(2.4 * severity * rng.uniform(0.6, 1.2)):
            depth = ball(scene.x, scene.y, x, y, radius, radius * rng.uniform(0.9, 1.1))
            scene.added += (0.46 + 0.48 * severity) * depth * depth * scene.chest.inside


def _pneumonia(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Patchy opacity of one lobe; the fissure gives it one sharp edge."""
    chest = scene.chest
    upper, lean = rng.random() < 0.35, rng.normal(0.0, 0.10)
    fissure = chest.down - (0.50 if upper else 0.58) - lean * (chest.across - 0.5)
    lobe = step(-fissure if upper else fissure, 0.05) * chest.on(side)
    lobe *= np.exp(-np.square((chest.down - (0.34 if upper else 0.80)) / 0.30))
    lobe *= np.exp(-np.square((chest.across - rng.uniform(0.40, 0.68)) / 0.34))
    patches = 0.78 + 0.16 * texture(scene.size, 0.05, rng) + 0.12 * texture(scene.size, 0.02, rng)
    _fill(scene, (0.22 + 0.52 * severity) * lobe * np.clip(patches, 0.1, 1.2))


def _pneumothorax(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """A visceral pleural line, black and without vessels between it and the wall, widest at the apex."""
    chest = scene.chest
    width = (0.022 + 0.150 * severity**1.3) * (1.40 - 0.80 * np.clip(chest.down, 0, 1.1))
    edge = chest.wall - width * (1 + 0.06 * texture(scene.size, 0.12, rng))
    free = step(-edge, 0.004) * chest.on(side)
    chest.markings *= 1 - free
    collapse = (0.03 + 0.18 * severity) * (1 - free) * chest.on(side)
    _fill(scene, collapse)
    chest.air *= 1 + 0.16 * free
    scene.added += (0.20 + 0.08 * severity) * bump(edge, 0.0040) * chest.inside * chest.on(side)


def _consolidation(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Dense, even opacity that hides the vessels and shows the air-filled bronchi."""
    x, y = _place(scene, side, rng.uniform(0.42, 0.62), rng.uniform(0.35, 0.92))
    radius = 0.070 + 0.075 * severity
    r = np.sqrt(np.square(scene.x - x) + np.square((scene.y - y) * 0.85))
    rough = 0.24 * texture(scene.size, 0.09, rng) + 0.07 * texture(scene.size, 0.025, rng)
    dense = step(radius * (1 + rough) - r, 0.065) * scene.chest.on(side)
    _fill(scene, (0.42 + 0.46 * severity) * dense)
    scene.chest.markings *= 1 - 0.8 * dense
    hilum = (0.085 if side else -0.085, 0.42)
    lines: list[Stroke] = []
    for _ in range(4):
        end = (x + rng.normal(0, 0.6 * radius), y + rng.normal(0, 0.6 * radius))
        bend = rng.normal(0, 0.015)
        points = [
            (hilum[0] + t * (end[0] - hilum[0]), hilum[1] + t * (end[1] - hilum[1]) + bend * t)
            for t in (0.3, 0.6, 0.8, 1)
        ]
        lines.append((points, [0.009, 0.008, 0.006, 0.004], 1.0))
    scene.added -= (0.14 + 0.18 * severity) * _lines(scene, lines) * dense * scene.chest.inside


def _edema(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Bat-wing haze around the hilum, full upper vessels, Kerley lines at the base."""
    chest = scene.chest
    wing = np.exp(-np.square((chest.out - 0.135) / 0.095) - np.square((scene.y - 0.47) / 0.155)) * chest.on(side)
    clouds = np.clip(0.80 + 0.25 * texture(scene.size, 0.03, rng), 0, 1.2)
    _fill(scene, ((0.06 + 0.46 * severity) * wing * clouds + 0.10 * severity) * chest.on(side))
    chest.markings *= 1 + (0.10 + 0.55 * severity) * step(0.5 - chest.down, 0.3) * chest.on(side)
    lines: list[Stroke] = []
    for number in range(7):
        x, y = _place(scene, side, 0.93, 0.66 + 0.055 * number + rng.uniform(-0.01, 0.01))
        reach = rng.uniform(0.02, 0.035)
        lines.append(([(x, y), (x - (reach if side else -reach), y + rng.normal(0, 0.003))], [0.004, 0.003], 1.0))
    scene.added += (0.08 + 0.32 * severity) * _lines(scene, lines) * chest.inside
    net = np.maximum(1 - 1.8 * np.abs(texture(scene.size, 0.024, rng)), 0)
    scene.added += 0.12 * severity * net * chest.inside * chest.on(side)


def _emphysema(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """Bullae: round areas without vessels in the upper zones; ``reshape`` has over-inflated the lung."""
    chest = scene.chest
    x, y = _place(scene, side, rng.uniform(0.5, 0.75), rng.uniform(0.15, 0.5))
    bulla = _patch(scene, side, (x, y), (0.07 + 0.04 * severity, 0.08 + 0.05 * severity))
    chest.markings *= 1 - np.clip(1.2 * bulla, 0, 1) * (0.4 + 0.6 * severity)
    chest.air *= 1 + 0.03 * severity * bulla


def _fibrosis(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """A coarse net of lines in the lower zone and towards the wall."""
    chest = scene.chest
    net = np.zeros_like(scene.x)
    for cell, width in ((0.019, 2.4), (0.012, 2.0)):
        net = np.maximum(net, np.maximum(1 - width * np.abs(texture(scene.size, cell, rng)), 0))
    where = step(chest.down - 0.60, 0.35) * (0.45 + 0.55 * np.clip(chest.across, 0, 1)) * chest.on(side)
    where = where + 0.25 * step(0.06 - chest.wall, 0.05) * chest.on(side)
    scene.added += (0.05 + 0.30 * severity) * net * where * chest.inside
    _fill(scene, 0.14 * severity * where)


def _pleural_thickening(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """A rim along the lateral wall, thicker as a cap over the apex, sharp towards the lung."""
    chest = scene.chest
    wave = 1 + 0.30 * texture(scene.size, 0.16, rng)
    cap = 1 + 1.0 * step(0.10 - chest.down, 0.10)
    rim = step((0.010 + 0.030 * severity) * wave * cap - chest.wall, 0.007) * chest.on(side)
    rim *= step(chest.wall + 0.006, 0.006) * step(1.12 - chest.down, 0.15)
    _fill(scene, 0.85 * rim)
    scene.added += (0.10 + 0.14 * severity) * rim


def _hernia(scene: Scene, side: int, severity: float, rng: Rng) -> None:
    """A round shadow behind the heart just above the diaphragm, with air over a fluid level."""
    del side
    radius = 0.036 + 0.054 * severity
    x = scene.body.shift + rng.uniform(0.015, 0.05)
    y = max(scene.body.dome) - 0.55 * radius - 0.01
    wall = ball(scene.x, scene.y, x, y, radius, 0.88 * radius)
    hollow = ball(scene.x, scene.y, x, y - 0.05 * radius, 0.82 * radius, 0.70 * radius)
    level = y + radius * rng.uniform(-0.05, 0.3)
    scene.heart[...] = np.maximum(scene.heart, 0.85 * np.clip(2.5 * wall, 0, 1))
    scene.added += 0.20 * np.clip(2.5 * wall, 0, 1) - (0.28 + 1.05 * severity) * hollow * step(level - scene.y, 0.006)


_DRAW: dict[str, Callable[[Scene, int, float, Rng], None]] = {
    "Atelectasis": _atelectasis,
    "Effusion": _effusion,
    "Infiltration": _infiltration,
    "Mass": _mass,
    "Nodule": _nodule,
    "Pneumonia": _pneumonia,
    "Pneumothorax": _pneumothorax,
    "Consolidation": _consolidation,
    "Edema": _edema,
    "Emphysema": _emphysema,
    "Fibrosis": _fibrosis,
    "Pleural_Thickening": _pleural_thickening,
    "Hernia": _hernia,
}
