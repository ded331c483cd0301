"""Scores with intervals on named rows: differences between models, groups of findings, subgroups of people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from core.errors import InputError
from core.figures.dots import Dots, add_dots, legend_below, note, reach, spread
from core.figures.theme import LIGHT, Theme, distinct, dress, empty, figure, plain, wrapped

ROW, SERIES = 16, 13
"""Height of a row in pixels, and what each series adds."""


def differences(
    names: Sequence[str], series: Sequence[Dots], *, reference: str, n: Sequence[str], theme: Theme = LIGHT
) -> go.Figure:
    """First model minus each other, in percentage points: a dot and a 95 % interval for each row (R), a line at 0.

    Args:
        names: R rows, diseases and means over them, from top to bottom.
        series: each other model; filled dots are beyond chance.
        reference: name of the first model.
        n: R words that stand behind the names, such as ``n=48``.
        theme: light or dark.
    """
    if not names or not series:
        return empty(theme, "There are no two models to compare")
    made = figure(theme, height=96 + len(names) * (ROW + SERIES * len(series)))
    made.add_vline(x=0, line={"color": theme.muted, "width": 1, "dash": "dash"})
    for number, one in enumerate(series):
        add_dots(made, one, spread(len(names), len(series), number), theme.colour(number + 1), form="+.1f")
    values = np.array([np.asarray(one.values, np.float64) for one in series])
    for at in np.flatnonzero(np.isnan(values).all(axis=0)).tolist():
        note(made, "one class only", at, 0.0, theme)
    _rows(made, [f"{name}  ({own})" for name, own in zip(distinct(names), n, strict=True)])
    shown = wrapped(f"{reference} minus the other, percentage points", 30)
    made.update_xaxes(title_text=shown, range=reach(series, -1.0, 1.0))
    legend_below(made, len(series), below=56 + 16 * shown.count("<br>"), top=16)
    made.update_layout(showlegend=True)
    if len(series) == 1:
        made.update_layout(height=made.layout.height + 20, margin={"b": made.layout.margin.b + 20})
    return made


def _rows(made: go.Figure, ticks: Sequence[str], *, col: int | None = None) -> None:
    where = {} if col is None else {"row": 1, "col": col}
    made.update_yaxes(
        tickvals=np.arange(len(ticks)), ticktext=list(ticks), range=[len(ticks) - 0.4, -0.6], showgrid=False, ticks="",
        **where,
    )  # fmt: skip


def groups(names: Sequence[str], panels: Sequence[tuple[str, Sequence[Dots]]], *, theme: Theme = LIGHT) -> go.Figure:
    """Means over groups of findings: a panel for each measure, a row for each group, a dot for each model.

    Args:
        names: R groups, with how many findings each has.
        panels: a measure's name and its series.
        theme: light or dark.
    """
    if not names or not panels or not panels[0][1]:
        return empty(theme, "No group of findings was scored")
    count = len(panels[0][1])
    made = make_subplots(rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.05)
    dress(made, theme, height=96 + len(names) * (ROW + SERIES * count))
    for col, (measure, series) in enumerate(panels, start=1):
        if len(series) != count:
            raise InputError(f"{measure} has {len(series)} models, the first measure {count}: give as many of each.")
        for number, one in enumerate(series):
            add_dots(made, one, spread(len(names), count, number), theme.colour(number), col=col, legend=col == 1)
        values = np.array([np.asarray(one.values, np.float64) for one in series])
        ends = reach(series, 0.5)
        for at in np.flatnonzero(np.isnan(values).all(axis=0)).tolist():
            note(made, "n=0", at, ends[0], theme, col=col)
        made.update_xaxes(title_text=f"{plain(measure)}<br>95 % interval", range=ends, row=1, col=col)
        _rows(made, distinct(names), col=col)
    legend_below(made, count, below=72, top=16)
    return made


def subgroups(
    diseases: Sequence[str],
    names: Sequence[str],
    models: Sequence[tuple[str, Sequence[Dots]]],
    positives: ArrayLike,
    *,
    measure: str,
    zero: float,
    theme: Theme = LIGHT,
) -> go.Figure:
    """A panel for each model, a row for each disease, a dot for each subgroup.

    Args:
        diseases: K rows.
        names: G subgroups, with how many radiographs each has.
        models: a model's name and its G series on K rows.
        positives: (G, K) radiographs of each subgroup with each disease.
        measure: what the x axis shows.
        zero: where a dashed line stands.
        theme: light or dark.

    Raises:
        InputError: shapes differ.
    """
    counts = np.asarray(positives, np.int64)
    if not diseases or not names or not models:
        return empty(theme, "There are no subgroups to compare")
    if counts.shape != (len(names), len(diseases)):
        raise InputError(f"positives {counts.shape} must be ({len(names)}, {len(diseases)}): subgroups by diseases.")
    made = make_subplots(
        rows=1, cols=len(models), shared_yaxes=True, horizontal_spacing=0.03,
        subplot_titles=[wrapped(name, 18) for name, _ in models] if len(models) > 1 else None,
    )  # fmt: skip
    dress(made, theme, height=110 + len(diseases) * (ROW + SERIES * len(names)))
    made.update_annotations(font={"size": 12, "color": theme.ink, "family": theme.font})
    ends = reach([one for _, series in models for one in series], zero)
    each = (" | ".join(f"{count:,}" for count in own) for own in counts.T)
    ticks = [f"{name}  (n={own})" for name, own in zip(distinct(diseases), each, strict=True)]
    for col, (_, series) in enumerate(models, start=1):
        made.add_vline(
            x=zero, line={"color": theme.muted, "width": 1, "dash": "dash"}, row=1, col=col,
            exclude_empty_subplots=False,
        )  # fmt: skip
        for number, one in enumerate(series):
            places = spread(len(diseases), len(series), number)
            form = ".3f" if zero else "+.3f"
            add_dots(made, one, places, theme.colour(number), col=col, legend=col == 1, form=form)
            for at in np.flatnonzero(np.isnan(np.asarray(one.values, np.float64))).tolist():
                why = "n=0" if not counts[number, at] else f"{names[number].split(' (')[0]}: undefined"
                note(made, why, float(places[at]), zero, theme, col=col)
        made.update_xaxes(title_text=measure, range=ends, tickangle=0, nticks=5, row=1, col=col)
        _rows(made, ticks, col=col)
    titles = 18 * max(wrapped(name, 18).count("<br>") + 1 for name, _ in models) if len(models) > 1 else 0
    legend_below(made, len(names), below=56, top=16 + titles)
    return made
