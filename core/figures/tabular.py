"""The numbers behind a figure as CSV: one line for each point or cell of each trace."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

COLUMNS = ("trace", "type", "x", "y", "z", "low", "high", "value", "text", "customdata")


def figure_csv(figure: go.Figure) -> bytes:
    """The data of all traces in long form, UTF-8; what is missing (NaN) stays empty, never 0.

    Columns: ``trace`` (its name), ``type``, ``x``, ``y``, ``z`` (of a heatmap the cell's value, with its labels as x
    and y), ``low`` and ``high`` (ends of an interval along x), ``value`` (what a point is coloured by), ``text``,
    ``customdata`` (such as a sample's row or a cell's count). Points that only make a legend entry, and breaks between
    the pieces of a line, have no line.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    legend = _legend(figure)
    for number, trace in enumerate(figure.data):
        name = _text(trace.name) if trace.name else f"trace {number}"
        rows = _cells(trace) if trace.type == "heatmap" else _points(trace, legend)
        for row in rows:
            writer.writerow([name, trace.type, *row])
    return out.getvalue().encode()


def columns_csv(columns: Mapping[str, Any]) -> bytes:
    """A table by its columns, all of one length, UTF-8; what is missing (NaN) stays empty, never 0."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_text(name) for name in columns])
    parts = [values.tolist() if isinstance(values, np.ndarray) else map(_text, values) for values in columns.values()]
    writer.writerows(zip(*([_number(value) for value in part] for part in parts), strict=True))
    return out.getvalue().encode()


def _legend(figure: go.Figure) -> dict[str, str]:
    """Colour -> name of the empty traces that explain the colours of another trace."""
    return {
        trace.marker.color: _text(trace.name)
        for trace in figure.data
        if trace.type.startswith("scatter") and isinstance(trace.marker.color, str) and _blank(trace.x)
    }


def _blank(values: Any) -> bool:
    return values is None or all(_number(value) == "" for value in values)


def _cells(trace: Any) -> Iterator[list[Any]]:
    z = np.asarray(trace.z)
    held = trace.customdata
    for row, y in enumerate(trace.y):
        for column, x in enumerate(trace.x):
            text = trace.text[row][column] if trace.text is not None else ""
            custom = "" if held is None else _number(held[row][column])
            yield [_text(x), _text(y), _number(z[row][column]), "", "", "", _text(text), custom]


def _points(trace: Any, legend: Mapping[str, str]) -> Iterator[list[Any]]:
    parts = {name: _array(trace, name) for name in ("x", "y", "z", "text", "customdata")}
    colours = _array(trace.marker, "color") if "marker" in trace else ()
    count = max((len(part) for name, part in parts.items() if name != "customdata"), default=0)
    for at in range(count):
        x, y, z, text, custom = (_at(part, at) for part in parts.values())
        if any(value != "" for value in (x, y, z)):
            yield [x, y, z, *_ends(trace, at), _value(trace, _at(colours, at), legend), text, custom]


def _array(holder: Any, name: str) -> Any:
    """An attribute if it has one entry per point, else nothing."""
    if name not in holder:
        return ()
    found = holder[name]
    return () if found is None or isinstance(found, str) or not hasattr(found, "__len__") else found


def _at(part: Any, at: int) -> Any:
    if at >= len(part):
        return ""
    return _text(part[at]) if isinstance(part[at], str) else _number(part[at])


def _ends(trace: Any, at: int) -> tuple[Any, Any]:
    bars = trace.error_x if "error_x" in trace else None
    if bars is None or bars.array is None:
        return "", ""
    middle = np.float32(trace.x[at])
    return _number(middle - np.float32(bars.arrayminus[at])), _number(middle + np.float32(bars.array[at]))


def _value(trace: Any, value: Any, legend: Mapping[str, str]) -> Any:
    meta = trace.meta if isinstance(trace.meta, dict) else {}
    if "names" in meta and value != "":
        return _text(meta["names"][int(value)])
    unknown = meta.get("unknown")
    if unknown is not None and value == _number(np.asarray(trace.marker.color).dtype.type(unknown)):
        return ""  # a place below the scale stands for a value that is not known
    return legend.get(value, value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """Shortest form that gives the same float32 or float64 again; nothing for a missing value."""
    if value is None:
        return ""
    if isinstance(value, (np.ndarray, list, tuple)):
        return " ".join(str(_number(part)) for part in value)
    if isinstance(value, (float, np.floating)):
        return str(value) if np.isfinite(value) else ""
    return value.item() if isinstance(value, np.generic) else value


def _text(text: Any) -> str:
    """Words as the user wrote them, without plotly's line breaks and entities.

    A spreadsheet runs a cell that begins like a formula; a quote in front makes it text.
    """
    shown = html.unescape(re.sub(r"<br\s*/?>", " ", str(text))).lstrip()
    return f"'{shown}" if re.match(r"[=+@\t\r]|-(?![\d.])", shown) else shown
