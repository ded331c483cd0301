"""Each of the 14 findings, rendered with and without it: the change lies where the anatomy says, and has its sign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import ndimage

from core.studies.demo import render
from core.studies.demo.anatomy import Scene, build_scene
from core.studies.demo.body import draw_body, reshape
from core.studies.demo.canvas import step
from core.studies.vocabulary import NIH_FINDINGS
from tests.studies.test_demo import diseased, healthy

SIZE = 160
CENTIMETRE = 1 / 38
"""In image widths; see ``canvas``."""

BODIES = (5, 6, 11)
SIDES = ("right", "left")

Mask = np.ndarray
Where = Callable[[Scene, int], Mask]


def scene_of(row: dict[str, Any]) -> Scene:
    """Coordinates and organs of a row as ``render`` draws them, before any finding is painted on."""
    body = draw_body(row)
    reshape(body, row)
    return build_scene(body, SIZE, row["body_seed"], row["render_seed"])


def picture(row: dict[str, Any]) -> np.ndarray:
    return render(row, SIZE).astype(float)


def change(seed: int, name: str, side: str | None, severity: float = 0.8) -> tuple[np.ndarray, Scene]:
    """Grey values with the finding minus those without it, and the healthy scene."""
    row = healthy(seed)
    return picture(diseased(row, name, severity, side)) - picture(row), scene_of(row)


def half(scene: Scene, side: int) -> Mask:
    """The image's half of the patient's right (0) or left (1) side: the left lies at the image's right."""
    return (scene.x > 0) == bool(side)


def lung(scene: Scene, side: int) -> Mask:
    return half(scene, side) & (scene.chest.wall > -0.005) & (scene.chest.base > -0.02)


def base(scene: Scene, side: int) -> Mask:
    return half(scene, side) & (scene.chest.down > 0.45) & (scene.chest.wall > -0.02) & (scene.chest.base > -0.13)


def heart(scene: Scene, side: int) -> Mask:
    return (scene.chest.out < 0.34) & (scene.y > 0.34) & (scene.y < max(scene.body.dome) + 0.08)


def rim(scene: Scene, side: int) -> Mask:
    return half(scene, side) & (scene.chest.wall > -0.02) & (scene.chest.wall < 0.085) & (scene.chest.down < 1.3)


def behind_the_heart(scene: Scene, side: int) -> Mask:
    return (scene.chest.out < 0.17) & (np.abs(scene.y - max(scene.body.dome)) < 0.16)


def lungs_and_domes(scene: Scene, side: int) -> Mask:
    return (scene.chest.wall > -0.06) & (scene.chest.base > -0.14)


def both_lungs(scene: Scene, side: int) -> Mask:
    return lung(scene, 0) | lung(scene, 1)


class Place(NamedTuple):
    """Where a finding shows, the sign of its change there, and the least share of all change that lies inside."""

    where: Where
    sign: int
    share: float
    sides: tuple[str | None, ...] = SIDES


PLACES = {
    # The mediastinum is drawn over to the side that lost volume, so not all of the change lies at the base.
    "Atelectasis": Place(base, 1, 0.55),
    "Cardiomegaly": Place(heart, 1, 0.95, (None,)),
    "Effusion": Place(base, 1, 0.95),
    "Infiltration": Place(lung, 1, 0.95),
    "Mass": Place(lung, 1, 0.95),
    "Nodule": Place(lung, 1, 0.95),
    "Pneumonia": Place(lung, 1, 0.95),
    "Pneumothorax": Place(lung, 0, 0.95),
    "Consolidation": Place(lung, 1, 0.95),
    "Edema": Place(both_lungs, 1, 0.95, ("both",)),
    "Emphysema": Place(lungs_and_domes, -1, 0.85, ("both",)),
    "Fibrosis": Place(base, 1, 0.75),
    "Pleural_Thickening": Place(rim, 1, 0.95),
    "Hernia": Place(behind_the_heart, -1, 0.95, (None,)),
}


@pytest.mark.parametrize("name", NIH_FINDINGS)
def test_with_and_without_it_the_change_lies_in_the_right_place(name: str) -> None:
    place = PLACES[name]
    for seed in BODIES:
        for side in place.sides:
            seen, scene = change(seed, name, side)
            # Under two grey values: scattered radiation and the levelling of the digital film, which reach far.
            seen = np.where(np.abs(seen) < 2, 0, seen)
            inside = place.where(scene, int(side == "left"))
            assert np.abs(seen).sum() > 100, "there is something to see"
            assert np.abs(seen[inside]).sum() >= place.share * np.abs(seen).sum(), (seed, side)
            assert np.abs(seen[~inside]).mean() < 2.5, (seed, side)
            assert place.sign == 0 or np.sign(seen[inside].sum()) == place.sign, (seed, side)


