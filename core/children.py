"""Runs that other work makes: each is worked off by a process of its own, as if a user had started it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from core.errors import RunBusy, Stopped
from core.jobs import JobState
from core.runs import Run
from core.work import StopRequest

LOOK = 0.3
"""Seconds between two looks at a child."""


def carry_out(
    run: Run, stop: StopRequest, *, stage: str | None = None, watch: Callable[[Run], None] | None = None
) -> JobState:
    """Start a run, or go on with it, and wait until its process ends; one that is at work already is waited for.

    Args:
        run: whose stages are wanted.
        stop: of the process that waits; when it is asked for, the run is asked to save and stop too.
        stage: one stage alone; None: all that are not done.
        watch: called at every look, while the run is at work and once more when it has ended; it may ask it to stop.

    Returns:
        How it ended; a failed run is no error here.

    Raises:
        Stopped: the waiting work was asked to stop; the run has saved and stopped.
    """
    with contextlib.suppress(RunBusy):  # this work was killed while its run went on, or somebody started it by hand
        run.start(stage)
    asked = False
    while (state := run.state()).busy:
        if watch:
            watch(run)
        if stop.asked and not asked:
            asked = run.stop()
        time.sleep(LOOK)
    if watch:
        watch(run)
    if asked and not state.done:
        raise Stopped
    return state
