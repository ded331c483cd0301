"""A figure as a file for a paper: SVG, PDF and PNG through Chromium, stand-alone HTML, its data as CSV."""

from __future__ import annotations

import atexit
import csv
import io
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from core.errors import ExportError

Format = Literal["svg", "pdf", "png", "html"]

WIDTHS = {1: 340, 2: 690}
"""Width of one and two columns of a journal (89 and 183 mm) in CSS pixels at 96 dpi, a little rounded."""

DRAWN = {1: 680, 2: 1040}
"""Width at which the figure is laid out before it is scaled to its column."""

_lock = threading.Lock()
_server: list[Any] = []


def chromium() -> str | None:
    """The path of a Chromium or Chrome, if there is one."""
    names = (os.environ.get("BROWSER_PATH"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def chromium_available() -> bool:
    """Whether SVG, PDF and PNG can be made on this machine."""
    return chromium() is not None


def figure_bytes(figure: go.Figure, format: Format, *, columns: int = 1) -> bytes:
    """The figure in the given format.

    Args:
        figure: any figure of ours.
        format: ``svg``, ``pdf``, ``png`` (at 300 dpi or better) or ``html`` (plotly.js inlined, no network).
        columns: 1 or 2: at which width of a journal its text is to be legible.

    Raises:
        ExportError: there is no Chromium, or it failed.
    """
    if columns not in WIDTHS:
        raise ExportError(f"A figure is {columns} columns wide; 1 and 2 are allowed.")
    printed = for_print(figure, columns)
    if format == "html":
        text: str = printed.to_html(include_plotlyjs=True, full_html=True, div_id="figure")
        return text.encode()
    if format not in ("svg", "pdf", "png"):
        raise ExportError(f"There is no format {format!r}; there are svg, pdf, png, html (and csv for the data).")
    with _lock:
        found = _render(printed, format, columns)
    return _settled(found) if format == "svg" else found


def for_print(figure: go.Figure, columns: int) -> go.Figure:
    """A copy laid out at column width: legends below, room for labels, the width fixed."""
    printed = go.Figure(figure)
    width = DRAWN[columns]
    height = int(figure.layout.height or 420)
    printed.update_layout(width=width, height=height, autosize=False)
    return printed


def _render(figure: go.Figure, format: str, columns: int) -> bytes:
    path = chromium()
    if path is None:
        raise ExportError(
            "SVG, PDF and PNG need Chromium, which is not on this machine: `apt-get install chromium "
            "fonts-dejavu-core`. HTML and CSV work without it, and so does the camera in the figure's toolbar (SVG)."
        )
    import kaleido

    try:
        if not _server:
            kaleido.start_sync_server(path=path, silence_warnings=True, timeout=120)
            _server.append(kaleido)
            atexit.register(kaleido.stop_sync_server, silence_warnings=True)
        options = {
            "format": format,
            "width": DRAWN[columns],
            "height": int(figure.layout.height),
            "scale": 3 if format == "png" else 1,
        }
        made: bytes = kaleido.calc_fig_sync(figure, opts=options)
        return made
    except Exception as error:  # kaleido and choreographer raise many kinds; all mean that no file was made
        raise ExportError(f"Chromium did not draw the figure ({type(error).__name__}: {error}).") from error


def _settled(svg: bytes) -> bytes:
    """plotly numbers its clip paths at random: counted instead, so that the same figure gives the same bytes."""
    text = svg.decode()
    names = dict.fromkeys(re.findall(r"(?:clip|topdefs-|defs-|legend|g)([0-9a-f]{6})(?=[^0-9a-f])", text))
    for number, name in enumerate(names):
        text = text.replace(name, f"{number:06d}")
    return text.encode()


def figure_csv(figure: go.Figure) -> bytes:
    """The data of all traces in long form: trace, x, y, z (a heatmap gives one line a cell); NaN stays empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["trace", "type", "x", "y", "z", "text"])
    for number, trace in enumerate(figure.data):
        name = trace.name or f"trace {number}"
        for row in _rows(trace):
            writer.writerow([_inert(name), trace.type, *row])
    return out.getvalue().encode()


def _rows(trace: Any) -> Iterator[list[Any]]:
    if trace.type == "heatmap":
        z = np.asarray(trace.z, np.float64)
        for row, y in enumerate(trace.y):
            for column, x in enumerate(trace.x):
                yield [_inert(x), _inert(y), _number(z[row, column]), ""]
        return
    parts = [trace[axis] if axis in trace and trace[axis] is not None else () for axis in ("x", "y", "z", "text")]
    parts = [() if isinstance(part, str) else part for part in parts]
    for at in range(max(len(part) for part in parts)):
        values = [part[at] if at < len(part) else "" for part in parts]
        if any(value is not None and value != "" for value in values):
            yield [_number(value) if not isinstance(value, str) else _inert(value) for value in values]


def _number(value: Any) -> Any:
    """Shortest form that gives the same float32 or float64 again; nothing for a missing value."""
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        return "" if not np.isfinite(value) else str(value.item() if isinstance(value, np.float64) else value)
    return value.item() if isinstance(value, np.generic) else value


def _inert(text: Any) -> str:
    """A spreadsheet runs a cell that begins like a formula; a quote in front makes it text."""
    shown = str(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "@", "\t", "\r") else shown


def file_name(parts: Sequence[str], extension: str) -> str:
    """``("similarity", "orthogonal · lite")`` -> ``fluoroscope_similarity_orthogonal-lite.svg``: safe everywhere."""
    slugs = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-")[:40] for part in parts]
    return "_".join(["fluoroscope", *(slug for slug in slugs if slug)]) + f".{extension}"
