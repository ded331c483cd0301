"""From attenuation to an 8-bit film: Beer-Lambert transmission, scatter, quantum noise, film curve, marker."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from core.studies.demo.body import Body
from core.studies.demo.canvas import Field, Stroke, grain, pixel_grid, step, strokes


def develop(attenuation: Field, body: Body, seed: int) -> np.ndarray:
    """Expose and develop: uint8 (size, size), black where the beam passes freely."""
    size = attenuation.shape[0]
    rng = np.random.default_rng([seed, 51])
    beam = np.exp(-ndimage.gaussian_filter(attenuation, body.blur * size / 224))
    beam += np.float32(body.scatter) * _spread(beam, 3.0)
    noise = grain(size, rng)
    noise = 0.55 * noise + 0.75 * ndimage.gaussian_filter(noise, 0.7)
    # Quantum noise: the fewer photons, the grainier.
    beam *= 1 + noise * np.float32(body.noise) / np.sqrt(beam + 0.02)
    opaque = -np.log(np.maximum(beam, 1e-4))
    grey = _curve(opaque * np.float32(body.contrast) + np.float32(body.exposure))
    grey = _process(grey, body)
    grey = _frame(grey, body, rng)
    grey = _mark(grey, body, rng)
    return np.clip(grey * 255 + 0.5, 0, 255).astype(np.uint8)


def _spread(field: Field, width: float) -> Field:
    """The field blurred over ``width`` 28ths of the film, computed on a coarse copy."""
    size = field.shape[0]
    coarse = Image.fromarray(field).resize((28, 28), Image.Resampling.BOX)
    spread = ndimage.gaussian_filter(np.asarray(coarse), width, mode="nearest")
    return np.asarray(Image.fromarray(spread).resize((size, size), Image.Resampling.BICUBIC))


def _process(grey: Field, body: Body) -> Field:
    """A digital film's processing: large differences are levelled out, edges stand out more."""
    level = np.float32(0.16 * body.crisp)
    grey = grey - level * (_spread(grey, 2.0) - np.float32(0.55))
    sharp = np.float32(0.55 * body.crisp)
    return grey + sharp * (grey - ndimage.gaussian_filter(grey, 0.011 * grey.shape[0], truncate=2.0))


def _curve(opaque: Field) -> Field:
    """The film's characteristic curve: toe in black air, near-straight lungs, shoulder in the abdomen."""
    t = np.maximum(opaque, 0) * np.float32(1 / 2.0)
    return np.float32(0.95) * (1 - np.exp(-np.power(t, np.float32(1.25)))) + np.float32(0.02)


def _frame(grey: Field, body: Body, rng: np.random.Generator) -> Field:
    """Collimation: some films have a dark, soft border on one edge or several."""
    x, y = pixel_grid(grey.shape[0])
    edges = rng.random(4) < 0.18
    inset = rng.uniform(0.004, 0.03, 4)
    for on, room, by in zip(edges, (x + 0.5, 0.5 - x, y, 1 - y), inset, strict=True):
        if on:
            grey = grey * (0.06 + 0.94 * step(room - np.float32(by), 0.004))
    return grey


def _mark(grey: Field, body: Body, rng: np.random.Generator) -> Field:
    """A lead letter at the side it names, in an upper corner; where and whether it lies there says nothing else."""
    dx, dy, tall = rng.uniform(0, 0.04), rng.uniform(0, 0.06), rng.uniform(0.030, 0.042)
    if not body.marker:
        return grey
    left = body.marker == "L"
    x0, y0 = (0.43 - dx, 0.03 + dy) if left else (-0.46 + dx, 0.03 + dy)
    wide = 0.6 * tall
    thick = 0.16 * tall
    stem = [(x0, y0), (x0, y0 + tall)]
    if left:
        shapes = [[*stem, (x0 + wide, y0 + tall)]]
    else:
        loop = [(x0, y0), (x0 + wide, y0 + 0.1 * tall), (x0 + wide, y0 + 0.4 * tall), (x0, y0 + 0.5 * tall)]
        shapes = [stem, loop, [(x0 + 0.3 * wide, y0 + 0.5 * tall), (x0 + wide, y0 + tall)]]
    lines: list[Stroke] = [(shape, [thick] * len(shape), 1.0) for shape in shapes]
    ink = strokes(grey.shape[0], lines)
    return grey + (0.96 - grey) * ink
