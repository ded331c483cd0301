"""Model folders of the finished runs, written once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.cards.writing import write_model
from core.runs import Run
from tests.finished import Finished

EXPORTED = ("linear", "orthogonal", "contrastive", "zero-shot")


@pytest.fixture(scope="session")
def exported(finished_workspace: Finished, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By preset; only to be read."""
    place = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLUOROSCOPE_HOME", str(finished_workspace.home))
        return {
            name: write_model(Run.load(finished_workspace.runs[name]), place / f"model-{name}") for name in EXPORTED
        }


@pytest.fixture
def folder(exported: dict[str, Path], tmp_path: Path) -> Path:
    """A model folder that this test may change."""
    return Path(shutil.copytree(exported["linear"], tmp_path / "brought"))
