"""Curves of a run's metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from core.errors import InputError
from core.figures.curves import Curve, Reference, loss_curves, smooth
from core.figures.tabular import columns_csv
from core.figures.theme import LIGHT, Theme
from core.logbook import Floats, Metrics
from core.pictures.source import Source, short
from core.runs import Run

GIB = 2.0**30
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
"""Lines of one run in one picture, in the order of their names."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What one picture shows.

    Attributes:
        part: of the page; see :data:`PARTS`.
        title: of the y axis, with its unit.
        columns: what its lines are called beside the run's name, and the columns of ``metrics.jsonl`` that hold them.
        group: all columns that begin so are lines of their own, in the place of those in ``columns``.
        scale: factor from the column's unit to that of the title.
        smoothed: whether an average says more than the values; what is measured once an epoch has no noise to lose.
    """

    part: str
    title: str
    columns: Mapping[str, str]
    group: str = ""
    scale: float = 1.0
    smoothed: bool = True
    chance: Mapping[str, float] = field(default_factory=dict)


def _term(name: str, title: str) -> Quantity:
    return Quantity(part="losses", title=title, columns={"": f"terms.{name}"})


PARTS = {
    "losses": "Losses",
    "validation": "Validation",
    "optimiser": "Optimiser",
    "machine": "Speed and machine",
}
QUANTITIES: dict[str, Quantity] = {
    "loss": Quantity(part="losses", title="Loss (weighted sum)", columns={"": "loss"}),
    "classification": _term("classification", "Classification loss (nats)"),
    "contrastive": _term("contrastive", "Contrastive loss (nats; triplet: distance)"),
    "orthogonal": _term("orthogonal", "Orthogonal loss"),
    "graph": _term("graph", "Graph loss (1 - cosine)"),
    "supervised": _term("supervised", "Supervised contrastive loss (nats)"),
    "alignment": _term("alignment", "Alignment loss"),
    "consistency": _term("consistency", "Consistency loss of two classifiers (nats)"),
    "vector": _term("vector", "Vector loss of two classifiers (1 - cosine)"),
    "views": _term("views", "Contrastive loss of two views (nats)"),
    "subspaces": _term("subspaces", "Common and private subspaces loss"),
    "validation_loss": Quantity(
        part="validation", title="Validation loss (weighted sum)", columns={"": "validation.loss"}, smoothed=False
    ),
    "auroc": Quantity(
        part="validation",
        title="Validation AUROC (macro)",
        columns={"": "validation.auroc"},
        smoothed=False,
        chance={"chance": 0.5},
    ),
    "learning_rate": Quantity(
        part="optimiser",
        title="Learning rate",
        columns={"": "learning_rate"},
        group="learning_rates.",
        smoothed=False,
    ),
    "gradient_norm": Quantity(part="optimiser", title="Gradient norm (before clipping)", columns={"": "gradient_norm"}),
    "temperature": Quantity(part="optimiser", title="Temperature", columns={"": "temperature"}),
    "images_per_second": Quantity(part="machine", title="Radiographs per second", columns={"": "images_per_second"}),
    "host_memory": Quantity(
        part="machine",
        title="Memory of the run's processes (GiB)",
        columns={"": "use.host_bytes"},
        scale=1 / GIB,
        smoothed=False,
    ),
    "cores": Quantity(part="machine", title="Processor cores at work", columns={"": "use.cores"}),
    "accelerator_memory": Quantity(
        part="machine",
        title="Accelerator memory of tensors (GiB)",
        columns={"": "use.accelerator_bytes", "highest": "use.accelerator_peak_bytes"},
        scale=1 / GIB,
        smoothed=False,
    ),
    "accelerator_busy": Quantity(
        part="machine", title="Time in which the GPU was busy (%)", columns={"": "use.accelerator_busy"}, scale=100
    ),
}
AXES = {"step": "Step", "epoch": "Epoch", "elapsed": "Training time"}
UNITS = ((2 * 3600.0, 3600.0, "h"), (300.0, 60.0, "min"), (0.0, 1.0, "s"))
"""From how many seconds on training time is told in which unit."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """All values of one line: float64 (n,) each, of the steps that have one; ``elapsed`` in seconds."""

    run: Run
    name: str
    number: int
    place: int
    step: Floats
    epoch: Floats
    elapsed: Floats
    values: Floats

    def title(self, *, alone: bool = False) -> str:
        """What it is called; where its run stands ``alone``, it needs no name."""
        return self.name if alone and self.name else " · ".join([short(self.run), *([self.name] if self.name else [])])


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
        runs: the first has the first colour; lines of one run differ by their dashes.
        quantity: a key of :data:`QUANTITIES`.
        axis: a key of :data:`AXES`.
        smoothing: weight of the past, 0 to below 1; what is measured once an epoch, and the learning rate, never are.
        log_x, log_y: logarithmic axes.
        theme: light or dark.
    """
    lines = _lines(source, runs, quantity, axis)
    if not lines:
        return None
    unit, title = _unit(lines, axis)
    return loss_curves(
        [
            Curve(
                name=line.title(alone=len(runs) == 1),
                x=getattr(line, axis) / unit,
                y=line.values,
                colour_index=line.number,
                dash=DASHES[line.place % len(DASHES)],
            )
            for line in lines
        ],
        references=_references(source, runs, quantity),
        x_title=title,
        y_title=QUANTITIES[quantity].title,
        log_x=log_x,
        log_y=log_y,
        smoothing=_smoothing(quantity, smoothing),
        from_zero=QUANTITIES[quantity].part == "machine",
        theme=theme,
    )


