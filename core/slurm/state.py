"""How a job on a cluster stands: its own files first, then what Slurm says, and whether its heart beats."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from core.endings import STOPPED
from core.errors import ArtefactError
from core.files import read_json, write_json
from core.jobs import JobState
from core.slurm import words
from core.slurm.listing import Listed, listed, remembered
from core.slurm.placing import BEAT, LAST, Placement, asked_to_stop, placement

SILENT = 60.0
"""Seconds without a heartbeat after which a job that Slurm calls running is doubted (a shared disk may lag by 30)."""

UNREACHABLE = "; Slurm cannot be reached, this is the last known state"

GONE = "GONE"
"""Stands for the state of a job that neither Slurm nor its accounting knows."""

_seen: dict[str, float] = {}
_noted: dict[Path, tuple[str, Listed]] = {}
_beats: dict[Path, tuple[str, float]] = {}


def state(folder: Path, ended: JobState | None) -> JobState:
    """The state of a job that belongs to Slurm.

    Args:
        folder: of the job.
        ended: what its ``exit.json`` says; None without one.
    """
    own = placement(folder)
    if own is None:
        return ended or JobState("lost", told="lost: its slurm.json cannot be read")
    if not own.id or (ended and not ended.stopped):
        return ended or JobState("new")
    found, trouble = look(folder, own)
    return _unknown(folder) if found is None else _told(folder, ended, found, UNREACHABLE if trouble else "")


def _told(folder: Path, ended: JobState | None, found: Listed, doubt: str) -> JobState:
    """The state that Slurm's words mean; one that ended as stopped may yet be started again by Slurm."""
    if found.state in words.PENDING:
        return JobState("waiting", told=f"waiting: pending in Slurm ({words.reason(found.reason)}){doubt}")
    if found.state in words.ACTIVE:
        return JobState("running", told=_running(folder, found) + doubt)
    if ended or asked_to_stop(folder):
        return ended or JobState("exited", STOPPED)
    return JobState("lost", told=words.GONE if found.state == GONE else words.ending(found.state, found.node))


def look(folder: Path, own: Placement) -> tuple[Listed | None, str]:
    """What Slurm says of a job, or last said, and why it could not be asked now (empty where it could)."""
    last = _last(folder, own.id)
    if last and last.state not in (*words.PENDING, *words.ACTIVE):
        return last, ""
    since = _seen.setdefault(own.id, time.monotonic())
    answer = listed(own.user)
    if answer.trouble or answer.value is None or answer.at is None:
        return (answer.value or {}).get(own.id, last), answer.trouble or "Slurm does not answer."
    found = answer.value.get(own.id)
    if found is None and answer.at <= since:  # the answer is older than the job
        return last or Listed("PENDING"), ""
    found = found or remembered(own.id) or Listed(GONE)
    _note(folder, own.id, found)
    return found, ""


def last_known(folder: Path) -> Listed | None:
    """What Slurm last said of a job of ours; None where it has said nothing yet."""
    own = placement(folder)
    return _last(folder, own.id) if own else None


def silence(folder: Path) -> float | None:
    """Seconds for which this process has seen no new heartbeat; None where there never was one.

    The count in the file is compared with our own monotonic clock: clocks of two machines may differ.
    """
    try:
        count = (folder / BEAT).read_text()
    except OSError:
        return None
    before = _beats.get(folder)
    if before is None or (count and count != before[0]):
        before = _beats[folder] = (count, time.monotonic())
    return time.monotonic() - before[1]


def _running(folder: Path, found: Listed) -> str:
    if found.state == "SUSPENDED":
        return "running: suspended by Slurm"
    if found.state == "COMPLETING":
        return "running: ending"
    quiet = silence(folder)
    if quiet is None:
        return "running: starting"
    where = f" on {found.node}" if found.node else ""
    return f"running: no sign of life{where} for {quiet:.0f} s" if quiet > SILENT else "running"


def _unknown(folder: Path) -> JobState:
    """Slurm cannot be asked, and never told anything of this job that was kept."""
    if silence(folder) is not None:
        return JobState("running", told="running: as far as its files say" + UNREACHABLE)
    return JobState("waiting", told="waiting: handed to Slurm, which cannot be reached now")


def _last(folder: Path, job: str) -> Listed | None:
    try:
        data = read_json(folder / LAST)
        return Listed(data["state"], data["reason"], data["node"]) if data["id"] == job else None
    except (ArtefactError, KeyError, TypeError):
        return None


def _note(folder: Path, job: str, found: Listed) -> None:
    """Keep what Slurm said when it says something new: it forgets ended jobs after some minutes."""
    if _noted.get(folder) == (job, found) and (folder / LAST).exists():
        return
    with contextlib.suppress(OSError):  # who may only read the workspace sees it as long as Slurm tells it
        write_json(folder / LAST, {"id": job, "state": found.state, "reason": found.reason, "node": found.node})
        _noted[folder] = (job, found)
