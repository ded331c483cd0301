"""Further maps of a run: named by what counts, made in the background, stopped, failed, listed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from core import jobs
from core.config.run import ProjectionConfig
from core.errors import ArtefactError, ConfigError, RunBusy, RunError, Stopped, StudyError
from core.files import read_json, write_json
from core.maps.asked import AskedMap, maps_of, same_as_own
from core.maps.asking import make_map
from core.maps.of_run import Mapping, project_run
from core.processes import process_of
from core.runs import Run
from core.studies.study import Study
from core.work import read_progress
from core.work_list import all_work, find
from tests.maps.runs import embedded_run
from tests.tiny import tiny_study, until

QUICK = ProjectionConfig(epochs=20, repeats=1)
WAITING = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(85)); print(1, flush=True); time.sleep(60)"


@pytest.fixture
def study(workspace: Path) -> Study:
    return tiny_study()


@pytest.fixture
def run(study: Study) -> Run:
    return embedded_run(study, QUICK)


def test_settings_that_count_name_a_map_and_nothing_is_made(run: Run) -> None:
    def key(seed: int = 0, **changes: object) -> str:
        return AskedMap.of(run, QUICK.replace(**changes), seed).id

    assert key() == key() and len({key(), key(1), key(neighbours=30), key(dimensions=2), key(engine="fast")}) == 5
    assert key(perplexity=5.0) == key() != key(repeats=0)
    assert key(method="pca") == key(7, method="pca", neighbours=30) != key(method="pca", dimensions=2)
    assert key(method="tsne") == key(method="tsne", min_dist=0.5) != key(method="tsne", perplexity=5.0)
    asked = AskedMap.of(run, QUICK, 0)
    assert asked.run_id == run.id and not asked.exists and not asked.measured and asked.state().state == "new"
    assert not (run.folder / "projections").exists() and maps_of(run) == []
    with pytest.raises(ArtefactError, match="never finished"):
        asked.projection()


def test_the_runs_own_map_is_known(run: Run) -> None:
    assert same_as_own(run, QUICK, 0) and same_as_own(run, QUICK.replace(perplexity=9.0), 0)
    assert not same_as_own(run, QUICK, 1) and not same_as_own(run, QUICK.replace(method="pca"), 0)


def test_made_in_the_background(run: Run, study: Study) -> None:
    project_run(run, study)
    asked = AskedMap.of(run, QUICK.replace(method="pca"), 0)
    asked.start()
    until(lambda: not asked.state().busy, 60)
    assert asked.state().done, asked.log_tail()
    found = asked.projection()
    assert asked.exists and asked.measured and found.parameters["reference"] == run.id
    assert found.ids == run.projection().ids
    stages = [one["stage"] for one in read_progress(asked.folder)["finished"]]
    assert stages[0] == "Reading embeddings" and stages[1] == f"Placing {len(found.ids)} points"
    assert maps_of(run) == [asked] == [AskedMap.named(f"{run.id}/{asked.id}")]
    item = find(f"{run.id[:8]}/{asked.id}", all_work())
    assert (item.kind, item.state.words, item.title) == ("map", "finished", f"of {run.title}")
    with pytest.raises(RunError, match="finished: there is nothing to resume"):
        item.resume()


def test_it_can_be_looked_at_before_it_is_measured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = AskedMap.of(run, QUICK, 3)
    seen: list[bool] = []
    others = Mapping.others

    def look(self: Mapping, tell: object) -> list[np.ndarray]:
        seen.extend([asked.exists, asked.measured])
        assert asked.projection().faithfulness["trustworthiness"] is None
        return others(self, tell)  # type: ignore[arg-type]

    monkeypatch.setattr(Mapping, "others", look)
    make_map(asked)
    assert seen == [True, False] and asked.measured
    assert asked.projection().faithfulness["stability"] == pytest.approx(
        np.nanmean(asked.projection().per_point["stability"]), abs=1e-6
    )
    again = make_map(asked)
    np.testing.assert_array_equal(again.coordinates, asked.projection().coordinates)


def test_a_request_to_stop_keeps_what_is_drawn(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, drawn = AskedMap.of(run, QUICK, 0), Mapping.drawn

    def asked_meanwhile(self: Mapping) -> object:
        os.kill(os.getpid(), signal.SIGTERM)
        return drawn(self)

    monkeypatch.setattr(Mapping, "drawn", asked_meanwhile)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        with pytest.raises(Stopped):
            make_map(asked)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert asked.exists and not asked.measured


@pytest.fixture
def at_work(run: Run, monkeypatch: pytest.MonkeyPatch) -> AskedMap:
    """A map whose process only waits to be stopped."""
    start = jobs.start
    monkeypatch.setattr(jobs, "start", lambda folder, arguments, **more: start(folder, ["-c", WAITING], **more))
    asked = AskedMap.of(run, QUICK, 0)
    asked.start()
    until(lambda: bool(asked.log_tail().strip()))
    return asked


def test_it_is_stopped_and_not_started_twice(at_work: AskedMap) -> None:
    with pytest.raises(RunBusy):
        at_work.start()
    assert find(f"map:{at_work.run_id[:8]}/{at_work.id}", all_work()).state.running
    assert at_work.stop()
    until(lambda: not at_work.state().busy)
    assert at_work.state().stopped and not at_work.exists
    at_work.start()
    assert at_work.state().running and at_work.stop()
    until(lambda: not at_work.state().busy)


def test_killed_it_is_lost_and_can_be_started_again(at_work: AskedMap, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("runner", "worker"):
        if pid := process_of(at_work.folder, role):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not at_work.state().busy)
    assert at_work.state().failed and maps_of(Run(at_work.folder.parent.parent)) == [at_work]
    monkeypatch.undo()
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(at_work.folder.parents[3]))
    at_work.start()
    until(lambda: not at_work.state().busy, 60)
    assert at_work.state().done and at_work.measured, at_work.log_tail()


def test_a_failure_is_left_in_words(run: Run, study: Study) -> None:
    write_json(run.folder / "study.json", {"name": study.name, "fingerprint": "other", "split_hash": "x"})
    asked = AskedMap.of(run, QUICK, 0)
    asked.start()
    until(lambda: not asked.state().busy, 60)
    assert asked.state().failed and not asked.exists
    assert "changed since run" in (asked.failure() or "")
    with pytest.raises(StudyError, match="changed since run"):
        make_map(asked)


def test_a_run_without_embeddings_has_nothing_to_map(run: Run) -> None:
    (run.folder / "embeddings" / "embeddings.json").unlink()
    asked = AskedMap.of(run, QUICK, 0)
    with pytest.raises(RunError, match="no embeddings yet"):
        asked.start()
    assert not asked.folder.exists()


@pytest.mark.parametrize("damage", ["{", "[]", '{"config": {}}', '{"config": {"neighbours": 1}, "seed": 0}'])
def test_damaged_settings_are_refused_in_words_and_left_out(run: Run, damage: str) -> None:
    asked = AskedMap.of(run, QUICK, 0)
    asked.folder.mkdir(parents=True)
    (asked.folder / "config.json").write_text(damage)
    with pytest.raises((ArtefactError, ConfigError)):
        AskedMap.load(asked.folder)
    assert maps_of(run) == []
    with pytest.raises((ArtefactError, ConfigError)):
        AskedMap.named(f"{run.id}/../..")


def test_newest_first_and_settings_of_before_still_load(run: Run) -> None:
    first, second = AskedMap.of(run, QUICK, 1), AskedMap.of(run, QUICK, 2)
    for at, asked in enumerate((second, first)):
        asked.folder.mkdir(parents=True)
        write_json(asked.folder / "config.json", {"config": QUICK.to_json(), "seed": asked.seed})
        os.utime(asked.folder / "config.json", (1000 + at, 1000 + at))
    assert maps_of(run) == [first, second]
    data = read_json(run.folder / "config.json")
    data["config"]["projection"] = {"neighbours": 15, "min_dist": 0.1, "epochs": 200}
    (run.folder / "config.json").write_text(json.dumps(data))
    assert Run.load(run.id).config.projection == ProjectionConfig()
