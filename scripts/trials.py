"""How a search goes and what came out of it, in a terminal."""

from __future__ import annotations

import sys

from core.config.command import command_of
from core.config.search import JUDGED
from core.runs import Run
from core.searches import Search
from core.workspace import home
from scripts.watching import end, watch


def follow_search(search: Search) -> None:
    """Show how a search goes until it ends, trial by trial, and end as it did.

    The work goes on when this terminal closes; Ctrl-C asks it to stop, and the next start goes on from there.
    """
    told: set[int] = set()

    def draw() -> None:
        for trial in search.trials():
            if trial.state in ("complete", "pruned", "failed") and trial.number not in told:
                told.add(trial.number)
                value = "" if trial.value is None else f"{trial.value:.4f}"
                print(f"trial {trial.number:>3}  {trial.state:10}{value:10}{trial.reason}", file=sys.stderr)

    state = watch(search, draw)
    if not state.done:
        words = search.failure() or f"Search {state.words}.\n{search.log_tail(12)}"
        end(state, f"{words}\nGo on with `python -m scripts.search --resume {search.id}`.")


def outcome(search: Search) -> str:
    """The best settings, and the command that makes that run again."""
    best = search.best()
    if best is None or best.run is None:
        return "No trial went to its end."
    run = Run(home() / "runs" / best.run)
    lines = [f"best: trial {best.number}, {JUDGED[search.config.judged]} {best.value:.4f}, run {run.id}"]
    lines += [
        f"  {path:32}{value:.4g}" if isinstance(value, float) else f"  {path:32}{value}"
        for path, value in best.parameters.items()
    ]
    return "\n".join([*lines, "the same run again:", f"  {command_of(run.config)}"])
