"""Few colours for a picture of a page: small files in which text, ground and colour scales stay as they are."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from core.errors import ExportError

LARGEST = 250_000
"""Bytes of a picture."""

EXACT = 64
"""So many colours, those that most pixels have, are kept to the bit: ground, text, bars."""

FAIR = 0.3
"""A colour that n pixels have counts n to this power among the others, so that rare ones are not lost."""


def small_png(png: bytes) -> bytes:
    """The same picture in as many colours, at most 256, as fit into 250 kB.

    Raises:
        ExportError: 96 are too many.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 160, 96):
        made = io.BytesIO()
        with_palette(image, colours).save(made, "PNG", optimize=True)
        if made.tell() < LARGEST:
            return made.getvalue()
    raise ExportError(
        f"A picture of {image.width} x {image.height} is larger than {LARGEST // 1000} kB: make it lower."
    )


def with_palette(image: Image.Image, colours: int) -> Image.Image:
    """Each pixel in the nearest of ``colours`` colours; Pillow's own palettes moved white and merged pale colours."""
    unique, place, counts = np.unique(np.asarray(image).reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    common, rest = unique[order[:EXACT]], order[EXACT:]
    if len(rest):
        weighted = np.repeat(unique[rest], np.maximum(1, counts[rest] ** FAIR).astype(int), axis=0)
        cut = Image.fromarray(weighted[None]).quantize(colours - EXACT, Image.Quantize.MEDIANCUT, kmeans=1)
        palette = np.array(cut.getpalette(), np.uint8).reshape(-1, 3)[: colours - EXACT]
        common = np.concatenate([common, palette])
    apart = unique[:, None].astype(np.int32) - common.astype(np.int32)
    nearest = (apart**2).sum(-1).argmin(1).astype(np.uint8)
    made = Image.fromarray(nearest[place.reshape(-1)].reshape(image.height, image.width), "P")
    made.putpalette(common.tobytes())
    return made
