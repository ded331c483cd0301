"""Builds the demo study on all cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from core.studies.demo import DemoConfig, notes, render, sample_table
from core.studies.study import COLUMNS, PREFIX, Progress, Study, write_study
from core.studies.vocabulary import NIH_FINDINGS

CHUNK = 8


def build_demo(config: DemoConfig | None = None, name: str = "demo", *, progress: Progress | None = None) -> Study:
    """Sample, draw and write the demo study.

    Args:
        config: number and size of the radiographs, and the seed; the same config gives the same study.
        name: slug of the study.
        progress: called with (done, total).
    """
    config = config or DemoConfig()
    table = sample_table(config)
    about = {
        "source": "demo",
        "title": "Demo: synthetic radiographs",
        "synthetic": True,
        "notes": notes(table),
        "set_aside": [],
    }
    kept = [*COLUMNS, *(PREFIX + finding for finding in NIH_FINDINGS)]
    with _pool() as pool:
        pictures = _pictures(pool, table, config.size)
        return write_study(
            name, table[kept], pictures, size=config.size, findings=NIH_FINDINGS, about=about, progress=progress
        )


def _pictures(pool: ProcessPoolExecutor, table: pd.DataFrame, size: int) -> Iterator[NDArray[np.uint8]]:
    rows: list[dict[str, Any]] = table.to_dict("records")
    return pool.map(render, rows, repeat(size), chunksize=CHUNK)


def _pool() -> ProcessPoolExecutor:
    # spawned, not forked: a fork would inherit the lock of the run and the threads of torch
    return ProcessPoolExecutor(
        os.cpu_count(), mp_context=multiprocessing.get_context("spawn"), initializer=_die_with_parent
    )


def _die_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever: on Linux the kernel ends it as well."""
    import ctypes
    import signal
    import sys

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
