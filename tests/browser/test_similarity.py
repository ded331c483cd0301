"""The Similarity view in a real browser: an order by likeness, and the heatmap of an epoch through the slider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_app import PLOT, app, linked, page, query, settled, shot, visit
from tests.finished import Finished
from tests.tiny import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["app", "page"]

HEAT = (
    "[...document.querySelectorAll('{plot}')].filter(node => node._fullData?.some(trace => trace.type === 'heatmap'))"
)


def heatmaps(page: Page) -> list[Any]:
    """Of each figure with heatmaps: titles of its panels, and its rows from above."""
    titles = "node.layout.annotations.map(one => one.text.replaceAll('<br>', ' '))"
    found: list[Any] = page.evaluate(f"() => {HEAT.format(plot=PLOT)}.map(node => [{titles}, node.data[0].y])")
    return found


def test_an_order_and_an_epoch(app: str, page: Page, finished_workspace: Finished) -> None:
    visit(page, f"{app}/similarity?{query(finished_workspace, 'orthogonal', 'contrastive')}", 5)
    listed = heatmaps(page)[0][1]
    page.get_by_role("radio", name="By likeness").or_(page.get_by_role("button", name="By likeness")).first.click()
    until(lambda: heatmaps(page)[0][1] != listed, 60)
    settled(page, 5)
    first, difference, moment = heatmaps(page)
    assert sorted(first[1]) == sorted(listed) and first[1] == difference[1] == moment[1]
    linked(page, "order=clustering")
    drawn = page.evaluate(f"() => {HEAT.format(plot=PLOT)}[0].querySelectorAll('.scatterlayer .js-line').length")
    assert drawn >= 1, "the tree stands beside the heatmaps"
    assert all("epoch 2" in title for title in moment[0])
    page.evaluate(f"() => {{ window.before = {HEAT.format(plot=PLOT)}[2] }}")
    slider = page.get_by_role("slider")
    for epoch in ("1", "0"):
        slider.press("ArrowLeft")
        until(lambda epoch=epoch: all(f"epoch {epoch}" in title for title in heatmaps(page)[2][0]), 60)  # type: ignore[misc]
    settled(page, 5)
    linked(page, "epoch=0")
    assert page.evaluate(f"() => window.before === {HEAT.format(plot=PLOT)}[2]"), "it moved in the same picture"
    assert page.get_by_test_id("stException").count() == 0
    shot(page, "similarity-epoch")
