"""What is drawn for which radiograph: ranges, distributions, and that the same is drawn again."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from core.augmentation.drawing import NOISE, Draws, batch_generator, draw, mixup_draw, normal_numbers
from core.config.augmentation import AugmentationConfig
from core.config.base import settings_of
from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.errors import ConfigError, InputError

ALL = AugmentationConfig(
    crop=0.6, rotation=10, translation=0.1, flip=0.5, brightness=20, contrast=0.3, gamma=1.5, noise=8, cutout=0.3,
    cutout_probability=0.7, mixup=0.4,
)  # fmt: skip
ONE_EACH: list[dict[str, float]] = [
    *({"crop": 0.5}, {"rotation": 5.0}, {"translation": 0.1}, {"flip": 0.5}, {"brightness": 9.0}, {"contrast": 0.1}),
    *({"gamma": 1.2}, {"noise": 3.0}, {"cutout": 0.2}),
]


def equal(a: Draws, b: Draws) -> bool:
    return all(np.array_equal(getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(Draws))


class TestConfig:
    def test_it_is_off_where_nobody_asks_for_it_and_never_flips_by_itself(self) -> None:
        for name in PRESETS:
            made = preset(name, study="demo", encoder="lite")
            assert made.augmentation.flip == 0
            assert made.augmentation.enabled == (name == "from-scratch")
            older = {key: value for key, value in made.to_json().items() if key != "augmentation"}
            assert RunConfig.from_json(older).augmentation == AugmentationConfig()

    @pytest.mark.parametrize("change", ONE_EACH, ids=str)
    def test_each_alone_switches_it_on(self, change: dict[str, float]) -> None:
        config = AugmentationConfig(**change)
        assert config.enabled and config.changes_pictures
        assert AugmentationConfig.from_json(config.to_json()) == config
        assert config.of_pictures() != AugmentationConfig().of_pictures()

    def test_mixup_leaves_pictures_alone_and_views_leave_their_key(self) -> None:
        config = AugmentationConfig(mixup=0.2, views=9)
        assert config.enabled and not config.changes_pictures
        assert config.of_pictures() == AugmentationConfig().of_pictures()
        assert not AugmentationConfig(cutout=0.4, cutout_probability=0).enabled
        assert not AugmentationConfig(cutout_probability=1.0, views=2).enabled

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            *(("crop", 0.0), ("crop", 1.01), ("rotation", -1.0), ("rotation", 46.0), ("translation", 0.6)),
            *(("flip", 1.1), ("brightness", 200.0), ("contrast", 1.0), ("gamma", 0.9), ("noise", -1.0)),
            *(("cutout", 1.0), ("cutout_probability", -0.1), ("mixup", math.nan), ("views", 0), ("views", 2.0)),
        ],
    )
    def test_what_is_not_allowed_is_named(self, name: str, value: Any) -> None:
        with pytest.raises(ConfigError, match=rf"AugmentationConfig\.{name} "):
            AugmentationConfig(**{name: value})

    def test_help_is_one_line_and_says_why_nothing_is_mirrored(self) -> None:
        helps = {field.name: settings_of(field).help for field in dataclasses.fields(AugmentationConfig)}
        assert all(0 < len(text) < 110 for text in helps.values())
        assert "heart" in helps["flip"]

    def test_epochs_take_the_views_in_turn(self) -> None:
        assert [AugmentationConfig(views=3).view(epoch) for epoch in range(7)] == [0, 1, 2, 0, 1, 2, 0]


class TestDraws:
    def test_the_same_radiograph_gets_the_same_numbers_in_any_batch(self) -> None:
        whole = draw(ALL, np.arange(50), seed=3, turn=2)
        assert equal(whole, draw(ALL, range(50), seed=3, turn=2))
        assert equal(whole[10:17], draw(ALL, range(10, 17), seed=3, turn=2))
        assert equal(whole[np.array([40, 3, 3])], draw(ALL, [40, 3, 3], seed=3, turn=2))

    @pytest.mark.parametrize("other", [{"seed": 4, "turn": 2}, {"seed": 3, "turn": 1}, {"seed": 2, "turn": 3}])
    def test_another_seed_or_turn_draws_anew(self, other: dict[str, int]) -> None:
        first, second = draw(ALL, range(20), seed=3, turn=2), draw(ALL, range(20), **other)
        assert not np.isin(first.degrees, second.degrees).any()

    def test_no_two_radiographs_or_quantities_share_a_number(self) -> None:
        found = draw(ALL, range(300), seed=0, turn=0)
        drawn = [
            found.crop_x / (1 - np.sqrt(found.kept)), found.degrees, found.right, found.down, found.brightness,
            found.contrast, np.log(found.gamma), found.noise, found.window, found.hole_x, found.hole_y,
        ]  # fmt: skip
        correlations = np.corrcoef(drawn) - np.eye(len(drawn))
        assert np.abs(correlations).max() < 0.25  # 4.3 standard deviations of 300 independent pairs
        assert all(len(np.unique(values)) == 300 for values in drawn)

    def test_switching_one_thing_on_leaves_the_others(self) -> None:
        without, with_noise = AugmentationConfig(rotation=10), AugmentationConfig(rotation=10, noise=5, crop=0.5)
        assert np.array_equal(draw(without, [7], seed=0, turn=0).degrees, draw(with_noise, [7], seed=0, turn=0).degrees)

    def test_ranges_are_filled_and_kept(self) -> None:
        found = draw(ALL, range(2000), seed=0, turn=0)
        ranges = {
            "kept": (0.6, 1.0), "degrees": (-10, 10), "right": (-0.1, 0.1), "down": (-0.1, 0.1), "noise": (0, 8),
            "brightness": (-20, 20), "contrast": (0.7, 1.3), "gamma": (1 / 1.5, 1.5), "window": (0, NOISE),
            "hole_x": (0, 1), "hole_y": (0, 1),
        }  # fmt: skip
        for name, (low, high) in ranges.items():
            values = getattr(found, name)
            assert values.min() >= low and values.max() <= high, name
            assert values.min() < low + 0.01 * (high - low) and values.max() > high - 0.01 * (high - low), name
        assert found.flipped.mean() == pytest.approx(0.5, abs=0.05)
        assert (found.hole == 0.3).mean() == pytest.approx(0.7, abs=0.05) and set(found.hole) == {0.0, 0.3}
        assert np.median(found.gamma) == pytest.approx(1, abs=0.02)  # as often up as down

    def test_a_crop_alone_takes_nothing_from_outside(self) -> None:
        found = draw(AugmentationConfig(crop=0.3), range(500), seed=1, turn=0)
        corners = found.matrices() @ np.array([[-1, -1, 1], [1, 1, 1]]).T
        assert np.abs(corners).max() <= 1 + 1e-12
        share = np.prod(corners[:, :, 1] - corners[:, :, 0], axis=1) / 4
        assert share == pytest.approx(found.kept)

    def test_off_is_the_identity(self) -> None:
        found = draw(AugmentationConfig(), range(9), seed=0, turn=0)
        assert not found.toned and not found.moved and not found.noise.any() and not found.hole.any()
        assert (found.matrices() == np.eye(2, 3)).all()
        assert found.words(3) == []

    def test_nobody_is_mirrored_by_default(self) -> None:
        config = ALL.replace(flip=AugmentationConfig().flip)
        found = draw(config, range(5000), seed=0, turn=0)
        assert not found.flipped.any()
        assert (np.linalg.det(found.matrices()[:, :, :2]) > 0).all()  # neither by any of the others

    def test_words(self) -> None:
        one = draw(AugmentationConfig(), [0], seed=0, turn=0)
        changed = dataclasses.replace(
            one, kept=np.array([0.816]), degrees=np.array([4.06]), right=np.array([-0.052]), flipped=np.array([True]),
            brightness=np.array([12.4]), contrast=np.array([0.9]), noise=np.array([6.0]), hole=np.array([0.25]),
        )  # fmt: skip
        assert changed.words(0) == [
            *("crop 0.82", "+4.1°", "left 5.2 %", "mirrored", "brightness +12", "contrast × 0.90", "noise 6.0"),
            "cut-out 0.25",
        ]

    @pytest.mark.parametrize("rows", [[0.5], [-1], [[1]], ["a"]])
    def test_what_is_no_row_is_refused(self, rows: Any) -> None:
        with pytest.raises(InputError, match="Rows must be integers"):
            draw(ALL, rows, seed=0, turn=0)

    def test_a_negative_seed_is_refused_and_no_rows_draw_nothing(self) -> None:
        with pytest.raises(InputError, match="got -1 and 0"):
            draw(ALL, [0], seed=-1, turn=0)
        assert len(draw(ALL, [], seed=0, turn=0)) == 0


class TestHoles:
    def test_pixels(self) -> None:
        one = draw(AugmentationConfig(), range(3), seed=0, turn=0)
        found = dataclasses.replace(
            one, hole=np.array([0.25, 0.25, 0]), hole_x=np.array([0.5, 0.0, 0.5]), hole_y=np.array([0.5, 0.9, 0.5])
        ).holes(64)
        # 16 pixels about 32; half of it outside at the left; about 57.6, cut at the lower end; none
        assert found[:2].tolist() == [[24, 24, 40, 40], [0, 50, 8, 64]]
        assert found[2, 0] == found[2, 2] and found[2, 1] == found[2, 3]


class TestMixUp:
    @pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
    def test_shares_are_of_the_beta_distribution(self, alpha: float) -> None:
        shares = np.array([mixup_draw(alpha, 2, batch_generator(0, step)).share for step in range(4000)])
        variance = 1 / (4 * (2 * alpha + 1))  # of Beta(a, a): a^2 / ((2 a)^2 (2 a + 1))
        assert shares.mean() == pytest.approx(0.5, abs=4 * math.sqrt(variance / 4000))
        assert shares.var() == pytest.approx(variance, rel=0.1)
        assert shares.min() >= 0 and shares.max() <= 1

    def test_partners_are_a_permutation_that_a_step_draws_again(self) -> None:
        first, again, next_ = (mixup_draw(0.4, 32, batch_generator(5, step)) for step in (7, 7, 8))
        assert sorted(first.partner.tolist()) == list(range(32))
        assert first.share == again.share and np.array_equal(first.partner, again.partner)
        assert first.share != next_.share and not np.array_equal(first.partner, next_.partner)

    def test_off_mixes_nothing(self) -> None:
        share, partner = mixup_draw(0.0, 4, batch_generator(0, 0))
        assert share == 1 and partner.tolist() == [0, 1, 2, 3]

    def test_its_numbers_are_not_those_of_radiographs(self) -> None:
        of_batch = batch_generator(0, 0).random(15)
        of_row = np.random.default_rng((1, 0, 0, 0)).random(15)
        assert not np.isin(of_batch, of_row).any()


def test_noise_is_standard_normal_and_goes_round() -> None:
    numbers = normal_numbers(64)
    assert len(numbers) == NOISE + 64 * 64 and numbers.dtype == np.float32
    assert np.array_equal(numbers[NOISE:], numbers[: 64 * 64])
    own = numbers[:NOISE].astype(np.float64)
    assert own.mean() == pytest.approx(0, abs=0.003) and own.std() == pytest.approx(1, abs=0.002)
    assert (own**3).mean() == pytest.approx(0, abs=0.01) and (own**4).mean() == pytest.approx(3, abs=0.03)
    for lag in (1, 2, 64):
        assert (own[lag:] * own[:-lag]).mean() == pytest.approx(0, abs=0.003)
