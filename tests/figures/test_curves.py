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
    long = np.concatenate([values, values + 9, values * 3, values])  # more than one block
    assert np.allclose(smooth(long, weight), slow_smooth(long, weight), equal_nan=True)


def test_smoothing_by_hand() -> None:
    """s = 1, then (0.5 + 3) / 2 / 0.75, then ((0.5 + 3) / 2 / 2 + 2) / 0.875 with weight 0.5."""
    assert np.allclose(smooth([1.0, 3.0, 4.0], 0.5), [1, 1.75 / 0.75, 2.875 / 0.875])
    assert smooth([], 0.5).shape == (0,) and np.isnan(smooth([np.nan], 0.5)).all()
    assert np.allclose(smooth(np.full(5000, 2.0), 0.999), 2)


def test_smoothing_does_not_change_what_it_is_given() -> None:
    values = np.array([1.0, 3.0])
    smooth(values, 0.5)
    assert values.tolist() == [1, 3]


def slow_thin(y: np.ndarray, bins: int) -> set[int]:
    """Places that are kept, bin by bin."""
    width = 1
    while -(-len(y) // width) > bins:
        width *= 2
    kept = {0, len(y) - 1}
    for start in range(0, len(y), width):
        part = range(start, min(start + width, len(y)))
        known = [at for at in part if np.isfinite(y[at])]
        kept |= {min(known, key=lambda at: y[at]), max(known, key=lambda at: y[at])} if known else set()
        kept |= {at for at in part if not np.isfinite(y[at])} if width <= 2 else set()
        kept |= set([at for at in part if not np.isfinite(y[at])][:1])
    return kept


@pytest.mark.parametrize("bins", [1, 7, 64])
@pytest.mark.parametrize("count", [1, 2, 127, 128, 129, 130, 256, 257, 1000])
def test_thinning_keeps_both_extremes_of_each_bin_the_ends_and_the_gaps(count: int, bins: int) -> None:
    y = np.random.default_rng(count).normal(size=count)
    y[count // 2 : count // 2 + count // 10] = np.nan
    y[count // 3 :: 50] = np.inf
    x, kept = thin(np.arange(count), y, bins)
    assert np.array_equal(kept, y[x.astype(int)], equal_nan=True)
    if count <= 2 * bins:
        assert len(x) == count
    else:
        assert set(x.astype(int).tolist()) == slow_thin(y, bins)
        assert np.isfinite(kept).sum() <= 2 * bins + 2
    assert (np.diff(x) > 0).all()


def test_a_spike_of_one_step_is_seen_whatever_the_length() -> None:
    for count in (3000, 40_000, 100_000):
        y = np.random.default_rng(0).normal(size=count)
        y[count * 2 // 3], y[count // 5] = 1e6, -1e6
        _, kept = thin(np.arange(count), y)
        assert (kept.max(), kept.min()) == (1e6, -1e6) and len(kept) <= 2002


def test_a_curve_that_grows_does_not_jump() -> None:
    """A new value changes the last bin alone; when bins become twice as wide, points go and none comes."""
    y = np.random.default_rng(3).normal(size=300)
    before: set[float] = set()
    for count in range(1, len(y)):
        x, _ = thin(np.arange(count), y[:count], 8)
        width = 1
        while width * 8 < count:
            width *= 2
        started = (count - 1) // width * width  # where the last bin begins
        assert {at for at in x.tolist() if at < started} <= before, count
        before = set(x.tolist())


def test_few_values_are_not_thinned() -> None:
    x, y = thin(np.arange(2000), np.arange(2000.0))
    assert len(x) == len(y) == 2000
    assert all(len(part) == 0 for part in thin([], []))


def test_smoothing_uses_values_that_thinning_leaves_out() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    smoothed = loss_curves([Curve(name="a", x=np.arange(20_000), y=y)], smoothing=0.99).data[1]
    assert np.allclose(smoothed.y, smooth(y, 0.99)[np.asarray(smoothed.x, int)])
    assert len(smoothed.y) <= 2002


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
