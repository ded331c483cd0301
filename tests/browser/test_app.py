"""The app as a user meets it: in a real browser, with real runs; screenshots go to tests/screenshots."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core import jobs
from core.logbook import read_metrics
from core.runs import list_runs
from core.workspace import ROOT
from tests.browser.conftest import Serve
from tests.finished import Finished
from tests.tiny import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SHOTS = ROOT / "tests" / "screenshots"
VIEWS = {
    "": 0,
    "train": 0,
    "curves": 6,
    "ablation": 0,
    "space": 2,
    "similarity": 3,
    "gap": 6,
    "diseases": 2,
    "attention": 1,
    "retrieval": 4,
    "compare": 7,
}
"""How many figures each view shows at least for two finished runs."""

PLOT = ".js-plotly-plot"


@pytest.fixture(scope="module")
def app(finished_workspace: Finished, serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a copy of the finished workspace; its URL."""
    home = tmp_path_factory.mktemp("app") / "workspace"
    shutil.copytree(finished_workspace.home, home)
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(home)}) as url:
        yield url


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 1100}, accept_downloads=True)
    context.set_default_timeout(60_000)
    opened = context.new_page()
    yield opened
    context.close()


def settled(page: Page, figures: int = 0) -> None:
    """Wait until the script has run and at least so many figures are drawn."""
    page.wait_for_selector("h1")
    page.wait_for_function(
        f"() => [...document.querySelectorAll('{PLOT}')].filter(node => node._fullLayout).length >= {figures}"
    )
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def visit(page: Page, url: str, figures: int = 0) -> None:
    page.goto(url)
    settled(page, figures)


def linked(page: Page, *parts: str) -> None:
    """Wait until these are in the address: it is written after all else of a page."""
    page.wait_for_url(lambda url: all(part in url for part in parts))


def choose(page: Page, box: Locator, option: str) -> None:
    """Take an option of a select box. A rerun of the page may close the list, and of an option that is drawn anew
    between button down and up nothing is taken: then once more, as people do."""
    settled(page)
    wanted = page.get_by_role("option", name=option, exact=True)
    until(lambda: takes(box, wanted))


def takes(box: Locator, wanted: Locator) -> bool:
    from playwright.sync_api import TimeoutError as Late

    try:
        if not wanted.is_visible():
            box.click()
        wanted.click(timeout=3_000)
        wanted.wait_for(state="hidden", timeout=3_000)
    except Late:
        return False
    return True


def shot(page: Page, name: str) -> None:
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)


def query(finished: Finished, *presets: str) -> str:
    return "&".join(f"runs={finished.runs[preset]}" for preset in presets)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_opens_without_errors_or_remote_requests(
    app: str, chromium: Browser, finished_workspace: Finished, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 1600}, color_scheme=scheme)
    context.set_default_timeout(60_000)
    page = context.new_page()
    remote: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((app, "data:", "blob:")) else remote.append(r.url))
    for view, figures in VIEWS.items():
        visit(page, f"{app}/{view}?{query(finished_workspace, 'orthogonal', 'linear')}", figures)
        shot(page, f"{view or 'home'}-{scheme}")
        assert not page.query_selector_all('[data-testid="stException"]'), view
    context.close()
    assert not [url for url in remote if not url.startswith("ws://127.0.0.1")]


def test_a_run_is_launched_watched_and_looked_at(app: str, page: Page) -> None:
    visit(page, f"{app}/train?train-study=tiny&train-preset=linear")
    page.get_by_label("Label", exact=True).fill("from the page")
    epochs = page.get_by_label("Epochs", exact=True).locator("visible=true").first
    epochs.fill("2000")
    epochs.press("Enter")
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Launch").click()
    page.get_by_text("running", exact=True).first.wait_for()
    shot(page, "train-running")
    page.get_by_role("link", name="Watch their curves").click()
    settled(page)
    sizes = "[...document.querySelectorAll('.js-plotly-plot')].flatMap(n => (n.calcdata ?? []).map(c => c.length))"
    grown = f"() => Math.max(0, ...{sizes})"
    page.wait_for_function(f"() => ({grown})() > 0", timeout=120_000)
    first = page.evaluate(grown)
    page.wait_for_function(f"() => ({grown})() > {first}", timeout=60_000)
    shot(page, "curves-running")
    page.goto(f"{app}/train")
    card = page.locator('[data-testid="stVerticalBlock"]').filter(has_text="from the page").last
    card.get_by_text("finished", exact=True).wait_for(timeout=240_000)
    visit(page, f"{app}/space")
    page.get_by_text("from the page").first.wait_for()


