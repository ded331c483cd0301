"""All long work in one list, and the command that lists, stops and resumes it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import jobs
from core.ablation.folder import Ablation
from core.ablation.grids import ablation
from core.config.importing import ImportConfig
from core.config.presets import preset
from core.config.vectors import OrthogonaliseConfig
from core.errors import ConfigError, RunBusy, RunError
from core.files import write_json
from core.processes import kill_tree, process_of
from core.runs import MANIFESTS, Run, list_runs
from core.searches import Search, SearchWorker
from core.shelf import last_checkpoint
from core.studies.imports import Import
from core.vectors import making
from core.vectors.making import Making
from core.work import ProgressFile
from core.work_list import Item, all_work, find
from scripts import jobs as command
from scripts.common import main
from tests.tiny import tiny_study, until
from tests.toys import toy_search

POLITE = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(85)); print(1, flush=True); time.sleep(60)"


def a_run(label: str = "") -> Run:
    return Run.create(preset("linear", study="tiny", encoder="lite").replace(label=label))


@pytest.fixture
def at_work(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Run], None]]:
    """Starts a run whose process only waits to be stopped; all are ended afterwards."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("FLUOROSCOPE_SLOTS", raising=False)

    def start(run: Run, stage: str | None = None) -> None:
        jobs.start(run.folder, ["-c", POLITE], accelerators=1)

    monkeypatch.setattr(Run, "start", start)
    yield start
    for run in list_runs(archived=None):
        for role in ("runner", "worker"):
            if pid := process_of(run.folder, role):
                kill_tree(pid)
    until(lambda: not any(run.state().busy for run in list_runs(archived=None)))


