"""Recall curves, shares of ranks and differences of scores: what is drawn."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pytest

from core.errors import InputError
from core.figures.compare import Differences, score_differences
from core.figures.retrieval import Ranks, Recall, bins, rank_shares, recall_curves


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(one for one in figure.data if one.name == name)


def test_a_line_its_band_and_chance() -> None:
    one = Recall(name="a", ks=[1, 5, 10], values=[0.2, 0.5, 1.0], lows=[0.1, 0.4, 1.0], highs=[0.3, 0.6, 1.0])
    made = recall_curves([one], chance=[("chance", [1, 5, 10], [0.1, 0.5, 1.0])])
    assert trace(made, "a").y.tolist() == pytest.approx([0.2, 0.5, 1.0])
    band = trace(made, "a: 95 % interval")
    assert band.y.tolist() == pytest.approx([0.3, 0.6, 1.0, 1.0, 0.4, 0.1])
    assert trace(made, "chance").line.dash == "dot"
    assert made.layout.xaxis.type == "log" and made.layout.xaxis.range[1] == pytest.approx(1.03)


def test_without_an_interval_there_is_no_band() -> None:
    one = Recall(name="a", ks=[1, 2], values=[0.5, 1], lows=[np.nan] * 2, highs=[np.nan] * 2)
    assert [each.name for each in recall_curves([one], chance=[]).data] == ["a"]


def test_bins_double() -> None:
    assert bins(1).tolist() == [1]
    assert bins(8).tolist() == [1, 2, 4, 8]
    assert bins(9).tolist() == [1, 2, 4, 8, 16]


def test_shares_by_hand() -> None:
    made = rank_shares([Ranks(name="a", ranks=[1, 1, 2.5, 4, 5], median=2.5)], chance=[("chance", [0.2, 0.4, 0.8, 1])])
    bars = trace(made, "a (median 2.5)")
    assert bars.y.tolist() == pytest.approx([0.4, 0.0, 0.4, 0.2])
    assert list(bars.customdata) == list(made.layout.xaxis.ticktext) == ["1", "2", "3–4", "5–8"]
    assert trace(made, "chance").y.tolist() == pytest.approx([0.2, 0.2, 0.4, 0.2])


def test_impossible_ranks_and_other_bins_are_refused() -> None:
    with pytest.raises(InputError, match="begin at 1"):
        rank_shares([Ranks(name="a", ranks=[0.5], median=1)], chance=[])
    with pytest.raises(InputError, match="bins"):
        rank_shares([Ranks(name="a", ranks=[1, 2], median=1)], chance=[("chance", [1.0])])


def test_differences_are_filled_where_they_are_shown_and_absent_where_nothing_can_be_said() -> None:
    other = Differences(
        name="b", values=[2, -1, np.nan], lows=[1, -3, np.nan], highs=[3, 1, np.nan], shown=[True, False, False]
    )
    made = score_differences(["AUROC", "AP", "Recall"], [other], first="a", margin=1)
    (dots,) = made.data
    assert list(dots.marker.symbol) == ["circle", "circle-open", "circle-open"]
    assert np.isnan(dots.x[2]) and dots.x[:2].tolist() == [2, -1]
    assert dots.error_x.array[:2].tolist() == [1, 2] and dots.error_x.arrayminus[:2].tolist() == [1, 2]
    assert [(note.text, note.y) for note in made.layout.annotations] == [("cannot be said", 2.0)]
    shaded = next(shape for shape in made.layout.shapes if shape.type == "rect")
    assert (shaded.x0, shaded.x1) == (-1, 1)
    assert made.layout.xaxis.title.text == "Points more than a, 95 % interval"
