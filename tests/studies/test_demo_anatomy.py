"""The healthy body of the demo study: no two sides alike, gas and bone where they belong, AP unlike PA."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.studies.demo import render
from core.studies.demo.abdomen import draw_abdomen
from core.studies.demo.anatomy import Scene, build_scene
from core.studies.demo.body import Body, draw_body
from core.studies.demo.canvas import pixel_grid, shapes, strokes
from core.studies.demo.shoulders import clavicles, girdles
from core.studies.vocabulary import NIH_FINDINGS
from tests.studies.test_demo import healthy

SIZE = 160
BODIES = range(12)


def body_of(seed: int, **changes: Any) -> Body:
    return draw_body(healthy(seed, **changes))


def scene_of(seed: int, **changes: Any) -> Scene:
    row = healthy(seed, **changes)
    return build_scene(draw_body(row), SIZE, row["body_seed"], row["render_seed"])


def heights(bone: np.ndarray, across: np.ndarray, at: float) -> float:
    """Mean y of the bone in the columns at distance ``at``, in image widths."""
    column = np.argmin(np.abs(across - at))
    weight = bone[:, column]
    return float((weight * (np.arange(len(bone)) + 0.5)).sum() / weight.sum() / len(bone))


def test_a_clavicle_is_an_s_that_rises_from_the_sternum() -> None:
    grid = pixel_grid(448)
    x = np.broadcast_to(grid[0], (448, 448))
    for seed in BODIES:
        body = body_of(seed)
        bone = clavicles(body, x, grid[1])
        for sign in (-1, 1):
            way = np.linspace(0.06, 0.34, 15)
            course = np.array([heights(bone, sign * grid[0][0], at) for at in way])
            assert course[0] > course[-1] + 0.02, "the lateral end is the higher one"
            bent = course - np.linspace(course[0], course[-1], len(way))
            assert np.abs(bent).max() > 0.004, "no straight line"
            inner = heights(bone, sign * grid[0][0], 0.06)
            assert 0.12 < inner < 0.26


def test_no_two_sides_are_alike() -> None:
    x, y = pixel_grid(SIZE)
    x = np.broadcast_to(x, (SIZE, SIZE))
    tops = []
    for seed in BODIES:
        body = body_of(seed)
        bone = clavicles(body, x, y) + girdles(body, SIZE)
        mirrored = np.abs(bone - bone[:, ::-1]).mean() / bone.mean()
        assert mirrored > 0.3
        tops.append(body.shoulders[1].medial - body.shoulders[0].medial)
    assert min(tops) < -0.003 and max(tops) > 0.003, "now the one side is higher, now the other"


def test_the_stomach_lies_under_the_left_dome_and_its_air_over_a_level_when_erect() -> None:
    shown = 0
    for seed in BODIES:
        scene = scene_of(seed)
        body, chest = scene.body, scene.chest
        drawn = draw_abdomen(body, scene.x, scene.y, chest, np.random.default_rng([seed + 1000, 43]))
        gas = drawn < -0.05
        assert not gas[(scene.x < -0.15) & (scene.y < 0.85)].any(), "none in the liver"
        if body.bubble > 0.3:
            shown += 1
            left = gas & (scene.x > 0.05) & (np.abs(scene.y - body.dome[1] - 0.07) < 0.07)
            assert left.any()
            assert (chest.base[left] < 0).all()
    assert shown >= 4


def test_ap_films_show_larger_hearts_higher_domes_and_scapulae_over_the_lungs() -> None:
    views = {view: [scene_of(seed, view=view) for seed in BODIES] for view in ("PA", "AP")}

    def mean(view: str, number: Any) -> float:
        return float(np.mean([number(scene) for scene in views[view]]))

    for number, more in (
        (lambda s: s.body.heart, 1),
        (lambda s: s.body.dome[0], -1),
        (lambda s: s.body.shoulders[0].medial, -1),
        (lambda s: (girdles(s.body, SIZE) * (s.chest.inside > 0.5)).sum(), 1),
        (lambda s: s.body.noise, 1),
    ):
        assert more * mean("AP", number) > more * mean("PA", number)


def test_place_turns_body_coordinates_into_the_image() -> None:
    """``build_scene`` asks which spot of the body each pixel shows; ``place`` is the way back."""
    for seed in (1, 2):
        scene = scene_of(seed, view="AP")
        px, py = pixel_grid(SIZE)
        for row, column in ((10, 140), (80, 20), (150, 77)):
            spot = (float(scene.x[row, column]), float(scene.y[row, 0]))
            assert scene.body.place([spot])[0] == pytest.approx((float(px[0, column]), float(py[row, 0])), abs=1e-5)


def test_merged_segments_draw_what_single_ones_draw() -> None:
    way = [(-0.3, 0.2), (-0.1, 0.3), (0.1, 0.25), (0.3, 0.6)]
    whole = strokes(96, [(way, [0.03, 0.03, 0.02, 0.02], 0.8)])
    parts = [([a, b], [width, width], 0.8) for a, b, width in zip(way[:-1], way[1:], (0.03, 0.03, 0.02), strict=True)]
    assert np.abs(whole - strokes(96, parts)).mean() < 0.002
    assert whole.max() == pytest.approx(0.8, abs=0.01)


def test_shapes_are_filled_and_outlined() -> None:
    square = [(-0.25, 0.25), (0.25, 0.25), (0.25, 0.75), (-0.25, 0.75)]
    drawn = shapes(64, [(square, 0.5, 0.04, 1.0)])
    assert drawn[32, 32] == pytest.approx(0.5, abs=0.01)
    assert drawn[32, 16] > 0.9
    assert drawn[4, 4] == 0
    assert shapes(64, [(square, None, 0.04, 1.0)])[32, 32] == 0


def test_vertebrae_and_trachea_show_through_the_mediastinum() -> None:
    for seed in (1, 3, 5):
        image = render(healthy(seed), 224).astype(float)
        neck = image[20:70, 92:132].mean(axis=0)
        darkest = int(np.argmin(neck[8:32])) + 8
        assert neck[darkest] + 15 < max(neck[:darkest].max(), neck[darkest:].max()), "air between brighter walls"
        assert image[110:150, 105:125].mean(axis=1).std() > 0.5


def test_follow_ups_share_the_body_and_differ_in_stance() -> None:
    first, second = body_of(4), draw_body(healthy(4) | {"render_seed": 77})
    assert (first.apex, first.rib_gap, first.knob, first.fat) == (second.apex, second.rib_gap, second.knob, second.fat)
    assert first.tilt != second.tilt
    assert first.shoulders[0].medial != second.shoulders[0].medial


@pytest.mark.parametrize("size", [32, 333])
def test_any_size_can_be_drawn(size: int) -> None:
    row = healthy(3)
    for name in NIH_FINDINGS:
        row |= {f"finding:{name}": 1.0, f"severity:{name}": 1.0, f"side:{name}": "both"}
    image = render(row, size)
    assert image.shape == (size, size)
    assert image.std() > 20
