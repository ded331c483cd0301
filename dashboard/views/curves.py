"""Curves: is it learning, and how far from guessing and from the best possible is it?"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.figures.curves import Curve, Reference, loss_curves
from core.runs import Run, list_runs
from dashboard import cached, selection
from dashboard.widgets import header, label, show, theme

TITLES = {
    "loss": "Loss (weighted sum)",
    "classification": "Classification loss",
    "contrastive": "Contrastive loss",
    "orthogonal": "Orthogonal loss",
    "auroc": "Validation AUROC (macro)",
    "temperature": "Temperature",
    "learning_rate": "Learning rate",
    "gradient_norm": "Gradient norm",
}
UNITS = {"classification": "nats", "contrastive": "nats"}
AXES = {"step": "Step", "epoch": "Epoch", "elapsed": "Training time (s)"}


def value(row: dict[str, Any], quantity: str) -> float | None:
    """One quantity of a metrics row; None where the row does not have it."""
    for place in (row, row.get("terms", {}), row.get("validation", {})):
        if isinstance(place.get(quantity), (int, float)):
            return float(place[quantity])
    return None


def curve(run: Run, number: int, quantity: str, axis: str) -> Curve | None:
    rows = [(row[axis], found) for row in cached.metrics(run) if (found := value(row, quantity)) is not None]
    if not rows:
        return None
    x, y = zip(*rows, strict=True)
    return Curve(name=label(run), x=x, y=y, colour_index=number)


def references(runs: list[Run], quantity: str) -> list[Reference]:
    """Chance level and floor of a loss, once for all runs that share them."""
    found: dict[str, set[float]] = {"chance": set(), "floor": set()}
    for run in runs:
        for row in cached.metrics(run):
            for name, level in row.get("references", {}).get(quantity, {}).items():
                if level is not None:
                    found[name].add(round(level, 4))
    if quantity == "auroc":
        found["chance"] = {0.5}
    return [Reference(label=f"{name} {level:.3g}", value=level) for name in found for level in sorted(found[name])]


def draw(runs: list[Run], axis: str, smoothing: float, log_x: bool, log_y: bool) -> None:
    columns = st.columns(2)
    place = 0
    for quantity, title in TITLES.items():
        series = [found for number, run in enumerate(runs) if (found := curve(run, number, quantity, axis))]
        if not series:
            continue
        figure = loss_curves(
            series,
            references=references(runs, quantity),
            x_title=AXES[axis],
            y_title=title + (f" ({UNITS[quantity]})" if quantity in UNITS else ""),
            log_x=log_x,
            log_y=log_y,
            smoothing=0.0 if quantity in ("auroc", "learning_rate") else smoothing,
            theme=theme(),
        )
        with columns[place % 2]:
            alt = f"{title} against {AXES[axis].lower()} for {', '.join(one.name for one in series)}"
            show(figure, key=f"curve-{quantity}", alt=alt, name=("curves", quantity), height=320)
        place += 1
    if not place:
        st.info("No step has been written yet: the towers are still looking at the radiographs, or nothing is trained.")


def page() -> None:
    header("Curves", "Is it learning, and how far is it from guessing and from the best possible?")
    runs = {run.id: run for run in list_runs() if (run.folder / "metrics.jsonl").exists() or run.state().running}
    if not runs:
        st.info("No run has trained yet. Launch one in the Train view.", icon=":material/hourglass_empty:")
        st.page_link("views/train.py", label="Go to Train", icon=":material/play_circle:")
        return
    chosen = selection.several(
        "Runs", list(runs), name="curves", default=list(runs)[:1], format_func=lambda key: label(runs[key])
    )
    first, second, third, fourth = st.columns([2, 2, 1, 1], vertical_alignment="center")
    with first:
        axis = selection.one("Along", list(AXES), name="axis", draw=st.segmented_control, format_func=AXES.__getitem__)
    with second:
        smoothing = selection.number("Smoothing", 0.0, 0.99, name="smoothing", default=0.6, step=0.01)
    with third:
        log_x = selection.switch("Log x", name="log-x")
    with fourth:
        log_y = selection.switch("Log y", name="log-y")
    shown = [runs[key] for key in chosen]
    alive = any(run.state().running for run in shown)

    @st.fragment(run_every=2.0 if alive else None)
    def live() -> None:
        draw(shown, axis, smoothing, log_x, log_y)

    live()
    st.caption(
        "Thick: smoothed (exponential moving average); thin: as measured. Dashed: chance level and floor of a loss."
    )


page()
