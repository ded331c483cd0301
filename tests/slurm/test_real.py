"""Runs on a real Slurm: started, watched, stopped, cancelled, preempted, out of time, on a node that dies."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs
from core.config.slurm import SlurmConfig
from core.errors import ClusterError, RunBusy
from core.files import read_json
from core.slurm import commands
from core.slurm.placing import STOP, place, placement
from core.slurm.state import UNREACHABLE
from tests.slurm.cluster import Cluster
from tests.tiny import until

pytestmark = pytest.mark.slow

COUNT = """
import pathlib, signal, sys, time
def leave(*_):
    print("saved", flush=True)
    sys.exit(85)
signal.signal(signal.SIGTERM, leave)
path, most = pathlib.Path(sys.argv[1]), int(sys.argv[2])
path.parent.mkdir(exist_ok=True)
at = int(path.read_text()) if path.exists() else 0
print("begins at", at, flush=True)
while at < most:
    at += 1
    path.write_text(str(at))
    time.sleep(0.1)
"""
"""A worker that counts, saves whenever it is asked to stop, and goes on from there."""

SMALL = SlurmConfig(partition="main", cpus=1, time="10")
LONG = 3000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "a job; with $signs, 100 % é"


def start(folder: Path, config: SlurmConfig = SMALL, most: int = LONG) -> None:
    folder.mkdir(exist_ok=True)
    place(folder, config)
    jobs.start(folder, ["-c", COUNT, str(folder / "checkpoints" / "count"), str(most)])


def log(folder: Path) -> str:
    return (folder / "log.txt").read_text() if (folder / "log.txt").exists() else ""


def becomes(folder: Path, wanted: str, seconds: float = 60) -> jobs.JobState:
    """Wait for a state's name, or for the beginning of its words."""
    found: Callable[[], bool] = lambda: wanted in (jobs.state(folder).state, jobs.state(folder).words)  # noqa: E731
    try:
        until(found, seconds)
    except AssertionError:
        raise AssertionError(f"{jobs.state(folder)} instead of {wanted}: {log(folder)}") from None
    return jobs.state(folder)


def at_work(folder: Path, starts: int = 1) -> None:
    until(lambda: log(folder).count("begins at") == starts)
    becomes(folder, "running")


def number(folder: Path) -> str:
    own = placement(folder)
    assert own and own.id
    return own.id


def test_a_job_is_started_watched_and_ends(cluster: Cluster, folder: Path) -> None:
    start(folder, SMALL.replace(gpus=1), most=15)
    assert jobs.state(folder).busy
    with pytest.raises(RunBusy, match=r"waits in Slurm|at work"):
        jobs.start(folder, ["-c", "raise SystemExit(3)"])
    at_work(folder)
    told = cluster.ask("scontrol", "show", "job", number(folder))
    assert "Partition=main" in told and "TimeLimit=00:10:00" in told and "Requeue=1" in told and "gpu:1" in told
    assert becomes(folder, "exited").done
    assert log(folder) == "begins at 0\n" and (folder / "checkpoints" / "count").read_text() == "15"
    assert read_json(folder / "process.json")["worker"]["pid"]
    assert list(folder.glob("slurm-*.out")), "Slurm's own output lies beside the log"
    until(lambda: "COMPLETED" in cluster.ask("squeue", "-h", "--states=all", "-j", number(folder), "-o", "%T"))


def test_it_is_stopped_stays_stopped_and_goes_on_when_started_again(cluster: Cluster, folder: Path) -> None:
    start(folder)
    at_work(folder)
    assert jobs.stop(folder)
    assert becomes(folder, "exited").words == "stopped"
    until(lambda: not cluster.ask("squeue", "-h"))
    assert jobs.state(folder).words == "stopped", "a user's stop is no preemption: nothing begins again"
    at = int((folder / "checkpoints" / "count").read_text())
    jobs.start(folder, ["-c", COUNT, str(folder / "checkpoints" / "count"), str(at + 3)])
    assert becomes(folder, "exited").done
    assert log(folder) == f"begins at 0\nsaved\nbegins at {at}\n"


def test_what_waits_is_taken_out_of_the_queue(cluster: Cluster, folder: Path) -> None:
    start(folder, SMALL.replace(extra=("begin=now+1hour",)))
    assert becomes(folder, "waiting").words == "waiting: pending in Slurm (Slurm starts it again after a pause)"
    assert jobs.stop(folder)
    assert becomes(folder, "exited").words == "stopped"
    assert cluster.ask("squeue", "-h") == "" and log(folder) == ""


