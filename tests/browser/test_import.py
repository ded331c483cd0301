"""From a folder to a study in a real browser: columns proposed, import watched, radiographs looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.browser.test_app import page, settled, shot, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["page"]

WARD, PATIENT = "secretward", "MRN5551"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one dataset: 60 pictures, two of them unreadable, and a table."""
    root = tmp_path_factory.mktemp("data")
    folder = root / WARD
    folder.mkdir()
    rng = np.random.default_rng(0)
    names = [f"{PATIENT}{row:03d}.png" for row in range(60)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (256, 256), dtype=np.uint8)).save(folder / name)
    (folder / names[3]).write_bytes(b"")
    (folder / names[9]).write_text("<html>")
    table = pd.DataFrame({"filename": names, "patient": [f"{PATIENT}-{row // 2}" for row in range(60)]})
    table["report"] = [f"Report {row}: <b>lungs</b> are clear ![x](http://example.org/x.png)" for row in range(60)]
    table["Mass"], table["Edema"] = rng.integers(0, 2, 60), rng.choice([1, 0, -1], 60)
    table.to_csv(folder / "sheet.csv", index=False, sep=";")
    return root


@pytest.fixture(scope="module")
def app(place: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    env = {"FLUOROSCOPE_HOME": str(home), "FLUOROSCOPE_DATA": str(place)}
    with serve(ROOT / "dashboard" / "app.py", env) as url:
        yield url


def test_a_spreadsheet_becomes_a_study(app: str, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    visit(page, f"{app}/bring")
    page.get_by_label("Name of the study").fill("ward")
    page.keyboard.press("Enter")
    settled(page)
    shot(page, "import")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("finished").wait_for()
    shot(page, "imported")
    visit(page, f"{app}/studies?study=ward", 3)
    assert page.get_by_test_id("stMetricValue").all_inner_texts()[:2] == ["58", "30"]
    shot(page, "studies")
    visit(page, f"{app}/studies?study=ward&part=Set%20aside")
    assert "not a picture that can be decoded" in page.inner_text("body")
    visit(page, f"{app}/studies?study=ward&part=Radiographs")
    page.get_by_role("button", name="Look").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("<b>lungs</b> are clear ![x](http://example.org/x.png)").wait_for()
    shot(page, "radiograph")
    everything = page.content() + page.url + " ".join(asked)
    assert WARD not in everything and PATIENT not in everything
    assert all(url.startswith((app, app.replace("http", "ws"), "data:", "blob:")) for url in asked)


def test_the_pages_fit_light_and_dark_with_conditions_in_the_url(app: str, page: Page) -> None:
    for part, figures in (("Findings", 3), ("People", 1), ("Text", 2), ("Radiographs", 0), ("Identity", 0)):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            visit(page, f"{app}/studies?study=ward&part={part}&where-ward=finding%3AMass", figures)
            shot(page, f"studies-{part.lower()}-{scheme}")
            assert page.get_by_test_id("stException").count() == 0
