"""The shift slider of the Modality gap view, moved by the keyboard in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.runs import Run
from tests.browser.test_app import app, query, visit
from tests.finished import Finished

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["app"]

MAP = "document.querySelectorAll('.js-plotly-plot')[0]"
ALONG = f"{MAP}.calcdata[1].map((point) => point.x)"
"""Where the images lie along the gap; trace 0 are the lines."""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 2400})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def shown(page: Page, name: str) -> str:
    metric = page.get_by_test_id("stMetric").filter(has_text=name).first
    return metric.get_by_test_id("stMetricValue").inner_text()


def test_the_slider_moves_points_and_numbers(app: str, page: Page, finished: Finished, tmp_path: Path) -> None:
    curve = Run.load(finished.runs["contrastive"]).evaluation()["space"]["shift"]
    visit(page, f"{app}/gap?{query(finished, 'contrastive')}", 5)
    page.evaluate(f"{MAP}.dataset.mine = 'yes'")
    before = page.evaluate(ALONG)
    assert shown(page, "Contrastive loss") == f"{curve['loss'][20]:.3f}"
    page.get_by_role("slider").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("([old, expr]) => Math.abs(eval(expr)[0] - old) > 0.01", arg=[before[0], ALONG])
    wanted = f"{curve['loss'][24]:.3f}"
    page.get_by_test_id("stMetricValue").get_by_text(wanted, exact=True).first.wait_for()
    after = page.evaluate(ALONG)
    assert curve["requested"][24] == 1
    assert len(before) == len(after) and sum(after) < sum(before)  # images go against the gap's direction
    assert shown(page, "Contrastive loss") == wanted
    assert page.evaluate(f"{MAP}.dataset.mine") == "yes"  # the same node: nothing was mounted anew
    page.wait_for_url(lambda url: url.endswith("shift=1"))
