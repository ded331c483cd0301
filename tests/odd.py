"""Studies that lack what most have, and quick runs on them, in this process."""

from __future__ import annotations

import functools
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from core import preparing
from core.config.presets import preset
from core.config.run import RunConfig
from core.encoders import load_encoder
from core.pipeline import Pipeline
from core.runs import Run
from core.studies.vocabulary import NIH_FINDINGS

cached_encoder = functools.cache(load_encoder)


def one_class(value: float) -> Any:
    return lambda drawn: np.full_like(drawn, value)


ODD: dict[str, dict[str, Any]] = {
    "captions-only": {"findings": (), "text": True, "counts": (14, 6, 8)},
    "captions-unsplit": {"findings": (), "text": True, "counts": (14, 0, 0)},
    "nothing-told": {"findings": (), "text": False, "counts": (10, 2, 4)},
    "nothing-known": {"labels": one_class(np.nan), "counts": (10, 2, 4)},
    "all-healthy": {"labels": one_class(0), "counts": (10, 4, 6)},
    "one-finding": {"findings": NIH_FINDINGS[:1], "counts": (10, 4, 6)},
    "unsplit": {"counts": (14, 0, 0)},
    "six-bare": {"findings": (), "counts": (2, 2, 2)},
    "one-alone": {"counts": (0, 0, 1)},
}
"""Arguments of :func:`tests.tiny.tiny_study`, by the study's name."""


@contextmanager
def one_process() -> Iterator[None]:
    """A pipeline takes over signals, which are given back; the towers are loaded once for all tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "load_encoder", cached_encoder)
        yield
    for number, handler in before.items():
        signal.signal(number, handler)


@contextmanager
def own_towers() -> Iterator[None]:
    """Within ``one_process``: each run loads its towers anew, because they learn. (A monkeypatch that a test undoes
    after ``one_process`` has ended would leave the shared towers behind.)"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preparing, "load_encoder", load_encoder)
        yield


def quick(name: str = "orthogonal", study: str = "tiny", **training: Any) -> RunConfig:
    config = preset(name, study=study, encoder="lite")
    epochs = {"epochs": 2} if config.training.epochs else {}
    return config.replace(
        head=config.head.replace(width=16, attention_heads=2),
        training=config.training.replace(**{"batch_size": 16, **epochs, **training}),
        evaluation=config.evaluation.replace(replicates=20),
        projection=config.projection.replace(epochs=10),
    )


def all_stages(config: RunConfig) -> Run:
    run = Run.create(config)
    Pipeline(run).all_stages()
    return run
