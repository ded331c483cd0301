"""DICOM: one frame of a file becomes a uint8 picture as a viewer would show it, bone white.

Which frame: the first of a multi-frame file. Which window, in this order: WindowCenter and WindowWidth (the first of
several, by VOILUTFunction), the first VOI LUT, all stored levels for up to 8 bits, the percentile window of 16-bit
pictures for more.
"""

from __future__ import annotations

import logging
import struct
import warnings
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import InputError
from core.studies.windowing import percentile_window, scaled

UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises on a file that is cut, damaged, or of a kind that it does not know."""

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
DEFLATED = "1.2.840.10008.1.2.1.99"


def read_frame(file: BinaryIO, most_pixels: int) -> NDArray[np.uint8]:
    """The first frame, as shown: rescaled, windowed, MONOCHROME1 inverted, colours made grey, padding black.

    Args:
        file: a DICOM file, open for reading.
        most_pixels: Rows x Columns x NumberOfFrames may not exceed it.

    Returns:
        uint8 (Rows, Columns).

    Raises:
        InputError: not a picture, cut off, too large, or in a form that is not read; the message quotes nothing that
            could name a patient.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that break the standard; what matters ends in an error below
        try:
            return _frame(file, most_pixels)
        except InputError:
            raise
        except UNREADABLE as error:
            raise InputError(f"not a DICOM picture that can be decoded ({type(error).__name__})") from error


def _frame(file: BinaryIO, most_pixels: int) -> NDArray[np.uint8]:
    import pydicom
    from pydicom.pixels import pixel_array

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its remarks quote values, which may be a patient's
    header = _header(file)
    _refuse_unknown(header, most_pixels)
    file.seek(0)
    del pydicom
    stored = pixel_array(file, index=0)
    if header.PhotometricInterpretation in COLOUR:
        return _made_grey(stored, int(header.BitsStored))
    return _shown(np.atleast_2d(stored), header)


def _header(file: BinaryIO) -> Any:
    """All but the pixels. A deflated file is refused unread: how large it gets, no header says."""
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info  # noqa: F401

    file.seek(0)
    return dcmread(file, stop_before_pixels=True)


def _refuse_unknown(header: Any, most_pixels: int) -> None:
    if "Rows" not in header or "Columns" not in header:
        raise InputError("a DICOM file without a picture (no Rows and Columns); export the radiograph itself")
    frames = int(header.get("NumberOfFrames") or 1)
    rows, columns = int(header.Rows), int(header.Columns)
    if rows * columns * frames > most_pixels:
        raise InputError(
            f"{columns} x {rows} pixels in {frames} frame(s); at most {most_pixels // 1_000_000} megapixels are read"
        )
    kind = str(header.get("PhotometricInterpretation"))
    if kind not in GREY + COLOUR:
        raise InputError(f"a DICOM picture whose colours are not read; allowed are {', '.join(GREY + COLOUR)}")
    if int(header.BitsAllocated) > 16:
        raise InputError(f"a DICOM picture of {int(header.BitsAllocated)} bits a pixel; at most 16 are read")


def _made_grey(stored: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """RGB (rows, columns, 3), which pydicom has made of YBR, by the weights of ITU-R 601."""
    eight = stored if bits <= 8 else stored >> (bits - 8)
    return np.asarray(Image.fromarray(eight.astype(np.uint8)).convert("L"))


def _shown(stored: NDArray[Any], header: Any) -> NDArray[np.uint8]:
    """By a table over all levels that the type of ``stored`` can hold, so that each pixel is looked up once."""
    unsigned = np.dtype(f"u{stored.dtype.itemsize}")
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    levels = np.arange(2 ** (8 * unsigned.itemsize), dtype=unsigned).view(stored.dtype).astype(np.int64)
    places = stored.view(unsigned)
    padding = _padding(levels, header)
    counts = np.where(padding, 0, np.bincount(places.ravel(), minlength=levels.size))
    table = _table(levels, counts, header)
    if header.PhotometricInterpretation == "MONOCHROME1":
        table = 255 - table
    table[padding] = 0
    return table[places]


def _padding(levels: NDArray[np.int64], header: Any) -> NDArray[np.bool_]:
    """Which levels mean "no image here" (PS3.3 C.7.5.1.1.2)."""
    value = header.get("PixelPaddingValue")
    if value is None:
        return np.zeros(levels.shape, bool)
    limit = header.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    return (levels >= low) & (levels <= high)


def _table(levels: NDArray[np.int64], counts: NDArray[np.int64], header: Any) -> NDArray[np.uint8]:
    """What each stored level is shown as: the modality LUT or rescale, then the window."""
    values = _rescaled(levels, header)
    window = _window(header)
    if window is not None:
        from pydicom.pixels import apply_windowing

        # a data set of its own, for a range of exactly 0 to 255 (with a falling slope, pydicom turns the range round)
        return np.round(np.clip(apply_windowing(values, window), 0, 255)).astype(np.uint8)
    if header.get("VOILUTSequence"):
        found, depth = _looked_up(values, header.VOILUTSequence[0])
        return scaled(found, 0, 2**depth - 1)
    bits = int(header.BitsStored)
    if bits <= 8:
        first = -(2 ** (bits - 1)) if header.PixelRepresentation else 0
        possible = values[(levels >= first) & (levels < first + 2**bits)]
        return scaled(values, possible.min(), possible.max())
    return scaled(values, *percentile_window(values, counts))


def _rescaled(levels: NDArray[np.int64], header: Any) -> NDArray[np.float64]:
    if header.get("ModalityLUTSequence"):
        return _looked_up(levels, header.ModalityLUTSequence[0])[0]
    slope, intercept = header.get("RescaleSlope"), header.get("RescaleIntercept")
    return levels * float(1 if slope is None else slope) + float(intercept or 0)


def _window(header: Any) -> Any:
    """The first window as a data set of 8 bits, or None where there is none (or one of no width)."""
    from pydicom import Dataset
    from pydicom.multival import MultiValue

    first = []
    for value in (header.get("WindowCenter"), header.get("WindowWidth")):
        first.append(value[0] if isinstance(value, MultiValue) and value else value)
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    if None in first or first[1] < (1 if function == "LINEAR" else np.finfo(float).tiny):
        return None
    window = Dataset()
    window.PhotometricInterpretation, window.BitsStored, window.PixelRepresentation = "MONOCHROME2", 8, 0
    window.WindowCenter, window.WindowWidth, window.VOILUTFunction = *first, function
    return window


def _looked_up(values: NDArray[Any], item: Any) -> tuple[NDArray[np.float64], int]:
    """A LUT (PS3.3 C.11.1.1) and its depth; pydicom's own overflows where levels lie below the first that is mapped."""
    entries, first, depth = (int(value) for value in item.LUTDescriptor)
    data = item.LUTData
    if isinstance(data, bytes):
        data = np.frombuffer(data, "<u2" if len(data) >= 2 * (entries or 2**16) else "u1")
    table = np.asarray(data, dtype=np.float64)[: entries or 2**16]
    return table[np.clip(np.round(values) - first, 0, table.size - 1).astype(np.int64)], depth
