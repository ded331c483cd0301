"""Clavicles, scapulae and humeri: every side has its own, as no one stands straight before the film."""

from __future__ import annotations

import numpy as np

from core.studies.demo.body import Body, Shoulder
from core.studies.demo.canvas import Field, Shape, bump, shapes, step, tube

_COURSE = np.linspace(0, 1, 256, dtype=np.float32)

# Points relative to the glenoid, x away from the midline, y down.
_BLADE = (
    (-0.020, -0.036),
    (-0.004, -0.024),
    (0.004, 0.000),
    (-0.002, 0.024),
    (-0.022, 0.060),
    (-0.050, 0.150),
    (-0.068, 0.225),
    (-0.083, 0.235),
    (-0.098, 0.190),
    (-0.120, 0.080),
    (-0.124, 0.020),
    (-0.108, -0.052),
    (-0.060, -0.040),
)
_LATERAL_EDGE = ((-0.004, 0.020), (-0.022, 0.060), (-0.050, 0.150), (-0.072, 0.232))
_MEDIAL_EDGE = ((-0.083, 0.235), (-0.098, 0.190), (-0.120, 0.080), (-0.124, 0.020), (-0.108, -0.052))
_GLENOID = ((0.000, -0.024), (0.007, 0.0), (-0.002, 0.026))
_SPINE = ((-0.116, 0.000), (-0.060, -0.026), (-0.010, -0.052), (0.040, -0.066))
_SPINE_BELOW = ((-0.112, 0.012), (-0.056, -0.008), (-0.004, -0.034), (0.042, -0.052))
_CORACOID = (-0.022, -0.036)
_HEAD = (0.044, -0.002)


def clavicles(body: Body, x: Field, y: Field) -> Field:
    """Both clavicles, attenuation of the shape of ``x``: an S from the flared sternal end to the acromion."""
    total = np.zeros_like(x)
    top, end = np.searchsorted(y[:, 0], [0.0, 0.36])
    for sign, shoulder in ((-1, body.shoulders[0]), (1, body.shoulders[1])):
        out = sign * (x[top:end] - np.float32(0.7 * body.shift))
        total[top:end] += _clavicle(out, y[top:end], shoulder)
    return total


def _clavicle(out: Field, y: Field, shoulder: Shoulder) -> Field:
    u = _COURSE
    inner, outer = 0.030, 0.385 + shoulder.out
    rise = np.sin(np.float32(np.pi / 2) * u) ** np.float32(1.15)
    course = shoulder.medial - shoulder.rise * rise - shoulder.bow * np.sin(np.float32(2 * np.pi) * u)
    slope = np.gradient(course, (outer - inner) / (len(u) - 1))
    radius = 0.0106 + 0.0062 * bump(u, 0.13) + 0.0022 * bump(u - 1, 0.25)
    steep = (1 / (np.sqrt(1 + slope * slope) * radius)).astype(np.float32)
    run = (out - np.float32(inner)) * np.float32(1 / (outer - inner))
    at = np.clip(run * 255, 0, 255).astype(np.intp)
    away = (y - np.take(course.astype(np.float32), at)) * np.take(steep, at)
    bone = tube(away, 1.0, 0.62) * (1 - 0.35 * step(run - 0.75, 0.3))
    return np.float32(0.62) * bone * step(run, 0.03) * step(1 - run, 0.05)


def girdles(body: Body, size: int) -> Field:
    """Both scapulae and humeri, attenuation (size, size)."""
    drawn: list[Shape] = []
    for sign, shoulder in ((-1, body.shoulders[0]), (1, body.shoulders[1])):
        drawn += _girdle(shoulder, sign, body)
    return np.float32(0.80) * shapes(size, drawn)


def _girdle(shoulder: Shoulder, sign: int, body: Body) -> list[Shape]:
    cos, sin = np.cos(shoulder.turn), np.sin(shoulder.turn)
    x0, y0 = 0.410 + shoulder.out - 0.050 * body.scapula, 0.185 + shoulder.drop

    def at(points: object, turned: bool = True) -> list[tuple[float, float]]:
        p = np.asarray(points, dtype=float) * shoulder.scale
        if turned:
            p = np.stack([p[:, 0] * cos - p[:, 1] * sin, p[:, 0] * sin + p[:, 1] * cos], axis=1)
        return body.place([(sign * (x0 + px), y0 + py) for px, py in p])

    around = np.linspace(0, 2 * np.pi, 25)
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)
    arm = shoulder.arm
    far = (_HEAD[0] + 0.8 * np.sin(arm), _HEAD[1] + 0.8 * np.cos(arm))
    side = np.array([0.021 * np.cos(arm), -0.021 * np.sin(arm)])
    shaft = [_HEAD + side + (0.004, 0), far + side, far - side, _HEAD - side]
    return [
        (at(_BLADE), 0.20, 0, 0.0),
        (at(shaft, False), 0.20, 0.005, 0.27),
        (at(_HEAD + 0.047 * ring, False), 0.32, 0.004, 0.42),
        (at(_LATERAL_EDGE), None, 0.0075, 0.55),
        (at(_MEDIAL_EDGE), None, 0.0035, 0.30),
        (at(_SPINE), None, 0.0055, 0.42),
        (at(_SPINE_BELOW), None, 0.0035, 0.36),
        (at(_GLENOID), None, 0.0065, 0.66),
        (at(np.add(_CORACOID, 0.013 * ring)), 0.38, 0.0035, 0.62),
    ]
