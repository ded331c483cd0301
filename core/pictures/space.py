"""The map of a run: its samples, disease prompts and disease centroids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.colouring import colours
from core.figures.drawing import Anchor, Drawing, Marked, Moment
from core.figures.space import space_2d, space_3d
from core.figures.theme import LIGHT, Theme, plain
from core.pictures.chart import Chart, chart
from core.pictures.colourings import colouring
from core.pictures.source import Source
from core.runs import Run
from core.studies.study import Study

FIRST_DRAW = 10_000
"""More samples are drawn only when asked for: software rendering takes 6 s for so many, 22 s for 112,120."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a map is looked at.

    Attributes:
        by: what colours it, one of :func:`core.pictures.colourings.colourings`.
        labelled: kinds of anchors whose names are written.
        arrows: whether lines lead from the samples' mean to the anchors.
        flat: seen from above: its first two axes alone.
        reach: ends of each axis, the same for maps that are compared; None: its own.
    """

    by: str = "findings"
    labelled: tuple[str, ...] = ("prompt",)
    arrows: bool = False
    flat: bool = False
    reach: Sequence[tuple[float, float]] | None = None


@dataclass(frozen=True, kw_only=True)
class Picked:
    """Rows of the study that stand out: the chosen one, those enclosed (None: nothing was), those found; and the
    outline (x, y) that encloses."""

    chosen: int | None = None
    selected: Rows | None = None
    found: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    outline: Sequence[tuple[float, float]] = ()


def space(
    source: Source,
    run: Run,
    study: Study,
    *,
    look: Look | None = None,
    picked: Picked | None = None,
    rows: Rows | None = None,
    of: Chart | None = None,
    moments: Mapping[str, Chart] | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """Samples, disease prompts and disease centroids on a map of the run.

    Args:
        source: of projection and predictions.
        run, study: whose.
        look: how it is looked at.
        picked: what stands out.
        rows: rows of the study to draw (all of them by default); a click gives them back as ``customdata``.
        of: the map, in the study's order; None: the run's own.
        moments: maps of moments of training by their names, through which it can be played, in their order.
        theme: light or dark.
    """
    look, picked = look or Look(), picked or Picked()
    of = of or chart(source.projection(run), study)
    moments = moments or {}
    there = np.logical_and.reduce([one.known for one in (of, *moments.values())])
    rows = np.arange(len(study)) if rows is None else rows
    rows = rows[there[rows]]
    values = colouring(source, run, study, of, look.by, rows)
    axes = 2 if look.flat else 3
    made = Drawing(
        rows=rows,
        anchors=_seen(of.anchors, axes),
        labelled=look.labelled,
        arrows=look.arrows,
        marked=_marked(rows, picked),
        moments=[_moment(name, one, rows, axes) for name, one in moments.items()],
        outline=picked.outline if look.flat else (),
        reach=look.reach[:axes] if look.reach else None,
    )
    draw = space_2d if look.flat else space_3d
    return draw(of.samples[rows, :axes], values, made, theme=theme)


def explained(
    source: Source, run: Run, study: Study, of: Chart, by: str, rows: Rows, theme: Theme = LIGHT
) -> list[tuple[str, str]]:
    """What the colours of a map mean: a name (without markup) and a colour each; of a continuous scale, which has a
    bar, only what is unknown."""
    entries = colours(colouring(source, run, study, of, by, rows), theme).entries
    return [(plain(name), colour) for name, colour in entries]


def _seen(anchors: Sequence[Anchor], axes: int) -> list[Anchor]:
    return [replace(anchor, xyz=anchor.xyz[:axes]) for anchor in anchors]


def _marked(rows: Rows, picked: Picked) -> Marked:
    """Rows of the study as positions among those that are drawn; what is not drawn cannot stand out."""
    found = np.flatnonzero(np.isin(rows, picked.found))
    chosen = np.flatnonzero(rows == picked.chosen)  # nothing equals None
    return Marked(
        chosen=int(chosen[0]) if len(chosen) else None,
        selected=None if picked.selected is None else np.isin(rows, picked.selected),
        found=found.tolist(),
    )


def _moment(name: str, of: Chart, rows: Rows, axes: int) -> Moment:
    anchors = [anchor.xyz[:axes] for anchor in of.anchors]
    return Moment(name=name, coordinates=of.samples[rows, :axes], anchors=np.reshape(anchors, (-1, axes)))
