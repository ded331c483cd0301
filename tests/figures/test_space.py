"""The map at the size of a whole study, and colours that say one thing only."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.figures.space import UNKNOWN, Anchor, Kind, space_3d
from core.figures.theme import DARK, LIGHT, Theme
from tests.figures.examples import CATEGORIES, NAMES, VALUES, XYZ, drawn_colours

WHOLE = 112_120
"""Radiographs in NIH ChestX-ray14."""

THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
GATHERED = np.array([*NAMES, "Several", "No finding", None], dtype=object)


@pytest.mark.parametrize("kind", ["categorical", "binary", "continuous"])
def test_a_whole_study_is_small(kind: Kind) -> None:
    random = np.random.default_rng(0)
    values = {
        "categorical": GATHERED[random.integers(0, len(GATHERED), WHOLE)],
        "binary": np.where(random.random(WHOLE) < 0.1, np.nan, random.integers(0, 2, WHOLE)),
        "continuous": random.random(WHOLE),
    }[kind]
    xyz, rows = random.normal(size=(WHOLE, 3)), np.arange(WHOLE)
    made = space_3d(xyz, values, kind=kind, names=["Edema"], customdata=rows)
    text = made.to_json()
    assert len(text) < 5_000_000
    assert np.array_equal(made.data[0].customdata, rows) and np.issubdtype(made.data[0].customdata.dtype, np.integer)


@pytest.mark.parametrize("count", [2, 14, 300])
def test_one_trace_of_samples_however_many_categories(count: int) -> None:
    values = np.array([f"c{at}" for at in np.arange(900) % count], dtype=object)
    made = space_3d(np.zeros((900, 3)), values, kind="categorical")
    assert sum(trace.x[0] is not None for trace in made.data) == 1
    assert len(made.data) == 1 + min(count, 14)
    assert len(set(drawn_colours(made.data[0]))) == min(count, 14)


def test_the_rarest_categories_become_one() -> None:
    values = np.array([f"c{at:02}" for at in range(14)] * 3 + ["rare"], dtype=object)
    names = [trace.name for trace in space_3d(np.zeros((43, 3)), values, kind="categorical").data[1:]]
    assert "2 others" in names and "rare" not in names and len(names) == 14


@THEMES
def test_what_gathers_others_has_no_disease_s_colour(theme: Theme) -> None:
    made = space_3d(np.zeros((len(GATHERED), 3)), GATHERED, kind="categorical", theme=theme)
    colours = dict(zip([*GATHERED[:-1], UNKNOWN], drawn_colours(made.data[0]), strict=True))
    assert len(set(colours.values())) == len(GATHERED)
    assert (colours["Several"], colours["No finding"]) == (theme.muted, theme.grounded)
    assert colours[UNKNOWN] == theme.unknown
    legend = {trace.name: trace.marker.color for trace in made.data[1:]}
    assert legend == colours


def test_present_stands_out_from_absent_and_unknown() -> None:
    made = space_3d(XYZ[:3], [1.0, 0.0, np.nan], kind="binary", names=["Edema"])
    assert drawn_colours(made.data[0]).tolist() == [LIGHT.colour(1), LIGHT.grounded, LIGHT.unknown]
    assert [trace.name for trace in made.data[1:]] == ["with Edema", "without Edema", UNKNOWN]


def test_one_value_for_all_has_a_colour() -> None:
    marker = space_3d(XYZ[:2], [5.0, 5.0], kind="continuous", names=["Age"]).data[0].marker
    assert (marker.cmin, marker.cmax) == (5, 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": VALUES[:5]}, "60 samples, 5 values"),
        ({"customdata": [1, 2]}, "2 rows to give back"),
        ({"highlight": 60}, "0 to 59"),
        ({"highlight": -1}, "0 to 59"),
        ({"anchors": [Anchor(label="a", xyz=(1, 2), symbol="prompt")]}, "three coordinates"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], words: str) -> None:
    given = {"coordinates": XYZ, "values": VALUES, "kind": "continuous", "names": ["Age"], **change}
    with pytest.raises(InputError, match=words):
        space_3d(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("labelled", [[], ["prompt"], ["centroid"], ["prompt", "centroid"]])
def test_names_stand_beside_the_anchors_that_are_asked_for(labelled: list[str]) -> None:
    anchors = [Anchor(label=kind, xyz=(0, 0, 0), symbol=kind) for kind in ("prompt", "centroid")]
    made = space_3d(XYZ, CATEGORIES, kind="categorical", anchors=anchors, labelled=labelled)
    assert [trace.mode == "markers+text" for trace in made.data[-2:]] == ["prompt" in labelled, "centroid" in labelled]
