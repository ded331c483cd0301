"""All long work of a workspace, whatever it does: what it is, how it stands, since when, with which accelerator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core import jobs
from core.ablation.folder import Ablation, list_ablations
from core.asking.questions import Asked
from core.asking.warm import at_work
from core.attention.boxed import list_boxed
from core.attention.looked import Looked
from core.errors import RunBusy, RunError
from core.jobs import JobState
from core.maps.asked import AskedMap, maps_of
from core.report.folder import list_reports
from core.runs import Run, list_runs
from core.searches import Search, SearchWorker, list_searches
from core.studies.imports import list_imports
from core.vectors.making import list_makings
from core.work import Work, read_progress

PARENTS = ("ablation", "search")
"""Work that starts other work: it is stopped first."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One piece of work.

    Attributes:
        kind: ``run``, ``map`` (of a run), ``import``, ``ablation``, ``search``, ``worker`` (of a search),
            ``embeddings``, ``pointing`` (of a run), ``asking`` or ``attention`` (what answers for a run, while it
            does).
        id: what it is called by; with the kind before it (``import:nih``) no other is called so.
        title: of a run; else what it works on.
        progress: of what is at work, in words.
        seconds: for how long it has been at work, or has waited; None where it does neither, or on another machine.
        ended: when it ended, in seconds since the epoch, for display alone.
        accelerators: that it has now.
    """

    kind: str
    id: str
    title: str
    work: Work
    state: JobState
    progress: str
    seconds: float | None
    ended: float | None
    accelerators: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        state = {"state": self.state.state, "words": self.state.words, "code": self.state.code}
        return {
            "kind": self.kind, "id": self.id, "title": self.title, **state, "before": self.state.before,
            "progress": self.progress, "seconds": self.seconds, "ended": self.ended,
            "accelerators": list(self.accelerators), "folder": str(self.work.folder),
        }  # fmt: skip

    def resume(self) -> None:
        """Start it again where it ended.

        Raises:
            RunBusy: it is at work.
            RunError: it is finished.
        """
        if self.state.busy:
            raise RunBusy(f"{self.kind} {self.id} is {self.state.words}: there is nothing to resume.")
        if self.work.whole if isinstance(self.work, Run) else self.state.done:
            raise RunError(f"{self.kind} {self.id} is finished: there is nothing to resume.")
        self.work.start()


def all_work(*, archived: bool = False) -> list[Item]:
    """What is at work first, then what waits, then the rest, the last ended first.

    Args:
        archived: with the runs that lists leave out (one that is at work is always there).
    """
    found = [_item(*one) for one in _each(archived)]
    return sorted(found, key=lambda item: (_rank(item.state), -(item.ended or 0.0)))


def _each(archived: bool) -> Iterator[tuple[str, Work, str]]:
    for run in list_runs(archived=None):
        if archived or not run.archived or run.state().busy:
            yield "run", run, run.title
        for further in maps_of(run):
            if archived or not run.archived or further.state().busy:
                yield "map", further, f"of {run.title}"
    yield from (("import", job, job.config.source) for job in list_imports())
    yield from (("ablation", ablation, f"on {ablation.config.study}") for ablation in list_ablations())
    for search in list_searches():
        yield "search", search, f"{search.config.base.preset} on {search.config.base.study}"
        yield from (("worker", worker, f"of search {search.id}") for worker in search.workers())
    yield from (("report", report, "") for report in list_reports() if report.state().state != "new")
    yield from ((warm.kind, warm, f"of {warm.run.title}") for warm in at_work(Asked, Looked))
    yield from (("pointing", boxed, f"of {boxed.run.title}") for boxed in list_boxed())
    yield from (("embeddings", making, "") for making in list_makings(finished=True))


def _item(kind: str, work: Work, title: str) -> Item:
    state = work.state()
    parts = work.workers() if isinstance(work, Search) else [work]
    ages = [age for part in parts if (age := jobs.seconds(part.folder)) is not None] if state.busy else []
    return Item(
        kind=kind,
        id=_name(work),
        title=title,
        work=work,
        state=state,
        progress=_progress(work, state),
        seconds=max(ages, default=None),
        ended=None if state.busy else max(map(_ended, parts), default=0.0) or None,
        accelerators=tuple(jobs.accelerators_of(work.folder)) if state.running else (),
    )


def _name(work: Work) -> str:
    if isinstance(work, SearchWorker):
        return f"{work.search.id}/{work.id}"
    return f"{work.run_id[:8]}/{work.id}" if isinstance(work, AskedMap) else work.id


def _progress(work: Work, state: JobState) -> str:
    if isinstance(work, Search):
        ended = sum(one.state in ("complete", "pruned", "failed") for one in work.trials())
        return f"{ended} of {work.config.trials} trials"
    if isinstance(work, Ablation):
        return f"{sum(cell.done for cell in work.cells)} of {len(work.cells)} runs"
    now = read_progress(work.folder)["now"] if state.running else None
    if not now:
        return ""
    return f"{now['stage']} {now['done']:,} of {now['total']:,} {now['unit']}" if now["total"] else str(now["stage"])


def _ended(work: Work) -> float:
    try:
        return (work.folder / "exit.json").stat().st_mtime
    except OSError:
        return 0.0


def _rank(state: JobState) -> tuple[int, int]:
    return (0, 0) if state.running else (1, state.before) if state.busy else (2, 0)


def find(wanted: str, items: list[Item]) -> Item:
    """The work of an id, of ``KIND:ID``, or the run whose id begins so.

    Raises:
        RunError: there is none, or more than one.
    """
    found = [item for item in items if wanted in (item.id, f"{item.kind}:{item.id}")]
    if not found and wanted:
        found = [item for item in items if item.kind == "run" and item.id.startswith(wanted.removeprefix("run:"))]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{item.kind}:{item.id}" for item in found[:8])
        raise RunError(f"{len(found)} pieces of work are called {wanted[:40]!r}; say which: {names}.")
    there = ", ".join(item.id[:8] if item.kind == "run" else f"{item.kind}:{item.id}" for item in items[:8])
    raise RunError(f"Nothing is called {wanted[:40]!r}; there is: {there or 'nothing yet'}.")
