"""The folder of an import, and its process: started, stopped, gone on with, discarded, forgotten."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config.importing import ImportConfig
from core.errors import ConfigError, StudyError
from core.jobs import STOPPED
from core.studies.imports import FORGOTTEN, Import, list_imports
from core.studies.study import Study, study_names
from core.work import read_progress
from tests.finished import command, printed
from tests.tiny import until


def folder_of(path: Path, count: int, side: int = 32) -> Path:
    """Pictures of noise beside a table that says whose they are."""
    path.mkdir()
    rng = np.random.default_rng(0)
    for row in range(count):
        Image.fromarray(rng.integers(0, 256, (side, side), dtype=np.uint8)).save(path / f"{row}.png")
    pd.DataFrame({"image": [f"{row}.png" for row in range(count)], "patient": range(count)}).to_csv(
        path / "table.csv", index=False
    )
    return path


def config(path: Path, name: str = "x") -> ImportConfig:
    return ImportConfig(source="table", path=str(path), name=name, size=16)


def test_settings_are_kept_for_the_owner_alone_and_the_path_is_forgotten(workspace: Path, tmp_path: Path) -> None:
    job = Import.begin(config(folder_of(tmp_path / "secretfolder", 20)))
    path = job.folder / "config.json"
    until(lambda: not job.state().busy, 60)
    assert job.state().done and job.failure() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and json.loads(path.read_text())["path"] == FORGOTTEN
    for file in workspace.rglob("*"):
        assert not file.is_file() or b"secretfolder" not in file.read_bytes(), file
    assert len(Study.load("x")) == 20 and [one.id for one in list_imports()] == ["x"]


def test_stop_and_go_on(workspace: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "many", 400, side=1024)
    job = Import.begin(config(folder))
    until(lambda: (read_progress(job.folder)["now"] or {}).get("done", 0) >= 32, 60)
    assert job.stop()
    until(lambda: not job.state().busy)
    assert job.state().code == STOPPED and job.state().stopped and study_names() == []
    journal = (workspace / "studies/.x.import/journal.txt").read_text().splitlines()
    assert 32 <= len(journal) < 400
    job.start()
    until(lambda: not job.state().busy, 120)
    assert job.state().done and len(Study.load("x")) == 400
    text = printed(command(workspace, "scripts.study", "check", "x"))
    assert "FAULT" not in text and "images.npy: 400 pictures" in text


def test_why_it_failed_is_said_and_the_draft_can_be_discarded(workspace: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "alike", 4)
    table = pd.read_csv(folder / "table.csv").assign(split=["train", "train", "val", "test"])
    table.to_csv(folder / "table.csv", index=False)
    (folder / "3.png").write_bytes((folder / "0.png").read_bytes())
    job = Import.begin(config(folder))
    until(lambda: not job.state().busy, 60)
    assert job.state().words == "failed" and "same pixels as one in another split" in str(job.failure())
    assert (workspace / "studies/.x.import").is_dir() and study_names() == []
    job.discard()
    assert list_imports() == [] and not list((workspace / "studies").glob(".x.*/"))


def test_names(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot name a study"):
        Import.begin(config(tmp_path, "../x"))
    with pytest.raises(StudyError, match="No import of 'x'"):
        Import.load("x")
    assert not workspace.exists()


def test_the_command_line(workspace: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "few", 6)
    bring = ("scripts.study", "import", "table", "--path", str(folder), "--name", "few", "--size", "16")
    text = printed(command(workspace, *bring))
    assert "study few: 6 radiographs of 6 patients, 16 x 16 pixels" in text and "few: 100%" in text
    wanted = Study.load("few").samples["id"].tolist()
    text = printed(command(workspace, "scripts.study", "find", "few", wanted[2], "r0", "--path", str(folder)))
    assert f"{wanted[2]}  2.png" in text and "r0  not among the files" in text
    assert "needs --path DIR" in printed(command(workspace, "scripts.study", "import", "nih", "--name", "x"), code=1)
    assert "folder of the system" in printed(
        command(workspace, "scripts.study", "import", "nih", "--name", "x", "--path", "/etc"), code=1
    )
    (folder / "table.csv").write_text("image\n0.png\n1.png\n")
    text = printed(command(workspace, *bring), code=1)
    assert "have no patient" in text and "--patients each-image" in text and "Traceback" not in text
    assert len(Study.load("few")) == 6
    text = printed(command(workspace, *bring, "--patients", "each-image"))
    assert "study few: 2 radiographs of 2 patients" in text
