"""Compressed frames of DICOM files, decoded by imagecodecs: a plug-in of pydicom, which calls ``_decode_frame``.

Why not GDCM, which pydicom knows by itself: a frame with a few changed bytes ended the whole process (an exception in
C++ that nobody catches: measured with GDCM 3.2.6). libjpeg-turbo, CharLS and OpenJPEG report an error instead; the
first also decodes lossless JPEG, and JPEG of 12 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom import uid
from pydicom.pixels import get_decoder

LABEL = "imagecodecs"
JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
END = b"\xff\xd9"
"""How a whole frame ends, in all three families; libjpeg-turbo makes the rest of one that is cut off grey."""

DECODER_DEPENDENCIES = {syntax: (LABEL,) for syntax in JPEG + JPEG_LS + JPEG_2000}
"""By this name and ``is_available`` pydicom finds out what a plug-in decodes."""


def register() -> None:
    """Make pydicom know this plug-in; a second time changes nothing."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if LABEL not in decoder.available_plugins:
            decoder.add_plugin(LABEL, (__name__, "_decode_frame"))


def is_available(syntax: str) -> bool:
    """imagecodecs is a requirement of ours, so it is there."""
    return syntax in DECODER_DEPENDENCIES


def _decode_frame(source: bytes, runner: Any) -> bytes:
    """One frame as bytes; ``runner`` is told what they are. A size unlike the header's is refused before decoding."""
    import imagecodecs

    if not source.rstrip(b"\0").endswith(END):
        raise ValueError("the frame is cut off")
    colour = runner.samples_per_pixel == 3
    shape = (runner.rows, runner.columns, 3) if colour else (runner.rows, runner.columns)
    syntax = runner.transfer_syntax
    if syntax in JPEG:
        out = np.empty(shape, np.uint16 if runner.bits_stored > 8 else np.uint8)
        stored = "RGB" if runner.photometric_interpretation == "RGB" else "YCBCR"
        spaces = (stored, "RGB") if colour else (None, None)
        imagecodecs.jpeg8_decode(source, out=out, colorspace=spaces[0], outcolorspace=spaces[1])
    elif syntax in JPEG_LS:
        out = np.empty(shape, np.uint16 if runner.get_option("jls_precision", runner.bits_stored) > 8 else np.uint8)
        imagecodecs.jpegls_decode(source, out=out)
    else:
        deep = runner.get_option("j2k_precision", runner.bits_stored) > 8
        sign = "i" if runner.get_option("j2k_is_signed", runner.pixel_representation) else "u"
        out = np.empty(shape, f"{sign}{2 if deep else 1}")
        imagecodecs.jpeg2k_decode(source, out=out)
    runner.set_option("bits_allocated", 8 * out.dtype.itemsize)
    if colour:
        runner.set_option("planar_configuration", 0)
        if syntax in JPEG or runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
            runner.set_option("photometric_interpretation", "RGB")
    return out.tobytes()
