"""The Search view in a real browser, while trials come in: nothing is drawn anew, links lead to runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.searches import Search, SearchWorker
from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.tiny import tiny_study, until
from tests.toys import start_worker, toy_base, toy_search

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOTS = ROOT / "tests" / "screenshots"
PLOT = ".js-plotly-plot"


@pytest.fixture
def search(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Search]:
    """One at work: toys, of a second each."""
    tiny_study(counts=(8, 4, 4))
    monkeypatch.setattr(SearchWorker, "start", start_worker)
    base = toy_base(epochs=5, seconds=0.2)
    found = Search.begin(toy_search("live", base=base, trials=30, high=10.0, pruner="median"))
    until(lambda: any(one.state == "complete" for one in found.trials()), 60)
    yield found
    found.stop()
    until(lambda: not found.state().busy, 60)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_trials_come_in_without_anything_being_drawn_anew(
    search: Search, workspace: Path, chromium: Browser, serve: Serve, scheme: str
) -> None:
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(workspace)}) as url:
        context = chromium.new_context(viewport={"width": 1440, "height": 1900}, color_scheme=scheme)  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(f"{url}/search?search=live")
        page.wait_for_function(f"() => document.querySelectorAll('{PLOT}').length >= 4")
        page.evaluate(f"() => document.querySelectorAll('{PLOT}').forEach(node => node.dataset.mine = '1')")
        before = drawn(page)
        page.wait_for_function(f"before => {DOTS} >= before + 5", arg=before)
        assert page.evaluate(f"() => [...document.querySelectorAll('{PLOT}')].every(node => node.dataset.mine)")
        assert not page.get_by_text("Traceback").count()
        SHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SHOTS / f"search-{scheme}.png")
        if scheme == "light":
            page.get_by_role("button", name="Its curves").click()
            page.wait_for_url("**/curves?**")
            page.wait_for_url(lambda url: any(str(one.run) in url for one in search.trials()))
        context.close()


EACH = f"[...document.querySelectorAll('{PLOT}')].flatMap(node => (node.calcdata ?? []).map(trace => trace.length))"
DOTS = f"{EACH}.reduce((sum, length) => sum + length, 0)"
"""Points in all figures."""


def drawn(page: Page) -> int:
    return int(page.evaluate(f"() => {DOTS}"))
