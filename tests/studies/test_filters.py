"""Conditions on columns, against a slow version that looks at one sample after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.studies.filters import bounds, categories, columns, matching
from core.studies.manifest import About
from core.studies.study import Study
from core.studies.vocabulary import UNKNOWN
from core.studies.writing import write_study
from tests.tiny import given

NAN = float("nan")


@pytest.fixture
def study(workspace: Any) -> Study:
    samples = pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(6)],
            "patient": ["pa", "pa", "pb", "pc", "pd", "pe"],
            "split": ["train", "train", "train", "val", "test", "test"],
            "text": ["Clear lungs.", "Mass (left)", None, "clear", "a+b", ""],
            "age": np.array([10, 20, NAN, 40, 50, 60], np.float32),
            "sex": ["M", "F", None, "M", "F", "F"],
            "view": ["PA"] * 6,
            "finding:Mass": np.array([0, 1, -1, NAN, 1, 0], np.float32),
            "finding:Edema": np.array([1, 1, 0, 0, NAN, -1], np.float32),
            "row": [7, 6, 5, 4, 3, 2],
            "ward": ["x", None, "y", "x", "x", "y"],
        }
    )
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (16, 16), dtype=np.uint8) for _ in range(6)]
    about = About(source="test", title="Test", synthetic=True)
    return write_study("x", samples, given(pictures), size=16, findings=("Mass", "Edema"), about=about)


def found(study: Study, **conditions: Any) -> list[str]:
    return study.samples["id"].iloc[matching(study, conditions)].tolist()


def test_which_columns_there_are(study: Study) -> None:
    assert columns(study) == {
        "finding:Mass": "finding",
        "finding:Edema": "finding",
        "split": "category",
        "view": "category",
        "sex": "category",
        "age": "number",
        "text": "words",
        "id": "words",
        "patient": "words",
        "row": "number",
        "ward": "category",
    }
    assert list(columns(study))[:7] == ["finding:Mass", "finding:Edema", "split", "view", "sex", "age", "text"]
    assert categories(study, "ward") == ["x", "y", UNKNOWN] and categories(study, "view") == ["PA"]
    assert bounds(study, "age") == (10, 60)


def test_no_condition_gives_all_in_the_order_of_the_source(study: Study) -> None:
    assert found(study) == ["r5", "r4", "r3", "r2", "r1", "r0"]
    assert found(study, **{"finding:Mass": [], "text": "", "split": []}) == found(study)
    assert found(study, nonsense=["x"]) == found(study)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        (["present"], ["r4", "r1"]),
        (["absent"], ["r5", "r0"]),
        (["uncertain"], ["r2"]),
        (["unknown"], ["r3"]),
        (["uncertain", "unknown"], ["r3", "r2"]),
    ],
)
def test_states_of_a_finding_are_kept_apart(study: Study, states: list[str], wanted: list[str]) -> None:
    assert found(study, **{"finding:Mass": states}) == wanted


def test_categories_numbers_and_words(study: Study) -> None:
    assert found(study, split=["val", "test"]) == ["r5", "r4", "r3"]
    assert found(study, ward=[UNKNOWN]) == ["r1"] and found(study, sex=["M", UNKNOWN]) == ["r3", "r2", "r0"]
    assert found(study, age=(20, 50)) == ["r4", "r3", "r1"]
    assert found(study, text="CLEAR") == ["r3", "r0"]
    assert found(study, text="(left)") == ["r1"] and found(study, text="a+b") == ["r4"], "no pattern, plain words"
    assert found(study, patient="pa") == ["r1", "r0"]


def test_all_conditions_at_once(study: Study) -> None:
    assert found(study, **{"finding:Mass": ["present"], "finding:Edema": ["present"], "sex": ["F"]}) == ["r1"]
    assert found(study, **{"finding:Mass": ["present"], "split": ["val"]}) == []
