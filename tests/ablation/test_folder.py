"""The folder of an ablation: planned before anything begins, growing, refused; and the work of its process."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import jobs
from core.ablation.folder import Ablation, list_ablations
from core.ablation.grids import ablation
from core.ablation.working import work_off
from core.children import carry_out
from core.config.ablation import AblationConfig
from core.errors import ConfigError, RunBusy, RunError, Stopped, StudyError
from core.files import read_json
from core.runs import MANIFESTS, Run, list_runs
from core.work import read_progress
from tests.ablation.planned import begun
from tests.finished import command, printed
from tests.tiny import tiny_study, until

QUICK = "--vary objective.temperature 0.07 0.2 --vary training.epochs 2 --vary head.width 16 --seeds 0 1"


def config(**options: Any) -> AblationConfig:
    options = {"study": "tiny", "seeds": (0, 1), "vary": {"training.epochs": ["1", "2"]}} | options
    return ablation("linear", **options)


def study() -> None:
    tiny_study(counts=(4, 2, 2))


def test_the_plan_names_every_run_before_one_begins(workspace: Path) -> None:
    study()
    made = Ablation.create(config())
    again = Ablation.load(made.id)
    assert again.config == config() and list_runs() == []
    assert [(cell.label, cell.seed) for cell in again.cells] == [
        ("linear · epochs 1", 0), ("linear · epochs 2", 0), ("linear · epochs 1", 1), ("linear · epochs 2", 1)
    ]  # fmt: skip
    assert len({cell.run.id for cell in again.cells}) == 4 and not any(cell.begun or cell.done for cell in again.cells)
    assert [one.id for one in list_ablations()] == [made.id] == ["linear-tiny-epochs"]


def test_the_same_command_finds_the_same_runs_and_it_can_grow(workspace: Path) -> None:
    study()
    first = {(cell.label, cell.seed): cell.run.id for cell in Ablation.create(config()).cells}
    assert {(cell.label, cell.seed): cell.run.id for cell in Ablation.create(config()).cells} == first
    more = config(seeds=(0, 1, 2), vary={"training.epochs": ["1", "2", "3"]})
    grown = {(cell.label, cell.seed): cell.run.id for cell in Ablation.create(more).cells}
    assert len(grown) == 9 and {place: grown[place] for place in first} == first
    for other in (config(), config(seeds=(0, 1, 2), vary={"training.epochs": ["1", "2", "4"]})):
        with pytest.raises(RunError, match="give --name"):
            Ablation.create(other)
    assert len(Ablation.load("linear-tiny-epochs").cells) == 9


def test_what_cannot_work_leaves_nothing_behind(workspace: Path) -> None:
    with pytest.raises(StudyError, match="No study 'tiny'"):
        Ablation.create(config())
    tiny_study(counts=(4, 2, 2), findings=())
    with pytest.raises(StudyError, match=r"'linear · epochs 1' cannot work: .* has no findings"):
        Ablation.create(config())
    bad = config()
    variant = bad.variants[0].replace(run=bad.variants[0].run.replace(prompts=bad.variants[0].run.prompts.replace(
        positive=("nothing to fill in",))))  # fmt: skip
    with pytest.raises(ConfigError, match="cannot work"):
        Ablation.create(bad.replace(variants=(variant,)))
    with pytest.raises(RunError, match="No ablation 'x'; there is: none yet"):
        Ablation.load("x")
    assert list_ablations() == [] and list_runs() == []


def test_a_plan_that_cannot_be_read_is_not_listed(workspace: Path) -> None:
    study()
    made = Ablation.create(config())
    (made.folder / "config.json").write_text('{"config": 3, "runs": {}, "created": 1}')
    assert list_ablations() == []


class Asked:
    """A stop request without signals."""

    asked = False

    def check(self) -> None:
        if self.asked:
            raise Stopped("asked")


def pretend(monkeypatch: pytest.MonkeyPatch, ends: dict[int, int], stop: Asked | None = None) -> list[str]:
    """Runs end at once; seed -> exit code of the first run with it. Returns the ids in the order of their starts."""
    started: list[str] = []

    def start(run: Run, stage: str | None = None) -> None:
        started.append(run.id)
        code = ends.pop(run.config.seed, 0)
        if not code:
            for manifest in MANIFESTS.values():
                (run.folder / manifest).parent.mkdir(exist_ok=True)
                (run.folder / manifest).write_text("{}")
        elif code == 1:
            run.fail(RunError("as planned"))
        (run.folder / "process.json").write_text("{}")
        (run.folder / "exit.json").write_text(json.dumps({"code": code}))

    monkeypatch.setattr(Run, "start", start)
    monkeypatch.setattr("core.ablation.working.StopRequest", lambda: stop or Asked())
    return started


def test_a_failure_is_noted_and_stops_nobody(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study()
    made = Ablation.create(config())
    started = pretend(monkeypatch, {0: 1})
    with pytest.raises(RunError, match=r"1 of 4 runs have no result.*\n.*epochs 1, seed 0: failed: as planned"):
        work_off(made)
    assert started == [cell.run.id for cell in made.cells]
    assert [cell.why_not() for cell in made.cells] == ["failed: as planned", None, None, None]
    assert [cell.done for cell in made.cells] == [False, True, True, True]
    work_off(made)  # going on tries it again, and it alone
    assert started[4:] == [made.cells[0].run.id] and all(cell.done for cell in made.cells)
    assert read_progress(made.folder)["finished"][0]["stage"] == "ablate"


def test_a_kill_between_folder_and_config_makes_no_second_run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study()
    made = Ablation.create(config())
    made.cells[0].run.folder.mkdir(parents=True)
    pretend(monkeypatch, {})
    work_off(made)
    assert sorted(run.id for run in list_runs()) == sorted(cell.run.id for cell in made.cells)
    assert {run.config.seed for run in list_runs()} == {0, 1}


def test_a_stop_begins_no_further_run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study()
    made, stop = Ablation.create(config()), Asked()
    started = pretend(monkeypatch, {}, stop)

    def one_then_stop(run: Run, asked: Any, **options: Any) -> jobs.JobState:
        stop.asked = True
        return carry_out(run, asked, **options)

    monkeypatch.setattr("core.ablation.working.carry_out", one_then_stop)
    with pytest.raises(Stopped):
        work_off(made)
    assert len(started) == 1 and len(begun(made)) == 1


def test_it_does_not_grow_while_it_is_at_work(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study()
    made = Ablation.create(config())
    monkeypatch.setattr(jobs, "state", lambda folder: jobs.JobState("running"))
    with pytest.raises(RunBusy, match="is at work"):
        Ablation.create(config(seeds=(0, 1, 2)))
    assert Ablation.create(config()).folder == made.folder


@pytest.mark.long
@pytest.mark.slow
def test_killed_and_gone_on_with_by_the_same_command(workspace: Path) -> None:
    """Real runs: the ablation's process is killed, its run goes on alone and is waited for; none is made twice."""
    labels = np.float32([[1], [0], [1], [0], [0], [1], [0]])
    tiny_study(counts=(2, 2, 3), findings=("Edema",), labels=lambda drawn: drawn * 0 + labels)
    words = ("scripts.ablate", "--preset", "linear", "--study", "tiny", "--name", "cut", *QUICK.split())
    assert printed(command(workspace, *words, "--background")).strip() == "cut"
    made = Ablation.load("cut")
    until(lambda: made.cells[0].run.state().busy, 120)
    process = read_json(made.folder / "process.json")
    for role in ("runner", "worker"):
        os.kill(process[role]["pid"], signal.SIGKILL)
    until(lambda: not made.state().busy)
    assert made.state().words.startswith(("lost", "killed")) and made.cells[0].run.state().busy
    out, _ = command(workspace, *words).communicate(timeout=500)
    assert made.state().done and all(cell.done for cell in made.cells)
    assert sorted(run.id for run in list_runs()) == sorted(cell.run.id for cell in made.cells)
    assert "ablation cut on study tiny: 4 of 4 runs (2 configurations x seeds 0, 1)" in out
    assert "objective.temperature" in out and "training.epochs" not in out
    assert "published, not measured here" in out and "Holm's correction for 1 comparison" in out
    before = [(cell.run.folder / MANIFESTS["evaluate"]).stat().st_mtime_ns for cell in made.cells]
    assert "4 of 4 runs" in printed(command(workspace, *words, "--csv", str(workspace / "t.csv")))
    assert before == [(cell.run.folder / MANIFESTS["evaluate"]).stat().st_mtime_ns for cell in made.cells]
    assert "linear · temperature 0.2" in (workspace / "t.csv").read_text()


def test_it_waits_longer_for_its_end_than_its_run_may_take(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study()
    made = Ablation.create(config())
    seen: list[Any] = []
    monkeypatch.setattr(jobs, "start", lambda folder, arguments, **more: seen.append((folder, arguments, more)))
    made.start()
    assert seen == [(made.folder, ["-m", "scripts.worker", "ablation", made.id], {"grace": 2 * jobs.GRACE})]
