"""The skeleton of a frontal chest radiograph: spine, ribs, clavicles, scapulae, humeri."""

from __future__ import annotations

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, arch, ball, bump, profile, step, tube


def spine(body: Body, x: Field, y: Field) -> Field:
    """The vertebral column with discs, pedicles and spinous processes."""
    xs = x - np.float32(0.6 * body.shift)
    half = profile(y, [0.0, 0.2, 0.6, 1.0], [0.036, 0.042, 0.048, 0.056])
    spacing = profile(y, [0.0, 1.0], [0.044, 0.070], smooth=0)
    phase = y / spacing + np.float32(body.rib_phase)
    phase = phase - np.floor(phase)
    aside = np.abs(xs)
    column = arch((half - aside) * 22) * (0.36 - 0.13 * bump(phase - 0.5, 0.12)) * (1 - 0.45 * step(y - 0.45, 0.2))
    pedicle = bump(aside - 0.62 * half, 0.008) * bump(phase - 0.12, 0.13)
    process = bump(xs, 0.008) * bump(phase - 0.2, 0.2)
    wings = 0.10 * bump(aside - 1.25 * half, 0.02) * bump(phase - 0.2, 0.2)
    return column + 0.12 * pedicle + 0.12 * process + wings


def _along(x: Field, y: Field, a: tuple[float, float], b: tuple[float, float]) -> tuple[Field, Field]:
    """Position along the segment a-b (0 to 1) and signed distance from its line."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = float(np.hypot(dx, dy))
    along = (x - np.float32(a[0])) * np.float32(dx / length**2) + (y - np.float32(a[1])) * np.float32(dy / length**2)
    away = (x - np.float32(a[0])) * np.float32(-dy / length) + (y - np.float32(a[1])) * np.float32(dx / length)
    return along, away


def clavicles_and_shoulders(body: Body, x: Field, y: Field) -> Field:
    """Clavicles, the scapulae with their spines, and the humeri, alike on both sides but for the body's rotation."""
    out = np.abs(x) - np.where(x > 0, np.float32(0.6), np.float32(-0.6)) * np.float32(body.shift)
    top = 0.125 + body.clavicle
    along, away = _along(out, y, (0.028, top + 0.096), (0.375, top - 0.012))
    run = np.clip(along, 0, 1)
    sag = 0.007 * np.sin(np.float32(2 * np.pi) * run) + 0.010 * np.sin(np.float32(np.pi) * run)
    radius = 0.0130 + 0.006 * bump(run, 0.14) + 0.003 * run
    bone = 0.80 * tube((away + sag) / radius, 1.0, 0.55) * step(along, 0.02) * step(1 - along, 0.06)
    inward = 0.07 * body.scapula
    at = 0.470 - 0.3 * inward
    shaft = arch((0.029 - np.abs(out - at - 0.02 - 0.10 * (y - 0.2))) * 40) * step(y - 0.19, 0.06)
    bone += np.maximum(0.40 * ball(out, y, at, 0.175, 0.047, 0.052), 0.30 * shaft)
    along, away = _along(out, y, (0.350 - inward, 0.185), (0.385 - inward, 0.46))
    bow = 0.022 * np.sin(np.float32(np.pi) * np.clip(along, 0, 1)) - away
    tips = step(along, 0.10) * step(0.95 - along, 0.12)
    blade = step(bow, 0.006) * np.clip(1 - bow * 11, 0, 1)
    bone += tips * (0.17 * blade + 0.13 * bump(bow - 0.003, 0.005))
    along, away = _along(out, y, (0.355 - inward, 0.225), (0.455 - inward, 0.140))
    return bone + 0.20 * tube(away, 0.012, 0.4) * step(along, 0.2) * step(1 - along, 0.2)


def ribs(body: Body, across: Field, wall: Field, out: Field, y: Field) -> Field:
    """Posterior ribs, nearly level and falling laterally, and fainter anterior ones, falling towards the midline.

    All ribs of one kind come from one phase field: y minus the rib's course, in units of the ribs' distance.
    """
    u = np.clip(across, 0, 1.1)
    u2 = u * u
    u8 = np.square(np.square(u2))
    slope = np.float32(body.rib_slope)
    high = y - np.float32(body.apex)
    cage = step(wall + 0.024, 0.008) * step(out - 0.035, 0.012)
    fall = slope * (0.075 * u2 + 0.035 * u8) - 0.020 * bump(u - 0.15, 0.16)
    gap = np.float32(body.rib_gap) * (0.80 + 0.38 * np.clip(y, 0, 1))
    phase = (high - fall * np.clip(0.4 + 1.5 * high, 0.4, 1.15)) / gap + 0.4
    rib = np.floor(phase + 0.5)
    back = tube((phase - rib) * gap, 0.0150, 0.55) * (rib >= 0) * (rib <= 10)
    drop = 0.150 * slope * (1 - u) * np.clip(0.55 + 1.1 * (y - 0.2), 0.4, 1.2) - 0.045 * u2 * u2 * u2
    apart = np.float32(1.22 * body.rib_gap)
    phase = (high - 0.115 - drop) / apart
    rib = np.floor(phase + 0.5)
    end = step(across - 0.36 - 0.03 * np.clip(rib, 0, 7), 0.12)
    front = tube((phase - rib) * apart, 0.0165, 0.45) * end * (rib >= 0) * (rib <= 5)
    rim = bump(wall + 0.004, 0.005) + 0.7 * bump(wall + 0.019, 0.006)
    shell = rim * step(high - 0.06, 0.08) * step(0.9 - y, 0.1)
    return cage * (0.27 * back * (0.70 + 0.30 * u) + 0.14 * front * u) + 0.14 * shell
