"""A real Chromium and a real Streamlit server for the browser tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.components.plot import ensure_plotly_js
from tests.browser.watch import Watch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 40.0
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


@contextmanager
def serving(app_file: Path, env: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run `app_file` under Streamlit on a free port of 127.0.0.1, started in the repository root; yields its URL."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(app_file), f"--server.port={port}"]
    command += ["--server.address=127.0.0.1", "--server.headless=true", "--server.enableStaticServing=true"]
    command += ["--browser.gatherUsageStats=false", "--server.fileWatcherType=none"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log.txt").open("w+b") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_healthy(process, url, Path(folder) / "log.txt")
            yield url
        finally:
            stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(process: subprocess.Popen[bytes], url: str, log_path: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"Streamlit did not start at {url}:\n{log_path.read_text(encoding='utf-8')}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End exactly the process group that `serve` started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=5)
