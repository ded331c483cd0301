"""A figure laid out for a journal's column: panels rearranged, numbers sized to their cells, labels given room.

The page is 120 px to the inch, so that the 11 px of a tick label are 6.6 pt on paper (journals ask for 5 to 7 pt).
"""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

MILLIMETRES = {1: 89.0, 2: 183.0}
"""Width of one and of two columns on paper."""

DRAWN = {1: 420, 2: 864}
"""The same in pixels of layout, 120 to the inch."""

ACROSS = {1: 2, 2: 4}
"""So many radiographs stand side by side."""

WIDEST = 240
"""Side of a radiograph in pixels of layout, at most."""

NO_SUPPORT = "n=0"

UNSUPPORTED = "×"
"""Stands for it where that would not fit, with a line that says so."""

SMALLEST = 9.0
"""Numbers that would be smaller (in px; 5.4 pt on paper) are left out: the colour says them."""

TREE = 40
"""Width of the tree beside heatmaps in pixels of layout."""

LONGEST = 150
"""Room for the longest label of a cell's row or column, in pixels; what is longer is cut."""

_EMS = {".": 0.32, ",": 0.32, ":": 0.34, " ": 0.32, "-": 0.37, "·": 0.32, "%": 0.95, "=": 0.84}
_LETTER, _DIGIT = 0.57, 0.64
"""Widths as parts of the font's size, in the widest of our fonts (DejaVu Sans)."""


def for_print(figure: go.Figure, columns: int) -> go.Figure:
    """A copy laid out at column width.

    A figure of small multiples says so in ``layout.meta``: ``panels`` (how many), ``per_row`` (how many side by side
    for 1 and 2 columns), ``bar`` (whether a colour bar stands at the right), ``tree`` (whether a tree of their rows
    has the axes after theirs), ``told`` (pixels that the words in its last annotation take below), ``titles`` (those
    of the panels, in one line). Their cells become square.
    """
    printed = go.Figure(figure)
    printed.frames = []  # paper does not play
    width = DRAWN[columns]
    printed.update_layout(width=width, height=int(figure.layout.height or 420), autosize=False)
    for number, trace in enumerate(printed.data):
        trace.uid = f"{number:06d}"  # plotly's own is random, and part of the SVG
    meta = figure.layout.meta
    if isinstance(meta, dict) and "panels" in meta:
        _arrange(printed, meta["panels"], meta["per_row"][columns - 1], meta["bar"])
    elif isinstance(meta, dict) and "pictures" in meta:
        placed(printed, per_row=ACROSS[columns], width=width)
    elif any(trace.type == "scatter3d" for trace in figure.data):
        _scene(printed, width)
    return printed


