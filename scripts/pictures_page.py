"""A browser that looks at the app, and a picture of what it sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

from core.errors import ExportError
from core.figures import browser
from scripts.pictures_views import Picture

WIDTH, BESIDE, ABOVE = 1440, 24, 6
"""Of the window, and what is seen beside and above of what is shown, in CSS pixels."""

DRAWN = """figures => {
  const plots = [...document.querySelectorAll('.js-plotly-plot')].filter(node => node._fullLayout);
  const waiting = document.querySelectorAll('.fluoroscope-plot-note:not([hidden]), [data-testid="stSkeleton"]');
  return plots.length >= figures && !waiting.length && [...document.images].every(image => image.complete);
}"""
"""Each figure has been drawn by plotly.js, which hides its note then, and each radiograph has arrived."""

EDGES = """heading => {
  const main = document.querySelector('[data-testid="stMainBlockContainer"]');
  const first = [...main.querySelectorAll('h1, h2, h3, h4')].find(node => node.innerText.includes(heading));
  const last = [...main.querySelectorAll('*')].filter(node => node.checkVisibility());
  const bottom = Math.max(...last.map(node => node.getBoundingClientRect().bottom));
  const inner = main.firstElementChild.getBoundingClientRect();
  return [inner.left, first.getBoundingClientRect().top, inner.right, bottom];
}"""
"""Where a picture begins and ends: at the sides of what the view shows, from a heading to the last thing."""

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SETTLE = 1500
"""Milliseconds that scenes and tables, which draw on a canvas, have for their last frame."""


@contextmanager
def camera(url: str) -> Iterator[Camera]:
    """A camera with a Chromium of its own, for the length of the block."""
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        yield Camera(url, opened)
        opened.close()


@dataclass(frozen=True)
class Camera:
    """Takes pictures of the app at this address in a browser that is open."""

    url: str
    browser: Browser

    def take(self, picture: Picture, query: str) -> bytes:
        """A PNG of a view without the menu, from its title or a heading to the end of what it shows, or of the window.

        Raises:
            ExportError: the view shows an error.
        """
        page = self.browser.new_page(viewport={"width": WIDTH, "height": picture.height}, color_scheme="light")
        page.set_default_timeout(120_000)
        try:
            page.goto(f"{self.url}/{'' if picture.view == 'home' else picture.view}?{query}")
            self._settle(page, picture)
            if picture.press and (button := page.get_by_role("button", name=picture.press)).count():
                button.first.click()
                page.mouse.move(0, 0)  # a figure under the pointer shows its toolbar
            if words := picture.ready or picture.top:
                page.get_by_text(words).first.wait_for()
                if picture.gone:
                    page.get_by_text(picture.gone).first.wait_for(state="hidden")
                self._settle(page, picture)
            if page.query_selector('[data-testid="stException"]'):
                raise ExportError(
                    f"The view {picture.view} shows an error: {page.inner_text('[data-testid=stException]')}"
                )
            left, top, right, bottom = page.evaluate(EDGES, picture.top)
            height = min(picture.tall, min(picture.height, bottom) - top) + ABOVE
            sides = {"x": left - BESIDE, "width": right - left + 2 * BESIDE}
            return page.screenshot(clip={**sides, "y": top - ABOVE, "height": height})
        finally:
            page.close()

    @staticmethod
    def _settle(page: Page, picture: Picture) -> None:
        page.wait_for_selector("h1")
        page.wait_for_selector(IDLE)
        page.wait_for_function(DRAWN, arg=picture.figures)
        page.wait_for_timeout(SETTLE)
        page.wait_for_selector(IDLE)
