"""A real Chromium and a real Streamlit server for the browser tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.components.plot import ensure_plotly_js
from scripts.serving import serving
from tests.browser.watch import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Serve = Callable[..., AbstractContextManager[str]]


def chromium_path() -> str | None:
    """Chromium as Debian and its neighbours install it, or $CHROMIUM."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless browser for the session; WebGL comes from its software renderer."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium), so the page cannot be looked at")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """`with serve(app_file, env) as url:` runs an app for the length of the block."""
    return serving


@pytest.fixture(scope="session")
def plots_page(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of apps/plots.py, in a folder of its own because Streamlit serves static/ from beside the script."""
    app = Path(shutil.copy(Path(__file__).parent / "apps" / "plots.py", tmp_path_factory.mktemp("app")))
    ensure_plotly_js(app.parent / "static")
    with serve(app) as url:
        yield url


@pytest.fixture
def watch(chromium: Browser, plots_page: str) -> Iterator[Watch]:
    watch = Watch(chromium, plots_page)
    yield watch
    watch.page.close()
    assert not watch.complaints
    assert not watch.remote()
