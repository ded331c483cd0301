"""Heatmaps of a run's prompts and centroids, and of imported sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from core.figures.curves import Curve, Reference, loss_curves
from core.figures.similarity import Tree, off_diagonal_distribution, similarity_difference, similarity_panels
from core.figures.theme import LIGHT, Theme
from core.imported import ImportedSet
from core.metrics.similarity import cosine_matrix, simplex_target
from core.pictures.source import Source, Vectors, short
from core.runs import Run
from core.studies.study import Study
from core.studies.vocabulary import display_name

KINDS = {
    "prompts": "Disease prompts",
    "centroids": "Disease centroids",
    "cross": "Prompt × centroid",
    "signs": "Positive × negative prompt",
    "frozen": "Prompts, towers alone",
}

FORMS = {"gram": "Mean squared cosine", "absolute": "Mean |cosine|", "cross-entropy": "Cross-entropy (nats)"}
"""What each form of the orthogonal loss measures."""

CROSS = ("cross", "signs")
"""Kinds whose rows and columns are of different vectors."""

MOST = 150
"""So many labels fit into one heatmap."""


def cosines_of(kind: str, prompts: Callable[[str], Vectors], centres: Callable[[], Vectors]) -> NDArray[np.float64]:
    """Cosines (K, K) of a kind in ``KINDS``; a disease without support is NaN.

    Args:
        kind: in ``cross`` rows are prompts and columns centroids, in ``signs`` columns are the negative prompts.
        prompts: gives (K, d) by their name: ``prompts``, ``negatives`` or ``prompts-frozen``.
        centres: gives the centroids (K, d).
    """
    if kind == "centroids":
        return cosine_matrix(centres(), allow_missing=True)
    if kind == "cross":
        return cosine_matrix(prompts("prompts"), centres(), allow_missing=True)
    if kind == "signs":
        return cosine_matrix(prompts("prompts"), prompts("negatives"))
    return cosine_matrix(prompts("prompts-frozen" if kind == "frozen" else "prompts"))


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One model in a row of heatmaps.

    Attributes:
        title: of the run or the imported set.
        names: K, of the rows and the columns of ``cosines`` (K, K).
        kind: in ``KINDS``.
        width: dimensions of the vectors.
    """

    title: str
    names: tuple[str, ...]
    cosines: NDArray[np.float64]
    kind: str = "prompts"
    width: int

    @property
    def cross(self) -> bool:
        """Whether rows and columns are of different vectors."""
        return self.kind in CROSS

    def at(self, order: Sequence[int] | NDArray[np.int64]) -> Panel:
        """The same labels in another order."""
        rows = [int(row) for row in order]
        return replace(self, names=tuple(self.names[row] for row in rows), cosines=self.cosines[np.ix_(rows, rows)])


def of_run(source: Source, run: Run, study: Study, kind: str) -> Panel:
    """The panel of a run, of a kind in ``KINDS``."""
    shown = tuple(display_name(name) for name in study.findings)
    found = np.zeros((0, 0))
    if study.findings:
        found = cosines_of(
            kind, lambda name: source.embeddings(run, name).vectors, lambda: source.centroids(run, study)[0]
        )
    width = source.embeddings(run, "prompts-frozen" if kind == "frozen" else "prompts").vectors.shape[1]
    return Panel(title=short(run), names=shown, cosines=found, kind=kind, width=width)


def of_runs(source: Source, runs: Sequence[Run], study: Study, kind: str) -> list[Panel]:
    return [of_run(source, run, study, kind) for run in runs]


def of_set(one: ImportedSet) -> Panel:
    """The panel of an imported set: each of its vectors with each."""
    shown, vectors = tuple(display_name(label) for label in one.labels), one.embedding.vectors
    return Panel(title=one.name, names=shown, cosines=cosine_matrix(vectors), width=vectors.shape[1])


def in_one_order(found: Sequence[Panel]) -> list[Panel]:
    """Panels of the same names in the first one's order; a panel of other names stays as it is."""
    wanted = [name.casefold() for name in found[0].names] if found else []
    made = []
    for panel in found:
        own = [name.casefold() for name in panel.names]
        if sorted(own) == sorted(wanted) and len(set(own)) == len(own):
            rows = [own.index(name) for name in wanted]
            panel = replace(panel.at(rows), names=found[0].names)  # noqa: PLW2901
        made.append(panel)
    return made


def differing(found: Sequence[Panel]) -> str | None:
    """Why panels cannot be subtracted or laid on one frame, in a sentence; None where their names are the same."""
    first = found[0]
    for other in found[1:]:
        if other.names != first.names:
            return (
                f"{first.title} and {other.title} are of different labels ({len(first.names)} and {len(other.names)}, "
                f"{len(set(first.names) & set(other.names))} in common): each keeps its own, and there is no "
                "difference to draw. Choose models of the same labels for that."
            )
    return None


def panels(found: Sequence[Panel], tree: Tree | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """Panels of the same names on one scale and in one order."""
    shared = found[0].names if found else ()
    matrices, titles = [one.cosines for one in found], [one.title for one in found]
    return similarity_panels(matrices, titles, shared, tree=tree, theme=theme)


def difference(found: Sequence[Panel], *, theme: Theme = LIGHT) -> go.Figure:
    """The second panel minus the first; both of the same names."""
    first, second = found[:2]
    title = f"{second.title} minus {first.title}"
    return similarity_difference(second.cosines, first.cosines, first.names, title=title, theme=theme)


def pairs(found: Sequence[Panel], *, theme: Theme = LIGHT) -> go.Figure:
    """Every pair of labels once, against what is reachable: right angles, and the simplex of as many."""
    values = [one.cosines[np.triu_indices(len(one.names), 1)] for one in found]
    counts = sorted({len(one.names) for one in found if len(one.names) > 1})
    references = [("orthogonal: 0", 0.0)]
    for count in counts:
        of = f" of {count}" if len(counts) > 1 else ""
        references.append((f"simplex{of}: {simplex_target(count):.3f}", simplex_target(count)))
    return off_diagonal_distribution(values, [one.title for one in found], references=references, theme=theme)


def training(rows: Sequence[dict[str, Any]], origin: dict[str, Any], *, theme: Theme = LIGHT) -> go.Figure:
    """The loss that made a set, against chance and floor, on a logarithmic axis (where a floor of 0 has no place).

    Args:
        rows: of the set's ``metrics.jsonl``.
        origin: of its manifest.
        theme: light or dark.
    """
    curve = Curve(name=FORMS[origin["settings"]["form"]], x=[row["step"] for row in rows], y=[r["loss"] for r in rows])
    levels = [
        Reference(label=f"{name} {origin[name]:.3g}", value=origin[name])
        for name in ("chance", "floor")
        if origin[name] is not None
    ]
    made = loss_curves([curve], references=levels, y_title=curve.name, log_y=True, theme=theme)
    made.update_yaxes(exponentformat="power", minor_showgrid=False, dtick=1)
    return made
