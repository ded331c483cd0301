"""The Space view in a real browser: linked maps, a lasso, moments that play, another map made in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.test_app import app, choose, linked, page, query, settled, shot, visit
from tests.browser.test_linked_plots import POINT, RING
from tests.finished import Finished

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["app", "page"]

ROWS = "(gd, name) => { const t = gd._fullData.find(t => t.name === name); return t ? t.customdata.length : 0 }"


def both(app: str, page: Page, finished: Finished, more: str = "") -> None:
    visit(page, f"{app}/space?{query(finished, 'orthogonal', 'contrastive')}{more}", 2)


def test_what_is_pointed_at_on_one_map_is_ringed_on_the_others(
    app: str, page: Page, finished_workspace: Finished
) -> None:
    both(app, page, finished_workspace, "&sight=Flat")
    left, right = (page.locator(".fluoroscope-plot-canvas").nth(at) for at in (0, 1))
    x, y = left.evaluate(POINT, 3)
    page.mouse.move(x - 30, y - 30)
    page.mouse.move(x, y, steps=5)
    page.wait_for_function("document.querySelectorAll('.fluoroscope-plot-ring:not([hidden])').length === 1")
    row, box = right.evaluate(RING)
    at = right.evaluate("(gd, row) => [...gd._fullData[0].customdata].indexOf(Number(row))", row)
    there = right.evaluate(POINT, at)
    assert [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2] == pytest.approx(there, abs=1.5)


def test_a_lasso_opens_its_radiographs_and_a_reload_brings_it_back(
    app: str, page: Page, finished_workspace: Finished
) -> None:
    both(app, page, finished_workspace, "&sight=Both")
    flat = page.get_by_role("img", name="flat map of").first
    flat.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box = flat.bounding_box()
    assert box
    page.mouse.move(box["x"] + 8, box["y"] + 8)
    page.mouse.down()
    for across, down in ((0.5, 0), (0.5, 1), (0, 1), (0, 0.1)):
        page.mouse.move(
            box["x"] + 8 + across * (box["width"] - 16), box["y"] + 8 + down * (box["height"] - 16), steps=6
        )
    page.mouse.up()
    caught = page.get_by_text("of 64 radiographs", exact=False).filter(has_text="Selected:").first
    caught.wait_for()
    settled(page)
    count = int(caught.inner_text().split()[1])
    assert 0 < count < 64
    for at in range(4):
        canvas = page.locator(".fluoroscope-plot-canvas").nth(at)
        assert canvas.evaluate(ROWS, "radiographs") == count
        assert canvas.evaluate(ROWS, "not selected") == 64 - count
    linked(page, "lasso=")
    shot(page, "space-lasso")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export ids").click()
    assert len(download.value.path().read_text().splitlines()) == count + 1
    page.reload()
    page.get_by_text(f"Selected: {count} of 64 radiographs").wait_for()
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_text(f"Selected: {count} of 64 radiographs").wait_for(state="hidden")
    page.wait_for_url(lambda url: "lasso=" not in url)


def test_training_plays_on_both_maps_and_the_link_keeps_the_moment(
    app: str, page: Page, finished_workspace: Finished
) -> None:
    both(app, page, finished_workspace, "&map=training")
    canvases = page.locator(".fluoroscope-plot-canvas")
    places = "gd => [...gd._fullData[0].x].slice(0, 5)"
    last = [canvases.nth(at).evaluate(places) for at in (0, 1)]
    canvases.first.evaluate("gd => { gd.dataset.mark = 'kept' }")
    slider = page.get_by_role("slider", name="Moment of training").first
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**moment=0.000**")
    settled(page, 2)
    first = [canvases.nth(at).evaluate(places) for at in (0, 1)]
    assert all(before != after for before, after in zip(first, last, strict=True))
    assert [page.locator("output").nth(at).inner_text() for at in (0, 1)] == ["epoch 0", "epoch 0"]
    page.get_by_role("button", name="Play through training").first.click()
    page.wait_for_url(lambda url: "moment=1.000" in url, timeout=60_000)
    settled(page, 2)
    for at in (0, 1):
        assert canvases.nth(at).evaluate(places) == pytest.approx(last[at], abs=1e-5)
    assert canvases.first.evaluate("gd => gd.dataset.mark") == "kept"
    shot(page, "space-training")


def test_another_map_is_made_in_the_background_and_takes_the_place_of_the_first(
    app: str, page: Page, finished_workspace: Finished
) -> None:
    visit(page, f"{app}/space?{query(finished_workspace, 'linear')}&map=new", 1)
    page.locator(".fluoroscope-plot-canvas").first.evaluate("gd => { gd.dataset.mark = 'kept' }")
    choose(page, page.get_by_label("Method", exact=True), "tsne")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.get_by_text("Meanwhile its principal components").or_(page.get_by_text("The map is there")).first.wait_for()
    words = "document.body.innerText"
    page.wait_for_function(
        f"() => /Trustworthiness 0\\./.test({words}) && !/being measured|Meanwhile/.test({words})", timeout=120_000
    )
    settled(page, 1)
    linked(page, "map=tsne-")
    assert page.locator(".fluoroscope-plot-canvas").first.evaluate("gd => gd.dataset.mark") == "kept"
    assert "stability not measured" not in page.inner_text("body")
    shot(page, "space-tsne")
