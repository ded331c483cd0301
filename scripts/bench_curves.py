"""The Curves view of a run of 100,000 steps: reading it and drawing all its pictures, against the obvious way."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.config.presets import preset
from core.logbook import Logbook, Metrics, read_metrics
from core.pictures.curves import QUANTITIES, curves
from core.pictures.source import Files
from core.runs import Run

STEPS, PER_EPOCH, LIVE, REPEATS = 100_000, 200, 20, 5


def row(step: int, rng: np.random.Generator) -> dict[str, Any]:
    """A step as a run with two losses writes it; readings of the machine once in ten steps."""
    falling, noise = float(np.exp(-step / 30_000)), rng.normal(0, 0.05, 4).tolist()
    found: dict[str, Any] = {"step": step, "epoch": step / PER_EPOCH, "elapsed": 0.1 * step, "loss": falling + noise[0]}
    found |= {"terms": {"classification": falling + noise[1], "contrastive": falling + noise[2]}}
    found |= {"learning_rate": 1e-3 * falling, "temperature": 0.07 * falling, "gradient_norm": 1 + noise[3]}
    found |= {"images_per_second": 640 + 100 * noise[0], "learning_rates": {"head": 1e-3, "image tower": 1e-5}}
    if step % 10 == 0:
        found |= {"use": {"host_bytes": 2e9, "cores": 1.9, "accelerator_bytes": 6e9, "accelerator_busy": 0.9}}
    return found | ({"validation": {"loss": falling, "auroc": 0.8}} if step % PER_EPOCH == 0 else {})


class Live(Files):
    """As the app reads: only what is new."""

    def __init__(self, run: Run) -> None:
        self.book = Logbook(run.folder / "metrics.jsonl")

    def metrics(self, run: Run) -> Metrics:
        return self.book.read()


def drawn(source: Live, run: Run) -> list[str]:
    """All pictures of the view, as they are sent to the browser."""
    made = [curves(source, [run], quantity) for quantity in QUANTITIES]
    return [figure.to_json() for figure in made if figure is not None]


def obvious(path: Path) -> list[str]:
    """All rows read, and all their values drawn."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for one in read_metrics(path):
        for name, value in {**one, **one["terms"], **one.get("use", {}), **one.get("validation", {})}.items():
            if isinstance(value, float):
                x, y = found.setdefault(name, ([], []))
                x.append(one["step"])
                y.append(value)
    return [go.Figure(go.Scatter(x=x, y=y)).to_json() for x, y in found.values()]


def timed(work: Callable[[], list[str]]) -> tuple[float, int, float]:
    """Seconds, how many pictures there are, and their megabytes."""
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, len(made), sum(map(len, made)) / 1e6


def compare() -> None:
    """Cold, warm with new steps before each look, and the obvious way."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="fluoroscope-bench-") as place:
        run = Run(Path(place))
        config = preset("linear", study="bench", encoder="lite").to_json()
        (run.folder / "config.json").write_text(json.dumps({"config": config, "created": 0, "provenance": {}}))
        path, lines = run.folder / "metrics.jsonl", [json.dumps(row(step, rng)) + "\n" for step in range(1, STEPS + 1)]
        path.write_text("".join(lines))
        source, looks = Live(run), []
        started = time.perf_counter()
        source.metrics(run)
        print(
            f"{STEPS:,} steps, {path.stat().st_size / 1e6:.0f} MB: read cold in {time.perf_counter() - started:.2f} s"
        )
        drawn(source, run)
        for look in range(REPEATS):
            with path.open("a") as stream:
                stream.writelines(json.dumps(row(STEPS + 1 + LIVE * look + at, rng)) + "\n" for at in range(LIVE))
            looks.append(timed(lambda: drawn(source, run)))
        warm, (_, count, size) = statistics.median(seconds for seconds, _, _ in looks), looks[0]
        print(f"  all {count} pictures with {LIVE} new steps: {warm * 1000:.0f} ms, {size:.1f} MB to the browser")
        slow, count, size = timed(lambda: obvious(path))
        print(f"  every row read, every value drawn, {count} pictures: {slow * 1000:.0f} ms, {size:.1f} MB")
        print(f"  the obvious way takes {slow / warm:.0f} times as long")
