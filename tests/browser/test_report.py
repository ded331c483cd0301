"""The report in a real browser: figures go in, a scene is turned, the ZIP comes down and holds what it says."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pypdfium2
import pytest
from playwright.sync_api import Page

from tests.browser.test_app import app, page, query, settled, visit
from tests.browser.watch import DRAWN
from tests.finished import Finished

__all__ = ["app", "page"]


@pytest.mark.browser
def test_figures_go_in_and_come_down_as_a_zip(app: str, page: Page, finished_workspace: Finished) -> None:
    runs = query(finished_workspace, "linear", "orthogonal")
    for view in ("similarity", "space"):
        visit(page, f"{app}/{view}?{runs}", 2)
        page.get_by_role("button", name="Add to report").first.click()
        page.get_by_role("button", name="In the report").first.wait_for()
    visit(page, f"{app}/report", 2)
    page.wait_for_function(DRAWN, arg=2)
    scene = page.locator(".js-plotly-plot").nth(1)
    scene.scroll_into_view_if_needed()
    box = scene.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 230, steps=6)
    page.mouse.up()
    settled(page)
    page.wait_for_timeout(800)
    settled(page)
    page.get_by_role("button", name="Make the files").click()
    with page.expect_download(timeout=240_000) as coming:
        page.get_by_role("button", name="Download the ZIP").click(timeout=240_000)
    archive = zipfile.ZipFile(io.BytesIO(coming.value.path().read_bytes()))
    assert archive.testzip() is None
    pdf = archive.read("report/figures/01-similarity/figure-2-columns.pdf")
    with pypdfium2.PdfDocument(pdf) as pages:
        assert np.asarray(pages[0].render(scale=1).to_pil().convert("L")).std() > 5
    spec = json.loads(archive.read("report/figures/02-space/spec.json"))
    assert len(spec["camera"]) == 9 and spec["camera"][:3] != [1.0, 1.0, 0.8]
    assert spec["recipe"]["runs"] == [finished_workspace.runs["linear"]]
    assert b"Figure 2: Map of the embedding space" in archive.read("report/README.md")
