"""Decoding of radiographs: a file of any usual form becomes one uint8 square, bone white."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from core.errors import InputError
from core.studies.dicom import read_frame
from core.studies.windowing import percentile_window, scaled

Fit = Literal["crop", "pad"]
"""How a picture becomes a square, its aspect kept: ``crop`` cuts out the centre, ``pad`` adds black bars."""

SUFFIXES: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
"""Suffixes that an import looks for. What a file is, its first bytes say."""

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

_DICOM_MARK = slice(128, 132)
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


def read_radiograph(path: Path, size: int, fit: Fit = "crop") -> NDArray[np.uint8]:
    """Decode, turn upright, make grey, and resample once (bicubic, antialiased) to a square.

    Args:
        path: PNG or JPEG, 8 or 16 bit, grey or colour; or DICOM (see ``core.studies.dicom``).
        size: side of the result in pixels.
        fit: ``crop`` scales the shorter side to ``size`` and cuts out the centre; ``pad`` scales the longer side to
            ``size`` and puts the picture in the centre of a black square.

    Returns:
        uint8 (size, size); 8-bit pictures keep their grey values, deeper ones are windowed; what is transparent lies
        on black.

    Raises:
        InputError: not a picture, cut off, or larger than 50 megapixels; the message names no path and no patient.
        ValueError: ``fit`` is neither ``crop`` nor ``pad``.
    """
    if fit not in get_args(Fit):
        raise ValueError(f"fit is {fit!r}; allowed are {', '.join(get_args(Fit))}")
    try:
        with path.open("rb") as file:
            if file.read(_DICOM_MARK.stop)[_DICOM_MARK] != b"DICM":
                file.seek(0)
                return _square(_decoded(file), size, fit)
        return _square(Image.fromarray(read_frame(path, MAX_PIXELS)), size, fit)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError("the file was gone when it was to be read") from error
    except PermissionError as error:
        raise InputError("the file may not be read: check its permissions") from error
    except UnidentifiedImageError as error:
        what = "neither PNG nor JPEG nor DICOM" if path.stat().st_size else "an empty file"
        raise InputError(f"not a picture that can be decoded ({what})") from error
    except UNREADABLE as error:
        raise InputError(f"not a picture that can be decoded (damaged or cut off: {type(error).__name__})") from error


def _decoded(file: BinaryIO) -> Image.Image:
    """A PNG or JPEG: upright and of mode L. Its pixels are decoded here or, if nothing changes them, on first use."""
    image = Image.open(file, formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise InputError(
            f"{image.width} x {image.height} pixels; at most {MAX_PIXELS // 1_000_000} megapixels are read"
        )
    # JPEG only: leaves the colours undecoded (1.6 times as fast, and the same grey values: 15 real radiographs). Never
    # at a reduced size, which would be a second resampling: 2.3 times as fast again, but up to 1.2 grey values off on
    # average (0.9 over the 11 that are large enough) and 100 at the edge of an arrow.
    image.draft("L", image.size)
    return _grey(_upright(image))


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF tag says (``ImageOps.exif_transpose`` also rewrites the other tags, and fails on some)."""
    turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _grey(image: Image.Image) -> Image.Image:
    """Mode L; deeper pictures are windowed (``convert("L")`` would clip)."""
    if image.mode == "L" and "transparency" not in image.info:
        return image
    if image.mode in ("I;16", "I;16B", "I;16L"):
        return Image.fromarray(_windowed(np.asarray(image)))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return image.convert("L")


def _windowed(values: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """By a table over all 65,536 levels, so that each pixel is looked up once."""
    levels = np.arange(2**16)
    counts = np.bincount(values.ravel(), minlength=levels.size)
    return scaled(levels, *percentile_window(levels, counts))[values]


def _square(image: Image.Image, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Resampled once, from the pixels of the file to those of the square."""
    width, height = image.size
    if fit == "crop":
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        box = (left, top, left + side, top + side)
        return np.array(image.resize((size, size), Image.Resampling.BICUBIC, box=box))
    longer = max(width, height)
    shape = (max(1, round(size * width / longer)), max(1, round(size * height / longer)))
    square = Image.new("L", (size, size))
    square.paste(image.resize(shape, Image.Resampling.BICUBIC), ((size - shape[0]) // 2, (size - shape[1]) // 2))
    return np.array(square)