def test_training_goes_on_when_the_page_is_closed_and_the_app_restarted(
    finished_workspace: Finished, chromium: Browser, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault row 9, in a real browser: launched on one page, found, still at work, on a page of another server."""
    home = tmp_path / "workspace"
    shutil.copytree(finished_workspace.home, home)
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))
    known = {run.id for run in list_runs()}
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(home)}) as url:
        page = chromium.new_page()
        page.set_default_timeout(60_000)
        visit(page, f"{url}/train?train-study=tiny&train-preset=linear")
        epochs = page.get_by_label("Epochs", exact=True).locator("visible=true").first
        epochs.fill("9999")
        epochs.press("Enter")
        page.wait_for_timeout(1500)
        page.get_by_role("button", name="Launch").click()
        page.get_by_text("Training:").first.wait_for(timeout=120_000)
        page.close()
    [run] = [run for run in list_runs() if run.id not in known]
    steps = len(read_metrics(run.folder / "metrics.jsonl"))
    assert run.state().running
    until(lambda: len(read_metrics(run.folder / "metrics.jsonl")) > steps + 5, 60)
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(home)}) as url:
        page = chromium.new_page(viewport={"width": 1440, "height": 1400})
        page.set_default_timeout(60_000)
        visit(page, f"{url}/train")
        card = page.locator('[data-testid="stVerticalBlock"]').filter(has_text=run.id[:4]).last
        card.get_by_text("running", exact=True).wait_for()
        card.get_by_text("Training:").wait_for()
        shot(page, "train-found-again")
        page.get_by_role("button", name="Stop").first.click()
        page.get_by_text("Resume goes on at step").first.wait_for()
        page.close()
    assert run.state().stopped


def test_the_camera_survives_a_recolour_and_a_click_shows_the_radiograph(
    app: str, page: Page, finished_workspace: Finished
) -> None:
    visit(page, f"{app}/space?{query(finished_workspace, 'orthogonal')}", 1)
    scene = f"document.querySelector('{PLOT}')._fullLayout.scene"
    page.wait_for_function(f"() => {scene}._scene && {scene}._scene.glplot")
    box = page.locator(PLOT).first.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 160, middle[1] + 60, steps=6)
    page.mouse.up()
    page.wait_for_timeout(800)
    turned = page.evaluate(f"() => JSON.stringify({scene}._scene.getCamera().eye)")
    choose(page, page.get_by_label("Colour by"), "Edema")
    page.wait_for_function(f"() => [...document.querySelector('{PLOT}').data].some(t => t.name === 'with Edema')")
    settled(page)
    after = page.evaluate(f"() => JSON.stringify({scene}._scene.getCamera().eye)")
    for axis, value in json.loads(turned).items():
        assert json.loads(after)[axis] == pytest.approx(value, abs=1e-3)
    linked(page, "colour=Edema")
    point = "{curveNumber: 0, pointNumber: 3, data: {name: 'radiographs'}, customdata: 3}"
    page.mouse.move(*middle)
    page.mouse.down()  # where the point lies on the screen is plotly's secret: the press is real, the hit is told
    page.evaluate(f"() => {{ document.querySelector('{PLOT}').emit('plotly_click', {{points: [{point}]}}) }}")
    page.mouse.up()
    page.get_by_text("The chosen radiograph").wait_for()
    settled(page)
    shot(page, "space-inspector")
    linked(page, "sample=")
    page.reload()
    page.get_by_text("The chosen radiograph").wait_for()


@pytest.mark.parametrize("form", ["SVG", "CSV", "HTML"])
def test_a_figure_is_exported(app: str, page: Page, finished_workspace: Finished, tmp_path: Path, form: str) -> None:
    visit(page, f"{app}/similarity?{query(finished_workspace, 'orthogonal', 'linear')}", 3)
    page.get_by_role("button", name="Export").first.click()
    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name=form, exact=True).click()
    name = download.value.suggested_filename
    assert name.startswith("fluoroscope_similarity_prompts_orthogonal")
    assert name.endswith(form.lower())
    download.value.save_as(tmp_path / name)
    text = (tmp_path / name).read_text()
    assert "Cardiomegaly" in text


def test_an_empty_workspace_fills_itself(chromium: Browser, serve: Serve, tmp_path: Path) -> None:
    """First light: one run is started, its progress is shown, and the first radiographs appear."""
    home = tmp_path / "workspace"
    with serve(ROOT / "dashboard" / "app.py", {"FLUOROSCOPE_HOME": str(home)}) as url:
        context = chromium.new_context(viewport={"width": 1440, "height": 1100})
        page = context.new_page()
        started = time.monotonic()
        page.goto(url)
        page.get_by_text("This workspace is empty").wait_for(timeout=30_000)
        page.get_by_text("Making the study:").wait_for(timeout=60_000)
        shot(page, "first-light")
        page.locator("img").first.wait_for(timeout=240_000)
        page.get_by_text("synthetic", exact=True).wait_for()
        print(f"first radiographs {time.monotonic() - started:.0f} s after the page opened")
        shot(page, "first-radiographs")
        context.close()
        (folder,) = (home / "runs").iterdir()
        assert jobs.stop(folder)
        until(lambda: not jobs.state(folder).busy, 60)
