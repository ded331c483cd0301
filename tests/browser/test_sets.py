"""Embeddings from a file to three panels in a real browser: imported and trained on from the page, light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from core.config.vectors import OrthogonaliseConfig
from core.imported import import_embeddings
from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.browser.test_app import choose, linked, page, settled, shot, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["page"]


@pytest.fixture(scope="module")
def app(real_data: Path, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a workspace without runs: CLIP's vectors and the module's output are there, BiomedCLIP's in a root."""
    from core.vectors.orthogonalising import orthogonalise
    from core.work import StopRequest

    home, root = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("data")
    folder = real_data / "text_embeddings"
    for name in ("biomedclip_basic.pt", "reference.json"):
        shutil.copy(folder / name, root)
    with patch.dict(os.environ, {"FLUOROSCOPE_HOME": str(home)}), patch("core.work.signal.signal"):
        import_embeddings(folder / "clip_basic.pt", "clip", labels=str(folder / "reference.json"))
        config = OrthogonaliseConfig(source="clip", name="clip-gram", steps=100)
        orthogonalise(config, home / "embeddings/clip-gram", StopRequest())
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(home), "FLUOROSCOPE_DATA": str(root)}) as url:
        yield url


def test_a_third_panel_from_a_file(app: str, page: Page) -> None:
    """BiomedCLIP's vectors are imported on the page and stand beside the others by themselves; the link names all."""
    page.set_default_timeout(240_000)  # the importing process loads torch
    visit(page, f"{app}/similarity?sets=clip&sets=clip-gram", 4)
    page.get_by_text("Import embeddings, or train").click()
    box = page.get_by_test_id("stSelectbox").filter(has_text="Labels").first.locator("input")
    box.wait_for()
    choose(page, box, "a file beside it")
    page.get_by_text("File of labels").wait_for()
    settled(page)
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("uniformity -1.339").wait_for()
    settled(page, 4)
    linked(page, "/similarity?sets=clip&sets=clip-gram&sets=biomedclip-basic")
    cells = [row.locator("th, td").all_inner_texts() for row in page.get_by_test_id("stTable").locator("tr").all()]
    rows = {name.strip(): values for name, *values in cells}
    for name, wanted in {  # as field.md has them: mean, smallest and largest cosine of the real prompts
        "Mean cosine": ("+0.853", "+0.653"),
        "Smallest": ("+0.757", "+0.472"),
        "Largest": ("+0.962", "+0.826"),
    }.items():
        assert (rows[name][0], rows[name][2]) == wanted
    titles = page.evaluate("() => document.querySelector('.js-plotly-plot').layout.annotations.map(one => one.text)")
    assert titles == ["clip", "clip-gram", "biomedclip-basic"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_panels_on_one_scale(app: str, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    visit(page, f"{app}/similarity?sets=clip&sets=clip-gram", 4)
    shot(page, f"sets-{scheme}")
    assert page.get_by_test_id("stException").count() == 0
    scales = page.evaluate(
        "() => document.querySelector('.js-plotly-plot')._fullData.map(trace => [trace.zmin, trace.zmax])"
    )
    assert scales == [[-1, 1], [-1, 1]]
