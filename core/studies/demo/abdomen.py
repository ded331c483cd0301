"""Below the diaphragm: liver, spleen, the gas of stomach and bowel."""

from __future__ import annotations

import numpy as np

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, ball, step, texture
from core.studies.demo.chest import Chest

Rng = np.random.Generator


def draw_abdomen(body: Body, x: Field, y: Field, chest: Chest, rng: Rng) -> Field:
    """Attenuation below the domes: dense liver on the patient's right, gas-filled fundus and colon on the left."""
    size = x.shape[0]
    under = step(-chest.base, 0.02) * step(chest.wall + 0.02, 0.03)
    cloud = texture(size, 0.13, rng)
    # The liver reaches over the midline and ends in an oblique lower edge.
    edge = 0.99 - y - 0.55 * np.maximum(x + 0.05, 0) + 0.02 * cloud
    liver = (0.34 + 0.05 * cloud) * step(edge, 0.05) * step(0.16 - x, 0.12)
    spleen = 0.22 * ball(x, y, 0.33, body.dome[1] + 0.12, 0.10, 0.13)
    rest = 0.20 + 0.06 * texture(size, 0.05, rng)
    gas = _stomach(body, x, y, rng) + _bowel(body, x, y, rng)
    deep = step(-chest.base - 0.016, 0.008)
    return under * (rest + liver + spleen) - deep * gas * (1 + 0.10 * cloud)


def _stomach(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """Air in the fundus under the left dome; erect (PA) it ends below in a fluid level, supine it is a soft oval."""
    big, wide = 0.030 + 0.030 * body.bubble, rng.uniform(1.2, 1.7)
    x0 = rng.normal(0.165, 0.015)
    y0 = body.dome[1] + 0.020 + big + 0.25 * body.dome_bend[1] * (x0 - 0.165) ** 2
    flat, folds = rng.uniform(0.1, 0.7), rng.uniform(0, 6.28)
    if body.bubble < 0.15:
        return np.zeros_like(x)
    # Folds of the stomach's wall keep the outline from being an ellipse.
    angle = np.arctan2(y - np.float32(y0), x - np.float32(x0))
    lobes = 1 + 0.06 * np.sin(3 * angle + np.float32(folds)) + 0.03 * np.sin(5 * angle)
    depth = ball((x - np.float32(x0)) / lobes, (y - np.float32(y0)) / lobes, 0, 0, wide * big, big)
    if not body.portable:
        depth = depth * step(np.float32(y0 + flat * big) - y, 0.006)
    return np.float32(0.95 * min(1.0, body.bubble + 0.25)) * depth


def _bowel(body: Body, x: Field, y: Field, rng: Rng) -> Field:
    """Gas in the splenic flexure, as a chain of haustra, and now and then a loop in the middle of the abdomen."""
    total = np.zeros_like(x)
    shown, loops = rng.random() < 0.30, int(rng.integers(0, 4))
    xs, ys = rng.uniform(0.20, 0.27), body.dome[1] + rng.uniform(0.13, 0.17)
    chain = [(xs + 0.016 * k - 0.007 * k * k, ys + 0.026 * k, rng.uniform(0.020, 0.032)) for k in range(5)]
    free = [(rng.uniform(-0.10, 0.22), rng.uniform(0.90, 0.99), rng.uniform(0.013, 0.024)) for _ in range(3)]
    for x0, y0, r in (chain if shown else []) + free[:loops]:
        top, end = np.searchsorted(y[:, 0], [y0 - r, y0 + r])
        bean = ball(x[top:end], y[top:end] + 0.3 * (x[top:end] - x0), x0, y0, 1.35 * r, r)
        total[top:end] = np.maximum(total[top:end], bean)
    return 0.40 * np.minimum(1.6 * total * total, 1)
