"""What the README's pictures show: two finished runs on the demo study, and a report with some of their figures."""

from __future__ import annotations

from core.config.presets import preset
from core.demands import new_run
from core.recipes.diseases import Auroc
from core.recipes.gap import GapMap
from core.recipes.similarity import Similarity
from core.report.entry import Entry
from core.report.folder import FIRST, Report
from core.runs import Run, list_runs
from core.studies.study import Study
from scripts.following import follow

PRESETS = ("orthogonal", "contrastive")
"""Of the two runs that stand side by side."""


def make() -> dict[str, str]:
    """Make what is missing in the workspace.

    Returns:
        What the addresses of views are filled with.
    """
    runs = [finished(name) for name in PRESETS]
    fill(Report.named(FIRST), tuple(run.id for run in runs))
    return words(runs)


def fill(report: Report, runs: tuple[str, ...]) -> None:
    """Three figures, where there are none."""
    if not report.entries():
        for recipe, caption in (
            (Similarity(runs=runs), "Cosines between disease prompts."),
            (Auroc(runs=runs), ""),
            (GapMap(runs=runs[1:]), ""),
        ):
            report.add(Entry(recipe=recipe, caption=caption))


def finished(name: str) -> Run:
    """The finished run of a preset on the demo study, made where it is missing."""
    for run in list_runs():
        if (run.config.preset, run.config.study) == (name, "demo") and run.state().done:
            return run
    run = new_run(preset(name, study="demo", encoder="lite"))
    follow(run)
    return run


def words(runs: list[Run]) -> dict[str, str]:
    """What the addresses of views are filled with: the runs, and a test radiograph with several findings."""
    study = Study.load("demo")
    rows = study.judged_rows()
    row = rows[(study.labels[rows] == 1).sum(1).argmax()]
    of = [f"runs={run.id}" for run in runs]
    return {
        "both": "&".join(of),
        "first": of[0],
        "second": of[1],
        "ids": "&".join(f"curves={run.id}" for run in runs),
        "sample": str(study.samples["id"].iloc[row]),
    }
