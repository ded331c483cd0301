"""What every command shares: a log on stderr, errors in words, exit codes."""

from __future__ import annotations

import errno
import logging
import sys
import warnings
from collections.abc import Callable

from core.errors import FluoroscopeError, Stopped
from core.jobs import STOPPED

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
