"""Watching work in a terminal until it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NoReturn

from tqdm import tqdm

from core.jobs import STOPPED, JobState
from core.work import Work


def watch(work: Work, draw: Callable[[], None]) -> JobState:
    """Draw until the work ends, once more when it has; Ctrl-C asks it to save and stop, and goes on watching.

    Work that waits for an accelerator says so, and how many are before it.
    """
    waited = ""
    while True:
        try:
            state = work.state()  # asked before drawing, so that the last lines are shown
            if state.state == "waiting" and state.words != waited:
                waited = state.words
                print(f"{waited[0].upper()}{waited[1:]}", file=sys.stderr)
            draw()
            if not state.busy:
                return work.state()
            time.sleep(0.2)
        except KeyboardInterrupt:
            print("Asked to save and stop …", file=sys.stderr)
            work.stop()


def end(state: JobState, words: str) -> NoReturn:
    """Say how work ended that did not end well, and end as it did."""
    print(words, file=sys.stderr)
    sys.exit(exit_code(state))


def exit_code(state: JobState) -> int:
    """With which code a command ends whose work did not end well."""
    if state.stopped:
        return STOPPED
    return state.code if state.code and state.code > 0 else 1


def advance(bar: tqdm, now: dict[str, int] | None) -> None:
    """Bring a bar to where a stage stands."""
    if not now or not now["total"]:
        return
    if bar.total is None:  # what an earlier start left does not count for the rate
        bar.initial = bar.n = now["done"]
    bar.total = now["total"]
    bar.update(now["done"] - bar.n)
