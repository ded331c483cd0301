"""Radiographs in a row: the pictures that were given, in their places, with their words."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from core.errors import InputError
from core.figures.export import figure_csv
from core.figures.printing import for_print
from core.figures.radiographs import radiograph_row
from core.figures.theme import DARK, LIGHT
from tests.figures.examples import DONE, FIGURES, PICTURES, VERSIONS


def shown(figure: go.Figure) -> list[np.ndarray]:
    sources = [trace.source for trace in figure.data if trace.type == "image"]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))) for source in sources]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_pictures_are_those_that_were_given(theme: Any) -> None:
    found = shown(FIGURES["radiographs"](theme))
    assert len(found) == 6 and all(np.array_equal(one, own) for one, own in zip(found, PICTURES, strict=True))


def test_grey_levels_are_rounded_and_bounded() -> None:
    found = shown(radiograph_row([np.array([[-3.0, 0.6], [254.4, 300.0]], np.float32)], ["a"], [[]]))
    assert found[0].tolist() == [[0, 1], [254, 255]]


def test_words_stand_below_their_picture_and_in_the_csv() -> None:
    made = radiograph_row(PICTURES, ["original", *VERSIONS], DONE)
    below = [note for note in made.layout.annotations if note.yanchor == "top"]
    assert [note.xref for note in below] == ["x", "x2", "x3", "x4", "x5", "x6"]
    assert below[1].text == "crop 0.82<br>+4.1°<br>left 2.0 %"
    rows = list(csv.DictReader(io.StringIO(figure_csv(made).decode())))
    assert [(row["trace"], row["text"]) for row in rows][1:3] == [
        ("view 1", "crop 0.82, +4.1°, left 2.0 %"),
        ("view 2", ""),
    ]


@pytest.mark.parametrize("columns", [None, 1, 2])
def test_pictures_are_square_and_leave_room_for_their_words(columns: int | None) -> None:
    made = FIGURES["radiographs"](LIGHT)
    printed = for_print(made, columns) if columns else go.Figure(made).update_layout(width=980)
    room = printed.layout.margin
    wide, tall = printed.layout.width - room.l - room.r, printed.layout.height - room.t - room.b
    places = []
    for at in range(6):
        x, y = printed.layout[f"xaxis{at + 1 if at else ''}"], printed.layout[f"yaxis{at + 1 if at else ''}"]
        assert (x.domain[1] - x.domain[0]) * wide == pytest.approx((y.domain[1] - y.domain[0]) * tall, abs=1)
        assert y.scaleanchor == f"x{at + 1 if at else ''}"
        places.append((x.domain[0] * wide, (1 - y.domain[1]) * tall, (y.domain[1] - y.domain[0]) * tall))
    across = len({round(left) for left, _, _ in places})
    assert across == {None: 6, 1: 2, 2: 4}[columns]
    for left, top, side in places:
        assert top >= 20  # its title
        below = [other for other in places if round(other[0]) == round(left) and other[1] > top]
        until = min((other[1] - 20 for other in below), default=tall)
        assert until - (top + side) >= 3 * 14  # three lines of words


def test_a_single_picture_is_not_blown_up() -> None:
    made = radiograph_row([np.zeros((8, 8))], ["a"], [[]])
    assert made.layout.height < 320 and made.layout.xaxis.domain[1] < 0.3


@pytest.mark.parametrize(
    ("pictures", "titles", "done"),
    [
        ([np.zeros((4, 5))], ["a"], [[]]),
        ([np.zeros((4, 4)), np.zeros((5, 5))], ["a", "b"], [[], []]),
        ([np.zeros((4, 4, 3))], ["a"], [[]]),
        ([np.zeros((0, 0))], ["a"], [[]]),
        ([7], ["a"], [[]]),
        ([np.zeros((4, 4))], ["a", "b"], [[]]),
        ([np.zeros((4, 4))], ["a"], []),
    ],
)
def test_what_does_not_fit_is_refused(pictures: Any, titles: list[str], done: list[list[str]]) -> None:
    with pytest.raises(InputError, match="A row of radiographs needs"):
        radiograph_row(pictures, titles, done)
