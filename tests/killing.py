"""``python -m tests.killing RUN KILLS``: trains a run in forked processes, killed with SIGKILL at random moments.

Towers are loaded once, before the processes part, so that fifty kills cost seconds. Every other kill waits until a
checkpoint is half written. Prints how many did meet one, and at which steps they came.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from core.pipeline import Pipeline
from core.runs import Run

LATE = 60.0


def half_written(folder: Path) -> bool:
    return any((folder / "checkpoints").glob("*.tmp"))


def lines(folder: Path) -> int:
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed(pipeline: Pipeline, after: int, in_a_save: bool, moment: float) -> tuple[int, bool]:
    """Train in a process of its own until so many lines are written, then kill it; the line, and what it was at."""
    folder = pipeline.run.folder
    child = os.fork()
    if not child:
        pipeline.train()
        os._exit(0)
    deadline = time.monotonic() + LATE
    while lines(folder) < after and time.monotonic() < deadline:
        time.sleep(0.002)
    while in_a_save and not half_written(folder) and time.monotonic() < deadline:
        pass
    time.sleep(moment)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it had ended before it was killed"
    return lines(folder), half_written(folder)


def main(run: Run, kills: int) -> None:
    torch.set_num_threads(1)
    pipeline, draw = Pipeline(run), random.Random(5)
    total = len(pipeline.prepare().study.rows("train")) // run.config.training.batch_size * run.config.training.epochs
    seen = []
    for number in range(kills):
        done = lines(run.folder)
        after = done + draw.randint(1, max(2, 2 * (total - done - 20) // (kills - number + 4)))
        seen.append(killed(pipeline, after, number % 2 == 1, draw.random() * 0.02))
    pipeline.train()
    print(json.dumps({"lines": [line for line, _ in seen], "in a save": sum(half for _, half in seen)}))


if __name__ == "__main__":
    main(Run.load(sys.argv[1]), int(sys.argv[2]))
