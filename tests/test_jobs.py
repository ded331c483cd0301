"""Background jobs: what the files say while processes are started, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core import jobs, processes
from core.errors import RunBusy, RunError
from core.files import read_json, write_json
from core.workspace import ROOT
from tests.tiny import until

Script = Callable[[str], list[str]]
SLEEP = "import time\ntime.sleep(60)"


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Writes a program; returns the arguments that start it."""

    def write(code: str) -> list[str]:
        path = tmp_path / f"program{len(list(tmp_path.glob('program*')))}.py"
        path.write_text(code)
        return [str(path)]

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A job's folder; whatever still runs in it is killed in the end."""
    path = tmp_path / "job with spaces; and $signs"
    yield path
    for role in ("runner", "worker"):
        if pid := processes.process_of(path, role):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not jobs.state(path).busy)


def ended(folder: Path) -> jobs.JobState:
    until(lambda: not jobs.state(folder).busy)
    return jobs.state(folder)


def log(folder: Path) -> str:
    return (folder / "log.txt").read_text() if (folder / "log.txt").exists() else ""


def pid_of(folder: Path, role: str) -> int:
    return int(read_json(folder / "process.json")[role]["pid"])


def test_new_running_finished(folder: Path, script: Script) -> None:
    assert (jobs.state(folder).state, jobs.state(folder).words) == ("new", "not started")
    jobs.start(folder, script("print('at work', flush=True)\nimport time\ntime.sleep(0.5)"))
    assert (jobs.state(folder).state, jobs.state(folder).words) == ("running", "running")
    assert ended(folder) == jobs.JobState("exited", 0)
    assert jobs.state(folder).done
    assert jobs.state(folder).words == "finished"
    assert log(folder) == "at work\n"


@pytest.mark.parametrize(
    ("code", "expected", "words"),
    [
        ("raise SystemExit(3)", 3, "failed"),
        ("raise ValueError('why')", 1, "failed"),
        ("import os\nos.kill(os.getpid(), 9)", -9, "killed (signal 9), possibly out of memory"),
        ("import os\nos.kill(os.getpid(), 11)", -11, "crashed (segmentation fault, signal 11)"),
        ("raise SystemExit(85)", 85, "stopped"),
    ],
)
def test_how_it_ended_is_kept(folder: Path, script: Script, code: str, expected: int, words: str) -> None:
    jobs.start(folder, script(code))
    assert ended(folder) == jobs.JobState("exited", expected)
    assert jobs.state(folder).words == words
    assert not jobs.state(folder).done
    if "why" in code:
        assert log(folder).endswith("ValueError: why\n")


def test_a_second_start_is_told_and_starts_nothing(folder: Path, script: Script) -> None:
    """Fault row 8."""
    jobs.start(folder, script(f"print('one', flush=True)\n{SLEEP}"))
    until(lambda: log(folder) != "")
    with pytest.raises(RunBusy, match="already at work"):
        jobs.start(folder, script("print('two')"))
    assert jobs.state(folder).busy
    assert log(folder) == "one\n"


STARTER = """
import sys, time
from pathlib import Path
from core import jobs, processes
from core.errors import RunBusy
time.sleep(max(0, float(sys.argv[3]) - time.time()))
try:
    jobs.start(Path(sys.argv[1]), [sys.argv[2], sys.argv[4]])
    print("started", sys.argv[4])
except RunBusy:
    print("busy", sys.argv[4])
"""


def test_of_starts_at_the_same_moment_exactly_one_wins(folder: Path, script: Script) -> None:
    """Fault row 8: three processes start it at the same moment."""
    (program,) = script(f"import sys\nprint('worker', sys.argv[1], flush=True)\n{SLEEP}")
    moment = str(time.time() + 1.5)
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", STARTER, str(folder), program, moment, name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    told = sorted(process.communicate(timeout=60)[0].strip() for process in starters)
    assert [line.split()[0] for line in told] == ["busy", "busy", "started"]
    until(lambda: log(folder) != "")
    winner = told[-1].split()[1]
    assert log(folder) == f"worker {winner}\n", "the winner runs what it asked for, not what a loser did"
    assert read_json(folder / "job.json")["arguments"] == [program, winner]


