"""Colours, fonts and frames of all figures, light and dark, explicit in every figure.

Inside Streamlit plotly's default template has placeholder colours that only the front end replaces; a figure that
relies on it comes out near-black when it is exported.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections.abc import Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go

from core.errors import InputError

Scale = tuple[tuple[float, str], ...]

_ON_LIGHT = (  # Okabe and Ito (2008) without yellow, and eight more that stay apart for protan and deutan eyes too
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#4b0f5a",
    "#783c00",
    "#0fd8a0",
    "#7887ff",
    "#5a0f00",
    "#2d2da5",
    "#5a3c5a",
    "#0f1eff",
)
_ON_DARK = (  # the same order of hues, lighter
    "#4c9be8",
    "#f28e4b",
    "#2fbf9b",
    "#e79ac4",
    "#ffc300",
    "#78d3ff",
    "#6a5acd",
    "#c8501e",
    "#c8ffb4",
    "#3c78a8",
    "#b4321e",
    "#4b7869",
    "#96ffff",
    "#2d5a78",
)
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif"


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Everything that a figure needs to know of how it is looked at.

    Attributes:
        paper: ground of the figure; ink, muted, grid: text, secondary text, lines.
        unknown: colour of samples whose value is not known.
        grounded: colour of samples that are the ground of a picture, such as those without a finding.
        categorical: 14 colours, apart for normal, protan and deutan eyes (at least 0.06 in OKLab, simulated).
        sequential: 0 to 1.
        diverging: symmetric about its middle, which is the ground; the ink is legible (4.5 to 1) on all of it, because
            plotly's own choice of ink is not: down to 2.5 to 1 on colours of middle brightness.
    """

    name: str
    paper: str
    ink: str
    muted: str
    grid: str
    unknown: str
    grounded: str
    sequential: Scale
    diverging: Scale
    categorical: tuple[str, ...] = _ON_LIGHT
    font: str = _FONT

    def colour(self, number: int) -> str:
        """The colour of category or run ``number``; they repeat after the last."""
        return self.categorical[number % len(self.categorical)]


PALETTES = {  # Paul Tol, SRON/EPS/TN/09-002 (2021): apart for protan, deutan and tritan eyes too
    "tol-bright": ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"),
    "tol-muted": ("#cc6677", "#332288", "#ddcc77", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499"),
}
"""Categorical palettes that can take the place of a theme's own, by name."""

_CIVIDIS: Scale = ((0.0, "#00224e"), (0.25, "#3b496c"), (0.5, "#7d7c78"), (0.75, "#bcae6c"), (1.0, "#fee838"))

LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1d2733",
    muted="#66727f",
    grid="#e3e8ed",
    unknown="#dfe4e9",
    grounded="#a9c4d9",
    sequential=_CIVIDIS,
    diverging=((0.0, "#dd8a50"), (0.25, "#f2c4a2"), (0.5, "#fbfbfb"), (0.75, "#a4cfea"), (1.0, "#4a9fd4")),
)
DARK = Theme(
    name="dark",
    paper="#10151b",
    ink="#e6ebf0",
    muted="#97a3b0",
    grid="#2a323b",
    unknown="#39424c",
    grounded="#5b7690",
    sequential=((0.0, "#5069a8"), (0.33, "#8a8a86"), (0.66, "#c4b46a"), (1.0, "#fee838")),
    diverging=((0.0, "#a5521a"), (0.25, "#5c3115"), (0.5, "#161c23"), (0.75, "#1a4160"), (1.0, "#226a99")),
    categorical=_ON_DARK,
)


def with_palette(theme: Theme, colours: Sequence[str]) -> Theme:
    """The theme with other categorical colours; where there are more categories than colours, the rarest share one.

    Args:
        theme: whose other colours stay.
        colours: two or more different ones as ``#rrggbb``.

    Raises:
        InputError: one that is written otherwise, or fewer than two.
    """
    found = tuple(dict.fromkeys(colour.lower() for colour in colours))
    wrong = [colour for colour in found if not re.fullmatch(r"#[0-9a-f]{6}", colour)]
    if wrong or len(found) < 2:
        given = ", ".join(wrong or found) or "none"
        raise InputError(
            f"A palette needs two different colours or more, written as #rrggbb; got {given}. "
            "For example: #0072b2, #d55e00, #009e73."
        )
    return replace(theme, categorical=found)


def plain(text: str) -> str:
    """A user's text as plotly shows it letter by letter: no markup, line breaks or characters that have no picture."""
    return html.escape(_printable(text), quote=False)


