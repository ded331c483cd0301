"""Decoding of radiographs: a file of any usual form becomes one uint8 square."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from core.errors import InputError

MAX_PIXELS = 50_000_000
"""Larger headers are refused before anything is decoded (a decompression bomb of 9000 x 9000 weighs 78 kB)."""

FORMATS = ("PNG", "JPEG")
"""Pillow would open dozens more, some of them (EPS) by starting another program."""

UNREADABLE = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # an exception only where warnings are errors; our own, lower cap comes first
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What Pillow raises on a file that is cut, damaged (in its EXIF data, too) or something else."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

WINDOW = (0.5, 99.5)
"""Percentiles of the intensities that become 0 and 255 where a picture has more than 8 bits."""


def read_radiograph(path: Path, size: int) -> NDArray[np.uint8]:
    """Decode, turn upright, make grey, scale the shorter side to ``size`` and crop the centre.

    Args:
        path: PNG or JPEG, 8 or 16 bit, grey or colour.
        size: side of the result in pixels.

    Returns:
        uint8 (size, size); 8-bit pictures keep their grey values, deeper ones are windowed.

    Raises:
        InputError: not a picture, cut off, or larger than 50 megapixels.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{image.width} x {image.height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are read"
                )
            image.draft("L", (size, size))  # JPEG only: decodes at a reduced size, never below the wanted one
            grey = _grey(_upright(image))
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(f"not a picture that can be decoded ({type(error).__name__})") from error
    fitted = ImageOps.fit(grey, (size, size), Image.Resampling.BICUBIC)
    return _to_bytes(np.asarray(fitted), deep=grey.mode == "F")


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF tag says (``ImageOps.exif_transpose`` also rewrites the other tags, and fails on some)."""
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _grey(image: Image.Image) -> Image.Image:
    """Mode L for 8-bit pictures, mode F with the original values for deeper ones (``convert("L")`` would clip)."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        return Image.fromarray(np.asarray(image).astype(np.float32))
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # straight to grey, Pillow warns of transparent palettes
    return image.convert("L")


def _to_bytes(values: NDArray[Any], *, deep: bool) -> NDArray[np.uint8]:
    if not deep:
        return np.ascontiguousarray(values, dtype=np.uint8)
    low, high = np.percentile(values, WINDOW)
    scaled = (values.astype(np.float32) - low) / max(float(high - low), 1e-6)
    return np.round(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
