"""A real import that is killed, at any moment, again and again: the same command goes on, and nobody can tell."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from core.config.importing import ImportConfig
from core.studies.checking import verify_study
from core.studies.importing import import_study
from core.studies.imports import Import
from core.studies.study import Study, study_names
from core.workspace import ROOT
from tests.studies.small import content, names_in
from tests.tiny import until

COUNT, KILLS = 300, 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """300 pictures of noise of 100 patients in NIH's layout, three of which cannot be read."""
    rng = np.random.default_rng(0)
    images = tmp_path / "nih/images_001/images"
    images.mkdir(parents=True)
    names = [f"{n // 3:08d}_{n % 3:03d}.png" for n in range(COUNT)]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (160, 160), np.uint8)).save(images / name, compress_level=1)
    for n in (5, 100, 299):
        (images / names[n]).write_bytes((images / names[n]).read_bytes()[:900])
    table = pd.DataFrame({"Image Index": names, "Finding Labels": "Mass", "Patient Age": 50})
    table["Patient ID"], table["Patient Gender"], table["View Position"] = table.index // 3, "F", "PA"
    table.to_csv(tmp_path / "nih/Data_Entry_2017_v2020.csv", index=False)
    (tmp_path / "nih/train_val_list.txt").write_text("\n".join(names[:240]))
    (tmp_path / "nih/test_list.txt").write_text("\n".join(names[240:]))
    return tmp_path / "nih"


def settings(folder: Path, name: str) -> ImportConfig:
    return ImportConfig(source="nih", path=str(folder), name=name, size=96)


def importing(name: str) -> subprocess.Popen[bytes]:
    """The process that an import's runner starts."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.worker", "import", name],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "FLUOROSCOPE_WORKERS": "2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def lines(draft: Path) -> int:
    """How many pictures are in a draft's journal."""
    try:
        return (draft / "journal.txt").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def moments() -> list[str | float]:
    """When to kill: at any time after the start (s), when some pictures more are there, when a table is written."""
    chance = random.Random()
    goals = [float(goal) for goal in sorted(chance.sample(range(3, COUNT - 3), KILLS - 4))]
    return [chance.uniform(0, 2.5), *goals, chance.uniform(0, 2.5), "samples.parquet", "summary.json"]


def come(moment: str | float, draft: Path, started: float) -> bool:
    if isinstance(moment, str):
        return (draft / moment).exists()
    return time.monotonic() - started > moment if moment < 3 else lines(draft) >= moment


@pytest.mark.slow
def test_killed_again_and_again(folder: Path, workspace: Path) -> None:
    whole = import_study(settings(folder, "whole"))
    assert len(whole) == COUNT - 3
    Import.create(settings(folder, "x"))
    draft, kept = workspace / "studies/.x.import", 0
    for moment in moments():
        kill(importing("x"), moment, draft)
        if study_names() == ["whole", "x"]:  # it was faster
            assert Study.load("x").fingerprint == whole.fingerprint
            break
        assert lines(draft) >= kept, f"killed at {moment}: pictures were lost"
        kept = lines(draft)
    Import.create(settings(folder, "x"))  # one that had ended in time has forgotten its folder
    done = importing("x")
    assert done.wait(120) == 0
    study = Study.load("x")
    assert study.fingerprint == whole.fingerprint and content(study.folder) == content(whole.folder)
    assert verify_study("x").sound
    assert names_in(workspace / "studies") == [".whole.lock", ".x.lock", "whole", "x"]
    assert not [name for name in names_in(study.folder) if name.startswith(".") or name in ("plan", "journal.txt")]


def kill(process: subprocess.Popen[bytes], moment: str | float, draft: Path) -> None:
    """Kill it when the moment has come; its children end as well."""
    started = time.monotonic()
    until(lambda: come(moment, draft, started) or process.poll() is not None, 60)
    children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.kill()
    process.wait()
    until(lambda: not any(alive(one) for one in children))


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
def test_stopped_on_request_and_started_by_the_same_command(folder: Path, workspace: Path) -> None:
    """As a user does it: Ctrl-C, and the same command once more."""
    command = [sys.executable, "-m", "scripts.study", "import", "nih", "--path", str(folder), "--name", "x"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "FLUOROSCOPE_WORKERS": "1"}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, "--size", "512"],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    draft = workspace / "studies/.x.import"
    first = start()
    until(lambda: lines(draft) > 0 or first.poll() is not None, 60)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 85 and "the same command goes on from there" in err, err
    kept = lines(draft)
    assert 0 < kept < COUNT - 3 and study_names() == []
    second = start()
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    study = Study.load("x")
    assert len(study) == COUNT - 3 and verify_study("x").sound and f"{COUNT - 3}" in out
