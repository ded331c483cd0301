"""A picture for the README is taken when its view is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scripts.pictures_page import Camera
from scripts.pictures_small import small_png
from scripts.pictures_views import Picture
from tests.browser.test_app import app, query
from tests.finished import Finished
from tests.test_pictures import opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.slow]
__all__ = ["app"]


def test_a_picture_is_taken_when_its_figures_are_drawn(app: str, finished: Finished, chromium: Browser) -> None:
    both = query(finished, "orthogonal", "contrastive")
    whole = Picture("similarity", "similarity", both, figures=3, height=1500, tall=1400)
    part = Picture("part", "diseases", f"{both}&cell=Edema.0.0", figures=2, height=3600, tall=300, top="worst first")
    camera = Camera(app, chromium)
    taken = opened(small_png(camera.take(whole, whole.query)))
    below = opened(camera.take(part, part.query))
    assert 900 < taken.shape[1] < 1200 and 1000 < taken.shape[0] <= 1410
    blue = (np.abs(taken.astype(int) - (73, 159, 212)).max(2) < 12).sum()
    assert blue > 2 * 14 * 400, "the diagonals of both heatmaps are there"
    assert below.shape[0] <= 310 and np.ptp(below[-100:]) > 200, "radiographs below the heading"
