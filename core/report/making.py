"""The process that makes a report: every figure in every format, its data, and how all of it came about, in one ZIP."""

from __future__ import annotations

import json
import logging
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from core.errors import ExportError, FluoroscopeError
from core.figures.export import Format, chromium_available, figure_bytes
from core.figures.fonts import drawn_with
from core.files import replacing, write_json
from core.recipes.base import OfRuns
from core.recipes.files import Files
from core.report.entry import Entry
from core.report.folder import Report
from core.report.methods import methods, versions
from core.runs import Run
from core.studies.study import Study
from core.work import ProgressFile, StopRequest

WIDTHS = {1: "1-column", 2: "2-columns"}
ALWAYS = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the ZIP: the same report gives the same bytes, as far as PDF and PNG do."""

AGAIN = """#!/bin/sh
# Makes each figure again. Copy this folder into the repository (or name it in the commands), and set FLUOROSCOPE_HOME
# to the workspace that has these runs."""

log = logging.getLogger(__name__)


@dataclass
class Made:
    """What goes into the ZIP, and what was met on the way."""

    files: dict[str, bytes] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    studies: dict[str, Study] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def make_report(report: Report) -> None:
    """Make the ZIP of a report; one that is there stays until the new one is whole.

    A figure that cannot be drawn any more is named in the README with its reason; the others are made.

    Raises:
        Stopped: it was asked to.
        ExportError: none of its figures could be made.
    """
    stop, progress, entries = StopRequest(), ProgressFile(report.folder), report.entries()
    made = Made(missing=report.unreadable())
    forms = get_args(Format) if chromium_available() else ("html",)
    with progress.stage("Drawing figures", "files") as tell:
        total, done = len(entries) * (2 * len(forms) - 1), 0

        def one_more() -> None:
            nonlocal done
            done += 1
            tell(done, total)
            stop.check()

        for number, entry in enumerate(entries, 1):
            try:
                _figure(made, number, entry, forms, one_more)
            except FluoroscopeError as error:
                log.warning("figure %d, %s: %s", number, entry.recipe.title, error)
                made.missing.append(f"Figure {number}, {entry.recipe.title}: {error}")
    if not made.commands:
        raise ExportError("None of the figures could be made. " + " ".join(made.missing))
    with progress.stage("Writing"):
        _words(made, entries)
        with replacing(report.archive) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in sorted(made.files.items()):
                archive.writestr(zipfile.ZipInfo(f"{report.id}/{name}", ALWAYS), data, zipfile.ZIP_DEFLATED)
        write_json(report.folder / "made.json", {"entries": [one.to_json() for one in entries]})
    log.info("%d figures, %d files", len(made.commands), len(made.files))


def _figure(made: Made, number: int, entry: Entry, forms: tuple[Any, ...], one_more: Callable[[], None]) -> None:
    """All files of one figure; nothing of it is kept where one of them fails."""
    where = Files()
    recipe, files = entry.recipe, {}
    figure = entry.draw(where)
    folder = f"figures/{number:02d}-{recipe.figure}"
    for form in forms:
        for columns in (1,) if form == "html" else (1, 2):
            wide = "" if form == "html" else f"-{WIDTHS[columns]}"
            files[f"{folder}/figure{wide}.{form}"] = figure_bytes(figure, form, columns=columns)
            one_more()
    files[f"{folder}/data.csv"] = recipe.csv(where)
    files[f"{folder}/spec.json"] = _json(entry.to_json())
    words = f"{recipe.alt(where)}; {recipe.of(where)}."
    made.files |= files
    caption = f"{entry.caption} " if entry.caption else ""
    made.lines.append(f"## Figure {number}: {recipe.title}\n\n{caption}{words}\n\nFiles: `{folder}/`\n")
    spec = f"{folder}/spec.json"
    made.commands.append(
        shlex.join(["python", "-m", "scripts.export", "--spec", spec, "--format", "svg", "--out", f"{number:02d}.svg"])
    )
    _remember(made, recipe, where)


def _remember(made: Made, recipe: Any, where: Files) -> None:
    """Which runs and studies a figure is of."""
    runs = recipe.opened if isinstance(recipe, OfRuns) else []
    made.runs |= {run.id: run for run in runs}
    asked = {(run.config.study, run.config.findings) for run in runs}
    if isinstance(name := getattr(recipe, "study", None), str):
        asked.add((name, ()))
    made.studies |= {name: where.study(name, findings) for name, findings in asked if name not in made.studies}


def _words(made: Made, entries: list[Entry]) -> None:
    """README, methods, versions, and the whole settings of each run."""
    runs, studies = list(made.runs.values()), list(made.studies.values())
    made.files["methods.md"] = methods(runs, studies, [one.recipe.figure for one in entries]).encode()
    made.files["versions.json"] = _json(versions(runs))
    for run in runs:
        for name in ("config.json", "study.json"):
            if (path := run.folder / name).is_file():
                made.files[f"runs/{run.id}/{name}"] = path.read_bytes()
    made.files["random-states.json"] = _json({run.id: random_states(run) for run in runs})
    made.files["again.sh"] = "\n".join([AGAIN, *made.commands, ""]).encode()
    parts = ["# Figures\n", *made.lines, *_notes(made)]
    made.files["README.md"] = "\n".join(parts).encode()


def random_states(run: Run) -> dict[str, int]:
    """What a run drew from."""
    return {
        "initialisation, order, dropout": run.config.seed,
        "intervals of evaluation.json": run.config.seed,
        "map": run.config.seed,
        "paired comparisons": 0,
    }


def _notes(made: Made) -> list[str]:
    """What a reader of the ZIP must know."""
    notes = [
        "## About these files\n",
        "- 1 and 2 columns are 89 and 183 mm wide. PDF and SVG hold their letters"
        + ("." if drawn_with() else " (SVG: not here, because the font is not known: no fontconfig)."),
        "- `data.csv` has every number of a figure, `spec.json` its specification: the commands in `again.sh` make it "
        "again, CSV and SVG to the byte, in a workspace that has these runs.",
        "- `methods.md` is a draft of the methods section, `runs/` has all settings, seeds and versions.",
        "- For research, not for diagnosis.",
    ]
    if not chromium_available():
        notes.append("- There was no Chromium on this machine, so that there is neither SVG nor PDF nor PNG.")
    if made.missing:
        notes += ["\n## Missing\n", *(f"- {reason}" for reason in made.missing)]
    return [*notes, ""]


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()
