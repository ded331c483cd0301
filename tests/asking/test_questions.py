"""What lies between who asks and what answers: files, and what they say while processes come and go."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core import jobs
from core.asking import warm
from core.asking.questions import Asked
from core.asking.warm import IDLE, at_work, idle_seconds
from core.config.presets import preset
from core.errors import ConfigError, RunBusy, RunError
from core.files import write_json
from core.processes import kill_tree, process_of
from core.runs import Run
from core.work import ProgressFile
from core.work_list import all_work, find
from tests.tiny import until

SECRET = "Jane Doe, large left effusion"


@pytest.fixture
def asked(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Of a run that counts as trained; no process is started."""
    run = Run.create(preset("linear", study="tiny", encoder="lite"))
    write_json(run.folder / "checkpoints" / "head.json", {"file": {"sha256": "a" * 64, "bytes": 1}})
    monkeypatch.setattr(Asked, "start", lambda self: None)
    return Asked.of(run)


def at(asked: Asked, monkeypatch: pytest.MonkeyPatch, state: str, **more: Any) -> list[str]:
    """Its process is as the files would say; notes each start."""
    started: list[str] = []
    monkeypatch.setattr(warm.jobs, "state", lambda folder: jobs.JobState(state, **more))  # type: ignore[arg-type]
    monkeypatch.setattr(Asked, "start", lambda self: started.append(self.id))
    return started


def unit(*values: float) -> NDArray[np.float32]:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def everything(folder: Path) -> bytes:
    """Names and bytes of all files below."""
    return b"\n".join(str(path).encode() + b" " + path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_an_answer_is_kept_and_the_words_are_forgotten(asked: Asked) -> None:
    name = asked.ask(f"  {SECRET} ")
    assert name == asked.name(SECRET) and asked.under_way(name) and asked.answer(name) is None
    (question,) = asked.waiting()
    assert question.text == SECRET and question.name == name and b"Jane" in everything(asked.run.folder)
    asked.give(question, unit(3, 4))
    assert not asked.waiting() and not asked.under_way(name)
    assert np.allclose(asked.answer(name), [0.6, 0.8])
    assert b"Jane" not in everything(asked.run.folder) and b"effusion" not in everything(asked.run.folder)


def test_the_same_words_need_no_process_again_until_the_weights_change(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = asked.ask("mass")
    asked.give(asked.waiting()[0], unit(1, 1))
    started = at(asked, monkeypatch, "new")
    assert asked.ask("mass") == name and not started and not asked.waiting()
    write_json(asked.run.folder / "checkpoints" / "head.json", {"file": {"sha256": "b" * 64, "bytes": 1}})
    assert asked.ask("mass") != name
    assert len(started) == 1 and len(asked.waiting()) == 1


def test_two_askers_make_one_question_and_one_start(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(self: Asked) -> None:
        raise RunBusy("another start was faster")

    monkeypatch.setattr(Asked, "start", busy)
    assert asked.ask("mass") == asked.ask("mass")
    asked.ask("nodule")
    assert sorted(one.text for one in asked.waiting()) == ["mass", "nodule"]


@pytest.mark.parametrize("text", ["", "  \n", "x" * 501])
def test_words_that_are_none_or_too_many_are_refused(asked: Asked, text: str) -> None:
    with pytest.raises(ConfigError, match="1 to 500"):
        asked.ask(text)
    assert not asked.waiting()


def test_a_run_that_is_not_trained_cannot_be_asked(workspace: Path) -> None:
    run = Run.create(preset("linear", study="tiny", encoder="lite"))
    with pytest.raises(RunError, match="not trained yet"):
        Asked.of(run).ask("mass")


@pytest.mark.parametrize(
    ("state", "words"),
    [({"code": -9}, "killed"), ({"code": 1}, "failed"), ({"code": 85}, "stopped")],
)
def test_a_process_that_is_gone_says_why_once_and_the_words_are_forgotten(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, state: dict[str, int], words: str
) -> None:
    name = asked.ask(SECRET)
    started = at(asked, monkeypatch, "exited", **state)
    for _ in range(2):  # the reason stays for who looks again; nothing is started over and over
        with pytest.raises(RunError, match=words):
            asked.answer(name)
    assert not started and not asked.waiting() and b"Jane" not in everything(asked.run.folder)
    asked.ask(SECRET)
    assert len(started) == 1 and asked.under_way(name)


def test_the_reason_that_the_process_left_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    name = asked.ask("mass")
    asked.fail(ConfigError("The text tower is not here: bring it."))
    at(asked, monkeypatch, "exited", code=1)
    with pytest.raises(RunError, match="not here: bring it"):
        asked.answer(name)


def test_a_process_that_ended_for_want_of_questions_is_started_again(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question may come in the moment in which the process ends."""
    name = asked.ask("mass")
    started = at(asked, monkeypatch, "exited", code=0)
    assert asked.answer(name) is None and started == [asked.id] and asked.under_way(name)


def test_a_damaged_answer_is_asked_for_again(asked: Asked) -> None:
    name = asked.ask("mass")
    asked.give(asked.waiting()[0], unit(1, 1))
    path = asked.folder / "answers" / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert asked.answer(name) is None
    asked.ask("mass")
    assert asked.under_way(name)


def test_its_state_in_words(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked.state().words == "not started" and not asked.warm
    asked.folder.mkdir()
    at(asked, monkeypatch, "running")
    assert asked.state().words.startswith("starting") and not asked.warm
    with ProgressFile(asked.folder).stage(warm.WARM):
        assert asked.state().words.startswith("warm") and asked.warm
    at(asked, monkeypatch, "exited", code=-9)
    assert asked.state().words.startswith("killed") and not asked.warm


def test_it_stands_in_the_list_of_work_while_it_works(workspace: Path) -> None:
    run = Run.create(preset("linear", study="tiny", encoder="lite"))
    asked = Asked.of(run)
    assert not at_work(Asked)
    jobs.start(
        asked.folder, ["-c", "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(85)); time.sleep(60)"]
    )
    try:
        item = find(asked.id, all_work())
        assert (item.kind, item.id, item.state.running) == ("asking", f"{run.id[:8]}/asking", True)
        assert find(run.id, all_work()).kind == "run"
        until(lambda: process_of(asked.folder, "worker") is not None)
        assert item.work.stop()
        until(lambda: not asked.state().busy)
        assert not at_work(Asked)
    finally:
        for role in ("runner", "worker"):
            if pid := process_of(asked.folder, role):
                kill_tree(pid)


def test_nobody_else_may_read_the_questions(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(preset("linear", study="tiny", encoder="lite"))
    write_json(run.folder / "checkpoints" / "head.json", {"file": {"sha256": "a" * 64, "bytes": 1}})
    monkeypatch.setattr(jobs, "start", lambda folder, arguments: None)
    asked = Asked.of(run)
    asked.ask("mass")
    for folder in (asked.folder, asked.folder / "questions"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_idle_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IDLE, raising=False)
    assert idle_seconds() == 600
    monkeypatch.setenv(IDLE, "2.5")
    assert idle_seconds() == 2.5
    for wrong in ("soon", "0", "-1", "nan", "inf"):
        monkeypatch.setenv(IDLE, wrong)
        with pytest.raises(ConfigError, match="above 0"):
            idle_seconds()
