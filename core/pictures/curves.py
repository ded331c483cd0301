"""Curves of a run's metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.curves import Curve, Reference, loss_curves
from core.figures.theme import LIGHT, Theme
from core.pictures.source import Source, short
from core.runs import Run

TITLES = {
    "loss": "Loss (weighted sum)",
    "classification": "Classification loss (nats)",
    "contrastive": "Contrastive loss (nats; triplet: distance)",
    "orthogonal": "Orthogonal loss",
    "graph": "Graph loss (1 - cosine)",
    "supervised": "Supervised contrastive loss (nats)",
    "alignment": "Alignment loss",
    "consistency": "Consistency loss of two classifiers (nats)",
    "vector": "Vector loss of two classifiers (1 - cosine)",
    "views": "Contrastive loss of two views (nats)",
    "subspaces": "Common and private subspaces loss",
    "validation_loss": "Validation loss (weighted sum)",
    "auroc": "Validation AUROC (macro)",
    "temperature": "Temperature",
    "learning_rate": "Learning rate",
    "gradient_norm": "Gradient norm",
}
AXES = {"step": "Step", "epoch": "Epoch", "elapsed": "Training time (s)"}
NEVER_SMOOTHED = ("validation_loss", "auroc", "learning_rate")


def curves(
    source: Source,
    runs: Sequence[Run],
    quantity: str,
    *,
    axis: str = "step",
    smoothing: float = 0.6,
    log_x: bool = False,
    log_y: bool = False,
    theme: Theme = LIGHT,
) -> go.Figure | None:
    """One quantity of several runs with its chance level and floor; None where no run has it.

    Args:
        source: of the metrics.
        runs: the first has the first colour.
        quantity: a key of ``TITLES``.
        axis: a key of ``AXES``.
        smoothing: weight of the past, 0 to below 1; what is measured once an epoch, and the learning rate, never are.
        log_x, log_y: logarithmic axes.
        theme: light or dark.
    """
    series = [
        found for number, run in enumerate(runs) if (found := _curve(source, run, number, quantity, axis)) is not None
    ]
    if not series:
        return None
    return loss_curves(
        series,
        references=_references(source, runs, quantity),
        x_title=AXES[axis],
        y_title=TITLES[quantity],
        log_x=log_x,
        log_y=log_y,
        smoothing=0.0 if quantity in NEVER_SMOOTHED else smoothing,
        theme=theme,
    )


def _value(row: dict[str, Any], quantity: str) -> float | None:
    judged = row.get("validation", {})
    if quantity == "validation_loss":
        found = judged.get("loss")
    else:
        found = {**judged, **row.get("terms", {}), **row}.get(quantity)
    return float(found) if isinstance(found, (int, float)) else None


def note(source: Source, run: Run) -> str | None:
    """What the curves of a run cannot show, in the words that its training left."""
    return next((str(row["note"]) for row in source.metrics(run) if "note" in row), None)


def _curve(source: Source, run: Run, number: int, quantity: str, axis: str) -> Curve | None:
    rows = [(row[axis], found) for row in source.metrics(run) if (found := _value(row, quantity)) is not None]
    if not rows:
        return None
    x, y = zip(*rows, strict=True)
    return Curve(name=short(run), x=x, y=y, colour_index=number)


def _references(source: Source, runs: Sequence[Run], quantity: str) -> list[Reference]:
    """Chance level and floor of a loss, once for all runs that share them."""
    found: dict[str, set[float]] = {"chance": set(), "floor": set()}
    for run in runs:
        for row in source.metrics(run):
            for name, level in row.get("references", {}).get(quantity, {}).items():
                if level is not None:
                    found[name].add(round(level, 4))
    if quantity == "auroc":
        found["chance"] = {0.5}
    return [Reference(label=f"{name} {level:.3g}", value=level) for name in found for level in sorted(found[name])]
