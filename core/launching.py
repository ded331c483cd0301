"""One process for each accelerator, started together by ``torchrun`` and ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import types

import psutil

from core.errors import RunError, Stopped


def is_launched() -> bool:
    """Whether this process is one of those that torchrun has started."""
    return "TORCHELASTIC_RUN_ID" in os.environ or "LOCAL_RANK" in os.environ


def launch(arguments: list[str], processes: int) -> None:
    """Run ``python ARGUMENTS`` in so many processes that know of each other, and wait for them.

    A request to stop is passed on to the processes themselves: torchrun would kill them when they take their time to
    save.

    Raises:
        Stopped: they have saved and stopped, because this process was asked to.
        RunError: one of them failed, and torchrun has ended the others.
    """
    agent = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", *arguments],
        env={"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)), **os.environ},
    )
    asked = False

    def stop(number: int, frame: types.FrameType | None) -> None:
        nonlocal asked
        asked = True
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(agent.pid)
            for process in own.children() or [own]:
                process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    code = agent.wait()
    if asked and code:
        raise Stopped
    if code:
        raise RunError(f"One of {processes} processes failed, and the others were ended; the log says which, and why.")
