"""What every listing is made of: columns of text or nothing, ages, sexes, and rows that are set aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.studies.listing import ages, column, no_boxes, part, sexes


def test_a_column_is_text_or_none() -> None:
    given = pd.Series(["a", " b ", "", "  ", "\n", None, float("nan"), "nan"], index=range(5, 13))
    found = column(given, 8)
    assert found.tolist() == ["a", " b ", None, None, None, None, None, "nan"]
    assert found.dtype == object and found.index.tolist() == list(range(8))
    assert column(None, 2).tolist() == [None, None] and column("x", 2).tolist() == ["x", "x"]
    assert column(np.array(["x", None], dtype=object), 2).tolist() == ["x", None] and column(["x"], 1).tolist() == ["x"]
    assert column([], 0).tolist() == []


@pytest.mark.parametrize("html", ["<script>alert(1)</script>", "![x](http://x)", "**a** _b_ `c`", "a\nb\tc", "=1+1"])
def test_markup_stays_text(html: str) -> None:
    assert column([html], 1).tolist() == [html]


@pytest.mark.parametrize(
    ("given", "sex"),
    [
        *[(word, "M") for word in ("M", "m", "male", "Male", "MALE ", " man")],
        *[(word, "F") for word in ("F", "f", "female", "Female", "woman")],
        *[(word, None) for word in ("", "O", "Unknown", "missing", "mixed", "false", "0", "1", "nan", None)],
    ],
)
def test_sexes(given: str | None, sex: str | None) -> None:
    assert sexes(pd.Series([given], dtype="str")).tolist() == [sex]


@pytest.mark.parametrize(
    ("given", "years"),
    [
        ("58", 58),
        ("58.5", 58.5),
        ("58,5", 58.5),
        (" 058Y ", 58),
        ("006M", 0.5),
        ("026W", 26 * 7 / 365.25),
        ("001D", 1 / 365.25),
        ("58 years", 58),
        ("58 yrs.", 58),
        ("18 months", 1.5),
        ("0", 0),
        ("120", 120),
        *[(word, None) for word in ("121", "414", "-3", "50 Male", "50-60", ">89", "90+", "adult", "", "nan", None)],
        *[(word, None) for word in ("1e2", "5 8", "Y", "1970-01-01", "58YM", "١٢x")],
    ],
)
def test_ages(given: str | None, years: float | None) -> None:
    found = ages(pd.Series([given], dtype="str"))
    assert found.dtype == np.float32
    assert found.fillna(-1).tolist() == pytest.approx([-1 if years is None else years])


def test_ages_that_are_numbers() -> None:
    assert ages(pd.Series([58, 7.5, np.nan])).fillna(-1).tolist() == [58, 7.5, -1]
    nothing = ages(pd.Series([None, None], dtype=object))
    assert nothing.isna().all() and nothing.dtype == np.float32


def test_part() -> None:
    table = pd.DataFrame({"row": [2, 3, 4, 5], "x": list("abcd")}, index=[7, 8, 9, 10])
    kept, aside = part(table, ["1.png", None, 17, float("nan")], np.array(["", "none", "lost", "none"], dtype=object))
    assert kept.to_dict("list") == {"row": [2], "x": ["a"]} and kept.index.tolist() == [0]
    assert aside.to_dict("list") == {"row": [3, 4, 5], "file": ["", "17", ""], "reason": ["none", "lost", "none"]}
    kept, aside = part(table, ["x"] * 4, np.full(4, "", dtype=object))
    assert len(kept) == 4 and aside.empty and list(aside) == ["row", "file", "reason"]


def test_no_boxes() -> None:
    boxes = no_boxes()
    assert boxes.empty and list(boxes) == ["file", "finding", "x", "y", "width", "height"]
