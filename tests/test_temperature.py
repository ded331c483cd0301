"""The temperature's schedule, its limits, and the head that follows it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from core.config.objective import ObjectiveConfig
from core.errors import ConfigError
from core.heads import PlainHead
from core.losses.temperature import temperature_at


def scheduled(start: float, end: float, schedule: Any = "linear") -> ObjectiveConfig:
    return ObjectiveConfig(
        temperature=start, learn_temperature=False, temperature_end=end, temperature_schedule=schedule
    )


def test_linear_by_hand() -> None:
    config = scheduled(1.0, 0.01)
    assert [temperature_at(config, step, 3) for step in range(3)] == pytest.approx([1.0, 0.1, 0.01])
    assert temperature_at(scheduled(0.02, 0.5), 4, 5) == pytest.approx(0.5)  # it may rise


def test_cosine_by_hand() -> None:
    # a quarter of the way is (1 - cos 45 degrees) / 2 of the logarithm's way from 0 to ln 0.01
    config = scheduled(1.0, 0.01, "cosine")
    quarter = math.exp(math.log(0.01) * (1 - math.sqrt(0.5)) / 2)
    found = [temperature_at(config, step, 5) for step in range(5)]
    assert found == pytest.approx([1.0, quarter, 0.1, 0.01 / quarter, 0.01])


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [0, 1, 2, 17])
def test_it_starts_and_ends_as_it_should_and_stays_between(schedule: str, steps: int) -> None:
    config = scheduled(0.5, 0.02, schedule)
    found = [temperature_at(config, step, steps) for step in range(max(1, steps))]
    assert found[0] == pytest.approx(0.5)
    assert found == sorted(found, reverse=True)
    assert temperature_at(config, steps + 5, steps) == pytest.approx(0.02 if steps > 1 else 0.5)
    if steps > 1:
        assert found[-1] == pytest.approx(0.02)


def test_without_an_end_it_stays() -> None:
    assert temperature_at(ObjectiveConfig(temperature=0.3), 7, 10) == 0.3
    assert ObjectiveConfig.from_json({"temperature": 0.3}).temperature_end == 0  # what an older run says


def test_what_does_not_go_together() -> None:
    with pytest.raises(
        ConfigError, match=r"temperature_end is 0.5 and learn_temperature is True, .*learn_temperature to"
    ):
        ObjectiveConfig(temperature_end=0.5)
    with pytest.raises(ConfigError, match=r"temperature_end is 0.001; it must be 0 .*between 0.01 and 10"):
        scheduled(0.1, 0.001)


@pytest.mark.parametrize(("temperature", "scale"), [(0.5, 2.0), (0.01, 100.0), (0.001, 100.0)])
def test_a_head_follows(temperature: float, scale: float) -> None:
    head = PlainHead(3, 3, temperature=0.07)
    head.set_temperature(temperature)
    assert head.scale.item() == pytest.approx(scale, rel=1e-6) and head.scale.item() <= 100
    assert not head.log_scale.requires_grad and head.log_scale.dtype == torch.float32
