"""One person on one film: every number that the anatomy is drawn from, and how findings reshape it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

RATIO = 0.435
"""Cardiothoracic ratio of a heart of size 1 in a chest of width 1."""


@dataclass(kw_only=True)
class Shoulder:
    """One shoulder girdle on one film; lengths in image widths, angles in radians."""

    medial: float
    """y of the clavicle's sternal end."""
    rise: float
    """How much higher its lateral end lies."""
    bow: float
    """Depth of its S."""
    out: float
    """Displacement of the whole girdle away from the midline."""
    drop: float
    turn: float
    """Turn of the scapula; positive brings its lower tip towards the midline."""
    arm: float
    """Angle of the upper arm from the vertical."""
    scale: float


@dataclass(kw_only=True)
class Body:
    """Lengths in image widths, see ``canvas``; pairs are (right, left) of the patient."""

    female: bool
    age: float
    portable: bool
    """AP film of a bed-ridden patient: magnified heart, high diaphragm, poorer film."""
    fat: float
    """Habitus, about -1 (thin) to 2 (obese)."""
    torso: float
    chest: list[float]
    """Width of each lung relative to the mean."""
    apex: float
    taper: float
    """How much wider the upper chest is than the mean."""
    dome: list[float]
    """y of each hemidiaphragm's top."""
    dome_bend: list[float]
    heart: float
    heart_tilt: float
    heart_drop: float
    knob: float
    shift: float
    """Displacement of heart, trachea and spine against the ribs: rotation of the patient."""
    scapula: float
    """How far the scapulae lie over the lungs, 0 (rolled aside) to 1."""
    shoulders: list[Shoulder]
    scoliosis: float
    rib_step: float
    """Difference in height of the two sides' ribs."""
    rib_gap: float
    rib_slope: float
    rib_phase: float
    breast: float
    bubble: float
    air: list[float]
    """Radiolucency of each lung relative to the mean."""
    vessels: float
    coarse: float
    """Harmless coarse markings that come with age and smoking, 0 to 1: they look like mild fibrosis."""
    # Position and film
    tilt: float
    move: tuple[float, float]
    zoom: float
    exposure: float
    contrast: float
    noise: float
    scatter: float
    blur: float
    crisp: float
    """Edge enhancement and levelling of the digital film, 0 (plain film) to 1."""
    marker: str

    def place(self, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        """Points from body to image coordinates: the inverse of the change that ``build_scene`` makes."""
        zoom, (dx, dy) = self.zoom, self.move
        # x - tilt * y, written out as one linear map: this runs for every point of every vessel.
        lean, down = self.tilt * zoom, dy + 0.5 - 0.5 * zoom
        right = dx - self.tilt * (dy - 0.5 * zoom)
        return [(zoom * x - lean * y + right, zoom * y + down) for x, y in points]


def draw_body(row: Mapping[str, Any]) -> Body:
    """Draw a healthy body from ``body_seed`` and its stance from ``render_seed``; findings play no part."""
    lasting = np.random.default_rng([int(row["body_seed"]), 31])
    n = lasting.normal
    age = float(row["age"])
    female = row.get("sex") == "F"
    portable = row.get("view") == "AP"
    fat = float(np.clip(n(0.2, 0.75) + 0.004 * (min(age, 60) - 35), -1.0, 2.0))
    wide = n(1.0, 0.05) - 0.05 * female - 0.02 * max(0.0, 16 - age) / 16
    body = {
        "fat": fat,
        "torso": 0.455 + 0.028 * fat + n(0, 0.008) - 0.02 * female,
        "chest": [wide * n(1, 0.015), wide * n(1, 0.015)],
        "apex": n(0.125, 0.014),
        "taper": n(0.0, 0.05),
        "heart": n(1.0, 0.05) + 0.04 * fat + 0.0012 * (age - 45),
        "heart_tilt": n(0, 1) * 0.6 + 0.3 * fat,
        "heart_drop": n(0, 0.010),
        "knob": max(0.4, n(0.85, 0.12) + 0.007 * (age - 45)),
        "rib_gap": n(0.0585, 0.0025),
        "rib_slope": n(1, 0.18),
        "rib_phase": lasting.uniform(0, 1),
        "scoliosis": n(0, 0.003) + 0.00006 * (age - 30) * n(0, 1),
        "girdle": [(n(0.024, 0.004), n(1, 0.04)) for _ in (0, 1)],
        "breast": max(0.1, n(0.75, 0.35) + 0.25 * fat) if female and age > 13 else max(0.0, n(-0.05, 0.15) + 0.1 * fat),
        "vessels": max(0.5, n(0.95, 0.16)),
        "coarse": float(np.clip(lasting.gamma(1.3, 0.16) + 0.002 * (age - 40), 0, 0.9)),
    }
    lift = lasting.normal(0.024, 0.008)
    dome = n(0.685, 0.022) - 0.010 * fat
    return _position(body, dome, lift, female, age, portable, int(row["render_seed"]))


def _position(
    body: dict[str, Any], dome: float, lift: float, female: bool, age: float, portable: bool, seed: int
) -> Body:
    """The same body on one film: breath, stance, exposure."""
    passing = np.random.default_rng([seed, 32])
    n = passing.normal
    breath = n(0, 0.014) - (0.045 if portable else 0.0)
    poor = 1.0 if portable else 0.0
    # A healthy heart stays under half of the rib cage; on an AP film it lies further from the plate and looks larger.
    body["heart"] = min(body["heart"] * (1.10 if portable else 1.0) - 0.6 * breath, 1.24 if portable else 1.10)
    body["air"] = [n(0.98, 0.03) - 0.10 * poor, 0.0]
    body["air"][1] = body["air"][0] * n(1, 0.015)
    shift = n(0, 0.007 + 0.008 * poor)
    right, left = body.pop("girdle")
    shoulders = [_shoulder(n, poor, -shift, right), _shoulder(n, poor, shift, left)]
    return Body(
        female=female,
        age=age,
        portable=portable,
        dome=[dome + breath, dome + breath + lift],
        dome_bend=[n(1, 0.1), n(1, 0.1)],
        shift=shift,
        scapula=float(np.clip(n(0.15, 0.18) + 0.65 * poor, 0, 1.2)),
        shoulders=shoulders,
        rib_step=n(0, 0.005 + 0.004 * poor),
        bubble=max(0.0, n(0.5, 0.45)),
        tilt=n(0, 0.018 + 0.02 * poor),
        move=(n(0, 0.014 + 0.008 * poor), n(0.0, 0.018) + 0.012 * poor),
        zoom=float(np.clip(n(1.03, 0.035) - 0.02 * body["fat"], 0.9, 1.15)),
        exposure=n(0.06, 0.15 + 0.05 * poor),
        contrast=n(1.0, 0.08) - 0.08 * poor,
        noise=float(np.clip(n(0.011, 0.003) + 0.008 * poor, 0.004, 0.04)),
        scatter=float(np.clip(n(0.03, 0.01) + 0.02 * poor + 0.012 * body["fat"], 0.008, 0.12)),
        blur=float(np.clip(n(0.45, 0.08) + 0.25 * poor, 0.3, 1.0)),
        crisp=float(np.clip(passing.beta(1.6, 1.6), 0, 1)),
        marker=str(passing.choice(["L", "R", ""], p=[0.5, 0.3, 0.2])),
        **body,
    )


def _shoulder(n: Callable[..., float], poor: float, turned: float, girdle: tuple[float, float]) -> Shoulder:
    """One side's girdle; the side that the patient turns to the film (``turned`` > 0) shows a shorter clavicle."""
    return Shoulder(
        medial=n(0.218, 0.008) - 0.016 * poor,
        rise=n(0.100, 0.016) - 0.030 * poor,
        bow=girdle[0] * n(0.55, 0.12),
        out=n(0, 0.010) - 0.5 * turned,
        drop=n(0, 0.014),
        turn=n(-0.14, 0.08) + 0.16 * poor,
        arm=float(np.clip(n(0.55, 0.22) - 0.30 * poor, 0.02, 1.1)),
        scale=girdle[1],
    )


def reshape(body: Body, row: Mapping[str, Any]) -> None:
    """Apply the findings that move organs: heart size, lung volume, diaphragm, mediastinum."""
    severity = {name: severity_of(row, name) for name in ("Cardiomegaly", "Emphysema", "Atelectasis", "Fibrosis")}
    _enlarge_heart(body, severity["Cardiomegaly"])
    if severity["Emphysema"] > 0:
        s = 0.10 + 0.80 * severity["Emphysema"]
        body.heart *= 1 - 0.20 * s
        for i in (0, 1):
            body.dome[i] += 0.075 * s
            body.dome_bend[i] *= 1 - 0.75 * s
            body.air[i] *= 1 + 0.20 * s
            body.chest[i] *= 1 + 0.05 * s
        body.vessels *= 1 - 0.45 * s
        body.rib_slope *= 1 - 0.35 * s
    for name, rise in (("Atelectasis", 0.060), ("Fibrosis", 0.030)):
        s = severity[name]
        for i in sides(row, name):
            body.dome[i] -= rise * s
        if name == "Atelectasis" and s > 0 and row.get("side:Atelectasis") in ("left", "right"):
            body.shift += 0.020 * s * (1 if row["side:Atelectasis"] == "left" else -1)


def _enlarge_heart(body: Body, severity: float) -> None:
    """Cardiomegaly: the heart takes more than half of the rib cage's width, however small it was."""
    if severity > 0:
        least = (0.525 + 0.10 * severity) * sum(body.chest) / 2 / RATIO
        body.heart = max(body.heart * (1.06 + 0.22 * severity), least)


def severity_of(row: Mapping[str, Any], name: str) -> float:
    """Severity of a finding in [0, 1]; 0 where the row does not show it, whatever its severity column says."""
    if float(row.get(f"finding:{name}", 0.0)) != 1.0:
        return 0.0
    return float(np.clip(row.get(f"severity:{name}", 0.5), 0.0, 1.0))


def sides(row: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """Which lungs a finding touches: 0 is the patient's right (image left), 1 the left."""
    if severity_of(row, name) == 0.0:
        return ()
    return {"right": (0,), "left": (1,)}.get(str(row.get(f"side:{name}")), (0, 1))
