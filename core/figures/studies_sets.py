"""Combinations of findings as an UpSet plot (Lex, Gehlenborg, Strobelt, Vuillemot & Pfister, IEEE TVCG 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.studies import in_words, short_names, table
from core.figures.theme import LIGHT, Theme, dress, empty, plain, same_length, wrapped

NO_FINDING = "No finding"
ROWS = 30
"""With more findings only those that take part in a drawn combination have a row."""

FEWEST = 6
"""Columns that there is room for even with fewer combinations: a single bar is not a wall."""

ROW, BARS = 24, 220
"""Pixels of one finding's row, and of the bars above."""


def upset(
    names: Sequence[str],
    sizes: ArrayLike,
    sets: Sequence[Sequence[int]],
    counts: ArrayLike,
    *,
    most: int = 20,
    samples: int | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Bars of the most frequent combinations, beneath each the dots of its findings, at the left each finding's size.

    Args:
        names: K findings.
        sizes: radiographs with each finding (K,), alone or not.
        sets: numbers of the findings of each combination; an empty one is "No finding", in a row of its own.
        counts: radiographs with exactly that combination, as many as ``sets``.
        most: how many of the combinations are drawn, the most frequent first.
        samples: radiographs in all combinations, of which the drawn ones are a share; stated where it is given.
        theme: light or dark.
    """
    drawn = _choose(names, sizes, sets, counts, most)
    if not drawn.places:
        return empty(theme, "No combination of findings was seen")
    height = BARS + ROW * len(drawn.shown)
    made = make_subplots(
        rows=2, cols=2, specs=[[None, {}], [{}, {}]], column_widths=[0.16, 0.84], horizontal_spacing=0.008,
        row_heights=[BARS, height - BARS], vertical_spacing=8 / height,
    )  # fmt: skip
    dress(made, theme, height=height + 100)
    _bars(made, drawn, theme)
    _sizes(made, drawn, theme)
    _matrix(made, drawn, theme)
    _axes(made, drawn, samples, theme)
    return made


@dataclass(frozen=True)
class _Drawn:
    """What is drawn: R rows with their names, tick labels and sizes; C columns with their rows, names and counts."""

    shown: list[str]
    ticks: list[str]
    sizes: list[int]
    places: list[list[int]]
    titles: list[str]
    counts: list[int]


def _choose(
    names: Sequence[str], sizes: ArrayLike, sets: Sequence[Sequence[int]], counts: ArrayLike, most: int
) -> _Drawn:
    if most < 1:
        raise InputError(f"most is {most}; at least 1 combination must be drawn.")
    same_length("A plot of combinations", combinations=sets, counts=np.asarray(counts))
    totals = table(np.reshape(sizes, (-1, 1)), len(names), 1, "Numbers of radiographs by finding").ravel()
    held = np.asarray(counts, np.int64)
    order = np.argsort(-held, kind="stable")[:most].tolist()
    members = [sorted(sets[at]) for at in order]
    if odd := sorted({at for one in members for at in one} - set(range(len(names)))):
        raise InputError(f"Combinations name the findings {odd[:5]}; with {len(names)} they are 0 to {len(names) - 1}.")
    used = set(range(len(names))) if len(names) <= ROWS else {at for one in members for at in one}
    rows = sorted(used, key=lambda row: (-totals[row], row))
    labels = short_names(names)
    shown, ticks, sums = [plain(names[row]) for row in rows], [labels[row] for row in rows], totals[rows].tolist()
    places = [[rows.index(finding) for finding in one] for one in members]
    if [] in members:
        places = [one or [len(rows)] for one in places]
        shown.append(NO_FINDING)
        ticks.append(NO_FINDING)
        sums.append(int(held[order[members.index([])]]))
    ticks = [f"{name}  (n={size:,})" for name, size in zip(ticks, sums, strict=True)]
    return _Drawn(shown, ticks, sums, places, [" + ".join(shown[at] for at in one) for one in places],
                  held[order].tolist())  # fmt: skip


def _bars(made: go.Figure, drawn: _Drawn, theme: Theme) -> None:
    made.add_bar(
        x=np.arange(len(drawn.counts)), y=drawn.counts, name="radiographs with exactly this", customdata=drawn.titles,
        marker={"color": theme.muted, "line": {"width": 0}}, width=0.62,
        text=[f"{count:,}" for count in drawn.counts], textposition="outside", textangle=-90, cliponaxis=False,
        textfont={"size": 11, "color": theme.ink}, constraintext="none",
        hovertemplate="%{customdata}: %{y:,}<extra></extra>", row=1, col=2,
    )  # fmt: skip


def _sizes(made: go.Figure, drawn: _Drawn, theme: Theme) -> None:
    made.add_bar(
        x=drawn.sizes, y=np.arange(len(drawn.sizes)), orientation="h", name="radiographs with the finding", width=0.62,
        text=drawn.shown, textposition="none", marker={"color": theme.muted, "line": {"width": 0}},
        hovertemplate="%{text}: %{x:,}<extra></extra>", row=2, col=1,
    )  # fmt: skip


def _matrix(made: go.Figure, drawn: _Drawn, theme: Theme) -> None:
    """Bands, pale dots, lines from the first to the last finding of a combination, and its dots."""
    count, rows = len(drawn.places), len(drawn.shown)
    band = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "yref": "y3", "layer": "below",
            "fillcolor": theme.grid, "opacity": 0.5, "line": {"width": 0}}  # fmt: skip
    made.update_layout(shapes=[{**band, "y0": row - 0.5, "y1": row + 0.5} for row in range(0, rows, 2)])
    pale = [(at, row) for at in range(count) for row in range(rows) if row not in drawn.places[at]]
    dots = [(at, row) for at in range(count) for row in drawn.places[at]]
    ends = [pair for at in range(count) for pair in
            ((at, min(drawn.places[at])), (at, max(drawn.places[at])), (at, np.nan))]  # fmt: skip
    _dots(made, drawn, pale, "absent", theme.unknown)
    made.add_scatter(
        x=[at for at, _ in ends], y=[row for _, row in ends], mode="lines", connectgaps=False, name="together",
        line={"color": theme.ink, "width": 2}, hoverinfo="skip", row=2, col=2,
    )  # fmt: skip
    _dots(made, drawn, dots, "present", theme.ink)


def _dots(made: go.Figure, drawn: _Drawn, places: list[tuple[int, int]], name: str, colour: str) -> None:
    made.add_scatter(
        x=[at for at, _ in places], y=[row for _, row in places], mode="markers", name=name,
        text=[drawn.shown[row] for _, row in places], customdata=[drawn.titles[at] for at, _ in places],
        marker={"size": 8, "color": colour}, hovertemplate="%{customdata}<extra></extra>", row=2, col=2,
    )  # fmt: skip


def _axes(made: go.Figure, drawn: _Drawn, samples: int | None, theme: Theme) -> None:
    count, rows = len(drawn.places), len(drawn.shown)
    ranges = {"x": [-0.6, max(FEWEST, count) - 0.4], "y": [rows - 0.5, -0.5]}
    bare = {"showgrid": False, "ticks": "", "showticklabels": False, "showline": False}
    made.update_xaxes(range=ranges["x"], **bare, row=1, col=2)
    made.update_yaxes(title_text="Radiographs", range=[0, 1.3 * max(drawn.counts)], nticks=5, row=1, col=2)
    made.update_xaxes(range=[1.05 * max(1, *drawn.sizes), 0], row=2, col=1, **bare)
    made.update_yaxes(range=ranges["y"], tickvals=np.arange(rows), ticktext=drawn.ticks, ticks="", showgrid=False,
                      showline=False, row=2, col=1)  # fmt: skip
    made.update_xaxes(range=ranges["x"], title_text="Combination", row=2, col=2, **bare)
    made.update_yaxes(range=ranges["y"], row=2, col=2, **bare)
    if samples:
        share = in_words(100 * sum(drawn.counts) / samples)
        which = f"the {count} most frequent combinations" if count > 1 else "this combination"
        made.add_annotation(
            xref="paper", x=1, xanchor="right", yref="paper", y=1, yanchor="bottom", showarrow=False, align="right",
            text=wrapped(f"{which}: {share} of the radiographs (n={samples:,})", 44),
            font={"size": 12, "color": theme.muted},
        )  # fmt: skip
    made.update_layout(showlegend=False, margin={"t": 46, "l": 20, "r": 16, "b": 50})
