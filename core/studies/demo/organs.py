"""Soft tissue of the chest: outline, breasts, airways, hila, heart and great vessels."""

from __future__ import annotations

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, arch, ball, bump, profile, step, texture

Rng = np.random.Generator


def torso(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """Skin, fat and muscle: the outline with shoulders, and its thickness along the beam."""
    t = body.torso
    wide = t + 0.10
    knots = [-0.2, 0.0, 0.04, 0.07, 0.100, 0.140, 0.20, 0.30, 0.42, 0.50, 0.58, 0.70, 1.2]
    neck = 0.100 + 0.012 * body.fat
    half = [neck, neck, neck + 0.010, neck + 0.04, 0.245, 0.40, wide - 0.02, wide + 0.03, wide]
    half += [t + 0.045, t + 0.012, t, t + 0.01]
    edges = [
        profile(y - np.float32(0.7 * s.drop + 0.3 * (s.medial - 0.218)), knots, half, smooth=0.018)
        for s in body.shoulders
    ]
    outline = np.where(x > 0, edges[1], edges[0])
    edge = np.clip(1 - np.square(x / outline), 0, 1)
    depths = [1.80, 2.15, 2.6, 2.85, 3.0, 3.1, 3.15]
    thick = profile(y, [0.0, 0.12, 0.2, 0.35, 0.6, 0.75, 1.0], depths) * (1 + 0.10 * body.fat)
    # Arms and axillae are thinner than the chest; muscle and skin folds keep them from being even.
    uneven = 1 + 0.025 * texture(x.shape[0], 0.09, rng)
    thick = thick * (1 - 0.38 * step(np.abs(x) - 0.37, 0.13)) * uneven
    # A layer of fat under the skin lets more of the beam through than the muscle beside it.
    fat = 0.10 * bump(edge - np.float32(0.10 + 0.03 * body.fat), 0.05) * step(y - 0.35, 0.2)
    return thick * np.sqrt(edge) * (1 - fat)


def folds(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """What lies over a bedridden patient's chest now and then: a fold of skin (an edge, not a line), the chin."""
    fold, chin, sign = rng.random() < 0.18, rng.random() < 0.22, rng.choice([-1, 1])
    start, lean, x0 = rng.uniform(0.22, 0.28), rng.uniform(0.02, 0.14), rng.normal(0, 0.02)
    total = np.zeros_like(x)
    if body.portable and fold:
        inward = start + lean * (y - 0.2) - 0.10 * np.square(y - 0.5) - sign * x
        total += 0.16 * step(inward, 0.004) * np.exp(-np.maximum(inward, 0) * 16) * bump(y - 0.45, 0.22)
    if body.portable and chin:
        total += 1.1 * ball(x - np.float32(x0), y, 0, -0.03, 0.115, 0.105)
    return total


def airways(body: Body, x: Field, y: Field) -> Field:
    """Trachea and main bronchi: missing tissue. The aortic arch pushes the trachea a little to the right."""
    middle = np.float32(body.shift) - 0.010 * body.knob * bump(y - 0.29, 0.075)
    xs = x - middle
    width = profile(y, [0.0, 0.10, 0.16, 0.34, 0.40], [0.015, 0.018, 0.0225, 0.0235, 0.030])
    tube = arch((width - np.abs(xs)) * 55) * step(0.372 - y, 0.03) * (0.55 + 0.45 * step(y - 0.06, 0.12))
    fork = y - 0.362
    span = step(fork, 0.02) * step(0.075 - fork, 0.04)
    right = arch((0.015 - np.abs(x - middle + 0.72 * fork + 0.006)) * 70) * span
    left = arch((0.012 - np.abs(x - middle - 1.15 * fork - 0.004)) * 70) * span
    return -0.66 * tube - 0.34 * np.maximum(right, left)


def hila(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """Arteries and veins at the roots of the lungs: the descending arteries as commas, knots above them."""
    total = np.zeros_like(x)
    for sign, y0 in ((-1, 0.430), (1, 0.405)):
        out = sign * (x - np.float32(body.shift)) - np.float32(rng.normal(0, 0.005))
        y1 = y - np.float32(y0 + rng.normal(0, 0.008))
        way = 0.078 + 0.55 * np.maximum(y1 + 0.03, 0) * (1 - 2.2 * np.maximum(y1, 0))
        comma = bump(out - way, 0.0175) * step(y1 + 0.045, 0.035) * step(0.085 - y1, 0.075)
        knot = np.exp(-np.square((out - 0.083) / 0.023) - np.square((y1 + 0.030) / 0.022))
        cloud = np.exp(-np.square((out - 0.080) / 0.042) - np.square(y1 / 0.065))
        total += 0.55 * comma + 0.32 * knot + 0.26 * cloud
    return total * (1 + 0.22 * texture(x.shape[0], 0.02, rng))


def breasts(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """Breast shadows: they fade upwards and end in a soft crescent below; the two are never quite alike."""
    total = np.zeros_like(x)
    uneven = rng.normal(0, 1, (2, 3))
    if body.breast <= 0.05:
        return total
    for sign, (dx, dy, more) in zip((-1, 1), uneven, strict=True):
        size = (0.66 + 0.36 * min(body.breast, 1.4)) * (1 + 0.05 * more)
        low, middle = 0.66 + 0.07 * size + 0.012 * dy, 0.225 + 0.010 * dx
        out = sign * x - np.float32(middle)
        shadow = ball(out, y, 0, low - 0.13 * size, 0.165 * size, 0.15 * size)
        crescent = np.exp(-np.square((low - y - 0.9 * np.square(out)) / 0.055))
        total += np.float32(0.85 * body.breast**0.7) * shadow * shadow * (0.55 + 0.75 * crescent)
    return total


def mediastinum(body: Body, x: Field, y: Field) -> Field:
    """Depth of heart, great vessels and aortic knob, 0 to 1, inside one smooth outline."""
    xs = x - np.float32(body.shift)
    y0, floor = _heart_span(body)
    width = np.where(xs < 0, _right_border(body, y), _left_border(body, y))
    low = np.clip((y - y0 + 0.06) / 0.14, 0, 1)
    solid = arch((width - np.abs(xs)) / (0.42 * width + 0.006 + 0.018 * (1 - low)))
    return solid * step(floor + 0.02 - y, 0.05) * (0.56 + 0.44 * low) * step(y - 0.06, 0.3)


def _heart_span(body: Body) -> tuple[float, float]:
    """y where the heart begins below the great vessels, and where it rests on the diaphragm."""
    return 0.355 + body.heart_drop, max(body.dome) + 0.035


def _right_border(body: Body, y: Field) -> Field:
    """Superior vena cava, straight; right atrium, convex."""
    h = body.heart
    y0, floor = _heart_span(body)
    knots = [0.0, 0.15, 0.24, 0.34, *(y0 + (floor - y0) * np.array([0.14, 0.36, 0.60, 0.80, 0.95])), floor + 0.03]
    half = [0.050, 0.050, 0.054, 0.056, 0.062, 0.098 * h, 0.117 * h, 0.116 * h, 0.098 * h, 0.07 * h]
    return profile(y, knots, half, smooth=0.013)


def _left_border(body: Body, y: Field) -> Field:
    """Aortic knob, window, pulmonary trunk, and the left ventricle with its rounded apex."""
    h, fill = body.heart, body.heart_tilt
    y0, floor = _heart_span(body)
    knob = 0.034 + 0.034 * body.knob
    knots = [0.0, 0.15, 0.235, 0.265, 0.295, 0.345]
    knots += [*(y0 + (floor - y0) * np.array([0.12, 0.24, 0.38, 0.52, 0.66, 0.78, 0.88, 0.96])), floor + 0.03]
    half = [0.046, 0.046, knob + 0.004, knob + 0.017, knob + 0.012, 0.058, 0.076, 0.088 + 0.02 * (h - 1)]
    half += [(0.120 + 0.006 * fill) * h, (0.156 + 0.008 * fill) * h, (0.190 + 0.006 * fill) * h]
    half += [0.212 * h, 0.216 * h, 0.200 * h, 0.15 * h]
    return profile(y, knots, half, smooth=0.011)


def aorta(body: Body, x: Field, y: Field) -> Field:
    """The descending aorta behind the heart: its left edge runs from the knob to the spine's left side."""
    xs = x - np.float32(0.8 * body.shift)
    edge = profile(y, [0.25, 0.34, 0.5, 0.72], [0.058, 0.056, 0.052, 0.040]) + np.float32(0.008 * (body.knob - 1))
    return 0.07 * step(edge - xs, 0.008) * step(xs, 0.05) * step(y - 0.30, 0.05) * step(0.80 - y, 0.08)
