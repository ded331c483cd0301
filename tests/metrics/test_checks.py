"""What every metric refuses, with the row and column named."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.metrics.checks import (
    chunks,
    drawn_rows,
    known_pairs,
    label_matrix,
    matrix,
    probability_matrix,
    unit_pair,
    unit_rows,
)


@pytest.mark.parametrize(("n", "width", "cells"), [(10, 3, 9), (1, 100, 5), (7, 1, 7), (0, 4, 8)])
def test_chunks_cover_every_row_once(n: int, width: int, cells: int) -> None:
    parts = list(chunks(n, width, cells))
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(n))
    assert all((part.stop - part.start - 1) * width < cells for part in parts)


def test_matrix_keeps_float32_and_widens_integers() -> None:
    assert matrix("x", np.ones((2, 2), dtype=np.float32)).dtype == np.float32
    assert matrix("x", [[1, 2]]).dtype == np.float64


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_matrix_names_the_first_bad_cell(value: float) -> None:
    x = np.ones((5, 3))
    x[2, 1] = value
    x[4] = value
    with pytest.raises(InputError, match=r"row 2, column 1 \(2 such rows\)"):
        matrix("vectors", x)


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((0, 3)), np.ones((3, 0)), np.ones((1, 2, 3))])
def test_matrix_refuses_other_shapes(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="shape"):
        matrix("vectors", bad)


def test_matrix_refuses_words() -> None:
    with pytest.raises(InputError, match="numbers"):
        matrix("vectors", [["a", "b"]])


def test_missing_rows_pass_only_whole_and_only_when_allowed() -> None:
    x = np.array([[1.0, 2.0], [np.nan, np.nan]])
    assert np.isnan(matrix("x", x, allow_missing=True)[1]).all()
    with pytest.raises(InputError, match="row 1"):
        matrix("x", x)
    x[1, 0] = 3.0
    with pytest.raises(InputError, match="row 1, column 1"):
        matrix("x", x, allow_missing=True)


def test_unit_rows_survives_extreme_lengths_and_leaves_the_input_alone() -> None:
    x = np.array([[3e30, 4e30], [3e-30, -4e-30]], dtype=np.float32)
    before = x.copy()
    np.testing.assert_allclose(unit_rows("x", x), [[0.6, 0.8], [0.6, -0.8]], rtol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_unit_rows_names_the_zero_row() -> None:
    with pytest.raises(InputError, match=r"texts has no direction in row 1: .* \(1 such rows\)"):
        unit_rows("texts", [[1.0, 0.0], [0.0, 0.0]])


def test_unit_pair_compares_widths_and_lengths() -> None:
    with pytest.raises(InputError, match="3 columns and texts has 2"):
        unit_pair("images", np.ones((4, 3)), "texts", np.ones((4, 2)), paired=True)
    with pytest.raises(InputError, match="4 rows and texts has 5"):
        unit_pair("images", np.ones((4, 3)), "texts", np.ones((5, 3)), paired=True)
    assert len(unit_pair("images", np.ones((4, 3)), "texts", np.ones((5, 3)), paired=False)[1]) == 5


def test_labels_are_zero_one_or_unknown() -> None:
    labels = label_matrix(np.array([[0, 1], [np.nan, 1]], dtype=np.float32))
    assert labels.dtype == np.float64
    with pytest.raises(InputError, match=r"labels holds -1 in row 1, column 0"):
        label_matrix([[0, 1], [-1, 1]])
    with pytest.raises(InputError, match="shape"):
        label_matrix([0, 1])


def test_known_pairs_leaves_out_the_unknown_whatever_its_score() -> None:
    y, p = known_pairs([1, np.nan, 0], [0.2, np.nan, 0.7])
    assert y.tolist() == [1, 0]
    assert p.tolist() == [0.2, 0.7]


def test_known_pairs_names_the_bad_score() -> None:
    with pytest.raises(InputError, match="row 1 is nan"):
        known_pairs([1, 0], [0.5, np.nan])
    with pytest.raises(InputError, match=r"row 0 is 1.5; .* probability in \[0, 1\]"):
        known_pairs([1, 0], [1.5, 0.5], probability=True)
    assert known_pairs([1, 0], [1.5, 0.5])[1].tolist() == [1.5, 0.5]
    with pytest.raises(InputError, match="same n"):
        known_pairs([1, 0], [0.5])


def test_probability_matrix_names_row_and_column() -> None:
    labels = np.array([[0, 1], [np.nan, 1]])
    assert np.isnan(probability_matrix(labels, [[0.1, 0.2], [np.nan, 1.0]])[1][1, 0])
    with pytest.raises(InputError, match=r"row 1, column 1 is -0\.1"):
        probability_matrix(labels, [[0.1, 0.2], [0.3, -0.1]])
    with pytest.raises(InputError, match="same shape"):
        probability_matrix(labels, [[0.1, 0.2]])


def test_drawn_rows_are_seeded_distinct_and_in_order() -> None:
    assert drawn_rows(4, None, 0).tolist() == drawn_rows(4, 4, 0).tolist() == [0, 1, 2, 3]
    rows = drawn_rows(1000, 50, 3)
    assert len(set(rows.tolist())) == 50
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, drawn_rows(1000, 50, 3))
    assert rows.tolist() != drawn_rows(1000, 50, 4).tolist()
    with pytest.raises(InputError, match="limit of 0"):
        drawn_rows(4, 0, 0)
