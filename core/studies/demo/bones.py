"""The skeleton of the chest itself: spine and ribs."""

from __future__ import annotations

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, arch, bump, profile, step, texture, tube

Rng = np.random.Generator


def spine(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """The vertebral column with discs, end plates, pedicles and spinous processes."""
    bend = body.scoliosis * np.sin(np.float32(5.0) * (y - np.float32(body.rib_phase)))
    xs = x - np.float32(0.6 * body.shift) - bend
    half = profile(y, [0.0, 0.2, 0.6, 1.0], [0.034, 0.040, 0.047, 0.056])
    spacing = profile(y, [0.0, 1.0], [0.046, 0.078], smooth=0)
    phase = y / spacing + np.float32(body.rib_phase)
    phase = phase - np.floor(phase)
    aside = np.abs(xs)
    waist = half * (1 - 0.07 * bump(phase, 0.28) - 0.07 * bump(phase - 1, 0.28))
    disc = bump(phase - 0.5, 0.085)
    plate = bump(phase - 0.38, 0.05) + bump(phase - 0.62, 0.05)
    body_of = arch((waist - aside) * 40) * (0.34 - 0.17 * disc + 0.07 * plate)
    edge = 0.10 * bump(aside - waist + 0.004, 0.004)
    pedicle = bump(aside - 0.60 * half, 0.0075) * bump(phase - 0.98, 0.12)
    process = bump(xs, 0.006) * bump(phase - 0.30, 0.16)
    wings = 0.12 * bump(aside - 1.25 * half, 0.018) * bump(phase - 0.95, 0.13)
    grainy = 1 + 0.16 * texture(x.shape[0], 0.022, rng)
    seen = 1 - 0.5 * step(y - 0.42, 0.16)
    return seen * (body_of + edge * (1 - disc) + 0.20 * pedicle + 0.22 * process + wings) * grainy


def ribs(body: Body, across: Field, wall: Field, left: Field, y: Field, rng: Rng) -> Field:
    """Posterior ribs, nearly level and falling laterally, and fainter anterior ones, falling towards the midline.

    All ribs of one kind come from one phase field: y minus the rib's course, in units of the ribs' distance. The
    two sides differ a little in height, as in everyone who stands a little turned.
    """
    u = np.clip(across, 0, 1.1)
    u2 = u * u
    slope = np.float32(body.rib_slope)
    uneven = np.float32(body.rib_step) * (left - np.float32(0.5))
    high = y - np.float32(body.apex) - uneven
    cage = step(wall + 0.024, 0.006) * step(across - 0.09, 0.03)
    back = _posterior(body, u, slope, high, y, rng)
    drop = 0.165 * slope * (1 - u) * np.clip(0.55 + 1.1 * (y - 0.2), 0.4, 1.2) - 0.05 * u2 * u2 * u2
    apart = np.float32(1.26 * body.rib_gap)
    phase = (high - 0.112 - drop) / apart
    rib = np.floor(phase + 0.5)
    end = step(across - 0.40 - 0.025 * np.clip(rib, 0, 7), 0.10)
    away = (phase - rib) * apart
    front = (tube(away, 0.0165, 0.62) + 0.35 * bump(away - 0.0135, 0.0028)) * end * (rib >= 0) * (rib <= 5)
    rim = bump(wall + 0.003, 0.004) + 0.8 * bump(wall + 0.020, 0.005)
    shell = rim * step(high - 0.06, 0.08) * step(0.95 - y, 0.12) * (0.75 + 0.5 * np.minimum(back, 1))
    return cage * (0.30 * back * (0.62 + 0.38 * u) + 0.17 * front * u) + 0.20 * shell


def _posterior(body: Body, u: Field, slope: np.floating, high: Field, y: Field, rng: Rng) -> Field:
    """Depth of the posterior ribs: cortex bright above and below, brightest along the lower edge."""
    u2 = u * u
    fall = slope * (0.070 * u2 + 0.055 * u2 * u2 * u2) - 0.022 * bump(u - 0.22, 0.17)
    gap = np.float32(body.rib_gap) * (0.80 + 0.40 * np.clip(y, 0, 1))
    phase = (high - fall * np.clip(0.45 + 1.5 * high, 0.45, 1.2)) / gap + 0.4
    rib = np.floor(phase + 0.5)
    away = (phase - rib) * gap
    index = np.clip(rib, 0, 13).astype(np.intp)
    thick = np.take(rng.normal(1.0, 0.07, 14).astype(np.float32), index)
    strength = np.take(rng.normal(1.0, 0.12, 14).astype(np.float32), index) * (rib >= 0) * (rib <= 11)
    course = (1 - 0.25 * u) * thick
    bone = tube(away, 0.0150, 0.60) * course + 0.42 * bump(away - 0.0115, 0.0026) + 0.16 * bump(away + 0.0118, 0.0022)
    return bone * strength
