"""``python -m scripts.worker RUN [--stage NAME]``: the process that does a run's work. Others start and watch it."""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging

from core.errors import FluoroscopeError, RunError, Stopped
from core.runs import MANIFESTS, Run
from scripts.common import main, set_up_log


def work(run_id: str, stage: str | None) -> None:
    """All stages that are not done, or one alone; the reason of a failure is left in the run's folder."""
    run = Run.load(run_id)
    logging.getLogger("core").info("run %s: %s on study %s", run.id, run.title, run.config.study)
    try:
        from core.pipeline import Pipeline

        pipeline = Pipeline(run)
        pipeline.all_stages() if stage is None else getattr(pipeline, stage)()
    except Stopped:
        raise
    except FluoroscopeError as error:
        run.fail(error)
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        full = RunError(
            f"No room to write ({error.strerror}). What was saved is whole: make room, then resume the run."
        )
        with contextlib.suppress(OSError):
            run.fail(full)
        raise full from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m scripts.worker", description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--stage", choices=tuple(MANIFESTS))
    arguments = parser.parse_args()
    set_up_log()
    main(lambda: work(arguments.run, arguments.stage))
