"""What every command shares: a log on stderr, errors in words, exit codes."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable

from core.endings import NO_ROOM_CODE, STOPPED, as_ours
from core.errors import NoRoom, Stopped
from core.work import Work


def set_up_log() -> None:
    """Time and message on stderr; libraries speak from warnings up."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("core").setLevel(logging.INFO)
    warnings.filterwarnings("ignore", category=FutureWarning)


def main(work: Callable[[], None]) -> None:
    """Run a command; an error of ours, or one that can be told in words, ends it with its message, not a traceback.

    Exit codes: 0 done, 1 an error in words, 74 no room to write, 85 stopped on request (can be resumed).
    """
    try:
        work()
    except Stopped as error:
        _say(str(error))
        sys.exit(STOPPED)
    except Exception as error:
        told = as_ours(error)
        if told is None:
            raise
        _say(f"{type(told).__name__}: {told}")
        sys.exit(NO_ROOM_CODE if isinstance(told, NoRoom) else 1)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the log may lie on the disk that is full: the exit code tells, too
        print(text, file=sys.stderr, flush=True)


def reporting(subject: Work, work: Callable[[], None]) -> None:
    """Do the work; the reason of a failure is left in the subject's folder, where there is room for it."""
    try:
        work()
    except Stopped:
        raise
    except Exception as error:
        told = as_ours(error)
        if told is None:
            raise
        with contextlib.suppress(OSError):
            subject.fail(told)
        if told is error:
            raise
        logging.getLogger("core").error("%s", error, exc_info=error)  # where it happened stands in the log
        raise told from error
