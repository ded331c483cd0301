"""``python -m scripts.worker run ID [--stage NAME] | import NAME | search NAME --worker N``: the process that does the
work. Others watch it."""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
from collections.abc import Callable

from core.errors import FluoroscopeError, RunError, Stopped
from core.work import Work
from scripts.common import NO_RIGHT, WORKSPACE_CLOSED, main, set_up_log


def run(run_id: str, stage: str | None) -> None:
    """All stages of a run that are not done, or one alone."""
    from core.runs import Run

    found = Run.load(run_id)
    logging.getLogger("core").info("run %s: %s on study %s", found.id, found.title, found.config.study)

    def work() -> None:
        from core.pipeline import Pipeline

        pipeline = Pipeline(found)
        pipeline.all_stages() if stage is None else getattr(pipeline, stage)()

    reporting(found, work)


def bring(name: str) -> None:
    """The import of a study."""
    from core.studies.imports import Import

    found = Import.load(name)
    logging.getLogger("core").info("import of study %s from source %s", name, found.config.source)

    def work() -> None:
        from core.studies.importing import run_import

        run_import(found)

    reporting(found, work)


def search(name: str, number: str) -> None:
    """One worker of a search."""
    from core.searches import Search, SearchWorker
    from core.searching.worker import Searcher

    worker = SearchWorker(Search.load(name).folder / "workers" / number)
    reporting(worker, lambda: Searcher(worker).work())


def reporting(subject: Work, work: Callable[[], None]) -> None:
    """Do the work; the reason of a failure is left in the subject's folder."""
    try:
        work()
    except Stopped:
        raise
    except FluoroscopeError as error:
        subject.fail(error)
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            told = RunError(f"No room to write ({error.strerror}). What was saved is whole: make room, then go on.")
        elif error.errno in NO_RIGHT:
            told = RunError(WORKSPACE_CLOSED)
        else:
            raise
        with contextlib.suppress(OSError):
            subject.fail(told)
        raise told from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m scripts.worker", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    of_run = kinds.add_parser("run")
    of_run.add_argument("id")
    of_run.add_argument("--stage", choices=("train", "embed", "evaluate", "project"))
    kinds.add_parser("import").add_argument("name")
    of_search = kinds.add_parser("search")
    of_search.add_argument("name")
    of_search.add_argument("--worker", default="1")
    arguments = parser.parse_args()
    works: dict[str, Callable[[], None]] = {
        "run": lambda: run(arguments.id, arguments.stage),
        "import": lambda: bring(arguments.name),
        "search": lambda: search(arguments.name, arguments.worker),
    }
    set_up_log()
    main(works[arguments.kind])
