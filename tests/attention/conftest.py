"""A copy of the finished workspace, so that maps can be made in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.runs import Run
from tests.finished import Finished


@pytest.fixture
def own(finished_workspace: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Run]:
    """Its runs by their presets."""
    home = tmp_path / "workspace"
    shutil.copytree(finished_workspace.home, home)
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))
    return {preset: Run(home / "runs" / run_id) for preset, run_id in finished_workspace.runs.items()}
