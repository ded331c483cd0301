"""The work of the process that makes a further map of a run."""

from __future__ import annotations

import logging

from core.errors import FluoroscopeError
from core.maps.anchoring import reference_map
from core.maps.asked import AskedMap
from core.maps.of_run import Mapping
from core.runs import Run
from core.store import Projection
from core.studies.study import Study
from core.work import ProgressFile, StopRequest

log = logging.getLogger(__name__)


def make_map(asked: AskedMap) -> Projection:
    """Draw a map, keep it at once, so that it can be looked at, and again when it is measured.

    Raises:
        FluoroscopeError: it cannot be made: the study is gone or changed, an engine is not installed.
        Stopped: it was asked to stop; a map that is drawn stays, without its faithfulness.
    """
    stop, progress, run = StopRequest(), ProgressFile(asked.folder), Run(asked.folder.parent.parent)
    with progress.stage("Reading embeddings"):
        study = Study.load(run.config.study).asked_for(run.config.findings)
        run.check_is_of(study)
        work = Mapping(run, study, asked.config, asked.seed, reference_map(run, study) or _own(run))
    stop.check()
    with progress.stage(f"Placing {len(work.ids):,} points"):
        drawn = work.drawn()
        drawn.save(asked.folder / "map")
    log.info("%s of %d points is drawn", asked.id, len(drawn.ids))
    stop.check()
    with progress.stage("Drawing it again under other random states", "maps") as tell:

        def told(done: int, total: int) -> None:
            tell(done, total)
            stop.check()

        others = work.others(told)
    with progress.stage("Measuring how far it can be believed"):
        found = work.measured(drawn, others)
        found.save(asked.folder / "map")
    log.info("%s is measured: %s", asked.id, found.faithfulness)
    return found


def _own(run: Run) -> tuple[str, Projection] | None:
    """The run's own map, where the study's first map is its own (or there is none that lies over another)."""
    try:
        return run.id, run.projection()
    except FluoroscopeError:
        return None
