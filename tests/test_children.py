"""Runs that other work makes: started, waited for, stopped with it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from core import jobs
from core.children import LOOK, carry_out
from core.config.presets import preset
from core.errors import Stopped
from core.runs import Run
from tests.tiny import until


class Asked:
    """A stop request without signals."""

    asked = False


def child(monkeypatch: pytest.MonkeyPatch, program: str) -> Run:
    """A run whose process is a small program."""
    run = Run.create(preset("zero-shot", study="demo", encoder="lite"))
    monkeypatch.setattr(Run, "start", lambda self, stage=None: jobs.start(self.folder, ["-c", program]))
    return run


def wait_for(run: Run, stop: Any, **options: Any) -> Any:
    return carry_out(run, stop, **options)


@pytest.mark.parametrize(("code", "words"), [(0, "finished"), (3, "failed")])
def test_it_waits_and_tells_how_it_ended(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    looks: list[str] = []
    run = child(monkeypatch, f"import time; time.sleep(0.5); raise SystemExit({code})")
    assert wait_for(run, Asked(), watch=lambda one: looks.append(one.id)).words == words
    assert set(looks) == {run.id} and len(looks) >= 2


def test_a_run_that_fails_is_not_started_again(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault row 7: nothing goes round in a circle; only a hand starts it again."""
    run = child(monkeypatch, "print('begun'); raise SystemExit(1)")
    assert wait_for(run, Asked()).failed
    time.sleep(3 * LOOK)
    assert run.log_tail() == "begun"


def test_a_run_that_waits_in_the_queue_is_waited_for_and_stopped(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    other, stop, states = workspace / "other", Asked(), []
    jobs.start(other, ["-c", "import time; time.sleep(60)"], accelerators=1)
    run = Run.create(preset("zero-shot", study="demo", encoder="lite"))
    monkeypatch.setattr(Run, "start", lambda self, stage=None: jobs.start(self.folder, ["-c", "1"], accelerators=1))

    def watch(one: Run) -> None:
        states.append(one.state().state)
        stop.asked = len(states) > 2

    with pytest.raises(Stopped, match="kept"):
        wait_for(run, stop, watch=watch)
    assert states[:2] == ["waiting", "waiting"] and run.state().stopped
    jobs.stop(other)
    until(lambda: not jobs.state(other).busy)


def test_a_run_that_is_at_work_is_waited_for(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = child(monkeypatch, "import time; time.sleep(1)")
    run.start()
    assert wait_for(run, Asked()).done


def test_a_stop_is_passed_on(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(85)); time.sleep(60)"
    run, stop = child(monkeypatch, program), Asked()

    def ask() -> None:
        until(lambda: run.state().busy)
        time.sleep(0.5)  # until the program listens
        stop.asked = True

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(Stopped, match="kept"):
        wait_for(run, stop)
    thread.join()
    assert run.state().stopped
