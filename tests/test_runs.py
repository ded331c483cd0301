"""The Run folder: finding runs, reading what is half written, and names that are only labels."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import runs
from core.config.presets import preset
from core.config.run import RunConfig
from core.errors import ArtefactError, RunError, StudyError
from core.files import read_json, stamp, write_json
from core.runs import Run, identity, list_runs
from core.store import EmbeddingSet
from core.work import ProgressFile, read_progress
from tests.tiny import tiny_study

LABELS = [
    "<img src=x onerror=alert(1)>",
    "\U0001fac1 Lunge",
    "two\nlines",
    "x" * 300,
    "![](http://a.b/c)",
    "../up",
    "-rf",
]


def config(**changes: Any) -> RunConfig:
    return preset("orthogonal", study="tiny", encoder="lite").replace(**changes)


def test_a_run_comes_back_by_id_and_by_its_beginning(workspace: Path) -> None:
    run = Run.create(config(seed=7))
    assert str(uuid.UUID(run.id)) == run.id
    assert run.folder == workspace / "runs" / run.id
    for name in (run.id, run.id[:8], run.id[:1]):
        assert Run.load(name).folder == run.folder
    assert Run.load(run.id).config == config(seed=7)
    assert run.state().state == "new"


def test_the_folder_says_what_made_it(workspace: Path) -> None:
    made = read_json(Run.create(config()).folder / "config.json")["provenance"]
    assert set(made["packages"]) == set(runs.PACKAGES)
    assert all(version[0].isdigit() for version in made["packages"].values())
    assert made["python"].startswith("3.")
    assert made["git_commit"] is None or len(made["git_commit"]) == 40


def test_unknown_and_ambiguous_ids_are_errors_in_words(workspace: Path) -> None:
    with pytest.raises(RunError, match="there is none yet"):
        Run.load("abc")
    run = Run.create(config())
    twin = run.folder.with_name(run.id[:8] + "-twin")
    shutil.copytree(run.folder, twin)
    with pytest.raises(RunError, match=f"2 runs begin with '{run.id[:8]}'"):
        Run.load(run.id[:8])
    assert Run.load(twin.name).folder == twin
    with pytest.raises(RunError, match="0 runs begin with 'zzz'"):
        Run.load("zzz")


@pytest.mark.parametrize("name", ["", "../x", "..", ".", "/", "/etc", "*", "-rf", "a\nb", "x" * 300, "\0", "../runs/"])
def test_hostile_ids_open_nothing(workspace: Path, name: str) -> None:
    Run.create(config())
    outside = workspace / "x"
    outside.mkdir()
    write_json(outside / "config.json", {"config": config().to_json(), "created": 1.0})
    with pytest.raises(RunError) as caught:
        Run.load(name)
    assert len(str(caught.value)) < 300


def test_newest_comes_first_and_broken_ones_are_left_out(workspace: Path) -> None:
    made = [Run.create(config()) for _ in range(3)]
    for run, created in zip(made, (50.0, 200.0, 100.0), strict=True):
        write_json(run.folder / "config.json", {**read_json(run.folder / "config.json"), "created": created})
    for number, content in enumerate(("", "{", "[]", "{}", '"x"', '{"config": {}, "created": "yesterday"}')):
        broken = workspace / "runs" / f"broken-{number}"
        broken.mkdir()
        (broken / "config.json").write_text(content)
    text = json.dumps({"config": config().to_json(), "created": "yesterday"})
    (broken / "config.json").write_text(text)
    (workspace / "runs" / "empty").mkdir()
    (workspace / "runs" / "strange" / "config.json").mkdir(parents=True)
    assert [run.id for run in list_runs()] == [made[1].id, made[2].id, made[0].id]


@pytest.mark.parametrize("label", LABELS)
def test_labels_are_only_labels(workspace: Path, label: str) -> None:
    run = Run.create(config(label=label, study=label))
    assert Run.load(run.id).title == label
    assert Run.load(run.id).config.study == label
    assert [path.name for path in (workspace / "runs").iterdir()] == [run.id]
    assert sorted(path.name for path in workspace.iterdir()) == ["runs"]


def test_log_tail(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.log_tail() == ""
    (tmp_path / "log.txt").write_text("")
    assert run.log_tail() == ""
    (tmp_path / "log.txt").write_text("one\ntwo\nthree\n")
    assert run.log_tail(2) == "two\nthree"
    (tmp_path / "log.txt").write_text("one\nno newline at the end")
    assert run.log_tail() == "one\nno newline at the end"


def test_a_progress_bar_is_one_line_of_the_tail(tmp_path: Path) -> None:
    drawings = "".join(f"\r{percent} %" for percent in range(101))
    (tmp_path / "log.txt").write_bytes(f"start\n{drawings}\nwindows\r\nend\n".encode())
    assert Run(tmp_path).log_tail(4) == "start\n100 %\nwindows\nend"


def test_a_huge_log_with_broken_characters_has_a_short_tail(tmp_path: Path) -> None:
    with (tmp_path / "log.txt").open("wb") as stream:
        stream.truncate(3_000_000_000)  # sparse: it takes no room
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n\xff\xfe broken\n" + "ü\n".encode() * 10)
    lines = Run(tmp_path).log_tail(11).split("\n")
    assert lines == ["\ufffd\ufffd broken", *["ü"] * 10]
    with (tmp_path / "log.txt").open("wb") as stream:
        stream.write(b"x" * 1_000_000)
    assert len(Run(tmp_path).log_tail()) == 65_536


def test_progress_says_where_a_stage_stands(tmp_path: Path) -> None:
    assert read_progress(tmp_path) == {"now": None, "finished": []}
    progress = ProgressFile(tmp_path, every=0)
    with progress.stage("features", "radiographs") as tell:
        assert read_progress(tmp_path)["now"]["stage"] == "features"
        tell(3, 10)
        now = read_progress(tmp_path)["now"]
        assert (now["done"], now["total"], now["unit"]) == (3, 10, "radiographs")
        assert 0 <= now["seconds"] < 60
    with progress.stage("train"):
        pass
    found = read_progress(tmp_path)
    assert found["now"] is None
    assert [stage["stage"] for stage in found["finished"]] == ["features", "train"]


def test_progress_is_not_written_more_often_than_asked(tmp_path: Path) -> None:
    with ProgressFile(tmp_path, every=60).stage("train") as tell:
        for step in range(1000):
            tell(step, 1000)
        assert read_progress(tmp_path)["now"]["done"] == 0


def test_torn_progress_is_survived(tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text('{"now"')
    assert read_progress(tmp_path) == {"now": None, "finished": []}


def test_the_reason_of_a_failure_is_kept(workspace: Path) -> None:
    run = Run.create(config())
    assert run.failure() is None
    run.fail(RunError("why <b>not</b>"))
    assert run.failure() == "why <b>not</b>"
    for content in ("", "[]", "{}"):
        (run.folder / "failure.json").write_text(content)
        assert run.failure() is None


def test_what_is_not_there_yet_is_an_error_in_words(workspace: Path) -> None:
    run = Run.create(config())
    assert [run.has(stage) for stage in ("train", "embed", "evaluate", "project")] == [False] * 4
    for read in (run.predictions, run.evaluation, run.projection, lambda: run.embeddings("images")):
        with pytest.raises(ArtefactError):
            read()


def test_damaged_predictions_are_an_error_in_words(workspace: Path) -> None:
    run = Run.create(config())
    (run.folder / "embeddings").mkdir()
    path = run.folder / "embeddings" / "predictions.parquet"
    pd.DataFrame({"id": ["r1"], "split": ["test"]}).to_parquet(path)
    whole = path.read_bytes()
    with pytest.raises(ArtefactError, match="embed stage has not finished"):
        run.predictions()
    write_json(path.with_name("embeddings.json"), {"files": {path.name: stamp(path)}})
    assert list(run.predictions()["id"]) == ["r1"]
    for content in (b"", whole[:-1], whole[:30] + b"\xff" + whole[31:]):
        path.write_bytes(content)
        with pytest.raises(ArtefactError, match=r"predictions\.parquet"):
            run.predictions()


def test_an_embedding_is_read_by_its_name(workspace: Path) -> None:
    run = Run.create(config())
    vectors = np.eye(3, dtype=np.float32)
    EmbeddingSet(ids=list("abc"), vectors=vectors, modality="image").save(run.folder / "embeddings" / "images")
    np.testing.assert_array_equal(run.embeddings("images").vectors, vectors)


def test_a_study_that_was_imported_anew_is_not_mixed_up(workspace: Path) -> None:
    study = tiny_study(counts=(4, 2, 2))
    run = Run.create(preset("zero-shot", study="tiny", encoder="lite"))
    run.check_is_of(study)  # nothing was begun
    write_json(run.folder / "study.json", identity(study))
    run.check_is_of(study)
    other = tiny_study(counts=(4, 2, 3))
    with pytest.raises(StudyError, match=r"'tiny' changed since run .* began"):
        run.check_is_of(other)
    assert workspace.is_dir()
