"""Metrics of a run for other programs to look at: TensorBoard event files and MLflow, beside ``metrics.jsonl``.

A mirror can be slow, fail or never answer: each has a thread of its own, training waits for none, and one that fails is
given up with a line in the log.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.config.run import Mirror, RunConfig
from core.errors import ConfigError
from core.files import read_json, write_json
from core.logbook import StepMetrics

PACKAGES: dict[Mirror, tuple[str, ...]] = {"tensorboard": ("tensorboardX", "tensorboard"), "mlflow": ("mlflow",)}
"""Any one of these writes such a mirror; the first is what we name."""

WAITING, PATIENCE, HURRY = 1000, 30.0, 5.0
"""So many rows may wait for a slow mirror before it is given up, and so many seconds are given to it at the end; fewer
where the run was asked to stop."""

log = logging.getLogger(__name__)


def check_mirrors(wanted: Sequence[Mirror]) -> None:
    """Whether what writes these mirrors is installed.

    Raises:
        ConfigError: it is not, and what to install.
    """
    for name in wanted:
        if not any(importlib.util.find_spec(package) for package in PACKAGES[name]):
            raise ConfigError(
                f"RunConfig.mirrors asks for {name!r}, but {PACKAGES[name][0]} is not installed: "
                f"`.venv/bin/python -m pip install {PACKAGES[name][0]}`, or leave it out."
            )


class Mirrors:
    """All mirrors that a run wants."""

    def __init__(self, folder: Path, config: RunConfig, *, resumed: int, every: float = 1.0) -> None:
        """Begin, or go on at a step; ``every``: seconds between two rows, those with validation excepted."""
        check_mirrors(config.mirrors)
        self.every, self._told = every, -every
        start = {"tensorboard": _tensorboard, "mlflow": _mlflow}
        self._threads = [
            _Thread(name, lambda name=name: start[name](folder, config, resumed))  # type: ignore[misc]
            for name in dict.fromkeys(config.mirrors)
        ]

    def tell(self, step: StepMetrics, *, last: bool = False) -> None:
        """Hand a step on: one a second, each with validation, and the last; returns at once."""
        if self._threads and (last or step.validation or time.monotonic() - self._told >= self.every):
            self._told = time.monotonic()
            for thread in self._threads:
                thread.put(step.step, _flat(asdict(step)))

    def close(self, *, hurry: bool = False) -> None:
        """Let the mirrors end with what they were given."""
        for thread in self._threads:
            thread.end(HURRY if hurry else PATIENCE)


class _Thread(threading.Thread):
    """One mirror at work."""

    def __init__(self, name: str, start: Callable[[], Any]) -> None:
        super().__init__(name=f"mirror-{name}", daemon=True)
        self.mirror, self._start_tracker = name, start
        self._rows: queue.Queue[tuple[int, dict[str, float]] | None] = queue.Queue(WAITING)
        self._given_up, self._lock = False, threading.Lock()
        self.start()

    def run(self) -> None:
        try:
            tracker = self._start_tracker()
            while (row := self._rows.get()) is not None:
                step, values = row
                tracker.log(values, step=step)
            tracker.finish()
        except Exception as error:  # whatever a library of others raises: training goes on
            self._give_up(f"{type(error).__name__}: {str(error).strip() or 'no reason given'}")

    def put(self, step: int, values: dict[str, float]) -> None:
        if self._given_up:
            return
        try:
            self._rows.put_nowait((step, values))
        except queue.Full:
            self._give_up(f"it does not keep up, {WAITING:,} rows wait for it")

    def end(self, patience: float) -> None:
        with self._lock:
            if self._given_up:
                return
        with contextlib.suppress(queue.Full):
            self._rows.put_nowait(None)
        self.join(patience)
        if self.is_alive():
            self._give_up(f"it did not end within {patience:g} s")

    def _give_up(self, why: str) -> None:
        with self._lock:
            if not self._given_up:
                told = why.splitlines()[0][:300]
                log.warning("The %s mirror is given up (%s). metrics.jsonl has every step.", self.mirror, told)
            self._given_up = True


def _tensorboard(folder: Path, config: RunConfig, resumed: int) -> Any:
    """Event files in ``tensorboard/``; what was written past the step that a run goes on from is marked as void."""
    from accelerate.tracking import TensorBoardTracker

    _ready_for_logging()
    more = {"purge_step": resumed + 1} if resumed else {}
    tracker = TensorBoardTracker("tensorboard", folder, **more)
    tracker.start()
    if not resumed:
        tracker.store_init_configuration(dict(_settings(config)))
    return tracker


def _mlflow(folder: Path, config: RunConfig, resumed: int) -> Any:
    """A database in ``mlflow/``, or the server that the user's MLFLOW_TRACKING_URI names; a run goes on as itself."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    own = folder / "mlflow"
    own.mkdir(exist_ok=True)
    import mlflow
    from accelerate.tracking import MLflowTracker

    _ready_for_logging()
    elsewhere = bool(os.environ.get("MLFLOW_TRACKING_URI"))
    if not elsewhere:
        mlflow.set_tracking_uri(f"sqlite:///{own / 'mlflow.db'}")
    known = read_json(own / "run.json")["run_id"] if resumed and (own / "run.json").exists() else None
    tracker = MLflowTracker(
        "fluoroscope",
        logging_dir=None if elsewhere else (own / "artifacts").as_uri(),
        run_id=known,
        run_name=config.title,
    )
    tracker.start()
    if known is None:
        write_json(own / "run.json", {"run_id": tracker.tracker.info.run_id})
        tracker.store_init_configuration(dict(_settings(config)))
    return tracker


def _ready_for_logging() -> None:
    """accelerate's trackers write to its log, which wants to know first which process this is."""
    from accelerate.state import PartialState

    PartialState(cpu=True)  # it picks no device for us


def _settings(config: RunConfig) -> Iterator[tuple[str, Any]]:
    """Dotted names and plain values."""
    for name, value in _opened(config.to_json()):
        yield name, value if isinstance(value, (str, int, float)) else json.dumps(value)


def _flat(row: dict[str, Any]) -> dict[str, float]:
    """The numbers of a step, groups as ``terms/orthogonal``."""
    return {name.replace(".", "/"): value for name, value in _opened(row) if name != "step"}


def _opened(data: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _opened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
