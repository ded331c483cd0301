"""What every command shares: a log on stderr, errors in words, exit codes."""

from __future__ import annotations

import contextlib
import errno
import logging
import sys
import warnings
from collections.abc import Callable

from core.errors import FluoroscopeError, RunError, Stopped
from core.jobs import STOPPED
from core.work import Work

NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)
WORKSPACE_CLOSED = (
    "The workspace may not be written to: check its permissions, or set FLUOROSCOPE_HOME to a folder that may."
)


def set_up_log() -> None:
    """Time and message on stderr; libraries speak from warnings up."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("core").setLevel(logging.INFO)
    warnings.filterwarnings("ignore", category=FutureWarning)


def main(work: Callable[[], None]) -> None:
    """Run a command; an error of ours ends it with its message, not with a traceback.

    Exit codes: 0 done, 1 an error in words, 85 stopped on request (can be resumed).
    """
    try:
        work()
    except Stopped as error:
        print(error, file=sys.stderr)
        sys.exit(STOPPED)
    except FluoroscopeError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in NO_RIGHT:
            raise
        print(f"RunError: {WORKSPACE_CLOSED}", file=sys.stderr)
        sys.exit(1)


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
