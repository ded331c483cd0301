"""Commands that start a process in the background and show how it goes until it ends."""

from __future__ import annotations

import sys

from tqdm import tqdm

from core.config.importing import ImportConfig
from core.imported import ImportedSet
from core.runs import Run
from core.studies.imports import Import
from core.studies.study import Study
from core.vectors.making import Making
from core.work import read_progress
from scripts.watching import advance, end, watch


def follow(run: Run, stage: str | None = None) -> None:
    """Start a run in the background, show its log until it ends, and end as it did.

    The work goes on when this terminal closes; Ctrl-C asks it to save and stop.
    """
    log = run.folder / "log.txt"
    seen = log.stat().st_size if log.exists() else 0
    run.start(stage)

    def draw() -> None:
        nonlocal seen
        if not log.exists():  # it waits for an accelerator, and its worker has not begun
            return
        with log.open("rb") as stream:
            stream.seek(seen)
            new = stream.read()
        seen += len(new)
        sys.stderr.write(new.decode(errors="replace"))
        sys.stderr.flush()

    state = watch(run, draw)
    if not state.done:
        told = " ".join(f"Run {run.id[:8]} {state.words}. {state.what_to_do}".split())
        end(state, f"{told}\n{run.goes_on().capitalize()} (python -m scripts.jobs resume {run.id[:8]}).")


def follow_import(config: ImportConfig) -> Study:
    """Start an import, show how far it is until it ends, and open its study; else end as it did.

    The work goes on when this terminal closes; Ctrl-C asks it to stop, and the next start goes on from there.
    """
    job = Import.begin(config)
    with tqdm(unit=" radiographs", desc=job.id) as bar:
        state = watch(job, lambda: advance(bar, read_progress(job.folder)["now"]))
        if state.done:
            count = max(bar.n, len(Study.load(job.id)))
            advance(bar, {"done": count, "total": count})
    if not state.done:
        kept = "\nWhat was decoded is kept: the same command goes on from there." if state.stopped else ""
        end(state, (job.failure() or f"Import {state.words}.\n{job.log_tail(12)}") + kept)
    return Study.load(job.id)


def follow_making(job: Making) -> ImportedSet:
    """Watch what makes a set of embeddings until it ends, and open the set; else end as it did."""
    with tqdm(unit=" steps", desc=job.id) as bar:
        state = watch(job, lambda: advance(bar, read_progress(job.folder)["now"]))
    if not state.done:
        end(state, job.failure() or f"{job.id} {state.words}.\n{job.log_tail(12)}")
    return ImportedSet.load(job.id)
