"""Boxes of the demo lie around what was drawn: without the finding, the picture differs inside them."""

from __future__ import annotations

import numpy as np
import pytest

from core.studies.demo import DemoConfig, render, sample_table
from core.studies.demo.marking import MARKED, boxes_of, marked

ROWS = sample_table(DemoConfig()).to_dict("records")
TEST = [row for row in ROWS if row["split"] == "test"]


def of(finding: str) -> dict:
    """A test radiograph with this finding, and as few others as there are."""
    own = [row for row in TEST if row[f"finding:{finding}"] == 1]
    return min(own, key=lambda row: sum(row[f"finding:{name}"] for name in MARKED))


@pytest.mark.parametrize("finding", ["Mass", "Nodule", "Pneumonia", "Effusion", "Infiltration", "Pneumothorax"])
def test_what_a_finding_changes_lies_in_its_boxes(finding: str) -> None:
    """Of two renders, with and without it, the difference in a pixel of a box is several times that outside."""
    row = of(finding)
    with_it, without = (render({**row, f"finding:{finding}": on}, 96).astype(float) for on in (1.0, 0.0))
    inside = np.zeros((96, 96), bool)
    for name, (x, y, width, height) in marked(row):
        if name == finding:
            left, top = round(x * 96), round(y * 96)
            inside[top : top + round(height * 96), left : left + round(width * 96)] = True
    change = np.abs(with_it - without)
    assert 0.0005 < inside.mean() < 0.4
    assert change[inside].mean() > 4 * change[~inside].mean()


def test_the_heart_is_boxed() -> None:
    boxes = [box for name, box in marked(of("Cardiomegaly")) if name == "Cardiomegaly"]
    ((x, y, width, height),) = boxes
    assert x < 0.5 < x + width and 0.35 < y + height / 2 < 0.8 and width > 0.3


def test_only_marked_findings_of_test_radiographs() -> None:
    some = [*TEST[:6], *[row for row in ROWS if row["split"] == "train"][:6]]
    boxes = boxes_of(some)
    known = {row["id"]: row for row in TEST}
    assert set(boxes["finding"]) <= set(MARKED) and set(boxes["id"]) <= set(known)
    for row in boxes.to_dict("records"):
        assert known[row["id"]][f"finding:{row['finding']}"] == 1
        assert 0 <= row["x"] < row["x"] + row["width"] <= 1 and 0 <= row["y"] < row["y"] + row["height"] <= 1
    expected = {row["id"] for row in TEST[:6] if any(row[f"finding:{name}"] == 1 for name in MARKED)}
    assert set(boxes["id"]) == expected


def test_without_test_radiographs_there_is_no_box() -> None:
    boxes = boxes_of([row for row in ROWS if row["split"] == "train"][:3])
    assert boxes.empty and set(boxes) == {"id", "finding", "x", "y", "width", "height"}
