"""The modality gap of a run, and over the runs of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.errors import ArtefactError, InputError, StudyError
from core.figures import gap as figures
from core.figures import gap_runs
from core.figures.gap import ACROSS, IMAGE, TEXT, ShiftLine, ShiftRow
from core.figures.gap_runs import FindingGaps, TemperaturePoint
from core.figures.theme import LIGHT, Theme
from core.metrics.plane import Plane
from core.metrics.shifting import Best, best_shift
from core.pictures.missing import no_pairs
from core.pictures.source import Source, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

STEPS = np.arange(-5, 5.01, 0.25)
"""Where the slider can stand; the frame of the map holds the points at all of them."""

LIANG = ((1.0, 0.238), (1 / 10, 0.303), (1 / 20, 0.552), (1 / 30, 0.635), (1 / 50, 0.796), (1 / 100, 1.001))
"""Temperature and final gap of CLIP fine-tuned on COCO (Liang et al., NeurIPS 2022)."""

SAME = 5e-4
"""Values this near to each other read the same with three digits: none of them is better."""

WAYS = {"image_to_text": "image → text", "text_to_image": "text → image"}


def plane(source: Source, run: Run, study: Study) -> Plane:
    """The judged pairs on two axes.

    Raises:
        InputError: fewer than two pairs, or both modalities have the same mean.
    """
    if reason := no_pairs(study, len(source.pairs(run, study)[0])):
        raise InputError(reason)
    return source.plane(run, study)


def paired(source: Source, run: Run, study: Study, *, shifted: float = 0.0, theme: Theme = LIGHT) -> go.Figure:
    """Images and their texts, connected, before or after a shift, in a frame that the shift does not change.

    Raises:
        InputError: as :func:`plane`.
    """
    found = plane(source, run, study)
    images, texts = found.shifted(shifted)
    return figures.paired_map(
        images,
        texts,
        x_title="Along the gap",
        y_title="Across it (first component)",
        x_range=(-1.06, 1.06),
        y_range=_height(found),
        theme=theme,
    )


def _height(found: Plane) -> tuple[float, float]:
    """The lowest and highest place that a point takes at any shift, with some room."""
    places = np.concatenate([part[:, 1] for step in STEPS.tolist() for part in found.shifted(step)])
    low, high = float(places.min()), float(places.max())
    room = max(0.05, 0.08 * (high - low))
    return low - room, high + room


def cones(source: Source, run: Run, study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """Cosines of random pairs: two images, two texts, an image and somebody else's text.

    Raises:
        InputError: as :func:`plane`.
    """
    return figures.cosine_cones(*plane(source, run, study).cones, theme=theme)


def values(curve: dict[str, Any], name: str) -> NDArray[np.float64]:
    """A measure of a stored shift curve (s,), NaN where it is undefined; ``way@k`` is the recall of a way at k."""
    way, _, k = name.partition("@")
    found = curve[name] if not k else (curve.get(f"recall_{way}") or {}).get(k) or [None] * len(curve["requested"])
    return np.array(found, dtype=np.float64)


def best(curve: dict[str, Any], name: str) -> Best | None:
    """Where a measure of a stored shift curve is best; None where it was not measured."""
    return best_shift(curve["requested"], values(curve, name), lowest=name.startswith("loss"), within=SAME)


def shift(
    source: Source, run: Run, *, marker: float | None = None, k: int = 5, theme: Theme = LIGHT
) -> go.Figure | None:
    """Loss, recall at k and zero-shot AUROC against the shift, the best of each marked; None without such a curve."""
    curve = source.evaluation(run)["space"]["shift"]
    if curve is None:
        return None

    def row(title: str, names: Sequence[str], of: Sequence[ShiftLine], lowest: bool = False) -> ShiftRow:
        found = [one for one in (best(curve, name) for name in names) if one is not None]
        return ShiftRow(title=title, lines=of, best=[(one.shift, one.value) for one in found], lowest=lowest)

    def both(kind: str) -> list[ShiftLine]:
        """The two directions of a measure."""
        looks = zip(WAYS.items(), (IMAGE, TEXT), strict=True)
        return [
            ShiftLine(name=f"{kind} {name}", values=values(curve, key), number=number, dotted=number == TEXT)
            for (way, name), number in looks
            for key in [f"{way}@{k}" if kind != "loss" else f"loss_{way}"]
        ]

    auroc = ShiftLine(name="zero-shot AUROC", values=values(curve, "task"), number=ACROSS)
    rows = [
        row("Loss (nats)", ["loss"], both("loss"), lowest=True),
        row(f"Recall@{k}", [f"{way}@{k}" for way in WAYS], both(f"R@{k}")),
        row("AUROC", ["task"], [auroc]),
    ]
    return figures.shift_curve(np.array(curve["requested"]), rows, marker=marker, theme=theme)


def best_in_words(curve: dict[str, Any], k: int = 5) -> list[str]:
    """One sentence for each measure of a stored shift curve: where it is best, and how much better than unshifted."""
    said = []
    names = {"loss": "Contrastive loss", "task": "Zero-shot AUROC"}
    names |= {f"{way}@{k}": f"Recall@{k} {words}" for way, words in WAYS.items()}
    for name, title in names.items():
        if (found := best(curve, name)) is None:
            continue
        if found.shift == 0:
            said.append(f"{title}: best without a shift ({found.value:.3f}).")
        elif np.isnan(found.gain):
            said.append(f"{title}: best at a shift of {found.shift:g} ({found.value:.3f}).")
        else:
            way = "lower" if name == "loss" else "higher"
            gain = f"{found.gain:.3f} {way} than without a shift ({found.unshifted:.3f})"
            said.append(f"{title}: best at a shift of {found.shift:g}, where it is {found.value:.3f}: {gain}.")
    return said


def finding_gaps(source: Source, runs: Sequence[Run], study: Study, *, theme: Theme = LIGHT) -> go.Figure:
    """The gap of each disease, all runs that measured it side by side."""
    rows = []
    for run in runs:
        space = source.evaluation(run)["space"]
        if not (found := space.get("finding_gaps")):
            continue
        parts = {name: np.array(found[name], dtype=np.float64) for name in ("gaps", "expected", "support")}
        rows.append(FindingGaps(name=short(run), overall=space["gap"], **parts))
    return gap_runs.finding_gaps([display_name(name) for name in study.findings], rows, theme=theme)


def temperature_points(
    source: Source, runs: Sequence[Run], study: Study, chosen: Sequence[Run]
) -> list[TemperaturePoint]:
    """Final temperature and gap of all finished runs of a study; the ``chosen`` ones have a colour.

    Runs without pairs, or of the study as it was before it was imported anew, are left out.
    """
    places = {run.id: number for number, run in enumerate(chosen)}
    found = []
    for run in runs:
        if run.config.study != study.name or not run.has("evaluate"):
            continue
        try:
            run.check_is_of(study)
            space = source.evaluation(run)["space"]
        except (StudyError, ArtefactError):
            continue
        if space["gap"] is not None and space.get("shift") is not None:
            temperature = 1 / space["shift"]["scale"]
            found.append(
                TemperaturePoint(name=short(run), temperature=temperature, gap=space["gap"], number=places.get(run.id))
            )
    return found


def temperatures(points: Sequence[TemperaturePoint], *, theme: Theme = LIGHT) -> go.Figure:
    """Gap against final temperature, beside the line of Liang et al."""
    return gap_runs.temperature_gaps(points, published=LIANG, published_name="Liang et al. 2022 (COCO)", theme=theme)
