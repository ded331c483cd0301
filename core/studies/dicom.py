"""DICOM: one frame of a file becomes a uint8 picture as a viewer would show it, bone white.

Which frame: the first of a multi-frame file. Which window, in this order: WindowCenter and WindowWidth (the first of
several, by VOILUTFunction), the first VOI LUT, all stored levels for up to 8 bits, the percentile window of 16-bit
pictures for more.
"""

from __future__ import annotations

import logging
import struct
import warnings
from pathlib import Path
from typing import Any

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
"""What pydicom raises, beside errors of its own, on a file that is cut, damaged, or of a kind that it does not know."""

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
TAGS = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"),
    *("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"),
)
"""All that is read of a header: nothing of the patient."""


def read_frame(path: Path, most_pixels: int) -> NDArray[np.uint8]:
    """The first frame, as shown: rescaled, windowed, MONOCHROME1 inverted, colours made grey, padding black.

    Args:
        path: a DICOM file.
        most_pixels: Rows x Columns x NumberOfFrames may not exceed it.

    Returns:
        uint8 (Rows, Columns).

    Raises:
        InputError: not a picture, cut off, too large, or in a form that is not read; the message quotes nothing that
            could name a patient.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that break the standard; what matters ends in an error below
        try:
            return _frame(path, most_pixels)
        except InputError:
            raise
        except (*UNREADABLE, BytesLengthException, InvalidDicomError) as error:
            raise InputError(
                "not a picture that can be decoded: a DICOM file whose picture is absent, damaged, cut off or of an "
                f"uncommon form ({type(error).__name__})"
            ) from error


def _frame(path: Path, most_pixels: int) -> NDArray[np.uint8]:
    from pydicom import dcmread
    from pydicom.filereader import read_file_meta_info
    from pydicom.pixels import pixel_array

    from core.studies import frames

    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its remarks quote values, which may be a patient's
    frames.register()
    syntax = read_file_meta_info(path).get("TransferSyntaxUID")
    _refuse_syntax(syntax)
    header = dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
    _refuse_form(header, most_pixels)
    plugin = frames.LABEL if syntax in frames.DECODER_DEPENDENCIES else ""  # "": pydicom's own, for RLE
    stored = pixel_array(path, index=0, decoding_plugin=plugin)  # reads and decodes no other frame
    if header.PhotometricInterpretation in COLOUR:
        return _made_grey(stored, int(header.BitsStored))
    return _shown(stored, header)


def _refuse_syntax(syntax: Any) -> None:
    """What cannot be decoded, and what is deflated: it would be inflated whole, to a size that no header tells."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    try:
        known = syntax != DeflatedExplicitVRLittleEndian and get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        raise InputError(
            "not a picture that can be decoded: a DICOM file of a transfer syntax that is not read; save it "
            "uncompressed or as JPEG, JPEG-LS, JPEG 2000 or RLE"
        )


def _refuse_form(header: Any, most_pixels: int) -> None:
    if "Rows" not in header or "Columns" not in header:
        raise InputError("not a picture that can be decoded: a DICOM file without one (no Rows and Columns)")
    rows, columns, frames = int(header.Rows), int(header.Columns), int(header.get("NumberOfFrames") or 1)
    if rows * columns * frames > most_pixels:
        raise InputError(
            f"{columns} x {rows} pixels in {frames} frame(s); at most {most_pixels // 1_000_000} megapixels are read"
        )
    kind, samples = header.get("PhotometricInterpretation"), int(header.SamplesPerPixel)
    if (kind in GREY and samples != 1) or (kind in COLOUR and samples != 3) or kind not in GREY + COLOUR:
        allowed = f"{', '.join(GREY)} with one sample per pixel, {', '.join(COLOUR)} with three"
        raise InputError(f"a DICOM picture whose PhotometricInterpretation is not read; allowed are {allowed}")
    if int(header.BitsAllocated) > 16:
        raise InputError(f"a DICOM picture of {int(header.BitsAllocated)} bits per sample; at most 16 are read")


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
    """Which levels mean "no image here" (PS3.3 C.7.5.1.1.2); some files tell a negative one as if it were unsigned."""
    value, limit = header.get("PixelPaddingValue"), header.get("PixelPaddingRangeLimit")
    if value is None:
        return np.zeros(levels.shape, bool)
    ends = [int(end) if end <= levels.max() else int(end) - levels.size for end in (value, limit) if end is not None]
    return (levels >= min(ends)) & (levels <= max(ends))


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
    values = levels.astype(np.float64) * float(1 if slope is None else slope) + float(intercept or 0)
    if not np.isfinite(values).all():
        raise ValueError("RescaleSlope or RescaleIntercept is not finite")
    return values


def _window(header: Any) -> Any:
    """The first window as a data set of 8 bits, or None where there is none (or one of no width)."""
    from pydicom import Dataset
    from pydicom.multival import MultiValue

    given = (header.get("WindowCenter"), header.get("WindowWidth"))
    first = [value[0] if isinstance(value, MultiValue) and value else value for value in given]
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    least = 1 if function == "LINEAR" else np.finfo(np.float32).tiny
    if None in first or not np.isfinite(first).all() or first[1] < least:
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
    table = np.asarray(data)[: entries or 2**16].astype(np.float64)
    return np.take(table, np.clip(np.round(values) - first, 0, table.size - 1).astype(np.int64)), depth
