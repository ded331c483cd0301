"""The Retrieval view in a real browser: the other way round, the best cases, a radiograph opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.test_app import app, linked, query, settled, visit
from tests.finished import Finished

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["app"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 2400})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_a_text_is_looked_up_and_its_radiograph_opened(app: str, page: Page, finished_workspace: Finished) -> None:
    visit(page, f"{app}/retrieval?{query(finished_workspace, 'contrastive', 'linear')}", 4)
    page.get_by_text("Its text", exact=True).first.wait_for()
    page.get_by_role("radio", name="Text → image").click()
    page.get_by_text("Nearest radiographs").first.wait_for()
    page.get_by_role("radio", name="Best first").click()
    page.wait_for_url(lambda url: "cases=best" in url and "way=text_to_image" in url)
    page.get_by_role("button", name="Look").first.click()
    page.get_by_role("heading", name="The chosen radiograph").wait_for()
    settled(page, 4)
    linked(page, "sample=")
