"""The queue for accelerators, with real processes that are killed while they wait and while they work.

The accelerators are names alone: what runs here uses none.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from core import jobs, waiting
from core.errors import ConfigError, RunBusy, RunError
from core.files import read_json
from core.processes import kill_tree, locked, process_of
from core.work import Work
from core.workspace import ROOT
from scripts.watching import watch
from tests.tiny import until

SLEEP = ["-c", "import time; time.sleep(60)"]
POLITE = ["-c", "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(85)); print(1); time.sleep(60)"]
SEES = ["-c", "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES', 'unset'))"]

Start = Callable[..., Path]


@pytest.fixture
def start(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a job of a name that wants so many of one accelerator, or of those that the test sets; ends all."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.delenv("FLUOROSCOPE_SLOTS", raising=False)
    folders: list[Path] = []

    def begin(name: str, arguments: list[str] = SLEEP, wanted: int = 1) -> Path:
        folders.append(workspace / "jobs" / name)
        jobs.start(folders[-1], arguments, accelerators=wanted, grace=5)
        return folders[-1]

    yield begin
    for role in ("runner", "worker"):
        for folder in folders:
            if pid := process_of(folder, role):
                kill_tree(pid)
    until(lambda: not any(jobs.state(folder).busy for folder in folders))


def states(*folders: Path) -> list[str]:
    return [jobs.state(folder).state for folder in folders]


def words(folder: Path) -> str:
    return jobs.state(folder).words


def kill(folder: Path, role: str) -> None:
    pid = process_of(folder, role)
    assert pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: process_of(folder, role) is None)


def log(folder: Path) -> str:
    return (folder / "log.txt").read_text() if (folder / "log.txt").exists() else ""


def test_one_runs_and_the_others_wait_in_the_order_in_which_they_came(start: Start) -> None:
    """Fault row 8, of one accelerator instead of one run: one has it, each other is told its place."""
    first, second, third = start("1", POLITE), start("2", POLITE), start("3", POLITE)
    assert states(first, second, third) == ["running", "waiting", "waiting"]
    assert words(second) == "waiting for the accelerator: next in line"
    assert words(third) == "waiting for the accelerator: 1 before it"
    assert jobs.state(third).busy and not jobs.state(third).running
    assert jobs.accelerators_of(first) == ["7"] and jobs.accelerators_of(second) == []
    assert log(third) == "" and "worker" not in read_json(third / "process.json")
    with pytest.raises(RunBusy):
        start("2", POLITE)
    for one, other in ((first, second), (second, third)):
        until(lambda one=one: "1" in log(one))  # type: ignore[misc]
        assert jobs.stop(one)
        until(lambda other=other: jobs.state(other).running)  # type: ignore[misc]
        assert words(one) == "stopped"
    assert list((waiting.queue_of(read_json(third / "process.json")["host"]) / "tickets").iterdir()) == []


def test_a_waiter_that_is_stopped_ends_at_once_as_stopped(start: Start) -> None:
    first, second, third = start("1"), start("2"), start("3", SEES)
    assert jobs.stop(second)
    until(lambda: not jobs.state(second).busy, 3)
    assert (jobs.state(second).code, words(second)) == (85, "stopped")
    assert words(third) == "waiting for the accelerator: next in line"
    assert not (second / "log.txt").exists(), "its worker never began"
    assert jobs.stop(second) is False
    assert jobs.state(first).running


def test_a_waiter_that_is_killed_waits_no_more(start: Start) -> None:
    """Kill -9 of one that waits: those behind it move up, and it can be started again at the end."""
    first, second, third = start("1"), start("2"), start("3", POLITE)
    kill(second, "runner")
    assert words(second) == "lost: its process is gone"
    assert jobs.state(third).before == 0
    start("2", SEES)
    assert words(second) == "waiting for the accelerator: 1 before it"
    jobs.stop(first)
    until(lambda: jobs.state(third).running)
    until(lambda: "1" in log(third))
    jobs.stop(third)
    until(lambda: jobs.state(second).done)
    assert log(second) == "7\n"


def test_killing_the_runner_frees_nothing_while_the_worker_lives(start: Start) -> None:
    first, second = start("1"), start("2", SEES)
    kill(first, "runner")
    assert states(first, second) == ["running", "waiting"]
    worker = process_of(first, "worker")
    assert worker
    with pytest.raises(psutil.TimeoutExpired):
        psutil.Process(worker).wait(0.7)  # several looks of the one that waits
    assert states(first, second) == ["running", "waiting"]
    kill(first, "worker")
    until(lambda: jobs.state(second).done)
    assert words(first) == "lost: its process is gone"


def test_a_worker_that_is_killed_makes_room(start: Start) -> None:
    first, second = start("1"), start("2", SEES)
    kill(first, "worker")
    until(lambda: jobs.state(second).done)
    assert words(first) == "killed (signal 9), possibly out of memory"
    assert states(first) == ["exited"], "nothing starts it again"


STARTER = """
import sys, time
from pathlib import Path
from core import jobs
for name in ("1", "2"):
    jobs.start(Path(sys.argv[1]) / name, sys.argv[2:], accelerators=1)
