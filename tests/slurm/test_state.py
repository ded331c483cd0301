"""The state of a job on a cluster, from its files and from what Slurm may say."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from core import jobs
from core.config.presets import preset
from core.config.slurm import SlurmConfig
from core.errors import ConfigError
from core.files import read_json, write_json
from core.runs import Run
from core.slurm import listing, state, task
from core.slurm.listing import Answer, Listed
from core.slurm.placing import BEAT, LAST, STOP, Placement, adopt, output, place, placement
from core.slurm.state import UNREACHABLE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "job"
    path.mkdir()
    Placement(SlurmConfig(), "7", 0).write(path)
    return path


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> dict[str, Listed]:
    """What Slurm says of jobs; with the key ``trouble`` it says nothing more."""
    told: dict[str, Listed] = {}

    def listed(user: int) -> Answer[dict[str, Listed]]:
        return Answer(dict(told), "no controller" if "trouble" in told else "", time.monotonic() + 1)

    monkeypatch.setattr(state, "listed", listed)
    monkeypatch.setattr(state, "remembered", lambda job: told.get(f"old {job}"))
    return told


def exited(folder: Path, code: int) -> None:
    write_json(folder / "exit.json", {"code": code})


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        (Listed("PENDING", "Priority"), "waiting", "waiting: pending in Slurm (other jobs come first)"),
        (Listed("PENDING", "BeginTime"), "waiting", "waiting: pending in Slurm (Slurm starts it again after a pause)"),
        (Listed("CONFIGURING"), "waiting", "waiting: pending in Slurm (it was just handed over)"),
        (Listed("RUNNING", "", "n1"), "running", "running: starting"),
        (Listed("SUSPENDED", "", "n1"), "running", "running: suspended by Slurm"),
        (Listed("COMPLETING", "", "n1"), "running", "running: ending"),
        (Listed("TIMEOUT", "", "n1"), "lost", "out of time: Slurm ended it at its time limit"),
        (Listed("OUT_OF_MEMORY", "", "n1"), "lost", "out of memory: Slurm killed it (n1)"),
        (Listed("NODE_FAIL", "", "n1"), "lost", "its node failed (n1)"),
        (Listed("PREEMPTED", "", "n1"), "lost", "preempted: a job of higher priority took its place"),
        (Listed("CANCELLED"), "lost", "cancelled in Slurm"),
        (Listed("FAILED", "JobLaunchFailure"), "lost",
         "failed in Slurm before it could say why: see Slurm's own output"),
    ],
)  # fmt: skip
def test_without_an_ending_of_its_own_slurm_is_asked(
    folder: Path, says: dict[str, Listed], found: Listed, wanted: str, words: str
) -> None:
    says["7"] = found
    got = jobs.state(folder)
    assert (got.state, got.words) == (wanted, words)
    assert got.busy == (wanted != "lost") and got.failed == (wanted == "lost")


@pytest.mark.parametrize("code", [0, 1, -9])
def test_its_own_ending_comes_first(folder: Path, says: dict[str, Listed], code: int) -> None:
    says["7"] = Listed("RUNNING", "", "n1")
    exited(folder, code)
    assert jobs.state(folder) == jobs.JobState("exited", code)


@pytest.mark.parametrize("code", [jobs.STOPPED, -15])
def test_one_that_was_stopped_may_be_started_again_by_slurm(folder: Path, says: dict[str, Listed], code: int) -> None:
    exited(folder, code)
    for found, wanted in (("COMPLETING", "running"), ("PENDING", "waiting"), ("CANCELLED", "exited")):
        says["7"] = Listed(found)
        assert jobs.state(folder).state == wanted
    assert jobs.state(folder).words == "stopped"


def test_a_user_who_cancels_what_waits_has_stopped_it(folder: Path, says: dict[str, Listed]) -> None:
    says["7"] = Listed("CANCELLED")
    write_json(folder / STOP, {})
    assert jobs.state(folder).stopped


def test_what_slurm_said_last_is_kept_when_it_forgets_or_cannot_be_reached(
    folder: Path, says: dict[str, Listed]
) -> None:
    says["7"] = Listed("RUNNING", "", "n1")
    assert jobs.state(folder).running
    says["trouble"] = Listed("")
    assert jobs.state(folder).words == f"running: starting{UNREACHABLE}"
    del says["7"]
    assert jobs.state(folder).words == f"running: starting{UNREACHABLE}", "also to a process that never heard Slurm"
    del says["trouble"]
    says["7"] = Listed("NODE_FAIL", "", "n1")
    assert jobs.state(folder).words == "its node failed (n1)"
    says.clear()
    assert jobs.state(folder).words == "its node failed (n1)", "Slurm forgets a job after some minutes"


def test_one_that_nobody_knows_is_asked_of_the_accounting_then_lost(folder: Path, says: dict[str, Listed]) -> None:
    assert jobs.state(folder).words == "lost: Slurm does not know it any more"
    (folder / LAST).unlink()
    says["old 7"] = Listed("TIMEOUT", "", "n1")
    assert jobs.state(folder).words.startswith("out of time")


def test_one_that_is_younger_than_the_answer_waits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "listed", lambda user: Answer({}, "", time.monotonic() - 1))
    monkeypatch.setattr(state, "_seen", {})
    assert jobs.state(folder).state == "waiting"


def test_slurm_was_never_reached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "listed", lambda user: Answer(None, "no controller", time.monotonic()))
    assert jobs.state(folder).words == "waiting: handed to Slurm, which cannot be reached now"
    (folder / BEAT).write_text("0.1")
    assert jobs.state(folder).state == "running"


def test_a_heart_that_stops_is_told(folder: Path, says: dict[str, Listed], monkeypatch: pytest.MonkeyPatch) -> None:
    says["7"] = Listed("RUNNING", "", "n1")
    now = [1000.0]
    monkeypatch.setattr(state.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(state, "_beats", {})
    (folder / BEAT).write_text("0.1")
    assert jobs.state(folder).words == "running"
    now[0] += 45
    (folder / BEAT).write_text("0.2")
    assert jobs.state(folder).words == "running"
    now[0] += 45
    assert jobs.state(folder).words == "running"
    now[0] += 45
    (folder / BEAT).write_text("")  # it is being written at this moment
    assert jobs.state(folder).words == "running: no sign of life on n1 for 90 s"
    (folder / BEAT).write_text("0.3")
    assert jobs.state(folder).words == "running"


def test_a_placement_that_was_never_handed_over_is_new(tmp_path: Path) -> None:
    tmp_path.joinpath("x").mkdir()
    place(tmp_path / "x", SlurmConfig(gpus=1))
    assert jobs.state(tmp_path / "x").state == "new" and not jobs.stop(tmp_path / "x")
    place(tmp_path / "x", "here")
    assert placement(tmp_path / "x") is None and jobs.state(tmp_path / "x").state == "new"


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"config": {}, "id": "7"}', '{"config": 3, "id": 7, "user": 0}']
)
def test_a_torn_placement_is_survived(folder: Path, content: str) -> None:
    (folder / "slurm.json").write_text(content)
    assert jobs.state(folder).words == "lost: its slurm.json cannot be read"
    exited(folder, 0)
    assert jobs.state(folder).done


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"id": "7"}'])
def test_a_torn_last_state_is_survived(folder: Path, says: dict[str, Listed], content: str) -> None:
    (folder / LAST).write_text(content)
    says["7"] = Listed("RUNNING", "", "n1")
    assert jobs.state(folder).running
    assert read_json(folder / LAST)["state"] == "RUNNING"


def test_a_job_takes_its_folder_only_where_it_is_its_own(folder: Path) -> None:
    assert adopt(folder, "7") and not adopt(folder, "8")
    Placement(SlurmConfig()).write(folder)  # whoever handed it over was killed before it wrote the number down
    assert adopt(folder, "9")
    own = placement(folder)
    assert own and own.id == "9" and not adopt(folder, "7")
    (folder / "slurm.json").unlink()
    assert not adopt(folder, "9")


def test_slurms_own_output_is_found(folder: Path, workspace: Path) -> None:
    assert output(folder) is None
    (folder / "slurm-7.out").write_text("x")
    assert output(folder) == folder / "slurm-7.out"
    Placement(SlurmConfig(), "8_1", 0).write(folder)
    assert output(folder) is None
    (workspace / "ablations" / "grid").mkdir(parents=True)
    (workspace / "ablations" / "grid" / "slurm-8_1.out").write_text("y")
    assert output(folder) == workspace / "ablations" / "grid" / "slurm-8_1.out"


def test_asking_uses_no_shell_and_the_number_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def call(*words: str, env: dict[str, str]) -> str:
        asked.append(words)
        return "7|RUNNING|None|vm\n"

    monkeypatch.setattr(listing, "call", call)
    monkeypatch.setattr(listing, "_of_users", {})
    assert listing.listed(1234).value == {"7": Listed("RUNNING", "", "vm")}
    assert asked == [("squeue", "--user=1234", "--array", "--noheader", "--states=all", "--format=%i|%T|%r|%N")]


def test_a_run_gets_as_many_gpus_as_it_uses(workspace: Path) -> None:
    config = preset("linear", study="tiny", encoder="lite")
    run = Run.create(config.replace(training=config.training.replace(devices=2)))
    for gpus in (1, 4):
        with pytest.raises(ConfigError, match=rf"SlurmConfig\.gpus is {gpus}, and the run trains on 2"):
            run.place(SlurmConfig(gpus=gpus))
    assert placement(run.folder) is None
    for gpus in (0, 2):
        run.place(SlurmConfig(gpus=gpus))


def test_a_process_uses_the_cores_that_slurm_gave_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "12")
    Placement(SlurmConfig(gpus=4), "7", 0).write(folder)
    task.share_cores(folder)
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "40")
    task.share_cores(folder)
    assert os.environ["OMP_NUM_THREADS"] == "3", "what the user says stands"
