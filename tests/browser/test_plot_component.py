"""The plot component: what a browser does with it, and the little of it that is Python."""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core.errors import InputError
from dashboard.components.plot import Click, ensure_plotly_js, plot
from tests.browser.watch import CAMERA, DRAWN, Watch
from tests.components import click, figures, plots


def close_to(camera: dict[str, float]) -> dict[str, float]:
    return pytest.approx(camera, abs=1e-6)


@pytest.mark.browser
def test_a_turned_camera_survives_a_recolour_and_is_shared(watch: Watch) -> None:
    watch.show("maps", plots=2)
    before = watch.figure("map").evaluate(CAMERA)
    for name in ("map", "twin"):
        watch.figure(name).evaluate("gd => { gd.dataset.mark = 'kept' }")
    watch.drag(watch.centre("map"), 90, 30)
    watch.page.wait_for_timeout(500)
    turned = watch.figure("map").evaluate(CAMERA)
    assert turned != close_to(before)
    assert watch.figure("twin").evaluate(CAMERA) == close_to(turned)

    watch.page.get_by_role("button", name="crimson").or_(watch.page.get_by_role("radio", name="crimson")).click()
    for name in ("map", "twin"):
        watch.page.wait_for_function(
            "name => document.querySelector(`[aria-label=${name}]`).data[0].marker.color === 'crimson'", arg=name
        )
        assert watch.figure(name).evaluate("gd => gd.dataset.mark") == "kept"
        assert watch.figure(name).evaluate(CAMERA) == close_to(turned)
    watch.wait_for_text("clicks=[]")  # a turn that starts on a point is not a click


@pytest.mark.browser
def test_a_click_on_a_3d_point_arrives_once(watch: Watch) -> None:
    watch.show("maps", plots=2)
    x, y = watch.centre("map")
    watch.page.mouse.move(x, y, steps=3)
    watch.figure("map").locator("g.hovertext").wait_for()  # the scene picks points from its own rendered frames
    watch.page.mouse.down()
    watch.page.wait_for_timeout(200)
    watch.page.mouse.up()
    watch.wait_for_text("clicks=[('map', 0, 7, 107)]")
    watch.page.get_by_role("button", name="Rerun").click()
    watch.page.wait_for_timeout(700)
    watch.wait_for_text("clicks=[('map', 0, 7, 107)]")


@pytest.mark.browser
def test_clicks_on_cells_pixels_and_points_bring_their_customdata(watch: Watch) -> None:
    watch.show("cells", plots=3)
    seen = []
    for name, point, customdata in (("heatmap", (1, 1), [1, 1]), ("image", (1, 1), [1, 1]), ("points", 1, 8)):
        watch.page.mouse.click(*watch.centre(f"{name} of <b>9</b>"))
        seen.append((name, 0, point, customdata))
        watch.wait_for_text(f"clicks={seen}")
    watch.page.get_by_role("button", name="Rerun").click()
    watch.page.wait_for_timeout(700)
    watch.wait_for_text(f"clicks={seen}")
    assert watch.page.evaluate("window.hacked") is None
    assert watch.page.locator(".fluoroscope-plot script, .fluoroscope-plot img").count() == 0


@pytest.mark.browser
def test_a_figure_fits_its_column_takes_the_focus_and_saves_as_svg(watch: Watch) -> None:
    watch.show("cells", plots=3)
    figure = watch.figure("heatmap of <b>9</b>")
    wide, height = figure.evaluate("gd => [gd._fullLayout.width, gd._fullLayout.height]")
    assert (wide, height) == (pytest.approx(figure.evaluate("gd => gd.clientWidth"), abs=1), 220)
    watch.page.set_viewport_size({"width": 800, "height": 700})
    watch.page.wait_for_function(
        "wide => { const gd = document.querySelector('.js-plotly-plot');"
        " return gd.clientWidth < wide - 20 && Math.abs(gd.clientWidth - gd._fullLayout.width) < 1 }",
        arg=wide,
    )

    figure.focus()
    assert figure.evaluate("gd => document.activeElement === gd")
    figure.hover()
    with watch.page.expect_download() as download:
        figure.locator(".modebar-btn").first.click()
    assert download.value.suggested_filename == "heatmap.svg"
    assert Path(download.value.path()).read_text(encoding="utf-8").lstrip().startswith("<svg")


