"""What the process of an ablation does: its runs, one after another, each in a process of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from core.ablation.folder import Ablation, Cell
from core.children import carry_out
from core.errors import RunError
from core.runs import Run
from core.work import ProgressFile, StopRequest

log = logging.getLogger(__name__)


def work_off(ablation: Ablation) -> None:
    """Work off every run that is not done; one that fails is noted and does not stop the others.

    Raises:
        Stopped: on request; the run under way has saved.
        RunError: all were tried, and some have no result.
    """
    ablation.forget_failure()
    stop, progress = StopRequest(), ProgressFile(ablation.folder)
    cells = ablation.cells
    with progress.stage("ablate", "runs") as tell:
        for at, cell in enumerate(cells):
            if cell.done:
                continue
            stop.check()
            tell(at, len(cells))
            _work_one(cell, stop, partial(tell, at, len(cells)))
        tell(len(cells), len(cells))
    if told := ablation.lacking():
        raise RunError(told)


def _work_one(cell: Cell, stop: StopRequest, still: Callable[[], None]) -> None:
    run = cell.run if cell.begun else Run.create(cell.config, cell.run.id)
    log.info("%s, seed %d: run %s", cell.label, cell.seed, run.id[:8])
    state = carry_out(run, stop, watch=lambda _: still())
    log.info("%s, seed %d: %s", cell.label, cell.seed, state.words)
