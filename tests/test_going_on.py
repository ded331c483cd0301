"""Runs that are killed and stopped, and end as if nothing had happened."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from safetensors.numpy import load_file

from core.files import read_json
from core.logbook import read_metrics
from core.pipeline import Pipeline
from core.runs import Run
from core.studies.vocabulary import NIH_FINDINGS
from core.workspace import ROOT
from tests.odd import one_process, quick
from tests.tiny import tiny_study, until


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    with one_process():
        yield


def same_losses(one: Run, two: Run) -> bool:
    def told(run: Run) -> list[dict[str, Any]]:
        rows = read_metrics(run.folder / "metrics.jsonl")
        return [{k: v for k, v in row.items() if k not in ("elapsed", "images_per_second", "use")} for row in rows]

    return told(one) == told(two)


def same_heads(one: Run, two: Run) -> bool:
    heads = [load_file(run.folder / "checkpoints" / "head.safetensors") for run in (one, two)]
    return heads[0].keys() == heads[1].keys() and all(np.array_equal(heads[0][k], heads[1][k]) for k in heads[0])


@pytest.mark.slow
def test_killed_and_stopped_at_random_moments_it_ends_as_if_it_never_was(workspace: Path) -> None:
    tiny_study(counts=(40, 8, 4))
    whole = Run.create(quick(epochs=30, batch_size=8))
    Pipeline(whole).train()
    run = Run.create(quick(epochs=30, batch_size=8, checkpoint_every=0.0))  # 150 steps, a checkpoint after each
    draw = random.Random(5)
    lines = run.folder / "metrics.jsonl"
    for moment in (draw.randint(1, 50), draw.randint(51, 100)):
        run.start("train")
        until(lambda moment=moment: len(read_metrics(lines)) > moment or not run.state().busy, 120)  # type: ignore[misc]
        psutil.Process(read_json(run.folder / "process.json")["worker"]["pid"]).kill()
        until(lambda: not run.state().busy)
        assert run.state().words == "killed (signal 9), possibly out of memory", run.log_tail()
    run.start("train")
    until(lambda: len(read_metrics(lines)) > 120 or not run.state().busy, 120)
    assert run.stop()
    until(lambda: not run.state().busy)
    assert (run.state().code, run.state().words) == (85, "stopped"), run.log_tail()
    assert run.failure() is None
    assert not run.has("train")
    run.start("train")
    until(lambda: not run.state().busy, 120)
    assert run.state().done, run.log_tail()
    assert (run.folder / "log.txt").read_text().count("resumed at step") == 3
    assert same_losses(run, whole)
    assert same_heads(run, whole)


@pytest.mark.slow
@pytest.mark.long
def test_killed_at_fifty_moments_it_ends_as_if_it_never_was(workspace: Path) -> None:
    """Fault row 4, with dropout, augmentation, MixUp, shuffling, a schedule and the best weights kept; half of the
    kills come while a checkpoint is written."""
    tiny_study(counts=(40, 8, 4), findings=NIH_FINDINGS[:2])
    plan = quick("orthogonal", epochs=80, batch_size=8, checkpoint_every=0.0, keep="best")
    plan = plan.replace(augmentation=plan.augmentation.replace(noise=20.0, mixup=0.4, views=2))
    whole, run = Run.create(plan), Run.create(plan)
    Pipeline(whole).train()
    done = subprocess.run(
        [sys.executable, "-m", "tests.killing", run.id, "50"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert len(told["lines"]) == 50 and len(set(told["lines"])) > 30 and told["in a save"] >= 15, told
    assert same_losses(run, whole)
    assert same_heads(run, whole)
