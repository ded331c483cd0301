"""Drawing tools of the demo radiographs: grids, soft edges, smooth random fields and tapering strokes.

One unit of length is the width of the image (about 38 cm); x grows to the image's right, which is the patient's
left, from -0.5 to 0.5, and y grows downwards from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Field = NDArray[np.floating[Any]]
Stroke = tuple[Sequence[tuple[float, float]], Sequence[float], float]
"""Points (x, y), the width at each point, and the strength in [0, 1]."""
Shape = tuple[Sequence[tuple[float, float]], float | None, float, float]
"""Points (x, y), the grey inside in [0, 1] (None: an open line), and width and grey in [0, 1] of the outline."""

_TABLE = 601
_KNOTS = np.linspace(-0.25, 1.25, _TABLE)
_SHEET = 700


@lru_cache(maxsize=4)
def pixel_grid(size: int) -> tuple[Field, Field]:
    """x of the pixel centres as (1, size) and y as (size, 1), float32."""
    line = (np.arange(size, dtype=np.float32) + 0.5) / np.float32(size)
    x, y = line[None, :] - np.float32(0.5), line[:, None].copy()
    x.setflags(write=False)
    y.setflags(write=False)
    return x, y


def curve(knots: Sequence[float], values: Sequence[float], smooth: float = 0.02) -> Field:
    """A smooth curve through (knots, values), tabulated over [-0.25, 1.25] for ``lookup``."""
    table = np.interp(_KNOTS, knots, values)
    if smooth > 0:
        table = ndimage.gaussian_filter1d(table, smooth * _TABLE / 1.5, mode="nearest")
    return table.astype(np.float32)


def lookup(table: Field, at: Field) -> Field:
    """Values of a ``curve`` at ``at``; outside the table its end values hold."""
    return np.interp(at, _KNOTS, table).astype(np.float32)


def profile(y: Field, knots: Sequence[float], values: Sequence[float], smooth: float = 0.02) -> Field:
    """A smooth curve through (knots, values) at ``y``, in the shape of ``y``."""
    return lookup(curve(knots, values, smooth), y)


def step(distance: Field, width: float) -> Field:
    """0 to 1 across ``distance`` = 0, smoothly within +- ``width``."""
    t = np.clip(distance * np.float32(0.5 / width) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def bump(distance: Field, width: float) -> Field:
    """exp(-(distance / width)^2): 1 at 0, soft on both sides."""
    return np.exp(-np.square(distance * np.float32(1 / width)))


def arch(t: Field) -> Field:
    """Depth of a rounded body at a share ``t`` of its radius from its edge: 0 below 0, 1 above 1, a circle between."""
    rest = 1 - np.clip(t, 0, 1)
    return np.sqrt(np.maximum(1 - rest * rest, 0))


def ball(x: Field, y: Field, x0: float, y0: float, rx: float, ry: float) -> Field:
    """Depth in [0, 1] of an ellipsoid seen from the front."""
    return np.sqrt(np.maximum(1 - np.square((x - x0) / rx) - np.square((y - y0) / ry), 0))


def tube(distance: Field, radius: float, hollow: float) -> Field:
    """Depth of a tube at ``distance`` from its axis; ``hollow`` > 0 takes its marrow out and leaves the cortex."""
    full = np.sqrt(np.maximum(1 - np.square(distance / radius), 0))
    if hollow <= 0:
        return full
    return full - hollow * np.sqrt(np.maximum(0.62 - np.square(distance / radius), 0))


@lru_cache(maxsize=1)
def _noise_image() -> Image.Image:
    """Smooth noise, mean 0, variance 1, correlated over about four cells; wider than any window cut from it."""
    rng = np.random.default_rng(77)
    side = _SHEET + 512
    sheet = ndimage.gaussian_filter(rng.standard_normal((side, side), dtype=np.float32), 2.0, mode="wrap")
    return Image.fromarray(sheet / sheet.std())


def texture(size: int, cell: float, rng: np.random.Generator) -> Field:
    """A smooth random field (size, size), mean 0 and variance 1, with structure of about ``cell`` of the image.

    A window at a random place of one shared noise sheet, scaled and flipped; ``cell`` is at least 0.008.
    """
    extent = 4.0 / cell
    v0, u0 = rng.uniform(0, _SHEET, 2)
    flips = rng.integers(0, 8)
    corner = (float(u0), float(v0), float(u0) + extent, float(v0) + extent)
    field = _noise_image().resize((size, size), Image.Resampling.BILINEAR, box=corner)
    array = np.asarray(field, dtype=np.float32)
    array = array[::-1] if flips & 1 else array
    array = array[:, ::-1] if flips & 2 else array
    return array.T if flips & 4 else array


def grain(size: int, rng: np.random.Generator) -> Field:
    """White noise (size, size), mean 0 and variance 1."""
    return rng.standard_normal((size, size), dtype=np.float32)


def strokes(size: int, lines: Iterable[Stroke], over: int = 3) -> Field:
    """Antialiased tapering strokes, float32 (size, size) in [0, 1]; where strokes cross, the later one lies on top."""
    wide = size * over
    image = Image.new("L", (wide, wide), 0)
    draw = ImageDraw.Draw(image)
    for points, widths, strength in lines:
        xy = [((x + 0.5) * wide, y * wide) for x, y in points]
        first, pen = 0, _pen(widths[0] * wide, strength)
        for i in range(1, len(xy)):
            following = _pen(widths[i] * wide, strength) if i < len(xy) - 1 else None
            if following != pen:
                # Segments of one width and strength are one call.
                draw.line(xy[first : i + 1], fill=pen[1], width=pen[0])
                first, pen = i, following or pen
    return _shrunk(image, size)


def _pen(width: float, strength: float) -> tuple[int, int]:
    """Width in drawn pixels and grey; a stroke under two pixels is drawn fainter, so that it fades out smoothly."""
    return max(1, round(width)), int(255 * strength * min(1.0, max(0.5 * width, 0.05)))


def shapes(size: int, drawn: Iterable[Shape], over: int = 2) -> Field:
    """Antialiased filled outlines, float32 (size, size) in [0, 1]; a later shape covers an earlier, fainter one."""
    wide = size * over
    total = Image.new("L", (wide, wide), 0)
    draw = ImageDraw.Draw(total)
    for points, fill, width, strength in drawn:
        xy = [((x + 0.5) * wide, y * wide) for x, y in points]
        if fill is not None:
            draw.polygon(xy, fill=int(255 * fill))
            xy.append(xy[0])
        if width > 0:
            pen = _pen(width * wide, strength)
            draw.line(xy, fill=pen[1], width=pen[0], joint="curve")
    return _shrunk(total, size)


def _shrunk(image: Image.Image, size: int) -> Field:
    return np.asarray(image.reduce(image.width // size), dtype=np.float32) / np.float32(255)