def extent(seen: np.ndarray) -> list[float]:
    """Diameters in cm, at half height, of the separate shadows in a change."""
    spots, _ = ndimage.label(seen > 0.5 * seen.max())
    areas = [a for a in np.bincount(spots.ravel())[1:] if a > 3]
    return [2 * float(np.sqrt(area / np.pi)) / SIZE / CENTIMETRE for area in areas]


def cardiothoracic_ratio(row: dict[str, Any]) -> float:
    """Widest heart over the widest rib cage, measured on the drawn organs."""
    scene = scene_of(row)
    seen = (scene.heart > 0.25) & (scene.chest.base > 0)
    beyond = max(scene.x[seen].max(), 0) - min(scene.x[seen].min(), 0)
    cage = (scene.chest.wall > 0) & (scene.y < min(scene.body.dome) + 0.08)
    return float(beyond / (scene.x[cage].max() - scene.x[cage].min()))


@pytest.mark.parametrize("seed", range(8))
def test_a_heart_is_large_above_one_half_of_the_chest_and_only_then(seed: int) -> None:
    row = healthy(seed)
    assert 0.34 < cardiothoracic_ratio(row) < 0.5
    assert cardiothoracic_ratio(diseased(row, "Cardiomegaly", 0.1)) > 0.5
    assert cardiothoracic_ratio(diseased(row, "Cardiomegaly", 1.0)) < 0.75


@pytest.mark.parametrize("severity", [0.1, 0.5, 1.0])
def test_a_mass_is_larger_than_three_centimetres_and_a_nodule_smaller(severity: float) -> None:
    for seed in BODIES:
        mass, nodules = (extent(change(seed, name, "left", severity)[0]) for name in ("Mass", "Nodule"))
        assert 2.2 < max(mass) < 9, "3 to 7 cm from edge to edge, somewhat less at half height"
        assert max(nodules) < 3.2
        assert max(nodules) < max(mass)


def test_effusion_blunts_the_angle_and_climbs_along_the_wall() -> None:
    small, scene = change(5, "Effusion", "left", 0.25)
    angle = half(scene, 1) & (np.abs(scene.chest.wall - 0.015) < 0.015) & (np.abs(scene.chest.down - 1.08) < 0.08)
    assert small[angle].mean() > 12
    large, scene = change(5, "Effusion", "left", 0.7)
    grey = half(scene, 1) & (large > 0.5 * large.max())
    rows = np.broadcast_to(scene.y, large.shape)
    lateral, medial = (rows[grey & (np.abs(scene.chest.across - at) < 0.05)].min() for at in (0.92, 0.62))
    assert lateral < medial - 0.02, "the meniscus stands higher at the wall"


def test_pneumothorax_is_dark_and_empty_outside_a_bright_line() -> None:
    row = healthy(6)
    air, scene = picture(diseased(row, "Pneumothorax", 0.6, "left")), scene_of(row)
    seen = air - picture(row)
    apart = half(scene, 1) & (np.abs(scene.y - 0.40) < 0.08) & (scene.chest.wall > 0.02)
    beyond = apart & (scene.chest.wall < 0.045)
    within = apart & (scene.chest.wall > 0.15) & (scene.chest.out > 0.12)
    assert seen[beyond].mean() < -3
    assert seen[within].mean() > 3, "the collapsed lung is denser"
    for y in range(round(0.32 * SIZE), round(0.45 * SIZE), 3):
        across = np.flatnonzero(apart[y])
        line = seen[y, across]
        peak = int(np.argmax(line))
        assert line[peak] > line[peak:].min() + 8, "bright line, then black towards the wall"


def test_atelectasis_draws_diaphragm_and_mediastinum_towards_it() -> None:
    for side, towards in (("left", 1), ("right", -1)):
        sick, well = (scene_of(diseased(healthy(5), "Atelectasis", s, side)) for s in (0.9, 0.0))
        lost = int(side == "left")
        assert sick.body.dome[lost] < well.body.dome[lost] - 0.03
        assert sick.body.dome[1 - lost] == well.body.dome[1 - lost]
        assert towards * (sick.body.shift - well.body.shift) > 0.01


