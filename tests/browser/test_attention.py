"""The Attention view in a real browser with the real process: asked, waited for, shown over the radiograph."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.asking.warm import IDLE
from core.attention.boxed import boxed_pairs
from core.attention.looked import Looked
from core.runs import Run
from core.studies.study import Study
from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.browser.test_app import page, shot
from tests.finished import Finished
from tests.tiny import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["page"]

HEAT = "() => [...document.querySelectorAll('.js-plotly-plot .hm image')].filter(one => one.getAttribute('href'))"


@pytest.fixture(scope="module")
def home(finished_workspace: Finished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the finished workspace; the process that answers is stopped in the end."""
    copied = tmp_path_factory.mktemp("attention") / "workspace"
    shutil.copytree(finished_workspace.home, copied)
    yield copied
    for folder in (copied / "runs").iterdir():
        looked = Looked.of(Run(folder))
        looked.stop()
        until(lambda looked=looked: not looked.state().busy, 60)


@pytest.fixture(scope="module")
def app(home: Path, serve: Serve) -> Iterator[str]:
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(home), IDLE: "60"}) as url:
        yield url


def test_asked_shown_and_words_typed(
    app: str, page: Page, home: Path, finished_workspace: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))
    page.set_default_timeout(120_000)  # the process loads torch
    run = Run(home / "runs" / finished_workspace.runs["contrastive"])
    sample, finding, _ = boxed_pairs(Study.load("tiny"))[0][0]
    page.goto(f"{app}/attention?runs={run.id}&sample={sample}&attention-finding={finding}")
    page.get_by_role("button", name="Show where it looks").click()
    page.get_by_text("starting: it loads the image tower").wait_for()
    page.wait_for_function(f"{HEAT}.length === 1 || document.body.innerText.includes('nothing here raises')")
    looked = Looked.of(run)
    found = looked.kept(looked.look(sample, finding=finding).name)
    assert found is not None
    page.locator(".js-plotly-plot").get_by_text(f"cosine to the prompt {found.score:+.2f}").first.wait_for()
    outlines = "() => document.querySelectorAll('.js-plotly-plot .scatterlayer .js-line').length"
    assert page.evaluate(outlines) == 2  # on the radiograph, and on the map
    shot(page, "attention")
    page.get_by_text("Outline boxes").click()
    page.wait_for_function(f"{outlines.replace('=>', '=> 0 ===')}")
    page.get_by_text("Typed text", exact=True).click()
    field = page.get_by_role("textbox", name="Text", exact=True)
    field.fill("large left effusion")
    field.press("Enter")
    page.locator(".js-plotly-plot").get_by_text("cosine to the text").first.wait_for()
    assert "effusion" not in page.url
    kept = b"".join(path.read_bytes() for path in looked.folder.rglob("*") if path.is_file())
    assert b"large left" not in kept
    assert page.get_by_test_id("stException").count() == 0
