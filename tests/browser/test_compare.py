"""The Compare view in a real browser: sentences, a part that is added, the file of numbers, the way to a view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.pictures.compared import MEASURES
from tests.browser.test_app import app, query, settled, visit
from tests.finished import Finished

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["app"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 2400}, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_two_runs_on_one_page(app: str, page: Page, finished_workspace: Finished, tmp_path: Path) -> None:
    visit(page, f"{app}/compare?{query(finished_workspace, 'orthogonal', 'contrastive')}", 7)
    page.get_by_text("paired bootstrap over 6 test patients").first.wait_for()
    page.get_by_role("button", name="Retrieval", exact=True).click()
    settled(page, 9)
    page.get_by_role("heading", name="Retrieval").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "numbers.csv")
    assert len((tmp_path / "numbers.csv").read_text().splitlines()) == 1 + 2 * len(MEASURES)
    page.get_by_role("button", name="Show more").nth(1).click()
    page.get_by_role("heading", name="Space", exact=True).wait_for()
    page.wait_for_url(lambda url: "/space" in url and url.count("runs=") == 2)
