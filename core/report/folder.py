"""A report: a list of figures that grows while somebody looks around, and the process that makes files of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from core import jobs
from core.errors import ArtefactError, ConfigError, FluoroscopeError, RunError
from core.files import read_json, write_json
from core.report.entry import Entry
from core.work import Work
from core.workspace import checked_slug, home

GRACE = 5.0
"""Seconds to end in when it is asked to stop: nothing is lost, a report is made anew."""

FIRST = "report"
"""What a report is called where nobody names one."""


@dataclass(frozen=True)
class Report(Work):
    """``reports/NAME``: ``report.json`` (the list), and ``report.zip`` with state, progress and log of who made it."""

    @classmethod
    def named(cls, name: str) -> Self:
        """A report, whether it is there yet or not.

        Raises:
            ConfigError: a name that cannot be a folder's.
        """
        return cls(home() / "reports" / checked_slug(name, "report"))

    @property
    def archive(self) -> Path:
        """The ZIP."""
        return self.folder / "report.zip"

    @property
    def current(self) -> bool:
        """Whether the ZIP is of the figures and captions that the list has now."""
        try:
            made = read_json(self.folder / "made.json")["entries"] if self.archive.is_file() else None
            return bool(made == [one.to_json() for one in self.entries()])
        except (ArtefactError, KeyError, TypeError):
            return False

    def entries(self) -> list[Entry]:
        """Its figures in their order; those whose specification this version cannot read are left out."""
        return [one for one in map(_read, self._listed()) if isinstance(one, Entry)]

    def unreadable(self) -> list[str]:
        """Why others cannot be read; they stay in the file."""
        return [str(one) for one in map(_read, self._listed()) if not isinstance(one, Entry)]

    def _listed(self) -> list[Any]:
        try:
            return list(read_json(self.folder / "report.json")["entries"])
        except (ArtefactError, KeyError, TypeError):
            return []

    def begin(self) -> None:
        """Have it there, with nothing in it, if it is not there yet."""
        self._change(lambda entries: entries)

    def add(self, entry: Entry) -> bool:
        """Put a figure at the end; whether it was not there yet."""

        def added(entries: list[Entry]) -> list[Entry]:
            return entries if entry.key in {one.key for one in entries} else [*entries, entry]

        before = len(self.entries())
        return len(self._change(added)) > before

    def remove(self, key: str) -> None:
        """Take a figure out."""
        self._change(lambda entries: [one for one in entries if one.key != key])

    def move(self, key: str, by: int) -> None:
        """Bring a figure forward (``by`` < 0) or back; at an end it stays."""

        def moved(entries: list[Entry]) -> list[Entry]:
            at = next((number for number, one in enumerate(entries) if one.key == key), None)
            if at is not None:
                one = entries.pop(at)
                entries.insert(min(max(at + by, 0), len(entries)), one)
            return entries

        self._change(moved)

    def describe(self, key: str, caption: str) -> None:
        """Say something of a figure."""
        self._change(
            lambda entries: [replace(one, caption=caption.strip()) if one.key == key else one for one in entries]
        )

    def turn(self, key: str, camera: tuple[float, ...]) -> None:
        """See a figure from elsewhere."""
        self._change(lambda entries: [replace(one, camera=camera) if one.key == key else one for one in entries])

    def _change(self, how: Callable[[list[Entry]], list[Entry]]) -> list[Entry]:
        """Read, change, write, one after another: two pages may be open."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".list.lock"):
            entries = how(self.entries())
            others = [data for data in self._listed() if not isinstance(_read(data), Entry)]
            write_json(self.folder / "report.json", {"entries": [*(one.to_json() for one in entries), *others]})
        return entries

    def start(self) -> None:
        """Make the ZIP, or make it again, in the background; no accelerator is taken.

        Raises:
            RunBusy: it is being made.
            RunError: there is no figure in it.
        """
        if not self.entries():
            raise RunError("There is no figure in the report yet: put some in, with the button below each figure.")
        jobs.start(self.folder, ["-m", "scripts.worker", "report", self.id], grace=GRACE)

    def carry_out(self) -> None:
        """Do the work, in a process of its own: it listens to requests to stop.

        Raises:
            FluoroscopeError: it cannot be done, or was stopped; says why.
        """
        from core.report.making import make_report

        make_report(self)


def _read(data: Any) -> Entry | FluoroscopeError:
    try:
        return Entry.from_json(data)
    except FluoroscopeError as error:
        return error


def list_reports() -> list[Report]:
    """All reports of this workspace, by name."""
    return [Report(path.parent) for path in sorted((home() / "reports").glob("*/report.json"))]


def report_of(name: str) -> Report:
    """A report that is there.

    Raises:
        ConfigError: there is none of that name; says which there are.
    """
    found = Report.named(name)
    if not (found.folder / "report.json").is_file():
        there = ", ".join(one.id for one in list_reports()) or "none yet"
        raise ConfigError(f"There is no report {name!r}; there is: {there}.")
    return found
