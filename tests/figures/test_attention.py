"""Where a map lies over a radiograph, and what stands beside the hit rates."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.attention import Box, Overlay, pointing_rates, saliency_maps
from core.figures.printing import for_print
from tests.figures.examples import LOOKED

PICTURE = np.arange(64).reshape(8, 8)


def named(figure, kind):
    return [trace for trace in figure.data if trace.type == kind]


def test_a_map_covers_the_whole_radiograph() -> None:
    """Places of a 2 x 2 map over 8 pixels: 0 to 3 and 4 to 7, so their middles are 1.5 and 5.5."""
    values = np.array([[0.0, 0.25], [1.0, 0.5]])
    made = saliency_maps(PICTURE, "r", [Overlay("a", ["logit +1.00"], values, (0.25, 0.75))])
    (heat,) = named(made, "heatmap")
    assert heat.x.tolist() == heat.y.tolist() == [1.5, 5.5] and heat.z.tolist() == values.tolist()
    assert (heat.xaxis, heat.yaxis, heat.zsmooth) == ("x2", "y2", "best")
    (cross,) = [trace for trace in named(made, "scatter") if trace.name.startswith("highest")]
    assert (cross.x[0], cross.y[0], cross.xaxis) == (1.5, 5.5, "x2")
    assert len(named(made, "image")) == 2
    assert made.layout.yaxis2.range == (7.5, -0.5)


def test_all_maps_share_one_scale_whose_opacity_is_chosen() -> None:
    made = saliency_maps(PICTURE, "r", LOOKED, opacity=0.5)
    assert {trace.coloraxis for trace in named(made, "heatmap")} == {"coloraxis"}
    scale = made.layout.coloraxis
    assert (scale.cmin, scale.cmax) == (0, 1)
    assert [float(colour.rsplit(",", 1)[1].rstrip(")")) for _, colour in scale.colorscale] == [0, 0.225, 0.4, 0.5]
    assert len([trace for trace in made.data if (trace.name or "").startswith("highest")]) == 2  # not of the empty one


def test_boxes_are_outlined_on_every_picture() -> None:
    made = saliency_maps(PICTURE, "r", LOOKED[:2], [Box("Mass", 0.25, 0.5, 0.5, 0.25)])
    outlines = [trace for trace in made.data if trace.name == "box, Mass"]
    assert [trace.xaxis for trace in outlines] == ["x", "x2", "x3"]
    assert outlines[0].x == (1.5, 5.5, 5.5, 1.5, 1.5) and outlines[0].y == (3.5, 3.5, 5.5, 5.5, 3.5)


def test_four_pictures_stand_in_two_rows() -> None:
    made = saliency_maps(PICTURE, "r", LOOKED)
    assert made.layout.yaxis.domain[0] > made.layout.yaxis3.domain[1]
    assert made.layout.height > saliency_maps(PICTURE, "r", LOOKED[:2]).layout.height
    assert for_print(made, 2).layout.yaxis.domain[0] == for_print(made, 2).layout.yaxis4.domain[0]


@pytest.mark.parametrize("values", [np.full((2, 2), 1.1), np.array([[np.nan, 0.5]]), np.zeros(4)])
def test_what_is_no_map_is_refused(values: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"0\.\.1"):
        saliency_maps(PICTURE, "r", [Overlay("a", [], values, None)])


def test_an_opacity_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"opacity is 1\.5"):
        saliency_maps(PICTURE, "r", [], opacity=1.5)


def test_hit_rates_beside_their_baselines() -> None:
    made = pointing_rates(
        ["Mass", "Nodule"], [[0.5, 0.25]], [[0.3, 0.1]], [[0.7, 0.5]], counts=[12, 1200], area=[0.1, 0.02],
        centre=[0, 1], series=["run"],
    )  # fmt: skip
    area, centre, run = made.data
    assert area.x.tolist() == pytest.approx([0.1, 0.02]) and centre.x.tolist() == [0, 1]
    assert run.x.tolist() == [0.5, 0.25] and run.customdata[0] == pytest.approx([0.3, 0.7])
    assert made.layout.yaxis.ticktext == ("Mass  (n=12)", "Nodule  (n=1,200)")
    with pytest.raises(InputError, match="2 findings"):
        pointing_rates(["a", "b"], [[0.5]], [[0.5]], [[0.5]], counts=[1, 1], area=[0, 0], centre=[0, 0], series=["r"])