print("started", flush=True)
time.sleep(60)
"""


def test_the_queue_goes_on_without_the_app_that_made_it(start: Start, workspace: Path) -> None:
    """Fault row 9: the app and its terminal are killed while one runs and one waits; a new app sees both."""
    app = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(workspace / "jobs"), *POLITE],
        cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert app.stdout
    with app.stdout:
        assert app.stdout.readline() == "started\n"
        os.killpg(app.pid, signal.SIGKILL)
        app.wait(timeout=60)
    first, second = workspace / "jobs/1", workspace / "jobs/2"
    third = start("3", SEES)
    assert states(first, second, third) == ["running", "waiting", "waiting"]
    for one, other in ((first, second), (second, third)):
        until(lambda one=one: "1" in log(one))  # type: ignore[misc]
        assert jobs.stop(one)
        until(lambda other=other: jobs.state(other).state != "waiting")  # type: ignore[misc]
    until(lambda: jobs.state(third).done)


def test_each_worker_sees_what_it_was_granted_alone(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-6")
    first, second, both = start("1"), start("2"), start("3", SEES, 2)
    assert states(first, second, both) == ["running", "running", "waiting"]
    assert (jobs.accelerators_of(first), jobs.accelerators_of(second)) == (["4"], ["GPU-6"])
    kill(first, "worker")
    until(lambda: not jobs.state(first).busy)
    start("4", SEES)  # one is free, but who wants both came first: nobody overtakes, so nobody starves
    assert words(both) == "waiting for the accelerator: next in line"
    kill(second, "worker")
    until(lambda: jobs.state(both).done)
    assert log(both) == "4,GPU-6\n"


def test_queues_of_different_devices_do_not_wait_for_each_other(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    start("1")
    assert states(start("2")) == ["waiting"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert states(start("3")) == ["running"]


def test_slots_let_several_share_a_device(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUOROSCOPE_SLOTS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert states(start("1"), start("2"), start("3")) == ["running", "running", "waiting"]
    assert jobs.accelerators_of(start("4", SEES, 0)) == []


def test_a_command_that_follows_says_that_it_waits(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = start("1"), start("2", ["-c", "import time; time.sleep(0.5)"])
    looks: list[str] = []

    def draw() -> None:
        looks.append(jobs.state(second).state)
        if len(looks) == 3:
            jobs.stop(first)

    assert watch(Work(second), draw).done
    assert {"waiting", "running"} <= set(looks)
    assert capsys.readouterr().err == "Waiting for the accelerator: next in line\n"


def test_what_cannot_be_granted_is_refused_at_once(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match=r"2 accelerators are asked for, and there is 1 \(7\)"):
        start("1", SEES, 2)
    monkeypatch.setenv("FLUOROSCOPE_SLOTS", "many")
    with pytest.raises(ConfigError, match="FLUOROSCOPE_SLOTS is 'many'; it must be a whole number, 1 or more"):
        start("1", SEES)


def test_who_needs_no_accelerator_waits_for_none(start: Start) -> None:
    start("1")
    assert states(start("2", SLEEP, 0)) == ["running"]


def test_numbers_go_on_after_a_torn_counter_and_tickets_of_the_dead(workspace: Path) -> None:
    queue = waiting.queue_of("here")
    (queue / "tickets").mkdir(parents=True)
    for number in (3, 12):
        (queue / "tickets" / str(number)).write_text(json.dumps({"devices": ["cpu"]}))
    (queue / "last").write_text('{"torn')
    assert waiting.before(queue, 20) == 0, "nobody holds them"
    held = waiting.hold(queue / "tickets/12")
    assert held is not None and waiting.before(queue, 20) == 1 and waiting.before(queue, 12) == 0
    os.close(held)
    assert not locked(queue / "tickets/12")


def test_a_number_is_above_all_that_were_drawn(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(waiting.socket, "gethostname", lambda: "../a host")
    one = waiting.Ticket.draw(1)
    assert one.number == 1 and waiting.queue_of("../a host").parent == workspace / "accelerators"
    queue = waiting.queue_of("../a host")
    (queue / "last").write_text("torn")
    (queue / "tickets" / "8").write_text("{")
    two = waiting.Ticket.draw(1)
    assert two.number == 9, "also above a ticket whose counter is lost"
    assert two.take() is None, "the first one waits"
    granted = one.take()
    assert granted is not None and granted.names == ["cpu"] and granted.environment == {}
    assert two.take() is None, "its turn, but the only accelerator is taken"
    assert not (queue / "tickets" / "8").exists(), "nobody held it"
    for handle in granted.handles:
        os.close(handle)
    again = two.take()
    assert again is not None and list((queue / "tickets").iterdir()) == []
    for handle in again.handles:
        os.close(handle)
