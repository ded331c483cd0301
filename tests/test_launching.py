"""A run in two processes: stopped, gone on with, and failing as one."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from core.config.presets import preset
from core.files import read_json
from core.logbook import read_metrics
from core.runs import Run
from core.work import read_progress
from tests.test_going_on import same_heads, same_losses
from tests.tiny import tiny_study, until

pytestmark = [pytest.mark.slow, pytest.mark.long]


def made(**training: object) -> Run:
    """The image tower of lite learns whole, with dropout and batch statistics, in two processes."""
    config = preset("fine-tune", study="tiny")
    changed = config.training.replace(epochs=6, batch_size=21, devices=2, checkpoint_every=0.0, **training)
    return Run.create(config.replace(training=changed))


def ended(run: Run) -> None:
    until(lambda: not run.state().running, 180)


def test_stopped_and_gone_on_with_it_ends_as_if_it_never_was(workspace: Path) -> None:
    tiny_study(counts=(40, 8, 4), text=True)
    whole, run = made(), made()
    whole.start("train")
    ended(whole)
    assert whole.state().done, whole.log_tail()
    lines = run.folder / "metrics.jsonl"
    run.start("train")
    until(lambda: len(read_metrics(lines)) > 3 or not run.state().running, 180)
    assert run.stop()
    ended(run)
    assert run.state().words == "stopped" and run.failure() is None, run.log_tail()
    assert not run.has("train") and read_progress(run.folder)["now"]["stage"] == "train"
    run.start("train")
    ended(run)
    assert run.state().done, run.log_tail()
    assert run.log_tail(200).count("resumed at step") == 1, "one of the two tells"
    steps = [row["step"] for row in read_metrics(lines) if "step" in row]
    assert steps == list(range(1, 13))
    assert same_losses(run, whole)
    assert same_heads(run, whole)


def test_where_one_process_is_killed_the_run_ends_and_says_so(workspace: Path) -> None:
    tiny_study(counts=(40, 8, 4), text=True)
    run = made()
    run.start("train")
    until(lambda: len(read_metrics(run.folder / "metrics.jsonl")) > 2 or not run.state().running, 180)
    launcher = psutil.Process(read_json(run.folder / "process.json")["worker"]["pid"])
    (agent,) = launcher.children()
    agent.children()[-1].kill()
    ended(run)
    assert (run.state().code, run.state().words) == (1, "failed"), run.log_tail()
    assert "One of 2 processes failed" in (run.failure() or "")
    assert "Signal 9 (SIGKILL)" in run.log_tail(60)
    assert not launcher.is_running(), "nobody is left behind"
