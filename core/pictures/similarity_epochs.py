"""Heatmaps of cosines through training: how they moved, and what they were at one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import InputError
from core.figures.similarity_epochs import Measure, over_epochs
from core.figures.theme import LIGHT, Theme
from core.metrics.similarity import off_diagonal, simplex_target
from core.pictures.similarity import Panel, cosines_of
from core.pictures.similarity_numbers import nearest_is_own, parted
from core.pictures.source import Source, short
from core.runs import Run
from core.snapshots import Snapshot
from core.studies.study import Study
from core.studies.vocabulary import display_name

KINDS = ("prompts", "centroids", "cross", "signs")
"""Kinds that training changes; what the towers alone make of the prompts stays as it is."""

Cells = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """One measure of a heatmap: its title, what it is, and whether it is a cosine of pairs with known targets."""

    title: str
    of: Callable[[Cells], float]
    targets: bool = True


_OWN = (
    _Asked(title="Mean cosine", of=lambda cells: off_diagonal(cells).mean),
    _Asked(title="Mean |cosine|", of=lambda cells: off_diagonal(cells).mean_abs),
    _Asked(title="Nearest pair", of=lambda cells: off_diagonal(cells).max),
)
_MEASURES: dict[str, tuple[_Asked, ...]] = {
    "prompts": _OWN,
    "centroids": _OWN,
    "cross": (
        _Asked(title="Own centroid (mean)", of=lambda cells: _mean(parted(cells)[0]), targets=False),
        _Asked(title="Other centroids (mean)", of=lambda cells: _mean(parted(cells)[1]), targets=False),
        _Asked(title="Nearest is own (findings)", of=lambda cells: float(nearest_is_own(cells)), targets=False),
    ),
    "signs": (
        _Asked(title="Own denial (mean)", of=lambda cells: _mean(parted(cells)[0]), targets=False),
        _Asked(title="Other denials (mean)", of=lambda cells: _mean(parted(cells)[1]), targets=False),
        _Asked(title="Own denial, largest", of=lambda cells: float(np.nanmax(parted(cells)[0])), targets=False),
    ),
}


def _mean(values: Cells) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def followed(source: Source, runs: Sequence[Run]) -> list[Run]:
    """The runs that kept more than one moment."""
    return [run for run in runs if len(source.snapshots(run)) > 1]


def epochs(source: Source, runs: Sequence[Run]) -> list[float]:
    """All moments that one of these runs kept, in order."""
    return sorted({one.epoch for run in runs for one in source.snapshots(run)})


def at_epoch(source: Source, run: Run, epoch: float) -> Snapshot:
    """The last moment of a run up to an epoch; its first one where it kept none so early."""
    kept = source.snapshots(run)
    return max((one for one in kept if one.epoch <= epoch), key=lambda one: one.step, default=kept[0])


def panel_at(source: Source, run: Run, study: Study, kind: str, moment: Snapshot) -> Panel:
    """The heatmap of a run at one of its moments, of a kind in :data:`KINDS`."""
    found = cosines_of(
        kind,
        lambda name: source.snapshot_embeddings(run, moment.step, name).vectors,
        lambda: source.snapshot_centroids(run, moment.step, study),
    )
    return Panel(
        title=f"{short(run)} · epoch {moment.epoch:g}",
        names=tuple(display_name(name) for name in study.findings),
        cosines=found,
        kind=kind,
        width=source.snapshot_embeddings(run, moment.step, "prompts").vectors.shape[1],
    )


def panels_at(
    source: Source, runs: Sequence[Run], study: Study, kind: str, epoch: float, names: Sequence[str]
) -> list[Panel]:
    """The heatmaps of some runs at an epoch, with their labels in the order of ``names``."""
    found = [panel_at(source, run, study, kind, at_epoch(source, run, epoch)) for run in runs]
    return [panel.at(_rows(panel.names, names)) for panel in found]


def _rows(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where the wanted names stand; of two equal ones the first one first."""
    left: list[str | None] = list(names)
    rows = []
    for name in wanted:
        rows.append(left.index(name))
        left[rows[-1]] = None
    return rows


def curves(
    source: Source,
    runs: Sequence[Run],
    study: Study,
    kind: str,
    *,
    marked: float | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """The measures of a kind against the epoch, beside what is reachable; ``marked``: the epoch that is looked at.

    Raises:
        InputError: of a kind that training does not change.
    """
    if kind not in KINDS:
        raise InputError(f"Training does not change cosines of the kind {kind!r}; take one of {', '.join(KINDS)}.")
    moments = {run.id: source.snapshots(run) for run in runs}
    matrices = {run.id: [panel_at(source, run, study, kind, one).cosines for one in moments[run.id]] for run in runs}
    levels = [("orthogonal: 0", 0.0)]
    if (count := len(study.findings)) > 1:
        levels.append((f"simplex: {simplex_target(count):.3f}", simplex_target(count)))
    measures = [
        Measure(
            title=asked.title,
            epochs=[[one.epoch for one in moments[run.id]] for run in runs],
            values=[[asked.of(cells) for cells in matrices[run.id]] for run in runs],
            references=_levels(asked, levels),
        )
        for asked in _MEASURES[kind]
    ]
    return over_epochs(measures, [short(run) for run in runs], marked=marked, theme=theme)


def _levels(asked: _Asked, levels: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """What is reachable in a measure; of |cosine| the simplex lies on the other side of 0."""
    if not asked.targets:
        return []
    if "|" in asked.title:
        return [(name.replace("-", ""), abs(level)) for name, level in levels]
    return list(levels)
