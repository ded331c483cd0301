"""Curves against slow versions of themselves, and where their reference lines really land."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from core.errors import InputError
from core.figures.curves import FEW, Curve, Reference, loss_curves, smooth, thin
from core.figures.export import chromium_available, figure_bytes

SVG = "{http://www.w3.org/2000/svg}"
STEPS = np.arange(1, 201)


def slow_smooth(values: np.ndarray, weight: float) -> list[float]:
    """The weighted mean of all known values so far, the newest counting most."""
    found = []
    for at, value in enumerate(values):
        known = [one for one in values[: at + 1] if np.isfinite(one)]
        weights = [weight ** (len(known) - 1 - place) for place in range(len(known))]
        found.append(np.dot(weights, known) / sum(weights) if np.isfinite(value) else value)
    return found


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9, 0.99])
def test_smoothing_is_a_weighted_mean_of_the_past(weight: float) -> None:
    values = np.random.default_rng(0).normal(size=40)
    values[[3, 17]] = np.nan
    assert np.allclose(smooth(values, weight), slow_smooth(values, weight), equal_nan=True)


def test_smoothing_does_not_change_what_it_is_given() -> None:
    values = np.array([1.0, 3.0])
    smooth(values, 0.5)
    assert values.tolist() == [1, 3]


@pytest.mark.parametrize("count", [2001, 5003, 20_000])
def test_thinning_keeps_both_extremes_of_each_bin_the_ends_and_the_gaps(count: int) -> None:
    y = np.random.default_rng(1).normal(size=count)
    y[count // 2 : count // 2 + 5] = np.nan
    x, kept = thin(np.arange(count), y, 1000)
    places = set(x.astype(int).tolist())
    assert {0, count - 1} <= places
    for part in np.array_split(np.arange(count), 1000):
        if np.isfinite(y[part]).any():
            assert {int(part[np.nanargmin(y[part])]), int(part[np.nanargmax(y[part])])} <= places
        else:
            assert np.isnan(y[[at for at in part if at in places]]).any()
    assert np.array_equal(kept, y[x.astype(int)], equal_nan=True)
    assert np.isnan(kept).any()


def test_few_values_are_not_thinned() -> None:
    x, y = thin(np.arange(2000), np.arange(2000.0))
    assert len(x) == len(y) == 2000


def test_a_value_between_two_gaps_is_seen() -> None:
    y = np.ones(2 * FEW)
    y[[9, 11]] = np.nan
    line = loss_curves([Curve(name="a", x=np.arange(2 * FEW), y=y)]).data[0]
    assert line.mode == "lines+markers"
    assert np.flatnonzero(line.marker.size).tolist() == [10]


def test_the_curve_is_the_one_given_and_smoothing_stands_before_it() -> None:
    y = np.linspace(2, 1, 200)
    raw, smoothed = loss_curves([Curve(name="a", x=STEPS, y=y)], smoothing=0.8).data
    assert np.array_equal(raw.y, y) and np.array_equal(raw.x, STEPS)
    assert np.allclose(smoothed.y, smooth(y, 0.8))
    assert raw.opacity < 1 and not raw.showlegend and raw.legendgroup == smoothed.legendgroup


def test_two_runs_of_one_name_are_switched_apart() -> None:
    made = loss_curves([Curve(name="a", x=[1], y=[1]), Curve(name="a", x=[1], y=[2])])
    assert made.data[0].legendgroup != made.data[1].legendgroup


def test_x_and_y_must_fit() -> None:
    with pytest.raises(InputError, match="1 x, 2 y"):
        loss_curves([Curve(name="a", x=[1], y=[1, 2])])


def test_labels_of_near_levels_stand_side_by_side() -> None:
    levels = [Reference(label=str(value), value=value) for value in (2.64, 2.77, 2.7, 0.0)]
    made = loss_curves([Curve(name="a", x=STEPS, y=np.linspace(3, 0, 200))], references=levels)
    assert [note.xanchor for note in made.layout.annotations] == ["right", "center", "left", "right"]
    assert [note.y for note in made.layout.annotations] == [2.64, 2.77, 2.7, 0.0]


@pytest.mark.skipif(not chromium_available(), reason="Chromium is not on this machine")
@pytest.mark.parametrize("log_y", [False, True])
def test_a_reference_lands_on_its_level(log_y: bool) -> None:
    """Measured in the drawn file: plotly takes lines on a log axis by value, texts by exponent."""
    curve, level = Curve(name="a", x=STEPS, y=np.geomspace(1000, 1, 200)), Reference(label="here", value=100)
    made = loss_curves([curve], references=[level], log_y=log_y)
    made.update_yaxes(tickvals=[1, 100, 1000], range=[0, 3] if log_y else [0, 1000])
    root = ElementTree.fromstring(figure_bytes(made, "svg"))
    ticks = {}
    for tick in root.iter(f"{SVG}text"):
        place = re.search(r"translate\(0,\s*([-\d.]+)\)", tick.attrib.get("transform", ""))
        if place and "".join(tick.itertext()) in ("1", "100", "1000"):
            ticks["".join(tick.itertext())] = float(place.group(1))
    line = next(path for path in root.iter(f"{SVG}path") if "stroke-dasharray" in path.attrib.get("style", ""))
    height = float(re.findall(r"[-\d.]+", line.attrib["d"])[1])
    assert height == pytest.approx(ticks["100"], abs=1)
    assert ticks["1000"] < ticks["100"] < ticks["1"]
    label = next(text for text in root.iter(f"{SVG}text") if "".join(text.itertext()) == "here")
    assert height - 16 < float(label.attrib["y"]) + offset(root, label) < height


def offset(root: ElementTree.Element, wanted: ElementTree.Element) -> float:
    """How far down an element is moved by the groups that it lies in."""
    parents = {child: parent for parent in root.iter() for child in parent}
    down, at = 0.0, wanted
    while at in parents:
        at = parents[at]
        moved = re.search(r"translate\([-\d.]+,\s*([-\d.]+)\)", at.attrib.get("transform", ""))
        down += float(moved.group(1)) if moved else 0.0
    return down
