"""Runs in the Train view: why one failed and where it goes on, its place in the queue, and what a card can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.config.presets import preset
from core.errors import RunBusy, TrainingDiverged
from core.files import write_json
from core.processes import kill_tree, process_of
from core.runs import MANIFESTS, Run, list_runs
from tests.test_work_list import checkpoint
from tests.tiny import tiny_study, until
from tests.views.test_views import opened, texts

Make = Callable[..., Run]
SLEEP = ["-c", "import time; time.sleep(60)"]


@pytest.fixture
def make(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a run of a label whose process was this program; None: none was started."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("FLUOROSCOPE_SLOTS", raising=False)
    tiny_study()

    def made(label: str, program: str | None = None) -> Run:
        config = preset("linear", study="tiny", encoder="lite")
        run = Run.create(config.replace(label=label, training=config.training.replace(epochs=17)))
        if program is not None:
            jobs.start(run.folder, ["-c", program])
            until(lambda: not run.state().busy)
        return run

    yield made
    for run in list_runs(archived=None):
        for role in ("runner", "worker"):
            if pid := process_of(run.folder, role):
                kill_tree(pid)
    until(lambda: not any(run.state().busy for run in list_runs(archived=None)))


def logs(at: AppTest) -> list[str]:
    return [code.value for code in at.code]


def test_a_killed_run_says_so_and_where_it_goes_on(make: Make) -> None:
    """Fault row 5: the reason, the end of the log, and the last good checkpoint are on the page."""
    run = make("big one", "import os; print('step 40', flush=True); os.kill(os.getpid(), 9)")
    checkpoint(run.folder / "checkpoints", 30)
    at = opened("train")
    assert "killed \\(signal 9\\), possibly out of memory" in texts(at)
    assert "memory ran out" in at.error[0].value and "batch\\_size" in at.error[0].value
    assert "Resume goes on at step 30." in texts(at) and logs(at) == ["step 40"]
    write_json(run.folder / "exit.json", {"code": -9, "memory": True})
    assert "killed for memory" in texts(opened("train"))


def test_a_run_that_diverged_or_crashed_says_why(make: Make) -> None:
    """Fault row 6 on the page; a run that left no reason shows the end of its log."""
    nan, unsaid = make("nan", "raise SystemExit(1)"), make("unsaid", "raise ValueError('odd')")
    nan.fail(TrainingDiverged("The contrastive loss became nan at step 7."))
    at = opened("train")
    assert [error.value for error in at.error] == [
        "It ended without saying why\\: the end of its log is below\\.",
        "The contrastive loss became nan at step 7\\.",
    ]
    assert any(text.endswith("ValueError: odd") for text in logs(at)) and "no checkpoint yet" in texts(at).lower()
    assert not unsaid.state().busy and not nan.state().busy, "nothing was started again"


def test_who_waits_is_told_its_place(make: Make) -> None:
    for name in ("one", "two", "three"):
        jobs.start(make(name).folder, SLEEP, accelerators=1)
    words = texts(opened("train"))
    assert "Waiting for the accelerator: 1 before it" in words and "next in line" in words
    assert "at work on cpu for" in words
    home = texts(opened("home"))
    assert "Waiting for the accelerator: two" in home and "three" in home


def test_the_same_run_started_from_two_pages_runs_once(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault row 8: both pages show Resume; one starts it, the other is told."""
    run = make("shared", "raise SystemExit(85)")
    starts: list[str] = []

    def start(self: Run, stage: str | None = None) -> None:
        starts.append(self.id)
        if len(starts) == 1:
            return jobs.start(self.folder, SLEEP)
        with pytest.raises(RunBusy) as told:
            jobs.start(self.folder, ["-c", "print('second')"])
        raise told.value

    monkeypatch.setattr(Run, "start", start)
    first, second = opened("train"), opened("train")
    for at in (first, second):
        with monkeypatch.context() as patch:  # the second page has not heard of the first one's start
            patch.setattr(Run, "state", lambda self: jobs.JobState("exited", 85))
            at.button(key=f"resume-{run.id}").click().run()
    assert starts == [run.id, run.id] and run.log_tail() == ""
    assert not first.toast and "already at work" in second.toast[0].value
    assert run.state().running


def test_stop_and_resume(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make("one")
    monkeypatch.setattr(Run, "start", lambda self, stage=None: jobs.start(self.folder, SLEEP, accelerators=1))
    at = opened("train")
    assert at.button(key=f"resume-{run.id}").label == "Start"
    at.button(key=f"resume-{run.id}").click().run()
    assert run.state().running
    at.run().button(key=f"stop-{run.id}").click().run()
    until(lambda: run.state().stopped)
    assert at.run().button(key=f"resume-{run.id}").label == "Resume"


def test_another_label(make: Make) -> None:
    run = make("at first")
    at = opened("train")
    at.text_input(key=f"label-{run.id}").set_value("[now](x) *this*").run()
    assert run.title == "[now](x) *this*" and run.config.title == "at first"
    assert "\\[now\\]\\(x\\) \\*this\\*" in texts(at.run())


def test_a_run_is_put_away_and_brought_back(make: Make) -> None:
    one, other = make("one"), make("other")
    at = opened("train")
    assert not at.toggle
    at.button(key=f"archive-{one.id}").click().run()
    assert one.archived and f"archive-{other.id}" in keys(at) and f"archive-{one.id}" not in keys(at)
    assert (one.folder / "config.json").is_file()
    at.toggle[0].set_value(True).run()
    assert "archived" in texts(at) and f"archive-{other.id}" not in keys(at)
    at.button(key=f"restore-{one.id}").click().run()
    assert {f"archive-{one.id}", f"archive-{other.id}"} <= keys(at) and not one.archived


def keys(at: AppTest) -> set[str]:
    return {button.key for button in at.button if button.key}


def test_a_run_at_work_is_not_archived_from_the_page(make: Make) -> None:
    run = make("one")
    jobs.start(run.folder, SLEEP)
    assert opened("train").button(key=f"archive-{run.id}").disabled


def test_a_changed_copy_starts_from_the_settings_of_the_run(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make("newer")
    run = make("the one")
    make("newest")
    at = opened("train")
    at.button(key=f"copy-{run.id}").click().run()
    assert not at.exception and not at.error
    assert "again" in at.query_params["train-mode"] and run.id in at.query_params["train-from"]
    assert at.number_input(key=f"settings-{run.id}.training.epochs").value == 17
    at.number_input(key=f"settings-{run.id}.training.epochs").set_value(3).run()
    at.text_input(key=f"settings-{run.id}.label").set_value("shorter").run()
    monkeypatch.setattr(Run, "start", lambda self, stage=None: None)
    next(button for button in at.button if button.label == "Launch").click().run()
    made = list_runs()[0]
    assert made.config == run.config.replace(label="shorter", training=run.config.training.replace(epochs=3))
    link = opened("train", **{"train-mode": "again", "train-from": run.id})
    assert link.number_input(key=f"settings-{run.id}.training.epochs").value == 17, "a link brings the form back"


def test_a_whole_run_has_nothing_to_resume(make: Make) -> None:
    run = make("whole", "pass")
    for file in MANIFESTS.values():
        write_json(run.folder / file, {})
    assert f"resume-{run.id}" not in keys(opened("train"))
    (run.folder / "exit.json").unlink()  # its runner was killed, and its worker went through all stages
    at = opened("train")
    assert "lost" in texts(at) and "All stages are done." in texts(at) and not at.error
