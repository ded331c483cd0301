"""The 3D map of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import ConfigError
from core.figures.space import Anchor, space_3d
from core.figures.theme import LIGHT, Theme
from core.pictures.source import Source
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

FIRST_DRAW = 10_000
"""More samples are drawn only when asked for: software rendering takes 6 s for so many, 22 s for 112,120."""

COLUMNS = ("split", "sex", "view", "age")


@dataclass(frozen=True)
class Colouring:
    """One value per sample, and how it is drawn."""

    values: NDArray[Any]
    kind: Literal["categorical", "continuous", "binary"]
    title: str


def colourings(study: Study) -> list[str]:
    """Everything that the map of a study can be coloured by."""
    return [*(["findings"] if study.findings else []), *study.findings, *COLUMNS]


def colouring(study: Study, by: str) -> Colouring:
    """Values (N,) for the combination of findings, one finding, or a column of the table.

    Raises:
        ConfigError: nothing of that name.
    """
    if by in study.findings:
        return Colouring(study.labels[:, study.findings.index(by)], "binary", display_name(by))
    if by == "findings" and study.findings:
        return Colouring(_combination(study), "categorical", "Findings")
    if by not in COLUMNS:
        raise ConfigError(f"The map cannot be coloured by {by!r}; it can by {', '.join(colourings(study))}.")
    values = study.samples[by].to_numpy()
    if by == "age":
        return Colouring(values.astype(np.float32), "continuous", "Age (years)")
    return Colouring(values.astype(object), "categorical", by.capitalize())


def _combination(study: Study) -> NDArray[np.object_]:
    """The one finding of a sample, "No finding" where all are known to be absent, "Several", or None (unknown)."""
    present = study.labels == 1
    names = np.array([display_name(name) for name in study.findings], dtype=object)
    found = np.where(present.sum(axis=1) > 1, "Several", "No finding").astype(object)
    single = present.sum(axis=1) == 1
    found[single] = names[present[single].argmax(axis=1)]
    found[~present.any(axis=1) & np.isnan(study.labels).any(axis=1)] = None
    return found


def space(
    source: Source,
    run: Run,
    study: Study,
    *,
    by: str = "findings",
    rows: NDArray[np.int64] | None = None,
    chosen: int | None = None,
    labelled: Sequence[str] = ("prompt",),
    theme: Theme = LIGHT,
) -> go.Figure:
    """Samples, disease prompts and disease centroids on the run's map.

    Args:
        source: of the projection.
        run, study: whose.
        by: one of :func:`colourings`.
        rows: rows of the study to draw (all of them by default); a click gives them back as ``customdata``.
        chosen: row of the sample to ring.
        labelled: kinds of anchors whose names are written.
        theme: light or dark.
    """
    rows = np.arange(len(study)) if rows is None else rows
    projection, colours = source.projection(run), colouring(study, by)
    ids, coordinates = projection.of_kind("sample")
    position = {name: at for at, name in enumerate(ids)}
    at = np.array([position[name] for name in study.samples["id"].to_numpy()[rows]])
    where = np.flatnonzero(rows == chosen)  # nothing equals None
    return space_3d(
        coordinates[at],
        colours.values[rows],
        kind=colours.kind,
        names=[colours.title],
        customdata=rows,
        anchors=[
            Anchor(label=display_name(name), xyz=point, symbol=kind)
            for kind in ("prompt", "centroid")
            for name, point in zip(*_listed(projection.of_kind(kind)), strict=True)
        ],
        labelled=labelled,
        highlight=int(where[0]) if len(where) else None,
        theme=theme,
    )


def _listed(found: tuple[list[str], NDArray[np.float32]]) -> tuple[list[str], list[list[float]]]:
    return found[0], found[1].tolist()
