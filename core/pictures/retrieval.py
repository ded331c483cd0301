"""Whether a radiograph finds its report, and a report its radiograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import InputError
from core.figures import retrieval as figures
from core.figures.tabular import columns_csv
from core.figures.theme import LIGHT, Theme
from core.metrics.bootstrap import interval, percentile_interval
from core.metrics.results import Interval
from core.metrics.retrieval import Measured, Searched, chance_recall
from core.pictures.partners import MADE, kind_of_texts
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study

Rows = NDArray[np.int64]


def pool(source: Source, run: Run, study: Study, *, whole: bool = False) -> Searched | None:
    """The pairs that were searched, None where there are fewer than two."""
    if len(source.pairs(run, study)[0]) < 2:
        return None
    return source.searched(run, study, whole=whole)


def curves(
    source: Source, runs: Sequence[Run], study: Study, way: str, *, whole: bool = False, theme: Theme = LIGHT
) -> go.Figure:
    """Recall against k one way, with 95 % intervals, beside chance; runs without pairs are left out."""
    found = _pools(source, runs, study, whole)
    series = []
    for run, one in found:
        measured = one.measured[way]
        own = [recall_interval(measured, int(k)) for k in measured.ks]
        parts = {f"{name}s": [getattr(each, name) for each in own] for name in ("value", "low", "high")}
        series.append(figures.Recall(name=short(run), ks=measured.ks, **parts))
    lines = [
        (name, one.measured[way].ks, chance_recall(one.sizes, one.measured[way].ks)) for name, one in _different(found)
    ]
    return figures.recall_curves(series, chance=lines, theme=theme)


def curves_csv(source: Source, runs: Sequence[Run], study: Study, way: str, *, whole: bool = False) -> bytes:
    """The numbers behind :func:`curves`, one line for each k of each run.

    Raises:
        InputError: no run has a pair.
    """
    columns: dict[str, list[object]] = {name: [] for name in ("run", "k", "recall", "low", "high", "chance", "n")}
    for run, one in _pools(source, runs, study, whole):
        measured = one.measured[way]
        for k, chance in zip(measured.ks.tolist(), chance_recall(one.sizes, measured.ks).tolist(), strict=True):
            own = recall_interval(measured, k)
            line = (short(run), k, own.value, own.low, own.high, chance, measured.n)
            for values, value in zip(columns.values(), line, strict=True):
                values.append(value)
    if not columns["k"]:
        raise InputError("Nothing to export: no radiograph has a text in the space of these runs.")
    names, numbers = columns.pop("run"), {name: np.array(values, float) for name, values in columns.items()}
    return columns_csv({"run": names, **numbers})


def ranks(
    source: Source, runs: Sequence[Run], study: Study, way: str, *, whole: bool = False, theme: Theme = LIGHT
) -> go.Figure:
    """At which ranks partners are found one way, beside chance."""
    found = _pools(source, runs, study, whole)
    series = [
        figures.Ranks(name=short(run), ranks=one.ranks[way], median=one.measured[way].median) for run, one in found
    ]
    edges = figures.bins(max((len(one) for _, one in found), default=1))
    lines = [(name, chance_recall(one.sizes, edges)) for name, one in _different(found)]
    return figures.rank_shares(series, chance=lines, theme=theme)


def _pools(source: Source, runs: Sequence[Run], study: Study, whole: bool) -> list[tuple[Run, Searched]]:
    made = [(run, pool(source, run, study, whole=whole)) for run in runs]
    return [(run, one) for run, one in made if one is not None]


def _different(found: Sequence[tuple[Run, Searched]]) -> list[tuple[str, Searched]]:
    """Each pool once, with what chance is called there."""
    kept: list[tuple[Run, Searched]] = []
    for run, one in found:
        if not any(np.array_equal(one.sizes, other.sizes) for _, other in kept):
            kept.append((run, one))
    if len(kept) == 1:
        return [("chance", kept[0][1])]
    kinds = {MADE: "made "}
    return [(f"chance, {len(one):,} {kinds.get(str(kind_of_texts(run)), 'own ')}texts", one) for run, one in kept]


def recall_interval(measured: Measured, k: int) -> Interval:
    """Recall at a k of ``measured.ks`` with its 95 % interval over patients."""
    at = measured.at(k)
    return interval(float(measured.recall[at]), measured.recall_drawn[:, at], n_patients=measured.n_patients)


def median_interval(measured: Measured) -> Interval:
    """The median rank with its 95 % interval over patients."""
    return percentile_interval(measured.median, measured.median_drawn, n_patients=measured.n_patients)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One candidate of a query: a row of the study, its cosine, whether it is right, how many others have its text."""

    row: int
    cosine: float
    right: bool
    same: int = 0


def cases(one: Searched, way: str, *, worst: bool, among: Rows | None = None) -> Rows:
    """Places of queries in the pool, the best (or worst) first; by rank, then by the cosine to their own partner.

    Args:
        one: what was searched.
        way: from images to texts or back.
        worst: the other end first.
        among: places that are listed; None: all.
    """
    places = np.arange(len(one)) if among is None else among
    order = np.lexsort((-one.own[places], one.ranks[way][places]))
    return places[order[::-1]] if worst else places[order]


def nearest(
    source: Source, run: Run, study: Study, one: Searched, way: str, place: int, *, most: int = 5
) -> list[Found]:
    """The candidates nearest to a query; a text that several radiographs have is listed once.

    Args:
        source: of the pairs.
        run, study: whose.
        one: what was searched.
        way: from images to texts or back.
        place: of the query in the pool.
        most: how many.
    """
    images, texts, rows = source.pairs(run, study)
    queries, candidates = (images, texts) if way == "image_to_text" else (texts, images)
    searched = candidates if len(one) == len(candidates) else candidates[one.rows]
    cosines = searched @ queries[one.rows[place]]
    found: list[Found] = []
    told: set[int] = set()
    for at in np.argsort(-cosines, kind="stable").tolist():
        group = int(one.group[at])
        if way == "image_to_text" and group in told:
            continue
        told.add(group)
        right = group == int(one.group[place])
        shown = place if right and way == "image_to_text" else at
        found.append(
            Found(
                row=int(rows[one.rows[shown]]),
                cosine=float(cosines[at]),
                right=right,
                same=int((one.group == group).sum()) - 1,
            )
        )
        if len(found) == most:
            break
    return found
