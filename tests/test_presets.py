"""Every preset that is not carried out whole elsewhere trains for two epochs by the real command."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from safetensors.torch import load_file

from core.config.presets import PRESETS, preset
from core.config.run import RunConfig
from core.demands import new_run
from core.logbook import read_metrics
from core.runs import Run
from tests.finished import WHOLE, command, printed
from tests.tiny import tiny_study

pytestmark = [pytest.mark.slow, pytest.mark.long]
OTHERS = [name for name in PRESETS if name not in WHOLE]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A run of each, two at a time."""
    home = tmp_path_factory.mktemp("presets")

    def train(run: Run) -> Run:
        printed(command(home, "scripts.train", run.id))
        return run

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("FLUOROSCOPE_HOME", str(home))
        patch.setenv("FLUOROSCOPE_WORKERS", "1")
        tiny_study(text=True)
        runs = [new_run(quick(name)) for name in OTHERS]
        return dict(zip(OTHERS, pool.map(train, runs), strict=True))


def quick(name: str) -> RunConfig:
    config = preset(name, study="tiny", encoder="lite")
    return config.replace(training=config.training.replace(epochs=2, batch_size=20))


@pytest.mark.parametrize("name", OTHERS)
def test_a_preset_trains(trained: dict[str, Run], name: str) -> None:
    run = trained[name]
    config = run.config
    steps = [row for row in read_metrics(run.folder / "metrics.jsonl") if "step" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4]
    assert all(set(row["terms"]) == set(config.losses) for row in steps)
    assert all(math.isfinite(value) for row in steps for value in (row["loss"], *row["terms"].values()))
    assert steps[-1]["validation"]["loss"] > 0
    stored = load_file(run.folder / "checkpoints" / "head.safetensors")
    towers = {key.split(".")[1] for key in stored if key.startswith("towers.")}
    assert towers == {side for side in ("image", "text") if getattr(config.tuning, side) != "nothing"}