def plain_in_scene(text: str) -> str:
    """The same for text inside a 3D scene, where plotly knows ``<b>`` but no ``&lt;``: brackets of another shape."""
    return _printable(text).replace("<", "‹").replace(">", "›")


def wrapped(text: str, letters: int) -> str:
    """``plain`` text in lines of about so many letters, broken between the parts of a run's label and between words."""
    lines: list[str] = []
    for word in re.split(" (?!·)", _printable(text)):  # the dot stays with what it follows
        if lines and len(lines[-1]) + 1 + len(word) <= letters:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def hover(text: str) -> str:
    """``plain`` text as a part of a hover template, where ``%{x}`` would be filled in."""
    return plain(text).replace("%{", "%&#123;")


def distinct(names: Sequence[str]) -> list[str]:
    """``plain`` names for an axis, where two equal ones would be drawn in one place: the second gets a (2)."""
    found: list[str] = []
    for name in map(plain, names):
        shown, number = name, 2
        while shown in found:
            shown, number = f"{name} ({number})", number + 1
        found.append(shown)
    return found


def same_length(what: str, **parts: Sized) -> None:
    """Raise ``InputError`` unless all parts have as many entries."""
    lengths = {name.replace("_", " "): len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        given = ", ".join(f"{length} {name}" for name, length in lengths.items())
        raise InputError(f"{what} needs equally many of each; got {given}. Pass them in the same order, one by one.")


def _printable(text: str) -> str:
    """One line; control characters and those that turn the writing direction are gone (an SVG with them is broken)."""
    one_line = " ".join(str(text).split())
    return "".join(letter for letter in one_line if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn"))


def template(theme: Theme) -> go.layout.Template:
    """The theme's own defaults, in the place of plotly's."""
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "zeroline": False,
        "tickcolor": theme.muted,
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": theme.paper,
            "plot_bgcolor": theme.paper,
            "font": {"family": theme.font, "size": 12, "color": theme.ink},
            "colorway": list(theme.categorical),
            "xaxis": axis,
            "yaxis": axis,
        }
    )


def figure(theme: Theme, *, title: str = "", height: int = 420) -> go.Figure:
    """An empty frame in the theme's colours."""
    if title:
        return dress(go.Figure(), theme, title=title, height=height)
    made = go.Figure(_frame(theme))  # a copy; dressing one anew takes ten times as long, in a page of many figures
    made.layout.height = height
    return made


@functools.cache
def _frame(theme: Theme) -> go.Figure:
    return dress(go.Figure(), theme)


def dress(made: go.Figure, theme: Theme, *, title: str = "", height: int = 420) -> go.Figure:
    """Give a figure, such as one of ``make_subplots``, the theme's colours; its axes keep their places.

    The layout is put together first and given to plotly once: its ``update_xaxes`` and its like take five times as long
    for a figure of many panels.
    """
    layout = made.layout.to_plotly_json()
    layout["template"] = template(theme)  # not plotly's own, which is always there and which an update would keep
    own: dict[str, Any] = {
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "font": {"family": theme.font, "size": 12, "color": theme.ink},
        "colorway": list(theme.categorical),
        "margin": {"l": 60, "r": 20, "t": 60 if title else 36, "b": 50},
        "legend": {
            "font": {"size": 11},
            "bgcolor": "rgba(0,0,0,0)",
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
        },
        "hoverlabel": {"font": {"family": theme.font, "size": 12}},
        "height": height,
    }
    if title:
        own["title"] = {"text": plain(title), "font": {"size": 14}, "x": 0.0, "xref": "paper"}
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "zeroline": False,
        "tickfont": {"size": 11, "color": theme.ink},
        "ticks": "outside",
        "tickcolor": theme.muted,
        "ticklen": 4,
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 13}},
    }
    axes = {"xaxis", "yaxis", *(name for name in layout if re.fullmatch(r"[xy]axis\d+", name))}
    made.layout = _merged(layout, own | dict.fromkeys(axes, axis))
    return made


def _merged(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A layout with another one laid over it, inside its parts, too."""
    found = dict(whole)
    for name, value in part.items():
        inside = found.get(name)
        found[name] = _merged(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
    return found


def empty(theme: Theme, why: str, height: int = 300) -> go.Figure:
    """A frame that says why there is nothing to draw."""
    made = figure(theme, height=height)
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    made.add_annotation(text=plain(why), showarrow=False, font={"size": 13, "color": theme.muted}, x=0.5, y=0.5)
    return made
