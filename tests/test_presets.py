"""Every preset that is not carried out whole elsewhere trains for two epochs by the real command."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from safetensors.torch import load_file

from core.config.presets import PRESETS, preset
from core.demands import new_run
from core.runs import read_metrics
from tests.finished import WHOLE, command, printed
from tests.tiny import tiny_study


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in WHOLE])
def test_a_preset_trains(workspace: Path, name: str) -> None:
    tiny_study(text=True)
    config = preset(name, study="tiny", encoder="lite")
    run = new_run(config.replace(training=config.training.replace(epochs=2, batch_size=20)))
    printed(command(workspace, "scripts.train", run.id))
    steps = [row for row in read_metrics(run.folder / "metrics.jsonl") if "step" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4]
    assert all(set(row["terms"]) == set(config.losses) for row in steps)
    assert all(math.isfinite(value) for row in steps for value in (row["loss"], *row["terms"].values()))
    assert steps[-1]["validation"]["loss"] > 0
    stored = load_file(run.folder / "checkpoints" / "head.safetensors")
    towers = {key.split(".")[1] for key in stored if key.startswith("towers.")}
    assert towers == {side for side in ("image", "text") if getattr(config.tuning, side) != "nothing"}
