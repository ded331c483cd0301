"""The command that starts an ablation in the background and shows how it goes until it ends."""

from __future__ import annotations

import sys

from tqdm import tqdm

from core.ablation.folder import Ablation
from core.config.ablation import AblationConfig
from core.errors import RunBusy
from core.slurm.placing import Place
from core.work import read_progress
from scripts.watching import advance, exit_code, watch


def follow_ablation(config: AblationConfig, where: Place | None = None) -> tuple[Ablation, int]:
    """Start an ablation, go on with it, or watch it where it is at work already; returns it when it ended.

    The work goes on when this terminal closes; Ctrl-C asks it to save and stop.

    Returns:
        the ablation, and the code with which the command ends.
    """
    try:
        job = Ablation.begin(config, where)
    except RunBusy:
        job = Ablation.load(config.name)
        if job.config != config:
            raise
    with tqdm(unit=" runs", desc=job.id) as bar:
        state = watch(job, lambda: _draw(bar, job))
    if state.done:
        return job, 0
    print(job.failure() or f"Ablation {state.words}.", file=sys.stderr)
    if state.stopped:
        print("The runs that are done are kept: the same command goes on from there.", file=sys.stderr)
    return job, exit_code(state)


def _draw(bar: tqdm, job: Ablation) -> None:
    """How many runs are done, and which one is under way in which stage."""
    now = read_progress(job.folder)["now"]
    if now and now["total"]:
        advance(bar, now)
        if cell := job.under_way():
            state = cell.run.state()
            stage = (read_progress(cell.run.folder)["now"] or {}).get("stage", "starting")
            stage = state.words if state.state == "waiting" else stage
            bar.set_postfix_str(f"{cell.label}, seed {cell.seed}: {stage}")