@pytest.fixture
def every_kind(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One piece of work of each kind, none of which was started."""
    tiny_study()
    monkeypatch.setattr(making, "check_source", lambda settings: None)
    search = Search.create(toy_search("looking", trials=7))
    jobs.start(SearchWorker(search.folder / "workers" / "1").folder, ["-c", "pass"])
    until(lambda: search.workers()[0].state().done)
    return {
        "run": a_run("mine").id,
        "import": Import.create(ImportConfig(source="nih", path="/nowhere", name="same")).id,
        "ablation": Ablation.create(ablation("linear", study="tiny", seeds=[0, 1], name="same")).id,
        "search": search.id,
        "worker": "looking/1",
        "embeddings": Making.create(OrthogonaliseConfig(source="clip", name="vectors")).id,
    }


def test_each_kind_of_work_is_listed(every_kind: dict[str, str]) -> None:
    items = all_work()
    assert {item.kind: item.id for item in items} == every_kind and len(items) == 6
    told = {item.kind: (item.state.words, item.progress, item.title) for item in items}
    assert told == {
        "run": ("not started", "", "mine"),
        "import": ("not started", "", "nih"),
        "ablation": ("not started", "0 of 2 runs", "on tiny"),
        "search": ("not started", "0 of 7 trials", "linear on tiny"),
        "worker": ("finished", "", "of search looking"),
        "embeddings": ("not started", "", ""),
    }
    assert items[0].kind in ("search", "worker"), "the last that ended comes first"
    assert all(json.dumps(item.to_json()) for item in items)


def test_work_is_found_by_id_name_kind_and_beginning(every_kind: dict[str, str]) -> None:
    items = all_work()
    run = every_kind["run"]
    for wanted in (run, run[:4], f"run:{run}", f"run:{run[:4]}"):
        assert find(wanted, items).id == run
    assert find("import:same", items).kind == "import" and find("looking/1", items).kind == "worker"
    with pytest.raises(RunError, match=r"2 pieces of work are called 'same'; say which: .*import:same"):
        find("same", items)
    for wanted in ("zzz", "", "import:looking", "../x"):
        with pytest.raises(RunError, match=r"Nothing is called .*; there is: .*import:same"):
            find(wanted, items)
    with pytest.raises(RunError, match="nothing yet"):
        find("x", [])


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the command prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["jobs", *arguments])
        main(command.work)
    return capsys.readouterr().out


def test_the_command_lists_stops_and_resumes(
    at_work: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing yet" in listed(capsys, "list")
    first, second = a_run("first"), a_run("second")
    for run in (first, second):
        run.start()
    with ProgressFile(first.folder, every=0.0).stage("train") as tell:
        tell(1, 3)
        rows = listed(capsys, "list").splitlines()
        assert [row.split()[:2] for row in rows] == [["run", first.id[:8]], ["run", second.id[:8]]]
        assert "for 0 s" in rows[0] and rows[0].endswith("running  train 1 of 3 steps  cpu  first")
        assert rows[1].endswith("waiting for the accelerator: next in line  second")
    told = json.loads(listed(capsys, "list", "--json"))
    assert [(row["state"], row["accelerators"], row["before"]) for row in told] == [
        ("running", ["cpu"], 0),
        ("waiting", [], 0),
    ]
    assert 0 <= told[1]["seconds"] < 60 and told[1]["ended"] is None
    until(lambda: first.log_tail() == "1")
    listed(capsys, "stop", second.id, first.id[:6])
    until(lambda: first.state().stopped and second.state().stopped)
    assert {item.state.words for item in all_work()} == {"stopped"}
    assert "Not at work here" in listed(capsys, "stop", first.id)
    assert listed(capsys, "resume", first.id[:6]) == f"resumed: run {first.id}\n"
    with pytest.raises(RunBusy, match="is running: there is nothing to resume"):
        find(first.id, all_work()).resume()
    until(lambda: first.log_tail().endswith("1\n1"))
    assert first.id in listed(capsys, "stop", "--all-running")
    until(lambda: first.state().stopped)


@pytest.mark.parametrize("arguments", [["stop", "zzz"], ["resume", "zzz"], ["archive", "zzz"], ["rename", "zzz", "x"]])
def test_what_is_not_there_is_an_error_in_words(
    workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run()
    monkeypatch.setattr(sys, "argv", ["jobs", *arguments])
    with pytest.raises(SystemExit):
        main(command.work)
    assert f"Nothing is called 'zzz'; there is: {run.id[:8]}." in capsys.readouterr().err


def test_what_is_finished_is_not_resumed(workspace: Path) -> None:
    run = a_run()
    for file in MANIFESTS.values():
        write_json(run.folder / file, {})
    with pytest.raises(RunError, match="is finished: there is nothing to resume"):
        find(run.id, all_work()).resume()


def test_names_and_archive_are_kept_beside_the_settings(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, other = a_run("at first"), a_run()
    before = (run.folder / "config.json").read_bytes()
    listed(capsys, "rename", run.id, "  another\nname ")
    assert Run.load(run.id).title == "another name" and run.config.title == "at first"
    listed(capsys, "rename", run.id, "")
    assert run.title == "at first"
    with pytest.raises(ConfigError, match="has 201 characters; it may have 200"):
        run.rename("x" * 201)
    for torn in ("", "{", "[]", "{}"):
        (run.folder / "label.json").write_text(torn)
        assert run.title == "at first"
    listed(capsys, "archive", run.id)
    assert list_runs() == [other] and list_runs(archived=True) == [run] and len(list_runs(archived=None)) == 2
    assert Run.load(run.id) == run, "a link to it still works"
    assert [item.id for item in all_work()] == [other.id] and len(all_work(archived=True)) == 2
    assert run.id[:8] not in listed(capsys, "list") and run.id[:8] in listed(capsys, "list", "--archived")
    listed(capsys, "restore", run.id)
    assert len(list_runs()) == 2 and (run.folder / "config.json").read_bytes() == before


def test_only_runs_are_archived(every_kind: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="looking is no run but of kind search"):
        command.run_of(find("looking", all_work()))


def test_an_archived_run_that_is_at_work_stays_in_sight(at_work: Callable[[Run], None]) -> None:
    run = a_run()
    run.start()
    run.archive()
    run.rename("while it is at work")
    assert [item.title for item in all_work()] == ["while it is at work"]
    assert run.state().running and list_runs() == []


def test_two_who_rename_at_once_leave_one_of_the_names(workspace: Path) -> None:
    run = a_run()
    threads = [threading.Thread(target=run.rename, args=(f"name {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert run.title in {f"name {number}" for number in range(8)}
    assert sorted(path.name for path in run.folder.iterdir()) == ["config.json", "label.json"]


def checkpoint(folder: Path, step: int) -> Path:
    made = folder / f"step-{step:08d}"
    made.mkdir(parents=True)
    (made / "model.safetensors").write_bytes(b"x" * 50)
    write_json(made / "manifest.json", {"step": step, "files": {"model.safetensors": {"bytes": 50}}})
    return made


def test_a_run_says_where_it_goes_on(workspace: Path) -> None:
    run = a_run()
    assert run.goes_on() == "no checkpoint yet: resume begins anew"
    folder = run.folder / "checkpoints"
    for step in (900, 1200):
        checkpoint(folder, step)
    assert run.goes_on() == "resume goes on at step 1,200"
    (folder / "step-00001500.tmp").mkdir()
    (folder / "step-00001200" / "model.safetensors").write_bytes(b"torn")
    assert last_checkpoint(folder) == 900
    for torn in ("", "[]", '{"files": {}}', '{"step": 1, "files": {"gone": {"bytes": 1}}}', '{"files": 3}'):
        (folder / "step-00000900" / "manifest.json").write_text(torn)
        assert last_checkpoint(folder) == 0
    write_json(run.folder / MANIFESTS["train"], {})
    assert run.goes_on() == "resume goes on with the embed stage"
    for file in MANIFESTS.values():
        write_json(run.folder / file, {})
    assert run.goes_on() == "all stages are done"


def test_ages_do_not_follow_the_clock(at_work: Callable[[Run], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault row 10: the clock is set forward by a day and back by a year; a run's age stays what it was."""
    run = a_run()
    run.start()
    before = jobs.seconds(run.folder)
    assert before is not None and 0 <= before < 60
    real = jobs.time.time
    for jump in (86_400, -365 * 86_400):
        monkeypatch.setattr(jobs.time, "time", lambda jump=jump: real() + jump)
        [item] = all_work()
        assert item.seconds is not None and before <= item.seconds < before + 60
        assert Item.to_json(item)["ended"] is None
