"""Colours, fonts and frames of all figures, light and dark, explicit in every figure.

Inside Streamlit plotly's default template has placeholder colours that only the front end replaces; a figure that
relies on it comes out near-black when it is exported.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import plotly.graph_objects as go

Scale = tuple[tuple[float, str], ...]

_CATEGORICAL = (  # Okabe and Ito (2008), its yellow darkened, and six more that stay apart from them
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#b8a800",
    "#7a5195",
    "#8c3a1e",
    "#2f4b7c",
    "#7fbf9a",
    "#f2a6c0",
    "#00665e",
    "#a6761d",
)
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif"


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Everything that a figure needs to know of how it is looked at.

    Attributes:
        paper: ground of the figure; ink, muted, grid: text, secondary text, lines.
        unknown: colour of samples whose value is not known.
        grounded: colour of samples that are the ground of a picture, such as those without a finding.
        categorical: 14 colours, colour-blind safe among the first eight.
        sequential: 0 to 1; diverging: symmetric about its middle, which is the ground.
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
    categorical: tuple[str, ...] = _CATEGORICAL
    font: str = _FONT

    def colour(self, number: int) -> str:
        """The colour of category or run ``number``; they repeat after the last."""
        return self.categorical[number % len(self.categorical)]


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
    diverging=((0.0, "#963f00"), (0.25, "#e59a63"), (0.5, "#fbfbfb"), (0.75, "#5aa3cd"), (1.0, "#004a75")),
)
DARK = Theme(
    name="dark",
    paper="#0f1419",
    ink="#e6ebf0",
    muted="#97a3b0",
    grid="#2a323b",
    unknown="#39424c",
    grounded="#5b7690",
    sequential=_CIVIDIS,
    diverging=((0.0, "#ff9a52"), (0.25, "#b3591a"), (0.5, "#161c23"), (0.75, "#2a79ab"), (1.0, "#7cc8f5")),
)


def plain(text: str) -> str:
    """A user's text as plotly shows it letter by letter: no markup, no line breaks."""
    return html.escape(" ".join(str(text).split()), quote=False)


def figure(theme: Theme, *traces: go.Figure, title: str = "", height: int = 420) -> go.Figure:
    """An empty frame in the theme's colours."""
    made = go.Figure(data=list(traces))
    made.update_layout(
        template=go.layout.Template(),
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        font={"family": theme.font, "size": 12, "color": theme.ink},
        title={"text": plain(title), "font": {"size": 14}, "x": 0.0, "xref": "paper"} if title else None,
        colorway=list(theme.categorical),
        margin={"l": 60, "r": 20, "t": 60 if title else 36, "b": 50},
        legend={"font": {"size": 11}, "bgcolor": "rgba(0,0,0,0)", "orientation": "h", "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"font": {"family": theme.font, "size": 12}},
        height=height,
    )
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "zerolinecolor": theme.grid,
        "tickfont": {"size": 11, "color": theme.ink},
        "ticks": "outside",
        "tickcolor": theme.muted,
        "ticklen": 4,
        "automargin": True,
    }
    made.update_xaxes(**axis)
    made.update_yaxes(**axis)
    return made


def empty(theme: Theme, why: str, height: int = 300) -> go.Figure:
    """A frame that says why there is nothing to draw."""
    made = figure(theme, height=height)
    made.update_xaxes(visible=False)
    made.update_yaxes(visible=False)
    made.add_annotation(text=plain(why), showarrow=False, font={"size": 13, "color": theme.muted}, x=0.5, y=0.5)
    return made