@pytest.mark.browser
def test_live_data_keep_the_node_and_the_zoom(watch: Watch) -> None:
    watch.show("live", plots=1)
    figure = watch.figure("Loss by step")
    figure.evaluate("gd => { gd.dataset.mark = 'kept'; gd.querySelector('.main-svg').dataset.mark = 'kept' }")
    watch.drag(watch.centre("Loss by step"), 150, 0)
    zoomed = figure.evaluate("gd => [...gd._fullLayout.xaxis.range]")
    steps = figure.evaluate("gd => gd._fullData[0].x.length")
    assert zoomed[0] > 3  # the whole curve starts at 0
    watch.page.wait_for_function(
        "n => document.querySelector('.js-plotly-plot')._fullData[0].x.length >= n", arg=steps + 2
    )
    assert figure.evaluate("gd => [...gd._fullLayout.xaxis.range]") == zoomed
    assert figure.evaluate("gd => [gd.dataset.mark, gd.querySelector('.main-svg').dataset.mark]") == ["kept", "kept"]


@pytest.mark.browser
def test_eight_figures_load_plotly_once_and_give_their_contexts_back(watch: Watch) -> None:
    """Browsers drop the oldest of more than 16 WebGL contexts and say so; three rounds of eight would reach 24."""
    watch.show("many", plots=8)
    assert sum("/app/static/plotly-" in url for url in watch.requests) == 1
    for _ in range(2):
        watch.page.evaluate("document.querySelectorAll('.js-plotly-plot').forEach(gd => { gd.dataset.old = 1 })")
        watch.page.get_by_role("button", name="Increment value").or_(
            watch.page.get_by_test_id("stNumberInputStepUp")
        ).first.click()
        watch.page.wait_for_function("!document.querySelector('[data-old]')")
        watch.page.wait_for_function(DRAWN, arg=8)
    assert sum("/app/static/plotly-" in url for url in watch.requests) == 1


@pytest.mark.browser
def test_a_missing_plotly_is_told_in_words(chromium, plots_page) -> None:
    page = chromium.new_page()
    page.route("**/app/static/**", lambda route: route.abort())
    page.goto(f"{plots_page}/?show=live")
    alert = page.locator(".fluoroscope-plot-note[role=alert]")
    alert.wait_for()
    assert "could not be loaded from /app/static/plotly-" in alert.inner_text()
    page.close()


def test_plotly_js_is_copied_once_and_whole(tmp_path: Path) -> None:
    copy = ensure_plotly_js(tmp_path / "static")
    assert copy.stat().st_size > 1_000_000
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    written = copy.stat().st_mtime_ns
    ensure_plotly_js.cache_clear()  # as another process would find it
    assert ensure_plotly_js(tmp_path / "static").stat().st_mtime_ns == written
    copy.write_bytes(b"torn")
    ensure_plotly_js.cache_clear()
    assert ensure_plotly_js(tmp_path / "static").stat().st_size > 1_000_000


def test_a_cell_comes_back_as_row_and_column() -> None:
    value = {"curve": 2, "trace": "t", "point": [3, 1], "customdata": [5, "id"], "x": "Mass", "y": "Nodule", "z": 0.5}
    assert Click.from_browser(value) == Click(2, "t", (3, 1), [5, "id"], "Mass", "Nodule", 0.5)


@pytest.mark.parametrize(("key", "alt"), [("", "A map"), ("map", "  ")])
def test_a_figure_without_key_or_words_is_refused(key: str, alt: str) -> None:
    with pytest.raises(InputError, match="alternative text"):
        plot(go.Figure(), key=key, alt=alt)


def test_an_app_test_sees_the_figures_and_can_click_them() -> None:
    at = AppTest.from_file(Path(__file__).parent / "apps" / "plots.py", default_timeout=60)
    at.query_params["show"] = "cells"
    at.run()
    assert not at.exception
    assert [figure["data"][0]["type"] for figure in figures(at)] == ["heatmap", "image", "scattergl"]
    assert [payload["height"] for payload in plots(at)] == [220, 220, 220]
    click(at, 0, point=[2, 1], customdata=[2, 1])
    assert at.text[0].value == "clicks=[('heatmap', 0, (2, 1), [2, 1])]"
    at.run()
    assert at.text[0].value == "clicks=[('heatmap', 0, (2, 1), [2, 1])]"