def test_edema_is_perihilar_with_lines_at_the_wall() -> None:
    seen, scene = change(5, "Edema", "both")
    lungs = both_lungs(scene, 0) & (scene.heart < 0.1) & (scene.chest.wall > 0.01)
    wing = lungs & (np.abs(scene.chest.out - 0.13) < 0.04) & (np.abs(scene.y - 0.46) < 0.08)
    rest = lungs & (scene.chest.out > 0.25)
    assert seen[wing].mean() > 2.5 * seen[rest].mean() > 0
    kerley = seen - ndimage.gaussian_filter(seen, (2.5, 0))
    low = lungs & (np.abs(scene.chest.across - 0.90) < 0.05) & (scene.chest.down > 0.85)
    assert kerley[low].max() > 4


def test_emphysema_flattens_the_diaphragm_and_darkens_the_lungs() -> None:
    row = healthy(6)
    sick, well = scene_of(diseased(row, "Emphysema", 0.9, "both")), scene_of(row)
    assert min(sick.body.dome) > max(well.body.dome)
    assert sick.body.dome_bend[0] < 0.5 * well.body.dome_bend[0]
    seen, _ = change(6, "Emphysema", "both", 0.9)
    upper = both_lungs(well, 0) & (np.abs(well.chest.down - 0.4) < 0.2) & (well.heart < 0.05) & (well.chest.wall > 0.03)
    assert seen[upper].mean() < -5


def test_fibrosis_is_a_net_at_the_base() -> None:
    def unrest(image: np.ndarray, where: Mask) -> float:
        return float((image - ndimage.gaussian_filter(image, 2))[where].std())

    seen, scene = change(6, "Fibrosis", "right", 0.9)
    lungs = lung(scene, 0) & (scene.chest.wall > 0.02) & (scene.chest.base > 0.06) & (scene.heart < 0.05)
    low, high = lungs & (scene.chest.down > 0.7), lungs & (scene.chest.down < 0.4) & (scene.chest.wall > 0.09)
    assert unrest(seen, low) > 4
    assert unrest(seen, low) > 4 * unrest(seen, high)


def test_consolidation_shows_dark_bronchi_in_a_dense_lung() -> None:
    seen, _ = change(5, "Consolidation", "left", 0.8)
    dense = ndimage.gaussian_filter(seen, 4) > 0.6 * seen.max()
    fine = (seen - ndimage.median_filter(seen, 9))[dense]
    assert fine.min() < -10, "branches darker than the opacity around them"


def test_a_hernia_holds_air_over_a_level() -> None:
    seen, scene = change(5, "Hernia", None, 0.8)
    darkest = np.unravel_index(np.argmin(ndimage.gaussian_filter(seen, 1)), seen.shape)
    column = seen[:, darkest[1]]
    fall = np.diff(column[darkest[0] :])
    level = darkest[0] + int(np.argmax(fall)) + 1
    assert fall.max() > 8, "one sharp edge below the air"
    assert column[level + 2] > 0 > column[level - 3]
    assert scene.heart[darkest] > 0.3


def test_pleural_thickening_is_thickest_over_the_apex() -> None:
    seen, scene = change(5, "Pleural_Thickening", "right", 0.8)
    lungs = half(scene, 0) & (scene.chest.wall > 0.0)
    rows = np.broadcast_to(scene.chest.down, seen.shape)
    cap, side = (lungs & (np.abs(rows - at) < 0.06) & (seen > 8) for at in (0.08, 0.6))
    assert scene.chest.wall[cap].max() > 1.2 * scene.chest.wall[side].max()


def test_pneumonia_keeps_to_one_lobe() -> None:
    """A fissure is one edge: most of the change lies on one side of it."""
    for seed in BODIES:
        seen, scene = change(seed, "Pneumonia", "right")
        upper = float(step(0.54 - scene.chest.down, 0.01)[seen > 5].mean())
        assert upper < 0.25 or upper > 0.75


def test_infiltration_is_patchy() -> None:
    seen, _ = change(6, "Infiltration", "right")
    there = ndimage.gaussian_filter(seen, 6)
    inside = there > 0.5 * there.max()
    assert seen[inside].std() > 0.15 * seen[inside].mean()
