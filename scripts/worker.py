"""``python -m scripts.worker run ID [--stage NAME] | import NAME | embeddings NAME``: what others start and watch."""

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


def embeddings(name: str) -> None:
    """A set of embeddings, imported or trained."""
    from core.vectors.making import Making

    found = Making.load(name)
    reporting(found, found.carry_out)


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
    for kind in ("import", "embeddings"):
        kinds.add_parser(kind).add_argument("name")
    arguments = parser.parse_args()
    set_up_log()
    if arguments.kind == "run":
        main(lambda: run(arguments.id, arguments.stage))
    else:
        main(lambda: (bring if arguments.kind == "import" else embeddings)(arguments.name))
