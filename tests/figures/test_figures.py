"""What each figure draws: the numbers that it was given, in their place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.errors import InputError
from core.figures.confusion import Matrix, confusion_grid
from core.figures.curves import Curve, Reference, loss_curves, smooth, thin
from core.figures.diseases import auroc_intervals
from core.figures.gap import ShiftLine, ShiftRow, cosine_cones, paired_map, shift_curve
from core.figures.similarity import off_diagonal_distribution, similarity_difference, similarity_panels
from tests.figures.examples import NAMES, XYZ, K, auroc, cosines, matrices


class TestCurves:
    def test_smoothing_by_hand(self) -> None:
        # debiased: 1; (0.5*0.5*1 + 0.5*3) / 0.75; the gap neither counts nor is filled
        found = smooth([1, 3, np.nan, 3], 0.5)
        assert found[:2] == pytest.approx([1, 7 / 3])
        assert np.isnan(found[2])
        assert found[3] == pytest.approx((0.5 * (0.25 + 1.5) + 1.5) / 0.875)

    def test_no_smoothing_changes_nothing(self) -> None:
        assert smooth([1, 5, 2], 0).tolist() == [1, 5, 2]

    @pytest.mark.parametrize("weight", [-0.1, 1.0, math.nan])
    def test_a_weight_outside_is_refused(self, weight: float) -> None:
        with pytest.raises(InputError, match="smoothing weight"):
            smooth([1.0], weight)

    def test_thinning_keeps_every_spike_and_the_ends(self) -> None:
        y = np.zeros(100_000)
        y[[12_345, 70_001]] = 9, -9
        x, kept = thin(np.arange(100_000), y, 100)
        assert len(kept) <= 202
        assert {12_345, 70_001, 0, 99_999} <= set(x.astype(int))
        assert (np.diff(x) > 0).all()

    def test_thinning_keeps_a_gap_open(self) -> None:
        y = np.arange(10_000, dtype=float)
        y[5_000] = np.nan
        assert np.isnan(thin(np.arange(10_000), y, 50)[1]).any()

    def test_a_gap_is_not_joined_and_not_zero(self) -> None:
        line = loss_curves([Curve(name="a", x=[0, 1, 2], y=[1, np.inf, 3])]).data[0]
        assert line.connectgaps is False
        assert np.isnan(line.y[1]) and line.y[0] == 1 and line.y[2] == 3

    @pytest.mark.parametrize("log_y", [False, True])
    def test_a_reference_stands_at_its_line(self, log_y: bool) -> None:
        made = loss_curves(
            [Curve(name="a", x=[1, 2], y=[1, 2])], references=[Reference(label="chance", value=100)], log_y=log_y
        )
        assert made.layout.shapes[0].y0 == 100  # a line by its value
        assert made.layout.annotations[0].y == (2 if log_y else 100)  # a text on a log axis by its exponent

    def test_a_reference_without_a_place_is_left_out(self) -> None:
        made = loss_curves([Curve(name="a", x=[1], y=[1])], references=[Reference(label="floor", value=0)], log_y=True)
        assert not made.layout.shapes and not made.layout.annotations


class TestSimilarity:
    def test_cells_are_what_was_given_on_one_scale(self) -> None:
        first, second = cosines(), cosines(missing=True)
        made = similarity_panels([first, second], ["a", "b"], NAMES)
        for trace, matrix in zip(made.data, (first, second), strict=True):
            assert np.allclose(trace.z, matrix, equal_nan=True, atol=1e-6)
            assert (trace.zmin, trace.zmax, list(trace.y)) == (-1, 1, NAMES)
        assert [trace.showscale for trace in made.data] == [False, True]

    def test_a_cell_without_support_says_so(self) -> None:
        trace = similarity_panels([cosines(missing=True)], ["a"], NAMES).data[0]
        assert np.isnan(trace.z[-1]).all() and set(trace.text[-1]) == {"n=0"}
        assert "n=0" not in trace.text[0][:-1]

    def test_a_difference_is_symmetric_about_zero(self) -> None:
        a, b = cosines(30), cosines(missing=True)
        trace = similarity_difference(a, b, NAMES).data[0]
        assert np.allclose(trace.z, a - b, equal_nan=True, atol=1e-6)
        assert trace.zmin == -trace.zmax == -np.nanmax(np.abs(a - b))
        assert "-0.00" not in trace.text

    def test_pairs_and_their_references(self) -> None:
        values = cosines()[np.triu_indices(K, 1)]
        made = off_diagonal_distribution([values], ["a"], references=[("orthogonal", 0), ("simplex", -1 / 13)])
        assert np.allclose(np.sort(made.data[0].x), np.sort(values))
        assert [shape.x0 for shape in made.layout.shapes] == [0, -1 / 13]

    def test_labels_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(InputError, match="13 labels"):
            similarity_panels([cosines()], ["a"], NAMES[1:])


class TestGap:
    def test_pairs_are_connected_and_nothing_else_is(self) -> None:
        texts = XYZ[:, :2] + [1, 0]
        lines, images, others = paired_map(XYZ[:, :2], texts).data
        corners = np.stack([lines.x, lines.y], axis=1).reshape(60, 3, 2)
        assert np.allclose(corners[:, 0], XYZ[:, :2]) and np.allclose(corners[:, 1], texts)
        assert np.isnan(corners[:, 2]).all() and lines.connectgaps is False
        assert np.allclose(images.x, XYZ[:, 0]) and np.allclose(others.x, texts[:, 0])

    def test_cones_sum_to_one(self) -> None:
        made = cosine_cones([0.9, 1.0, np.nan], [-1.0, 0.2], [])
        assert [float(np.sum(trace.y)) for trace in made.data] == pytest.approx([1, 1])
        assert [trace.name for trace in made.data] == ["two images (n=2)", "two texts (n=2)"]

    def test_the_shift_has_its_lines_at_zero_and_where_one_is(self) -> None:
        line = ShiftLine(name="loss", values=[3, 2, 3], number=0)
        made = shift_curve([-1, 0, 1], [ShiftRow(title="Loss", lines=[line])], marker=0.5)
        assert {shape.x0 for shape in made.layout.shapes} == {0, 0.5}

    def test_unpaired_points_are_refused(self) -> None:
        with pytest.raises(InputError, match="two arrays"):
            paired_map(XYZ[:, :2], XYZ[:5, :2])


class TestDiseases:
    def test_intervals_are_those_given(self) -> None:
        given = auroc()
        made = auroc_intervals(NAMES, n_positive=range(K), series=["a", "b"], **given)
        for trace, value, low, high in zip(made.data, given["values"], given["lows"], given["highs"], strict=True):
            assert np.allclose(trace.x, value, equal_nan=True)
            assert np.allclose(trace.x - trace.error_x.arrayminus, low, equal_nan=True)
            assert np.allclose(trace.x + trace.error_x.array, high, equal_nan=True)
            assert np.rint(trace.y).tolist() == list(range(K))

    def test_a_disease_without_support_has_no_dot_and_says_so(self) -> None:
        made = auroc_intervals(NAMES, n_positive=[5] * (K - 1) + [0], series=["a", "b"], **auroc())
        assert all(np.isnan(trace.x[-1]) for trace in made.data)
        said = [note for note in made.layout.annotations if note.text == "one class only"]
        assert [note.y for note in said] == [K - 1]
        assert made.layout.yaxis.ticktext[-1] == "Hernia  (n=0)"

    def test_values_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(InputError, match="14 diseases"):
            auroc_intervals(NAMES, [[0.5]], [[0.4]], [[0.6]], n_positive=[1] * K, series=["a"])

    def test_a_matrix_shows_rates_of_its_rows_and_counts(self) -> None:
        made = confusion_grid(matrices(["Edema"], [np.array([[90, 10], [30, 70]])]))
        assert np.allclose(made.data[0].z, [[0.9, 0.1], [0.3, 0.7]])
        assert np.array(made.data[0].text).tolist() == [
            ["90%<br>90<br>[85, 95]", "10%<br>10<br>[5, 15]"],
            ["30%<br>30<br>[25, 35]", "70%<br>70<br>[65, 75]"],
        ]
        assert made.layout.annotations[0].text == "Edema<br>0.30, n=200, 4 unknown"

    def test_a_row_without_support_says_so(self) -> None:
        trace = confusion_grid(matrices(NAMES)).data[-1]
        assert np.isnan(trace.z[1]).all() and set(trace.text[1]) == {"n=0"}

    def test_trace_k_is_disease_k(self) -> None:
        assert [trace.name for trace in confusion_grid(matrices(NAMES)).data] == NAMES

    def test_another_shape_is_refused(self) -> None:
        with pytest.raises(InputError, match="2 x 2"):
            confusion_grid([Matrix(name="Edema", counts=np.zeros((3, 3)), low=[[0]], high=[[0]], threshold=0.5)])
