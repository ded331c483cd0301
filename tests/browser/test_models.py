"""A model folder by hand: taken from a run's card as a ZIP, put below the data root, and read again on the page."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.cards.reading import read_model
from core.runs import Run
from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.browser.test_app import page, settled, visit
from tests.finished import Finished

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["page"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(finished_workspace: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one finished run, and an empty data root beside it."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "data").mkdir()
    shutil.copytree(finished_workspace.home / "studies", folder / "workspace" / "studies")
    run = finished_workspace.runs["linear"]
    shutil.copytree(finished_workspace.home / "runs" / run, folder / "workspace" / "runs" / run)
    return folder


@pytest.fixture(scope="module")
def url(place: Path, serve: Serve) -> Iterator[str]:
    env = {"FLUOROSCOPE_HOME": str(place / "workspace"), "FLUOROSCOPE_DATA": str(place / "data")}
    with serve(ROOT / "dashboard" / "app.py", env) as found:
        yield found


def test_a_model_folder_goes_out_and_comes_back(finished: Finished, place: Path, url: str, page: Page) -> None:
    visit(page, f"{url}/train")
    page.get_by_role("button", name="More", exact=False).filter(has_text="More").last.click()
    with page.expect_download() as given:
        page.get_by_role("button", name="Model folder").click()
    given.value.save_as(place / "model.zip")
    with zipfile.ZipFile(place / "model.zip") as packed:
        packed.extractall(place / "data")
    (folder,) = (place / "data").iterdir()
    run = Run.load(finished.runs["linear"])
    assert read_model(folder).config.weights.image == run.embeddings("images").made_by["weights"][0]
    visit(page, f"{url}/train?train-mode=judge&judge-what=folder")
    page.get_by_text("The study that it was trained on is in this workspace").wait_for()
    page.get_by_text("Its card, as whoever made it wrote it").click()
    page.get_by_text("# linear · lite").wait_for()
    settled(page)
    assert page.get_by_role("button", name="Launch").is_enabled()
