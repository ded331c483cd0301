"""An empty workspace fills itself: the demo study and a first run on it."""

from __future__ import annotations

from filelock import FileLock

from core.config.presets import preset
from core.runs import Run, list_runs
from core.studies.study import study_names
from core.workspace import home


def begin() -> Run | None:
    """Start the demo run in an empty workspace; None where there is a study or a run already.

    Two pages that open at once start one run: the second finds the first one's.
    """
    if study_names() or list_runs(archived=None):
        return None
    home().mkdir(parents=True, exist_ok=True)
    with FileLock(home() / "first-light.lock"):
        if study_names() or list_runs(archived=None):
            return None
        run = Run.create(preset("orthogonal", study="demo", encoder="lite"))
        run.start()
        return run
