"""A figure as a file for a paper: SVG, PDF and PNG through Chromium, stand-alone HTML, its data as CSV."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from typing import Any, Literal, get_args

import plotly.graph_objects as go

from core.errors import ExportError
from core.figures.browser import chromium, render
from core.figures.fonts import with_font
from core.figures.printing import DRAWN, MILLIMETRES, for_print
from core.figures.tabular import figure_csv

__all__ = [
    "FORMATS",
    "Format",
    "chromium",
    "chromium_available",
    "figure_bytes",
    "figure_csv",
    "file_name",
    "for_print",
]

Format = Literal["svg", "pdf", "png", "html"]

FORMATS = (*get_args(Format), "csv")
"""Everything that a figure can leave as."""

PNG_SCALE = {1: 4, 2: 3}
"""Bitmap pixels per pixel of layout: 480 and 360 dots per inch at the column's width."""

_CSS_PIXELS_PER_MM = 96 / 25.4


def chromium_available() -> bool:
    """Whether SVG, PDF and PNG can be made on this machine."""
    return chromium() is not None


def figure_bytes(figure: go.Figure, format: Format, *, columns: int = 1) -> bytes:
    """The figure in the given format. The same figure gives the same SVG and HTML, byte for byte.

    Args:
        figure: any figure of ours.
        format: ``svg`` and ``pdf`` (as wide as the journal's column), ``png`` (of that width too, at 360 dpi or
            better), or ``html`` (interactive, as wide as the window, plotly.js inlined, no network).
        columns: 1 or 2, the journal's columns to fill: 89 or 183 mm.

    Raises:
        ExportError: there is no such format or width, there is no Chromium, or it failed.
    """
    if columns not in DRAWN:
        raise ExportError(f"A figure is {columns} columns wide; 1 and 2 are allowed.")
    if format == "html":
        made = _playable(go.Figure(figure))
        text: str = made.to_html(include_plotlyjs=True, full_html=True, div_id="figure", auto_play=False)
        return text.encode()
    if format not in ("svg", "pdf", "png"):
        raise ExportError(f"There is no format {format!r}; there are svg, pdf, png, html (and csv for the data).")
    printed = for_print(figure, columns)
    shrink = MILLIMETRES[columns] * _CSS_PIXELS_PER_MM / DRAWN[columns]
    options: dict[str, Any] = {
        "format": format,
        "width": printed.layout.width,
        "height": printed.layout.height,
        "scale": {"png": PNG_SCALE[columns], "pdf": shrink, "svg": 1}[format],
    }
    made = render(printed.to_dict(), options)
    if format == "svg":
        return _settled(made, columns)
    return _with_resolution(made, columns) if format == "png" else made


def _playable(figure: go.Figure) -> go.Figure:
    """With a slider and a play button where it has frames: outside the app nothing else plays it."""
    if not figure.frames:
        return figure
    at_once = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    steps = [{"label": frame.name, "method": "animate", "args": [[frame.name], at_once]} for frame in figure.frames]
    every = {**at_once, "frame": {"duration": 900, "redraw": True}, "fromcurrent": True}
    play = {"label": "Play", "method": "animate", "args": [None, every]}
    below = {"x": 0.0, "y": 0.0, "pad": {"t": 40}}
    figure.update_layout(
        sliders=[{**below, "x": 0.12, "len": 0.85, "active": len(steps) - 1, "steps": steps}],
        updatemenus=[{**below, "type": "buttons", "showactive": False, "xanchor": "left", "buttons": [play]}],
    )
    return figure


def _settled(svg: bytes, columns: int) -> bytes:
    """The same bytes for the same figure, the column's width as its size, and the letters that it uses.

    plotly puts six random hexadecimal digits into the names of clip paths and gradients. They are replaced only where
    a name stands: the same letters may be part of a bitmap or of a label.
    """
    text = svg.decode()
    found = re.search(r'id="(?:top)?defs-([0-9a-f]{6})"', text)
    if found:
        digits = found.group(1)
        named = re.compile(rf"""((?:\bid="|url\((?:&quot;|['"])?#|href="\#)[A-Za-z-]*){digits}""")
        text = named.sub(r"\g<1>000000", text)
    opening = re.match(r"<svg[^>]*>", text)
    sizes = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', opening.group(0)) if opening else None
    if opening and sizes:
        width, height = float(sizes.group(1)), float(sizes.group(2))
        wide = MILLIMETRES[columns]
        head = re.sub(r' width="[\d.]+"', f' width="{wide}mm"', opening.group(0), count=1)
        head = re.sub(r' height="[\d.]+"', f' height="{wide * height / width:.2f}mm"', head, count=1)
        text = head + text[opening.end() :]
    return with_font(text).encode()


def _with_resolution(png: bytes, columns: int) -> bytes:
    """The PNG with its dots per metre (chunk pHYs behind the header), so that it is placed at the column's width."""
    dots = round(DRAWN[columns] * PNG_SCALE[columns] / MILLIMETRES[columns] * 1000)
    body = b"pHYs" + struct.pack(">IIB", dots, dots, 1)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    behind_header = 8 + 25
    return png[:behind_header] + chunk + png[behind_header:]


def file_name(parts: Sequence[str], extension: str) -> str:
    """``("similarity", "orthogonal · lite")`` -> ``fluoroscope_similarity_orthogonal-lite.svg``: safe everywhere."""
    slugs = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")[:40] for part in parts]
    return "_".join(["fluoroscope", *(slug for slug in slugs if slug)]) + f".{extension}"
