"""What all tests share: real data where it is present, and a workspace of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Before torch is loaded anywhere: tests run in as many processes as there are cores, and threads that wait would spin.

from tests.finished import Finished, make

REAL_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of small real inputs; tests that need it are skipped where it is missing."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data (../shared/data) is not on this machine")
    return REAL_DATA


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace that this test alone uses."""
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(tmp_path / "workspace"))
    # a test that runs the app replaces __main__, which a new process would then import: pictures are made in this one
    monkeypatch.setenv("FLUOROSCOPE_WORKERS", "1")
    return tmp_path / "workspace"


@pytest.fixture(scope="session")
def finished_workspace(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """An imported study and some finished runs, made once for all tests that only read."""
    return make(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def finished(finished_workspace: Finished, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """The same, as the workspace of this test."""
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(finished_workspace.home))
    return finished_workspace
