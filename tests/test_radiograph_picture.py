"""One radiograph, large: boxes lie where they were marked, each finding in its own colour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.pictures.radiograph import SIDE, colour_of, marked

COLUMNS = ["finding", "x", "y", "width", "height"]


def test_without_boxes_it_is_the_picture_enlarged() -> None:
    picture = np.full((32, 32), 77, np.uint8)
    shown = marked(picture, pd.DataFrame(columns=COLUMNS))
    assert shown.shape == (SIDE, SIDE, 3) and (shown == 77).all()


def test_a_box_is_drawn_where_it_was_marked() -> None:
    boxes = pd.DataFrame([["Mass", 0.25, 0.5, 0.5, 0.25], ["Edema", 0.0, 0.0, 0.1, 0.1]], columns=COLUMNS)
    shown = marked(np.zeros((32, 32), np.uint8), boxes).astype(int)
    rows, columns = np.nonzero((shown == list(bytes.fromhex(colour_of("Mass", boxes)[1:]))).all(axis=2))
    assert abs(rows.min() - SIDE / 2) < 2 and abs(rows.max() - SIDE * 3 / 4) < 2
    assert abs(columns.min() - SIDE / 4) < 2 and abs(columns.max() - SIDE * 3 / 4) < 2
    assert colour_of("Mass", boxes) != colour_of("Edema", boxes)
    assert (shown[SIDE * 5 // 8, SIDE // 2] == 0).all(), "the inside stays free"
