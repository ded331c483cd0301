"""Find by text in a real browser, with the real process: typed, waited for, found, looked at; the words in no URL."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.asking.questions import Asked
from core.asking.warm import IDLE
from core.metrics.neighbours import nearest
from core.runs import Run
from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.browser.test_app import page, shot
from tests.finished import Finished
from tests.tiny import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["page"]


@pytest.fixture(scope="module")
def home(finished_workspace: Finished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the finished workspace; the process that answers is stopped in the end."""
    copied = tmp_path_factory.mktemp("find") / "workspace"
    shutil.copytree(finished_workspace.home, copied)
    yield copied
    for folder in (copied / "runs").iterdir():
        asked = Asked.of(Run(folder))
        asked.stop()
        until(lambda asked=asked: not asked.state().busy, 60)


@pytest.fixture(scope="module")
def app(home: Path, serve: Serve) -> Iterator[str]:
    with serve(ROOT / "tests/browser/apps/panels.py", {"FLUOROSCOPE_HOME": str(home), IDLE: "60"}) as url:
        yield url


def expected(home: Path, run_id: str, text: str) -> list[int]:
    """The rows nearest to what the process answered, when it has."""
    run = Run(home / "runs" / run_id)
    asked = Asked.of(run)
    name = asked.name(text)
    until(lambda: asked.answer(name) is not None, 120)
    vector = asked.answer(name)
    assert vector is not None
    return [int(row) for row in nearest(run.embeddings("images").vectors, vector, 12).indices]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_typed_found_and_looked_at(app: str, page: Page, home: Path, finished_workspace: Finished, scheme: str) -> None:
    """The first words wait for the process, which the page says; the second ones do not."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_default_timeout(120_000)  # the process loads torch
    run = finished_workspace.runs["contrastive"]
    page.goto(f"{app}/?runs={run}")
    field = page.get_by_role("textbox", name="Find by text")
    field.fill(f"large left effusion {scheme}")
    field.press("Enter")
    if scheme == "light":
        page.get_by_text("starting: it loads the text tower").wait_for()
    page.get_by_text(f"found rows {expected(home, run, f'large left effusion {scheme}')}").wait_for()
    page.locator("img[alt^=Radiograph]").nth(11).wait_for()
    asked_at = time.monotonic()
    field.fill(f"enlarged heart {scheme}")
    field.press("Enter")
    page.get_by_text("Nearest to “enlarged heart").wait_for()
    assert time.monotonic() - asked_at < 20  # not another start
    page.get_by_text(f"found rows {expected(home, run, f'enlarged heart {scheme}')}").wait_for()
    page.get_by_role("button", name="Look").first.click()
    page.get_by_text("looked at").wait_for()
    shot(page, f"find-{scheme}")
    assert "effusion" not in page.url and "heart" not in page.url
    assert page.get_by_test_id("stException").count() == 0
    kept = b"".join(path.read_bytes() for path in (home / "runs" / run / "asking").rglob("*") if path.is_file())
    assert b"effusion" not in kept and b"heart" not in kept
