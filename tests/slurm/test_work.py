"""Runs and ablations on a real Slurm, by the commands that a user types."""

from __future__ import annotations

import sys

import pytest

from core import first_light
from core.ablation.folder import Ablation
from core.ablation.grids import ablation
from core.config.presets import preset
from core.config.slurm import SlurmConfig
from core.logbook import read_metrics
from core.runs import Run, list_runs
from core.slurm.placing import placement
from scripts import ablate
from scripts import run as run_script
from scripts.common import main
from tests import toys
from tests.slurm.cluster import Cluster
from tests.tiny import tiny_study, until
from tests.views.test_views import opened

pytestmark = pytest.mark.slow

SMALL = SlurmConfig(partition="main", cpus=1, time="10")


def typed(monkeypatch: pytest.MonkeyPatch, module: object, words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["python -m ...", *words.split()])
    try:
        main(module.work)  # type: ignore[attr-defined]
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def losses(run: Run) -> list[tuple[int, float]]:
    return [(row["step"], row["loss"]) for row in read_metrics(run.folder / "metrics.jsonl") if "step" in row]


@pytest.mark.long
def test_a_real_run_out_of_time_goes_on_with_the_losses_of_an_unbroken_one(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_study(counts=(40, 12, 12))
    steps = "--study tiny --preset linear --encoder lite --training.epochs 300 --training.batch-size 16 --background"
    unbroken = preset("linear", study="tiny", encoder="lite")
    unbroken = unbroken.replace(training=unbroken.training.replace(epochs=300, batch_size=16))
    alone = Run.create(unbroken)
    alone.start("train")
    asked = "--on slurm --slurm.partition main --slurm.cpus 1 --slurm.time 10 --slurm.warning 30"
    assert typed(monkeypatch, run_script, f"{steps} {asked}") == 0
    run = Run.load(capsys.readouterr().out.strip())
    assert run.state().busy and placement(run.folder)
    until(lambda: len(losses(run)) > 20, 90)
    cluster.ask("scancel", "--batch", "--signal=USR1", placement(run.folder).id)  # type: ignore[union-attr]
    until(lambda: run.state().state == "waiting", 60)
    assert 20 < len(losses(run)) < 900
    until(lambda: run.has("train"), 90)
    assert "resumed at step" in (run.folder / "log.txt").read_text()
    run.stop()
    until(lambda: not alone.state().busy and not run.state().busy, 90)
    assert len(losses(run)) == 900
    assert losses(run) == losses(alone), "to the last bit"


def test_a_mistake_leaves_no_run_behind(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_study(counts=(4, 2, 2))
    grid = "--study tiny --preset linear --encoder lite"
    assert typed(monkeypatch, run_script, f"{grid} --on slurm --slurm.partition nosuch") == 1
    said = capsys.readouterr().err
    assert said.startswith("ClusterError: Slurm does not take this.") and "nosuch" in said and "urgent" in said
    assert typed(monkeypatch, run_script, f"{grid} --on slurm --slurm.partition a;b") == 1
    assert "ConfigError: SlurmConfig.partition is 'a;b'" in capsys.readouterr().err
    assert typed(monkeypatch, run_script, f"{grid} --slurm.partition main") == 2
    assert "give --on slurm" in capsys.readouterr().err
    assert list_runs() == []


@pytest.fixture
def toy_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs whose epochs are a formula; all else is as it always is."""
    monkeypatch.setattr(
        Run, "arguments", lambda self, stage=None: ["-c", toys.RUN, str(self.folder), str(stage)], raising=True
    )


def grid(seconds: float, *rates: str, epochs: int = 3) -> Ablation:
    vary = {
        "training.learning_rate": rates,
        "training.checkpoint_every": (str(seconds),),
        "training.epochs": (str(epochs),),
    }
    return Ablation.begin(
        ablation("linear", study="tiny", seeds=(0, 1), vary=vary, name="grid"), SMALL.replace(at_once=2)
    )


def test_a_grid_is_an_array(
    cluster: Cluster, toy_runs: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_study(counts=(4, 2, 2))
    made = grid(0.5, "1e-3", "0.9")
    assert made.state().busy
    until(lambda: made.state().running)
    most = max(len(cluster.ask("squeue", "-h", "-t", "R").splitlines()) for _ in range(5))
    assert most <= 2, "at_once"
    until(lambda: not made.state().busy, 60)
    number = placement(made.folder).id  # type: ignore[union-attr]
    ids = [placement(cell.run.folder).id for cell in made.cells]  # type: ignore[union-attr]
    assert ids == [f"{number}_{place}" for place in range(4)]
    assert [cell.done for cell in made.cells] == [True, False, True, False]
    assert made.state().failed and "2 of 4 runs have no result" in (made.failure() or "")
    assert "The loss became nan at step 1." in (made.failure() or "")
    assert typed(monkeypatch, ablate, "list") == 0
    assert "2 of 4 runs" in capsys.readouterr().out


def test_a_grid_is_stopped_and_only_the_rest_is_handed_over_again(cluster: Cluster, toy_runs: None) -> None:
    tiny_study(counts=(4, 2, 2))
    made = grid(0.2, "1e-3", "1e-4", epochs=60)
    until(lambda: sum((cell.run.folder / "metrics.jsonl").exists() for cell in made.cells) == 2)
    until(lambda: made.state().running)
    assert made.state().words == "running: 2 at work, 2 waiting in Slurm"
    assert made.stop()
    until(lambda: not made.state().busy)
    assert made.state().stopped and cluster.ask("squeue", "-h") == ""
    done = [len(read_metrics(cell.run.folder / "metrics.jsonl")) for cell in made.cells]
    assert min(done[:2]) > 0 and done[2:] == [0, 0]
    (made.cells[0].run.folder / "metrics.jsonl").write_text("{}\n" * 60)
    made.start()
    until(lambda: made.cells[0].done)
    made.stop()
    until(lambda: not made.state().busy)
    made.place("here")
    assert not made.on_cluster
    assert [placement(cell.run.folder) is None for cell in made.cells] == [False, True, True, True]


def test_a_run_is_launched_from_the_page(cluster: Cluster, toy_runs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_light, "begin", lambda: None)
    tiny_study(counts=(4, 2, 2))
    at = opened("train", **{"train-where": "slurm", "train-study": "tiny", "train-preset": "linear"})
    assert any("urgent" in caption.value for caption in at.caption), "the partitions that there are"
    next(one for one in at.number_input if one.label == "CPU cores").set_value(1).run()
    next(one for one in at.number_input if one.label == "Epochs" and one.value == 30).set_value(200).run()
    next(one for one in at.text_input if one.label == "Checkpoint every").set_value("0.2").run()
    next(one for one in at.button if one.label == "Launch").click().run()
    assert not at.exception and not at.error
    (run,) = list_runs()
    until(lambda: run.state().state == "running")
    stop = next(one for one in opened("train").button if one.label == "Stop")
    stop.click().run()
    until(lambda: not run.state().busy, 60)
    assert run.state().stopped and placement(run.folder)
