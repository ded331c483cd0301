"""The map at the size of a whole study, and colours that say one thing only."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from core.errors import InputError
from core.figures.colouring import UNKNOWN, Colouring, Kind
from core.figures.drawing import Anchor, Drawing, Marked, Moment
from core.figures.space import reach, space_2d, space_3d
from core.figures.theme import DARK, LIGHT, Theme
from tests.figures.examples import ANCHORS, BY_NAME, BY_NUMBER, NAMES, XYZ, drawn_colours

WHOLE = 112_120
"""Radiographs in NIH ChestX-ray14."""

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
GATHERED = np.array([*NAMES, "Several", "No finding", None], dtype=object)


def named(values: Any) -> Colouring:
    return Colouring(values=np.asarray(values, dtype=object), kind="categorical")


@pytest.mark.parametrize("kind", ["categorical", "binary", "continuous"])
def test_a_whole_study_is_small(kind: Kind) -> None:
    random = np.random.default_rng(0)
    values = {
        "categorical": GATHERED[random.integers(0, len(GATHERED), WHOLE)],
        "binary": np.where(random.random(WHOLE) < 0.1, np.nan, random.integers(0, 2, WHOLE)),
        "continuous": random.random(WHOLE),
    }[kind]
    xyz, rows = random.normal(size=(WHOLE, 3)), np.arange(WHOLE)
    made = space_3d(xyz, Colouring(values=values, kind=kind, title="Edema"), Drawing(rows=rows))
    text = made.to_json()
    assert len(text) < 5_000_000
    assert np.array_equal(made.data[0].customdata, rows) and np.issubdtype(made.data[0].customdata.dtype, np.integer)


@pytest.mark.parametrize("count", [2, 14, 300])
def test_one_trace_of_samples_however_many_categories(count: int) -> None:
    values = np.array([f"c{at}" for at in np.arange(900) % count], dtype=object)
    made = space_3d(np.zeros((900, 3)), named(values))
    assert sum(trace.x[0] is not None for trace in made.data) == 1
    assert len(made.data) == 1 + min(count, 14)
    assert len(set(drawn_colours(made.data[0]))) == min(count, 14)


def test_the_rarest_categories_become_one() -> None:
    values = np.array([f"c{at:02}" for at in range(14)] * 3 + ["rare"], dtype=object)
    names = [trace.name for trace in space_3d(np.zeros((43, 3)), named(values)).data[1:]]
    assert "2 others" in names and "rare" not in names and len(names) == 14


@THEMES
def test_what_gathers_others_has_no_disease_s_colour(theme: Theme) -> None:
    made = space_3d(np.zeros((len(GATHERED), 3)), named(GATHERED), theme=theme)
    colours = dict(zip([*GATHERED[:-1], UNKNOWN], drawn_colours(made.data[0]), strict=True))
    assert len(set(colours.values())) == len(GATHERED)
    assert (colours["Several"], colours["No finding"]) == (theme.muted, theme.grounded)
    assert colours[UNKNOWN] == theme.unknown
    legend = {trace.name: trace.marker.color for trace in made.data[1:]}
    assert legend == colours


def test_present_stands_out_from_absent_and_unknown() -> None:
    made = space_3d(XYZ[:3], Colouring(values=np.array([1.0, 0.0, np.nan]), kind="binary", title="Edema"))
    assert drawn_colours(made.data[0]).tolist() == [LIGHT.colour(1), LIGHT.grounded, LIGHT.unknown]
    assert [trace.name for trace in made.data[1:]] == ["with Edema", "without Edema", UNKNOWN]


def test_one_value_for_all_has_a_colour() -> None:
    ages = Colouring(values=np.array([5.0, 5.0]), kind="continuous", title="Age")
    marker = space_3d(XYZ[:2], ages).data[0].marker
    assert (marker.cmin, marker.cmax) == (5, 5)


def test_maps_that_are_compared_share_a_scale() -> None:
    shares = Colouring(values=np.array([0.4, 0.6]), kind="continuous", limits=(0, 1))
    marker = space_3d(XYZ[:2], shares).data[0].marker
    assert (marker.cmin, marker.cmax) == (0, 1)


def test_an_own_palette_of_two_colours_names_one_category_and_gathers_the_rest() -> None:
    values = np.array(["a"] * 3 + ["b"] * 2 + ["c"], dtype=object)
    theme = dataclasses.replace(LIGHT, categorical=("#010203", "#a0b0c0"))
    made = space_3d(np.zeros((6, 3)), named(values), theme=theme)
    assert {trace.name: trace.marker.color for trace in made.data[1:]} == {"2 others": "#010203", "a": "#a0b0c0"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": [1, 2]}, "2 rows to give back"),
        ({"marked": Marked(chosen=60)}, "0 to 59"),
        ({"marked": Marked(found=[-1])}, "0 to 59"),
        ({"marked": Marked(selected=np.ones(3, bool))}, "3 selected or not"),
        ({"anchors": [Anchor(label="a", xyz=(1, 2), symbol="prompt")]}, "needs 3 coordinates"),
        ({"moments": [Moment(name="begin", coordinates=XYZ[:9], anchors=[])]}, "'begin' has other points"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        space_3d(XYZ, BY_NUMBER, Drawing(**change))  # type: ignore[arg-type]


def test_values_of_other_samples_are_refused() -> None:
    with pytest.raises(InputError, match="59 samples, 60 values"):
        space_3d(XYZ[1:], BY_NUMBER)
    with pytest.raises(InputError, match=r"needs coordinates \(n, 2\)"):
        space_2d(XYZ, BY_NUMBER)


@pytest.mark.parametrize("labelled", [[], ["prompt"], ["centroid"], ["prompt", "centroid"]])
def test_names_stand_beside_the_anchors_that_are_asked_for(labelled: list[str]) -> None:
    anchors = [Anchor(label=kind, xyz=(0, 0, 0), symbol=kind) for kind in ("prompt", "centroid")]
    made = space_3d(XYZ, BY_NAME, Drawing(anchors=anchors, labelled=labelled))
    assert [trace.mode == "markers+text" for trace in made.data[-2:]] == ["prompt" in labelled, "centroid" in labelled]


@pytest.mark.parametrize("flat", [False, True])
def test_what_is_not_selected_steps_back_in_its_own_colour(flat: bool) -> None:
    selected = np.arange(60) < 20
    drawing = Drawing(rows=np.arange(60) + 100, marked=Marked(selected=selected, chosen=1, found=[3, 4]))
    made = space_2d(XYZ[:, :2], BY_NAME, drawing) if flat else space_3d(XYZ, BY_NAME, drawing)
    whole = space_2d(XYZ[:, :2], BY_NAME) if flat else space_3d(XYZ, BY_NAME)
    pale, bright = (
        next(trace for trace in made.data if trace.name == name) for name in ("not selected", "radiographs")
    )
    assert pale.customdata.tolist() == list(range(120, 160)) and bright.customdata.tolist() == list(range(100, 120))
    assert pale.marker.opacity < 0.2 and bright.marker.opacity > 0.8
    joined = np.concatenate([drawn_colours(bright), drawn_colours(pale)])
    assert joined.tolist() == drawn_colours(whole.data[0]).tolist()
    rings = {trace.name: np.asarray(trace.x).tolist() for trace in made.data if trace.name in ("chosen", "found")}
    expected = XYZ[:, 0].astype(np.float32)
    assert rings == {"chosen": [expected[1]], "found": [expected[3], expected[4]]}


def test_arrows_lead_from_the_mean_of_the_samples_to_each_anchor() -> None:
    made = space_3d([[0, 0, 0], [2, 4, 6]], named(["a", "b"]), Drawing(anchors=ANCHORS[:2], arrows=True))
    arrows = next(trace for trace in made.data if trace.name == "from the mean")
    lines = np.stack([arrows.x, arrows.y, arrows.z], axis=1).reshape(2, 3, 3)
    assert lines[:, 0].tolist() == [[1, 2, 3], [1, 2, 3]]
    np.testing.assert_allclose(lines[:, 1], [anchor.xyz for anchor in ANCHORS[:2]], rtol=1e-6)
    assert np.isnan(lines[:, 2]).all()


def test_a_frame_moves_every_point_and_only_points() -> None:
    anchors = ANCHORS[:2]
    ends = np.array([anchor.xyz for anchor in anchors])
    moments = [Moment(name=f"epoch {at}", coordinates=XYZ * at, anchors=ends * at) for at in (0.0, 0.5, 1.0)]
    marked = Marked(chosen=2, selected=np.arange(60) < 9)
    drawing = Drawing(anchors=anchors, arrows=True, marked=marked, moments=moments)
    made = space_3d(XYZ, BY_NAME, drawing)
    assert [frame.name for frame in made.frames] == ["epoch 0.0", "epoch 0.5", "epoch 1.0"]
    moving = [number for number, trace in enumerate(made.data) if trace.x[0] is not None]
    for frame, share in zip(made.frames, (0.0, 0.5, 1.0), strict=True):
        assert list(frame.traces) == moving
        for number, part in zip(frame.traces, frame.data, strict=True):
            np.testing.assert_allclose(np.asarray(made.data[number].z) * share, part.z, atol=1e-6)
    ends_of_axes = [made.layout.scene[f"{name}axis"].range for name in "xyz"]
    assert len({round(high - low, 6) for low, high in ends_of_axes}) == 1  # and they stay while it plays
    for axis, (low, high) in enumerate(ends_of_axes):
        assert low < XYZ[:, axis].min() and high > XYZ[:, axis].max()


def test_axes_of_compared_maps_reach_around_both() -> None:
    assert reach([[0, 0], [2, 1]], [[4, 0]]) == [
        (pytest.approx(2 - 2.08), pytest.approx(2 + 2.08)),
        (pytest.approx(0.5 - 2.08), pytest.approx(0.5 + 2.08)),
    ]
    assert reach([[3.0, 3.0]]) == [(2, 4), (2, 4)]  # one point has no extent


def test_a_flat_map_shows_what_was_enclosed() -> None:
    made = space_2d(XYZ[:, :2], BY_NAME, Drawing(outline=[(0, 0), (1, 0), (1, 2.5)]))
    assert made.layout.shapes[0].path == "M 0,0 L 1,0 L 1,2.5 Z"
    assert made.layout.dragmode == "lasso" and made.layout.yaxis.scaleanchor == "x"


def test_one_trace_carries_all_samples_in_their_order() -> None:
    made = space_3d(XYZ, BY_NUMBER, Drawing(rows=np.arange(60)))
    trace = made.data[0]
    assert np.allclose(np.stack([trace.x, trace.y, trace.z], axis=1), XYZ.astype(np.float32))
    assert trace.x.dtype == np.float32 and trace.customdata.tolist() == list(range(60))
    assert sum(len(one.x) > 1 for one in made.data) == 1


def test_unknown_numbers_are_grey_and_named() -> None:
    made = space_3d(XYZ, BY_NUMBER)
    values, colours = BY_NUMBER.values, made.data[0].marker.color
    unknown = np.isnan(values)
    assert np.allclose(colours[~unknown], values[~unknown])
    assert (colours[unknown] < np.nanmin(values)).all()
    assert made.data[0].marker.colorscale[0][1] == LIGHT.unknown
    assert UNKNOWN in [trace.name for trace in made.data]


def test_infinite_numbers_are_unknown() -> None:
    ages = Colouring(values=np.array([1, 2, np.inf]), kind="continuous", title="Age")
    assert space_3d(XYZ[:3], ages).data[0].marker.cmax == 2


def test_unknown_categories_are_grey_and_named() -> None:
    colours = drawn_colours(space_3d(XYZ, BY_NAME).data[0])
    missing = np.array([value is None for value in BY_NAME.values])
    assert set(colours[missing]) == {LIGHT.unknown} and LIGHT.unknown not in colours[~missing]


def test_the_camera_stays() -> None:
    shifted = dataclasses.replace(BY_NUMBER, values=BY_NUMBER.values + 1)
    made = [space_3d(XYZ, one) for one in (BY_NUMBER, shifted)]
    assert made[0].layout.uirevision == made[1].layout.uirevision is not None
    assert made[0].layout.scene.uirevision == made[1].layout.scene.uirevision is not None
    assert made[0].layout.scene.camera == made[1].layout.scene.camera


def test_anchors_and_the_chosen_sample() -> None:
    anchors = [Anchor(label="p<0.05>", xyz=(1, 2, 3), symbol="prompt")]
    made = space_3d(XYZ, BY_NUMBER, Drawing(anchors=anchors, marked=Marked(chosen=7)))
    prompts, chosen = made.data[-2:]
    assert list(prompts.text) == ["p‹0.05›"] and prompts.mode == "markers+text"
    assert (chosen.x[0], chosen.z[0]) == pytest.approx((XYZ[7, 0], XYZ[7, 2]), rel=1e-6)