def test_killing_the_runner_leaves_the_job_running_until_the_worker_ends(folder: Path, script: Script) -> None:
    """Fault row 9: nothing but its own process keeps it alive, and a lost one can be started again."""
    jobs.start(folder, script("import sys, time\nprint(1, flush=True)\ntime.sleep(1.5)\nprint(2, flush=True)"))
    until(lambda: log(folder) != "")
    os.kill(pid_of(folder, "runner"), signal.SIGKILL)
    until(lambda: processes.process_of(folder, "runner") is None)
    assert jobs.state(folder).state == "running"
    with pytest.raises(RunBusy):
        jobs.start(folder, script("pass"))
    assert ended(folder).state == "lost"
    assert jobs.state(folder).words == "lost: its process is gone"
    assert log(folder) == "1\n2\n"
    jobs.start(folder, script("pass"))
    assert ended(folder).done, "a lost job can be started again"


def test_an_orphaned_worker_can_still_be_stopped(folder: Path, script: Script) -> None:
    jobs.start(folder, script(SLEEP))
    os.kill(pid_of(folder, "runner"), signal.SIGKILL)
    until(lambda: processes.process_of(folder, "runner") is None)
    assert jobs.stop(folder)
    assert ended(folder).state == "lost"


POLITE = """
import signal, sys, time
def leave(*_):
    print("saved", flush=True)
    sys.exit(85)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(60)
"""


def test_stop_is_passed_on_and_the_answer_kept(folder: Path, script: Script) -> None:
    assert jobs.stop(folder) is False
    jobs.start(folder, script(POLITE))
    until(lambda: "ready" in log(folder))
    assert jobs.stop(folder) is True
    assert ended(folder) == jobs.JobState("exited", jobs.STOPPED)
    assert jobs.state(folder).words == "stopped"
    assert log(folder) == "ready\nsaved\n"
    assert jobs.stop(folder) is False


def test_stopped_before_it_could_listen_is_stopped_too(folder: Path, script: Script) -> None:
    jobs.start(folder, script(SLEEP))
    jobs.stop(folder)
    assert ended(folder).words == "stopped"


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1:] != ["child"]:
    child = subprocess.Popen([sys.executable, __file__, "child"])
    print(child.pid, flush=True)
time.sleep(60)
"""


def test_who_does_not_stop_is_killed_with_its_children(folder: Path, script: Script) -> None:
    jobs.start(folder, script(STUBBORN), grace=0.6)
    until(lambda: log(folder).endswith("\n"))
    child = psutil.Process(int(log(folder)))
    asked = time.monotonic()
    jobs.stop(folder)
    time.sleep(0.3)
    assert jobs.state(folder).busy, "the grace period counts"
    assert ended(folder) == jobs.JobState("exited", -signal.SIGKILL, forced=True)
    assert 0.5 < time.monotonic() - asked < 10
    assert jobs.state(folder).words.startswith("stopped by force")
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SLEEP])
    yield process
    process.kill()
    process.wait()


def claim(folder: Path, pid: int, **changes: Any) -> None:
    folder.mkdir(exist_ok=True)
    own = processes.identity(pid) | {key: value for key, value in changes.items() if key == "born"}
    data = {"host": socket.gethostname(), "boot": processes.boot_id(), "runner": own, "worker": own}
    write_json(folder / "process.json", data | {key: value for key, value in changes.items() if key != "born"})


@pytest.mark.parametrize(
    "changes",
    [{"born": 17.0}, {"born": None}, {"boot": "another boot"}, {"host": "another host"}, {"runner": [], "worker": 3}],
)
def test_a_stranger_with_the_same_number_is_never_signalled(
    folder: Path, stranger: subprocess.Popen[bytes], changes: dict[str, Any]
) -> None:
    """Fault row 11: a pid that is given out again, another start of the machine, another machine."""
    claim(folder, stranger.pid, **changes)
    assert jobs.stop(folder) is False
    time.sleep(0.2)
    assert stranger.poll() is None
    assert jobs.state(folder).state == "lost"


def test_after_the_machine_was_restarted_it_is_lost_and_can_be_started_again(
    folder: Path, script: Script, stranger: subprocess.Popen[bytes]
) -> None:
    """Fault row 11: the files are those of a run that was at work when the power failed; its pid is somebody else's."""
    claim(folder, stranger.pid, boot="before the power failed")
    (folder / "lock").touch()
    assert jobs.state(folder).words == "lost: its process is gone"
    assert "Go on." in jobs.state(folder).what_to_do
    jobs.start(folder, script("print('again')"))
    assert ended(folder).done and log(folder) == "again\n"
    assert stranger.poll() is None