def placed(figure: go.Figure, *, per_row: int, width: int, widest: int = WIDEST) -> go.Figure:
    """Give the axes of pictures their places, row by row, on a page of that width; the figure gets its height.

    ``layout.meta`` says how many there are (``pictures``) and how many lines of words stand below each (``lines``).
    """
    panels, margin = figure.layout.meta["pictures"], figure.layout.margin
    per_row, apart, above, below = min(per_row, panels), 14, 24, 15 * figure.layout.meta["lines"] + 12
    whole = width - margin.l - margin.r
    side = min(widest, (whole - apart * (per_row - 1)) / per_row)
    down = above + side + below
    tall = -(-panels // per_row) * down
    figure.update_layout(height=round(tall + margin.t + margin.b))
    for at in range(panels):
        row, column = divmod(at, per_row)
        left, top = column * (side + apart), tall - row * down - above
        found = f"{at + 1}" if at else ""
        figure.layout[f"xaxis{found}"].domain = _within(left, left + side, whole)
        figure.layout[f"yaxis{found}"].domain = _within(top - side, top, tall)
    return figure


def _scene(figure: go.Figure, width: int) -> None:
    """The legend under the scene instead of over it."""
    named = [str(trace.name) for trace in figure.data if trace.showlegend is not False]
    longest = max((_width(name) for name in named), default=0)
    beside = max(1, int((width - 10) / (longest * 11 + 45)))
    legend = 20 * -(-len(named) // beside) + 10
    scene = min(width, 560)
    figure.update_layout(height=scene + legend + int(figure.layout.margin.t or 0))
    figure.update_layout(scene_domain={"x": [0, 1], "y": [legend / (scene + legend), 1]})


def _arrange(figure: go.Figure, panels: int, per_row: int, bar: bool) -> None:
    """Give each pair of axes its place; labels only along the outer edge, where they are the same everywhere."""
    heat = [trace for trace in figure.data if trace.type == "heatmap"]
    per_row = min(per_row, panels)
    rows = -(-panels // per_row)
    width = int(figure.layout.width)
    left, below, steep = _margins(heat[0], per_row, width)
    told = figure.layout.meta.get("told", 0)
    below += told
    right, across, tree = 58 if bar else 8, 12, TREE if figure.layout.meta.get("tree") else 0
    wide = (width - left - right - tree - across * (per_row - 1)) / per_row
    named = figure.layout.meta.get("titles") or [title.text for title in figure.layout.annotations[:panels]]
    titles = _titles([_one_line(title) for title in named], wide)
    above = 30 + 15 * max(title.count("<br>") for title in titles)
    down = above + 4
    tall = wide * len(heat[0].y) / max(1, len(heat[0].x))
    height = above + below + rows * tall + (rows - 1) * down
    figure.update_layout(height=round(height), margin={"l": left, "r": right, "t": above, "b": below, "pad": 0})
    inner = (width - left - right, height - above - below)
    _place(figure, panels, per_row, (wide, tall, across, down), inner, (steep, titles))
    if told:
        figure.layout.annotations[-1].yshift = -below
    if tree:
        _beside(figure, panels + 1, tall, inner)
    _letter(heat, wide / max(1, len(heat[0].x)), tall / max(1, len(heat[0].y)))
    if any(UNSUPPORTED in np.asarray(trace.text) for trace in heat):
        _explain(figure, right)


def _place(
    figure: go.Figure,
    panels: int,
    per_row: int,
    size: tuple[float, float, float, float],
    inner: tuple[float, float],
    words: tuple[int, list[str]],
) -> None:
    """Put each panel where it belongs.

    Args:
        figure: whose axes.
        panels, per_row: how many there are, and how many side by side.
        size: width and height of a panel, and the room between two beside and below each other.
        inner: width and height of the paper within its margins.
        words: angle of the labels below, and the panels' titles.
    """
    (wide, tall, across, down), (steep, titles) = size, words
    heat = [trace for trace in figure.data if trace.type == "heatmap"]
    beneath, beside = figure.layout[f"xaxis{panels if panels > 1 else ''}"].title, figure.layout.yaxis.title
    for at in range(panels):
        row, column = divmod(at, per_row)
        x0, y1 = column * (wide + across), inner[1] - row * (tall + down)
        outer = at + per_row >= panels
        found = f"{at + 1}" if at else ""
        figure.layout[f"xaxis{found}"].update(
            domain=_within(x0, x0 + wide, inner[0]), showticklabels=outer, tickangle=steep, automargin=False,
            tickfont={"size": min(11, wide / len(heat[0].x) * 0.95)} if steep else {}, **_ticks(heat[at].x),
        )  # fmt: skip
        figure.layout[f"yaxis{found}"].update(
            domain=_within(y1 - tall, y1, inner[1]), showticklabels=column == 0, automargin=False, matches=None,
            tickfont={"size": min(11, tall / len(heat[0].y) * 0.95)}, **_ticks(heat[at].y),
        )  # fmt: skip
        figure.layout[f"xaxis{found}"].title = beneath if outer else None
        figure.layout[f"yaxis{found}"].title = beside if column == 0 else None
        figure.layout.annotations[at].update(
            x=(x0 + wide / 2) / inner[0], y=y1 / inner[1], text=titles[at], xanchor="center", yanchor="bottom"
        )


def _beside(figure: go.Figure, number: int, tall: float, inner: tuple[float, float]) -> None:
    """Put the tree on the axes of a number beside the first row of panels, whose rows it joins."""
    room = {"automargin": False, "showticklabels": False, "title": None}
    figure.layout[f"xaxis{number}"].update(domain=_within(inner[0] - TREE + 4, inner[0], inner[0]), **room)
    figure.layout[f"yaxis{number}"].update(domain=_within(inner[1] - tall, inner[1], inner[1]), **room)


def _explain(figure: go.Figure, right: int) -> None:
    """What the mark in a cell means, under the colour bar."""
    figure.add_annotation(
        text=f"{UNSUPPORTED} {NO_SUPPORT}", showarrow=False, font={"size": 11}, xref="paper", yref="paper",
        x=1, xanchor="right", xshift=right - 4, y=0, yanchor="top", yshift=-14,
    )  # fmt: skip


def _within(low: float, high: float, whole: float) -> list[float]:
    return [max(0.0, low / whole), min(1.0, high / whole)]


def _margins(trace: Any, per_row: int, width: int) -> tuple[int, int, int]:
    """Room at the left and below, and the angle of the labels below."""
    longest = [max((_width(str(name)) for name in names), default=0) for names in (trace.x, trace.y)]
    if len(trace.x) <= 2:  # two words per panel fit upright, with an axis title beside them
        return 46, 46, 0
    room = [min(ems * 11 + 10, LONGEST) for ems in longest]
    return int(room[1]), int(room[0]), -90


def _ticks(names: Any) -> dict[str, Any]:
    """A label at every cell."""
    return {"tickvals": list(range(len(names))), "ticktext": [_cut(str(name), (LONGEST - 8) / 11) for name in names]}


def _one_line(title: str | None) -> str:
    return str(title or "").replace("<br>", " ")


def _titles(titles: list[str], wide: float) -> list[str]:
    """Panels' titles that fit: all broken before their last part where one is too long, a first line cut if need be."""
    room = (wide + 8) / 12
    if all(_width(title) <= room for title in titles):
        return titles
    if any(" minus " in title for title in titles):  # two runs, one over the other
        parts = [title.replace(" minus ", "<br>minus ").split("<br>") for title in titles]
        return ["<br>".join(line for part in title for line in _lines(part, room)) for title in parts]
    return ["<br>".join(_cut(part, room) for part in title.rsplit(" · ", 1)) for title in titles]


def _lines(text: str, room: float) -> list[str]:
    """A run's label broken between its parts, each line as full as may be."""
    lines: list[str] = []
    for part in text.split(" · "):
        if lines and _width(f"{lines[-1]} · {part}") <= room:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return [_cut(line, room) for line in lines]


def _cut(text: str, room: float) -> str:
    shown = html.unescape(text)
    while shown and _width(shown) > room:
        shown = shown.rstrip("…")[:-1].rstrip() + "…"
    return html.escape(shown, quote=False)


def _width(text: str) -> float:
    """Width of a line as a multiple of its font's size."""
    return sum(_EMS.get(c, _DIGIT if c.isdigit() else _LETTER) for c in html.unescape(text))


def _letter(heat: list[Any], wide: float, tall: float) -> None:
    """Numbers as large as the cells allow, of one size in all panels; without the leading zero where that makes them
    fit, or none at all. What has no support says so in every size."""
    full = [_texts(trace) for trace in heat]
    short = [np.vectorize(_shorter, otypes=[object])(texts) for texts in full]
    marked = [np.where(texts == NO_SUPPORT, UNSUPPORTED, texts) for texts in short]
    missing = [np.where(texts == NO_SUPPORT, texts, "") for texts in full]
    only_marks = [np.where(texts == NO_SUPPORT, UNSUPPORTED, "") for texts in full]
    for number, panels in enumerate((full, short, marked, missing, only_marks)):
        size = min(_size(texts, wide, tall) for texts in panels)
        if size >= SMALLEST or number == 4:
            for trace, texts in zip(heat, panels, strict=True):
                trace.update(text=texts, textfont={"size": max(1.0, size)})
            return


def _texts(trace: Any) -> NDArray[np.object_]:
    if isinstance(trace.meta, dict) and trace.meta.get("numbers"):
        return cells(np.asarray(trace.z))
    return np.asarray(trace.text, dtype=object)


def _size(texts: NDArray[np.object_], wide: float, tall: float) -> float:
    """The largest size, up to 11, at which these texts stay inside a cell."""
    size = 11.0
    for text in set(texts.ravel().tolist()):
        lines = text.split("<br>")
        part = 0.93 if text == NO_SUPPORT else 0.88  # numbers beside numbers need a gap
        size = min(size, part * wide / max(0.1, *map(_width, lines)), tall / (1.35 * len(lines)))
    return size


def cells(values: NDArray[np.floating[Any]]) -> NDArray[np.object_]:
    """What stands in a cell: two digits, ``n=0`` where there is no support."""
    rounded = np.round(np.nan_to_num(values.astype(np.float64)), 2) + 0.0  # no "-0.00"
    return np.where(np.isnan(values), NO_SUPPORT, np.char.mod("%.2f", rounded)).astype(object)


def _shorter(text: str) -> str:
    """``0.85`` -> ``.85``, ``1.00`` -> ``1``."""
    return "1" if text == "1.00" else re.sub(r"^(-?)0\.", r"\1.", text)
