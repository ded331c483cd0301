"""An ablation as a picture: which differences to the baseline are larger than chance?"""

from __future__ import annotations

import plotly.graph_objects as go

from core.ablation.numbers import METRICS, Table
from core.figures.ablation import differences
from core.figures.theme import LIGHT, Theme


def forest(table: Table, *, theme: Theme = LIGHT) -> go.Figure:
    """The difference of every configuration to the baseline with its 95 % interval and its seeds."""
    compared = [(row.label, row.difference) for row in table.rows if row.difference is not None]
    return differences(
        [label for label, _ in compared],
        [made.value for _, made in compared],
        [made.low for _, made in compared],
        [made.high for _, made in compared],
        beyond=[made.beyond_chance for _, made in compared],
        per_seed=[made.per_seed for _, made in compared],
        measure=METRICS[table.metric].title,
        baseline=table.baseline,
        theme=theme,
    )
