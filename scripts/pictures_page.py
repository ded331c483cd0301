"""A browser that looks at the app, and what it sees as a small PNG."""

from __future__ import annotations

import io
from typing import Self

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from core.errors import ExportError
from core.figures import browser
from scripts.pictures_views import Picture

WIDTH, MARGIN = 1440, 24
"""Of the window, and below what is the last thing on the page, in CSS pixels."""

LARGEST = 250_000
"""Bytes of a picture."""

DRAWN = """figures => {
  const plots = [...document.querySelectorAll('.js-plotly-plot')].filter(node => node._fullLayout);
  const waiting = document.querySelectorAll('.fluoroscope-plot-note:not([hidden]), [data-testid="stSkeleton"]');
  return plots.length >= figures && !waiting.length && [...document.images].every(image => image.complete);
}"""
"""Each figure has been drawn by plotly.js, which hides its note then, and each radiograph has arrived."""

BOTTOM = """() => Math.max(...[...document.querySelectorAll('[data-testid="stMainBlockContainer"] *')]
  .filter(node => node.checkVisibility()).map(node => node.getBoundingClientRect().bottom))"""

IDLE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
SETTLE = 1500
"""Milliseconds that scenes and tables, which draw on a canvas, have for their last frame."""


class Camera:
    """A Chromium of its own; ``with`` closes it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> Self:
        self.driver = sync_playwright().start()
        self.browser = self.driver.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.close()
        self.driver.stop()

    def take(self, picture: Picture, query: str) -> bytes:
        """A PNG of a view, from its top to the end of what it shows, or of the window.

        Raises:
            ExportError: the view shows an error.
        """
        page = self.browser.new_page(viewport={"width": WIDTH, "height": picture.height}, color_scheme="light")
        page.set_default_timeout(120_000)
        try:
            page.goto(f"{self.url}/{'' if picture.view == 'home' else picture.view}?{query}")
            self._settle(page, picture)
            if picture.press:
                page.get_by_role("button", name=picture.press).first.click()
            if picture.ready:
                page.get_by_text(picture.ready).first.wait_for()
                self._settle(page, picture)
            if page.query_selector('[data-testid="stException"]'):
                raise ExportError(
                    f"The view {picture.view} shows an error: {page.inner_text('[data-testid=stException]')}"
                )
            bottom = min(picture.height, int(page.evaluate(BOTTOM)) + MARGIN)
            return page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": bottom})
        finally:
            page.close()

    @staticmethod
    def _settle(page: Page, picture: Picture) -> None:
        page.wait_for_selector("h1")
        page.wait_for_selector(IDLE)
        page.wait_for_function(DRAWN, arg=picture.figures)
        page.wait_for_timeout(SETTLE)
        page.wait_for_selector(IDLE)


def palette_png(png: bytes) -> bytes:
    """The same picture in as many colours, at most 256, as fit into 250 kB.

    Raises:
        ExportError: 16 are too many.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32, 16):
        made = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
        if made.tell() < LARGEST:
            return made.getvalue()
    raise ExportError(
        f"A picture of {image.width} x {image.height} is larger than {LARGEST // 1000} kB: make it lower."
    )
