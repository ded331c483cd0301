"""Where runs look in a radiograph, and whether they point at boxes."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from core.attention.boxed import COLUMNS, Part, Result, boxed
from core.attention.maps import Saliency
from core.errors import RunError
from core.figures.attention import Box, Overlay, pointing_rates, saliency_maps
from core.figures.theme import LIGHT, Theme
from core.metrics.pointing import peak
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

NOTHING = "nothing here raises the score"


def maps(
    study: Study,
    sample: str,
    found: Sequence[tuple[Run, Saliency]],
    *,
    finding: str = "",
    opacity: float = 0.7,
    outlined: bool = True,
    theme: Theme = LIGHT,
) -> go.Figure:
    """A radiograph, and the same one under the map of each run.

    Args:
        study, sample: whose radiograph, by its id.
        found: the runs and their maps.
        finding: boxes of this finding alone are outlined; empty: all boxes.
        opacity: of the highest places, 0 to 1.
        outlined: whether boxes are.
        theme: light or dark.
    """
    overlays = [
        Overlay(short(run), in_words(one), one.values.astype("float32"), peak(one.values)) for run, one in found
    ]
    boxes = boxes_of(study, sample, finding) if outlined else []
    picture = study.images[study.places[sample]]
    return saliency_maps(picture, sample, overlays, boxes, opacity=opacity, theme=theme)


def in_words(found: Saliency) -> list[str]:
    """The score, and how the map was made."""
    lines = [f"{found.scored_by} {found.score:+.2f}", found.method, found.where]
    return [*lines, NOTHING] if found.empty else lines


def boxes_of(study: Study, sample: str, finding: str = "") -> list[Box]:
    """The boxes in a radiograph, of one finding or of all."""
    own = study.boxes[study.boxes["id"] == sample]
    rows = (own[own["finding"] == finding] if finding else own).to_dict("records")
    return [Box(display_name(row["finding"]), *(float(row[name]) for name in COLUMNS)) for row in rows]


def results(source: Source, runs: Sequence[Run]) -> dict[str, Result]:
    """The pointing games of these runs by their ids.

    Raises:
        RunError: one was not played, or they were played over different radiographs.
    """
    found = {run.id: source.pointing(run) for run in runs}
    if lacking := [run.id[:8] for run in runs if found[run.id] is None]:
        raise RunError(
            f"Run {', '.join(lacking)} was not asked yet whether it points at boxes: "
            f"`python -m scripts.look {lacking[0]} --boxes`, or the Attention view."
        )
    known = {name: one for name, one in found.items() if one is not None}
    if len({one.rows for one in known.values()}) > 1:
        raise RunError("These runs were asked over different radiographs: ask them over the same (--boxes, --all).")
    return known


def pointing(source: Source, runs: Sequence[Run], study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """The hit rate of each finding with boxes, beside chance and the middle of the radiograph, all runs side by side.

    Raises:
        RunError: see :func:`results`.
    """
    by_run = [one.by_finding(study.findings) for one in results(source, runs).values()]
    names = list(by_run[0])
    return pointing_rates(
        [display_name(name) for name in names],
        [[own[name].rate.value for name in names] for own in by_run],
        [[own[name].rate.low for name in names] for own in by_run],
        [[own[name].rate.high for name in names] for own in by_run],
        counts=[by_run[0][name].n for name in names],
        area=[by_run[0][name].area for name in names],
        centre=[by_run[0][name].centre for name in names],
        series=[short(run) for run in runs],
        theme=theme,
    )


def of_boxes(source: Source, runs: Sequence[Run], study: Study) -> str:
    """``n = 120 boxes' findings in 100 test radiographs of study nih``"""
    found = next(iter(results(source, runs).values()))
    radiographs = found.table["id"].nunique()
    return f"n = {len(found.table):,} findings with boxes in {radiographs:,} {found.rows} of study {study.name}"


def boxed_findings(study: Study, part: Part = "test") -> int:
    """How many findings are marked, each radiograph by itself; 0: the study has no boxes."""
    return len(boxed(study, part)[0].drop_duplicates(["id", "finding"]))
