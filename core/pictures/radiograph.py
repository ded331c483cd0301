"""One radiograph, large, with the places that somebody marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from core.figures.theme import DARK

SIDE = 896
"""Side in pixels of the enlarged picture: thin lines need more pixels than the stored one has."""


def marked(picture: NDArray[np.uint8], boxes: pd.DataFrame) -> NDArray[np.uint8]:
    """Enlarge a picture and draw boxes on it, each finding in its own colour.

    Args:
        picture: (S, S) grey.
        boxes: ``finding``, and ``x``, ``y``, ``width``, ``height`` as shares of the side; may be empty.

    Returns:
        uint8 (896, 896, 3).
    """
    large = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")
    pen = ImageDraw.Draw(large)
    for row in boxes.to_dict("records"):
        left, top = row["x"] * SIDE, row["y"] * SIDE
        right, bottom = left + row["width"] * SIDE, top + row["height"] * SIDE
        pen.rectangle((left, top, right, bottom), outline=colour_of(row["finding"], boxes), width=4)
    return np.asarray(large)


def colour_of(finding: str, boxes: pd.DataFrame) -> str:
    """The colour of a finding's boxes."""
    names = sorted(set(boxes["finding"]))
    return DARK.colour(names.index(finding))