def test_what_slurm_refuses_is_told_with_the_partitions_and_changes_nothing(cluster: Cluster, folder: Path) -> None:
    start(folder, most=1)
    becomes(folder, "exited")
    place(folder, SMALL.replace(partition="nosuch"))
    with pytest.raises(ClusterError, match=r"nosuch.*main \(default.*urgent"):
        jobs.start(folder, ["-c", "pass"])
    assert jobs.state(folder).done
    with pytest.raises(ClusterError, match="node configuration"):
        start(folder, SMALL.replace(gpus=5))
    assert jobs.state(folder).done


def test_an_administrator_cancels_it(cluster: Cluster, folder: Path) -> None:
    start(folder, SMALL.replace(extra=("begin=now+1hour",)))
    becomes(folder, "waiting")
    cluster.ask("scancel", number(folder))
    state = becomes(folder, "lost")
    assert state.words == "cancelled in Slurm" and state.failed and "checkpoint" in state.what_to_do
    (folder / "slurm-last.json").read_text()  # it is known when Slurm has forgotten the job


def test_a_job_of_higher_priority_takes_its_place_and_it_goes_on_afterwards(cluster: Cluster, folder: Path) -> None:
    start(folder, SMALL.replace(cpus=4))
    at_work(folder)
    other = cluster.ask("sbatch", "--parsable", "-p", "urgent", "-c4", "-o", "/dev/null", "--wrap", "sleep 60")
    becomes(folder, "waiting")
    assert "saved" in log(folder)
    cluster.ask("scancel", other)
    at_work(folder, starts=2)
    first, second = (int(line.split()[-1]) for line in log(folder).splitlines() if line.startswith("begins"))
    assert first == 0 < second
    assert jobs.stop(folder)
    assert becomes(folder, "exited").words == "stopped"


def test_its_node_dies_and_it_goes_on_on_another_start(cluster: Cluster, folder: Path) -> None:
    start(folder)
    at_work(folder)
    cluster.kill_node()
    until(lambda: jobs.state(folder).state == "waiting")
    assert "saved" not in log(folder) and not (folder / "exit.json").exists()
    cluster.start_node()
    at_work(folder, starts=2)
    assert log(folder).splitlines()[-1] != "begins at 0"


def test_its_node_dies_and_nothing_is_asked_for_then(cluster: Cluster, folder: Path) -> None:
    start(folder, SMALL.replace(requeue=False))
    at_work(folder)
    cluster.kill_node()
    try:
        state = becomes(folder, "lost")
        assert state.words == f"its node failed ({cluster.host})" and state.failed
    finally:
        cluster.start_node()


def test_a_controller_that_hangs_blocks_nobody(cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(folder)
    at_work(folder)
    cluster.signal("slurmctld", signal.SIGSTOP)
    monkeypatch.setattr(commands, "PATIENCE", 4.0)
    time.sleep(0.3)  # what was known is old now
    longest = 0.0
    for _ in range(8):
        before = time.monotonic()
        state = jobs.state(folder)
        longest = max(longest, time.monotonic() - before)
        assert state.running
    assert longest < 3, "squeue hangs, a page does not"
    assert jobs.stop(folder), "a file asks it, too"
    until((folder / "exit.json").exists)
    assert (folder / STOP).exists() and read_json(folder / "exit.json")["code"] == jobs.STOPPED
    monkeypatch.setattr(commands, "PATIENCE", 1.0)
    becomes(folder, f"running{UNREACHABLE}", 20)  # what Slurm last said stands until it speaks again
    monkeypatch.setattr(commands, "PATIENCE", 10.0)
    cluster.signal("slurmctld", signal.SIGCONT)
    assert becomes(folder, "exited").words == "stopped"


def test_a_warning_saves_and_puts_it_back_into_the_queue(cluster: Cluster, folder: Path) -> None:
    start(folder)
    at_work(folder)
    cluster.ask("scancel", "--batch", "--signal=USR1", number(folder))
    becomes(folder, "waiting")
    assert read_json(folder / "exit.json")["code"] == jobs.STOPPED and not (folder / STOP).exists()
    at_work(folder, starts=2)


def test_who_saves_nothing_in_its_time_does_not_go_round_for_ever(cluster: Cluster, folder: Path) -> None:
    folder.mkdir()
    place(folder, SMALL)
    jobs.start(folder, ["-c", "print('begins at 0', flush=True)\nimport time\ntime.sleep(60)"])
    at_work(folder)
    cluster.ask("scancel", "--batch", "--signal=USR1", number(folder))
    assert becomes(folder, "exited").words == "stopped"
    (output,) = folder.glob("slurm-*.out")
    assert "Slurm warns" in output.read_text() and "not put back into the queue" in output.read_text()
    until(lambda: not cluster.ask("squeue", "-h"))