def curves_csv(source: Source, runs: Sequence[Run], quantity: str, *, smoothing: float = 0.6) -> bytes:
    """All values behind :func:`curves`, raw and smoothed, none left out: one line for each value of each run.

    Raises:
        InputError: no run has it.
    """
    lines = _lines(source, runs, quantity)
    if not lines:
        raise InputError(f"Nothing to export: these runs have no value of {QUANTITIES[quantity].title!r} yet.")
    weight = _smoothing(quantity, smoothing)
    return columns_csv(
        {
            "curve": [line.title() for line in lines for _ in line.values],
            "step": np.concatenate([line.step for line in lines]).astype(np.int64),
            "epoch": np.concatenate([line.epoch for line in lines]),
            "elapsed (s)": np.concatenate([line.elapsed for line in lines]),
            QUANTITIES[quantity].title: np.concatenate([line.values for line in lines]),
            f"smoothed (weight {weight:g})": np.concatenate([smooth(line.values, weight) for line in lines]),
        }
    )


def note(source: Source, run: Run) -> str | None:
    """What the curves of a run cannot show, in the words that its training left."""
    return " ".join(source.metrics(run).notes) or None


def _smoothing(quantity: str, wanted: float) -> float:
    return wanted if QUANTITIES[quantity].smoothed else 0.0


def _lines(source: Source, runs: Sequence[Run], quantity: str, axis: str = "step") -> list[Line]:
    """The lines of all runs that have any; what has no place along the axis is left out."""
    found = []
    for number, run in enumerate(runs):
        metrics = source.metrics(run)
        for place, (name, column) in enumerate(_columns(metrics, QUANTITIES[quantity]).items()):
            values = metrics.column(column)
            known = np.isfinite(values) & np.isfinite(metrics.column(axis))
            if known.any():
                parts = {key: metrics.column(key)[known] for key in AXES}
                values = values[known] * QUANTITIES[quantity].scale
                found.append(Line(run=run, name=name, number=number, place=place, values=values, **parts))
    return found


def _unit(lines: Sequence[Line], axis: str) -> tuple[float, str]:
    """By what the values along an axis are divided, and its title; training time is told in a unit that fits it."""
    if axis != "elapsed":
        return 1.0, AXES[axis]
    longest = max(float(line.elapsed[-1]) for line in lines)
    _, seconds, name = next(row for row in UNITS if longest >= row[0])
    return seconds, f"{AXES[axis]} ({name})"


def _columns(metrics: Metrics, quantity: Quantity) -> Mapping[str, str]:
    group = [name for name in metrics.columns if quantity.group and name.startswith(quantity.group)]
    return {name.removeprefix(quantity.group): name for name in sorted(group)} or quantity.columns


def _references(source: Source, runs: Sequence[Run], quantity: str) -> list[Reference]:
    """Chance level and floor of a loss, once for all runs that share them."""
    found: dict[str, set[float]] = {name: {level} for name, level in QUANTITIES[quantity].chance.items()}
    for run in runs:
        for name, level in source.metrics(run).references.get(quantity, {}).items():
            if level is not None:
                found.setdefault(name, set()).add(round(level, 4))
    return [Reference(label=f"{name} {level:.3g}", value=level) for name in found for level in sorted(found[name])]