def test_ones_own_process_is_signalled(folder: Path, stranger: subprocess.Popen[bytes]) -> None:
    claim(folder, stranger.pid)
    assert jobs.stop(folder) is True
    assert stranger.wait(timeout=60) == -signal.SIGTERM


def test_setting_the_clock_makes_no_stranger_of_ones_own_process(
    folder: Path, stranger: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault row 10."""
    claim(folder, stranger.pid)
    now = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: now(process) + 3600)
    assert processes.process_of(folder, "worker") == stranger.pid


def test_a_process_that_is_gone_is_nobody(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", SLEEP])
    claim(folder, gone.pid)
    gone.kill()
    assert psutil.Process(gone.pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING)
    until(lambda: psutil.Process(gone.pid).status() == psutil.STATUS_ZOMBIE)
    assert jobs.stop(folder) is False, "a zombie cannot be asked anything"
    gone.wait()
    assert jobs.stop(folder) is False


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "{}", '{"host": 1}'])
def test_a_torn_process_file_is_survived(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "process.json").write_text(content)
    assert jobs.state(folder).state == "lost"
    assert jobs.stop(folder) is False


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"code": null}', '{"code": "x"}'])
def test_a_torn_exit_file_is_survived(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "exit.json").write_text(content)
    assert jobs.state(folder).state == "new"


def test_arguments_are_inert(folder: Path, script: Script, tmp_path: Path) -> None:
    planted = tmp_path / "pwned"
    arguments = [f"; touch '{planted}'", f"$(touch '{planted}')", f"`touch '{planted}'`", f"| touch '{planted}'"]
    arguments += ["a\nb", "--x=*", "-c", "", "'\"", "\U0001fac1 é", "%s {0}", "x" * 3000]
    jobs.start(folder, [*script("import json, sys\nprint(json.dumps(sys.argv[1:]))"), *arguments])
    assert ended(folder).done
    assert json.loads(log(folder)) == arguments
    assert not planted.exists()


LAUNCHER = """
import sys, time
from pathlib import Path
from core import jobs, processes
jobs.start(Path(sys.argv[1]), [sys.argv[2]])
print("started", flush=True)
time.sleep(60)
"""


def test_the_job_outlives_the_group_of_the_process_that_started_it(folder: Path, script: Script) -> None:
    """Fault row 9: the terminal's process group is killed, as when it closes."""
    (program,) = script("import time\nprint('begun', flush=True)\ntime.sleep(1.5)\nprint('done')")
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(folder), program],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert launcher.stdout
    with launcher.stdout:
        assert launcher.stdout.readline() == "started\n"
        os.killpg(launcher.pid, signal.SIGKILL)
        assert launcher.wait(timeout=60) == -signal.SIGKILL
    assert jobs.state(folder).busy
    assert ended(folder).done
    assert log(folder) == "begun\ndone\n"


def test_a_job_that_ended_runs_again_and_gets_a_new_code(folder: Path, script: Script) -> None:
    jobs.start(folder, script("raise SystemExit(3)"))
    assert ended(folder).code == 3
    jobs.start(folder, script("import time\ntime.sleep(0.6)\nraise SystemExit(4)"))
    assert jobs.state(folder) == jobs.JobState("running")
    assert ended(folder).code == 4


def test_a_lock_file_that_nobody_holds_means_nothing(folder: Path) -> None:
    folder.mkdir()
    (folder / "lock").touch()
    assert jobs.state(folder).state == "new"


def test_a_runner_that_cannot_begin_is_an_error(folder: Path, script: Script) -> None:
    folder.mkdir()
    (folder / "log.txt").mkdir()  # no log can be written there
    with pytest.raises(RunError, match="ended at once"):
        jobs.start(folder, script("pass"))
    assert not jobs.state(folder).busy


def test_a_relative_workspace_means_the_same_place_to_the_worker(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUOROSCOPE_HOME", "near")
    jobs.start(Path(folder.name), ["-c", "from core.workspace import home\nprint(home())"])
    assert ended(folder).done
    assert log(folder) == f"{tmp_path / 'near'}\n"


def test_no_zombies_are_left_to_the_process_that_started_it(folder: Path, script: Script) -> None:
    jobs.start(folder, script("pass"))
    runner = pid_of(folder, "runner")
    assert ended(folder).done
    until(lambda: not psutil.pid_exists(runner))
