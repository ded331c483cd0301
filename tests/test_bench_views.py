"""The bench of all views on a small generated workspace: what is measured is really there, and is moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import FluoroscopeError
from core.runs import list_runs
from core.studies.study import Study, check_leaks
from scripts.bench_views import compare
from scripts.generated import PRESETS, workspace
from scripts.generated_study import PREVALENCE

SAMPLES = 400


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("generated")


@pytest.fixture
def made(home: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The generated workspace as that of this test."""
    monkeypatch.setenv("FLUOROSCOPE_WORKERS", "1")
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))  # what `workspace` sets is undone with it
    workspace(home, SAMPLES)
    return Study.load(f"generated-{SAMPLES}")


def test_the_study_is_what_it_says(made: Study) -> None:
    assert len(made) == SAMPLES and made.synthetic
    check_leaks(made.samples)
    assert all(len(made.rows(split)) for split in ("train", "val", "test"))
    np.testing.assert_allclose(made.labels.mean(axis=0), PREVALENCE, atol=0.06)
    assert made.images.shape == (SAMPLES, 64, 64)


def test_its_runs_are_whole_and_gather_by_finding(made: Study) -> None:
    runs = list_runs()
    assert {run.config.preset for run in runs} == set(PRESETS) and all(run.whole for run in runs)
    for run in runs:
        run.check_is_of(made)
        report = run.evaluation()
        assert 0.1 < report["space"]["gap"] < 1.5
        assert report["test"]["macro"]["auroc"]["value"] > 0.6  # by chance 0.5
        assert run.projection().of_kind("sample")[0] == made.samples["id"].tolist()


def test_what_is_there_is_not_made_again(made: Study, home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*.json")}
    workspace(home, SAMPLES)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*.json")} == before


def test_every_view_is_opened_and_moved(made: Study, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(home, SAMPLES, ("home", "gap", "diseases"))
    lines = capsys.readouterr().out.splitlines()
    rows = {line[:52].strip(): [float(number) for number in line[52:].split()[:3]] for line in lines[2:-1]}
    for wanted in ("home        open", "gap         Shift images and texts by", "diseases    click into figure"):
        assert any(row.startswith(wanted) for row in rows)
    assert all(len(numbers) == 3 and min(numbers) > 0 for numbers in rows.values())
    assert "memory" in lines[-1] and "MB" in lines[-1]


def test_a_view_that_fails_is_not_measured(made: Study, home: Path) -> None:
    with pytest.raises(FluoroscopeError, match="nothing more was measured"):
        compare(home, SAMPLES, ("nowhere",))
