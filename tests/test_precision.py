"""In which precision training works, and compiled towers: other arithmetic, the same training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from core import preparing
from core.config.presets import preset
from core.devices import autocast
from core.feeds import LiveImages
from core.preparing import prepare, training_data
from core.tuning import learned_state
from tests.one_of_many import begun
from tests.small_towers import small_encoder
from tests.tiny import tiny_study


@pytest.mark.parametrize(
    ("wanted", "expected"), [("auto", torch.float32), ("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_what_a_product_is_made_in_on_a_cpu(wanted: str, expected: torch.dtype) -> None:
    with autocast(torch.device("cpu"), wanted):  # type: ignore[arg-type]
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected


def test_half_precision_trains_nearly_as_single_does(tmp_path: Path) -> None:
    single, half = begun(tmp_path / "single"), begun(tmp_path / "half")
    half.data = replace(half.data, precision="bf16")
    expected, found = ([step.loss for step in made.steps()] for made in (single, half))
    assert found != expected and found == pytest.approx(expected, rel=0.1)
    assert {value.dtype for value in learned_state(half.head, half.tuning).values()} == {torch.float32}


def test_compiled_towers_are_the_same_towers(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the backend that runs what was traced as it is: no compiler is needed, and no minute passes."""
    tiny_study(counts=(8, 4, 4), text=True)
    monkeypatch.setattr(preparing, "load_encoder", lambda *_: small_encoder())
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    config = preset("fine-tune", study="tiny")
    ready = prepare(config, study=preparing.Study.load("tiny"), progress=None)
    compiled = replace(ready, config=config.replace(training=config.training.replace(compiled=True)))
    assert ready.tuning.towers
    plain, traced = (training_data(one).train.images for one in (ready, compiled))
    assert isinstance(traced, LiveImages) and type(traced.tower).__name__ == "OptimizedModule"
    rows = torch.arange(3)
    expected, found = plain(rows, None), traced(rows, None)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert any(parameter.grad is not None for parameter in ready.encoder.image.parameters())
