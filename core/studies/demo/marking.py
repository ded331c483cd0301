"""Boxes around findings: the program that draws them knows where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.studies.demo.anatomy import Scene, build_scene
from core.studies.demo.body import draw_body, reshape
from core.studies.demo.canvas import Field
from core.studies.demo.findings import each_finding
from core.studies.listing import no_boxes

MARKED = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")
"""The findings that NIH's radiologists marked, in the test split alone (BBox_List_2017.csv)."""

SIZE = 96
"""Side of the scenes that are looked at, in pixels: a box is right to about 1 % of the radiograph's side."""

FAINT = 0.3
"""What changes the picture by less than this share of the largest change lies outside the box."""


def boxes_of(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The boxes in the test radiographs: ``id``, ``finding``; ``x``, ``y``, ``width``, ``height`` in shares of a side.

    Args:
        rows: of the demo table.
    """
    found = [
        {"id": row["id"], "finding": name, **dict(zip(("x", "y", "width", "height"), box, strict=True))}
        for row in rows
        if row["split"] == "test"
        for name, box in marked(row)
    ]
    empty = no_boxes().rename(columns={"file": "id"})
    return pd.DataFrame(found, columns=list(empty)) if found else empty


def marked(row: Mapping[str, Any]) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Findings of a row and the box of each, one for each side: what drawing it changes, however the rest looks."""
    wanted = [name for name in MARKED if row[f"finding:{name}"] == 1]
    if not wanted:
        return []
    scene = _scene(row)
    changes = []
    if "Cardiomegaly" in wanted:
        changes.append(("Cardiomegaly", scene.heart - _scene({**row, "finding:Cardiomegaly": 0.0}).heart))
    before = scene.attenuation()
    for name in each_finding(scene, row):
        after = scene.attenuation()
        if name in wanted:
            changes.append((name, after - before))
        before = after
    return [(name, _extent(change)) for name, change in changes if change.any()]


def _scene(row: Mapping[str, Any]) -> Scene:
    body = draw_body(row)
    reshape(body, row)
    return build_scene(body, SIZE, int(row["body_seed"]), int(row["render_seed"]))


def _extent(change: Field) -> tuple[float, float, float, float]:
    """x, y, width and height of what changed most, in shares of the side."""
    strong = np.abs(change) >= FAINT * np.abs(change).max()
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return left / SIZE, top / SIZE, (int(columns[-1]) + 1 - left) / SIZE, (int(rows[-1]) + 1 - top) / SIZE
