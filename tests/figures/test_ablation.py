"""The forest plot of an ablation: what is filled, what is hollow, what says that it is missing."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.ablation import KINDS, differences
from core.figures.export import figure_csv
from core.figures.theme import LIGHT
from tests.figures.examples import FIGURES


def test_filled_dots_are_larger_than_chance_and_missing_rows_say_so() -> None:
    figure = FIGURES["ablation"](LIGHT)
    traces = {trace.name: trace for trace in figure.data}
    assert set(traces) == {*KINDS, "seed by seed"}
    filled, hollow = (traces[kind] for kind in KINDS)
    assert (filled.marker.symbol, hollow.marker.symbol) == ("circle", "circle-open")
    assert filled.y.tolist() == [0] and hollow.y.tolist() == [1]
    assert filled.error_x.array.tolist() == pytest.approx([0.01]) and np.isnan(hollow.error_x.array).all()
    assert len(traces["seed by seed"].x) == 4
    assert [note.text for note in figure.layout.annotations if note.y == 2] == ["no result yet"]
    low, high = figure.layout.xaxis.range
    assert low < -0.001 and high > 0.03


def test_the_csv_has_the_ends_of_each_interval() -> None:
    lines = figure_csv(FIGURES["ablation"](LIGHT)).decode().splitlines()
    (filled,) = [line for line in lines if line.startswith("larger than chance")]
    assert [float(part) for part in filled.split(",")[5:7]] == pytest.approx([0.01, 0.03])


@pytest.mark.parametrize("changes", [{"beyond": [True, True]}, {"per_seed": []}, {"values": [0.1, 0.2]}])
def test_parts_that_do_not_fit_are_refused(changes: dict[str, list[object]]) -> None:
    parts: dict[str, object] = {"values": [0.1], "lows": [0.0], "highs": [0.2], "beyond": [True], "per_seed": [[0.1]]}
    with pytest.raises(InputError):
        differences(["a"], **(parts | changes), measure="AUROC", baseline="b")  # type: ignore[arg-type]
