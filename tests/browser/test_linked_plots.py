"""Figures of one group in a real browser: the pointer, the keyboard, a lasso, and moments that play."""

from __future__ import annotations

import ast

import numpy as np
import pytest

from tests.browser.watch import CAMERA, Watch

RING = (
    "gd => { const ring = gd.parentElement.querySelector('.fluoroscope-plot-ring');"
    " return ring && !ring.hidden ? [ring.dataset.row, ring.getBoundingClientRect().toJSON()] : null }"
)
POINT = (
    "(gd, at) => { const full = gd._fullLayout, [x, y] = [gd._fullData[0].x[at], gd._fullData[0].y[at]];"
    " const box = gd.getBoundingClientRect(); return [box.left + full.xaxis._offset + full.xaxis.d2p(x),"
    " box.top + full.yaxis._offset + full.yaxis.d2p(y)] }"
)
LARGEST = "gd => Math.max(...gd._fullData[0].x)"

pytestmark = pytest.mark.browser


def test_what_the_pointer_is_over_is_ringed_in_the_other_figures(watch: Watch) -> None:
    watch.show("linked", plots=3)
    x, y = watch.figure("flat").evaluate(POINT, 3)
    watch.page.mouse.move(x - 20, y - 20)
    watch.page.mouse.move(x, y, steps=4)
    watch.page.wait_for_function("document.querySelectorAll('.fluoroscope-plot-ring:not([hidden])').length === 2")
    assert watch.figure("flat").evaluate(RING) is None
    row, box = watch.figure("cube").evaluate(RING)
    centre = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    assert row == "107"
    np.testing.assert_allclose(centre, watch.centre("cube"), atol=8)  # (1, 1, 1) is seen in the middle
    watch.page.mouse.move(x - 60, y + 60, steps=4)
    watch.page.wait_for_function("!document.querySelector('.fluoroscope-plot-ring:not([hidden])')")


def test_arrow_keys_turn_a_scene_and_its_group(watch: Watch) -> None:
    watch.show("linked", plots=3)
    before = watch.figure("cube").evaluate(CAMERA)
    scrolled = watch.page.evaluate("scrollY")
    watch.figure("cube").focus()
    for key in ("ArrowLeft", "ArrowUp", "+"):
        watch.page.keyboard.press(key)
        watch.page.wait_for_timeout(300)
    after = watch.figure("cube").evaluate(CAMERA)
    far = {name: np.linalg.norm(list(eye.values())) for name, eye in (("before", before), ("after", after))}
    assert far["after"] == pytest.approx(far["before"] / 1.15, rel=1e-3)
    assert np.arctan2(after["y"], after["x"]) == pytest.approx(np.arctan2(before["y"], before["x"]) - np.pi / 18)
    assert after["z"] / far["after"] > before["z"] / far["before"]
    assert watch.figure("growing").evaluate(CAMERA) == pytest.approx(after, abs=1e-6)
    assert watch.page.evaluate("scrollY") == scrolled


def test_a_lasso_comes_back_as_its_corners(watch: Watch) -> None:
    watch.show("linked", plots=3)
    (left, low), (right, high) = (watch.figure("flat").evaluate(POINT, at) for at in (0, 3))
    watch.page.mouse.move(left - 15, low + 15)
    watch.page.mouse.down()
    for x, y in ((right + 15, low + 15), (right + 15, high - 15), (left - 15, high - 15), (left - 15, low)):
        watch.page.mouse.move(x, y, steps=5)
    watch.page.mouse.up()
    watch.page.get_by_text("heard=[('flat', ").wait_for()
    told = watch.page.get_by_text("heard=[('flat', ").inner_text().removeprefix("heard=")
    name, middle, moment = ast.literal_eval(told)[0]
    assert (name, moment) == ("flat", None)
    np.testing.assert_allclose(middle, [0.5, 0.5], atol=0.3)
    watch.page.wait_for_function(  # what plotly.js itself would leave on the picture is gone
        "() => !document.querySelector('[aria-label=flat] .selectionlayer path')"
    )


def test_moments_play_and_say_where_they_came_to_rest(watch: Watch) -> None:
    watch.show("linked", plots=3)
    growing = watch.figure("growing")
    assert growing.evaluate(LARGEST) == 0.5  # the server said so
    player = watch.page.locator(".fluoroscope-plot-player:not([hidden])")
    player.get_by_text("epoch 5", exact=True).wait_for()
    assert player.count() == 1
    slider = player.get_by_role("slider", name="Moment of training")
    slider.focus()
    watch.page.keyboard.press("Home")
    watch.page.wait_for_function("Math.max(...document.querySelector('[aria-label=growing]')._fullData[0].x) === 0")
    watch.wait_for_text("heard=[('growing', None, 'epoch 0')]")
    growing.evaluate("gd => { gd.dataset.mark = 'kept' }")
    player.get_by_role("button", name="Play through training").click()
    player.get_by_role("button", name="Pause").wait_for()
    watch.page.wait_for_function(  # between two moments, too
        "() => { const x = Math.max(...document.querySelector('[aria-label=growing]')._fullData[0].x);"
        " return x > 0 && x !== 0.5 && x < 1 }"
    )
    watch.wait_for_text("heard=[('growing', None, 'epoch 0'), ('growing', None, 'epoch 9')]")
    assert growing.evaluate(LARGEST) == 1
    assert growing.evaluate("gd => gd.dataset.mark") == "kept"
    player.get_by_text("epoch 9", exact=True).wait_for()
