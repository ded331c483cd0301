"""Snapshots through training: at the right moments, of the right rows, and training does not notice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import keeping, pipeline
from core.config.run import RunConfig, TrainingConfig
from core.config.space import leaves
from core.errors import ArtefactError, ConfigError, Stopped
from core.files import write_json
from core.metrics.sampling import stratified
from core.pipeline import Pipeline
from core.runs import Run
from core.snapshots import SETS, Snapshot, forget_after, moments, no_snapshots, snapshots_of
from tests.odd import all_stages, one_process, own_towers, quick
from tests.test_going_on import same_heads, same_losses
from tests.tiny import tiny_study


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    with one_process(), own_towers():
        yield


def trained(config: RunConfig) -> Run:
    run = Run.create(config)
    Pipeline(run).train()
    return run


def learning(**training: Any) -> RunConfig:
    """Both towers learn, with dropout and changed images: all that a snapshot could disturb."""
    plan = quick("contrastive", batch_size=8, **training)
    return plan.replace(
        tuning=plan.tuning.replace(image="last-blocks", text="lora", blocks=1, learning_rate=1e-3, lora_dropout=0.2),
        augmentation=plan.augmentation.replace(noise=20.0, mixup=0.4),
    )


def times(run: Run) -> dict[str, int]:
    return {one.folder.name: (one.folder / "manifest.json").stat().st_mtime_ns for one in snapshots_of(run)}


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"epochs": 30}, [0, 12, 27, 39, 51, 63, 78, 90]),  # 0, 4.3, 8.6, 12.9, 17.1, 21.4, 25.7, 30 epochs, rounded
        ({"epochs": 2}, [0, 3, 6]),
        ({"epochs": 30, "snapshots": 2}, [0, 90]),
        ({"epochs": 30, "snapshots": 1}, [90]),
        ({"epochs": 30, "snapshots": 0}, []),
        ({"epochs": 30, "snapshot_epochs": (1, 5, 40)}, [0, 3, 15, 90]),
        ({"epochs": 30, "snapshots": 0, "snapshot_epochs": (1,)}, []),
    ],
)
def test_moments(settings: dict[str, Any], steps: list[int]) -> None:
    found = moments(TrainingConfig(**settings), steps_per_epoch=3)
    assert list(found) == steps and all(step == 3 * epoch for step, epoch in found.items())


def test_settings() -> None:
    with pytest.raises(ConfigError, match=r"snapshot_epochs is \[5, 1\]; it must be epochs in rising order"):
        TrainingConfig(snapshot_epochs=(5, 1))
    assert not [path for path in leaves() if "snapshot" in path], "no search varies them"
    old = {name: value for name, value in TrainingConfig().to_json().items() if "snapshot" not in name}
    assert TrainingConfig.from_json(old).snapshots == 8


@pytest.mark.slow
def test_training_does_not_notice(workspace: Path) -> None:
    tiny_study(counts=(20, 8, 4), text=True)
    for plan in (quick("orthogonal", batch_size=8), learning()):
        kept, none = trained(plan), trained(plan.replace(training=plan.training.replace(snapshots=0)))
        assert [one.epoch for one in snapshots_of(kept)] == [0, 1, 2] and not snapshots_of(none)
        assert same_losses(kept, none) and same_heads(kept, none)


@pytest.mark.slow
@pytest.mark.parametrize("towers", ["frozen", "learning"])
def test_the_last_one_is_what_the_run_embeds(workspace: Path, monkeypatch: pytest.MonkeyPatch, towers: str) -> None:
    monkeypatch.setattr(keeping, "MOST", 20)
    study = tiny_study(counts=(20, 8, 4), text=True)
    run = trained(quick("orthogonal") if towers == "frozen" else learning())
    Pipeline(run).embed()
    first, *_, last = snapshots_of(run)
    rows = stratified(study.labels, 20)
    ids = study.samples["id"].to_numpy()[rows].tolist()
    for name in SETS:
        whole, kept, before = run.embeddings(name), last.embeddings(name), first.embeddings(name)
        expected = [one for one in whole.ids if one in set(ids)] if name in ("images", "texts") else whole.ids
        assert list(kept.ids) == list(expected) and kept.modality == whole.modality
        place = {one: row for row, one in enumerate(whole.ids)}
        np.testing.assert_allclose(kept.vectors, whole.vectors[[place[one] for one in kept.ids]], atol=2e-5)
        assert kept.vectors.shape == before.vectors.shape
        assert np.abs(kept.vectors - before.vectors).max() > 1e-3, "nothing moved"
    assert last.embeddings("images").made_by["epoch"] == 2 and last.step == 2 * -(-20 // run.config.training.batch_size)


@pytest.mark.slow
def test_what_is_there_is_not_made_again_and_what_lies_beyond_is(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, and saved, at step 4; cut off at step 8, as a kill would: it goes on from 4."""
    tiny_study(counts=(20, 8, 4))
    plan = quick("orthogonal", batch_size=8, epochs=4)  # 3 steps in an epoch
    whole, run = trained(plan), Run.create(plan)
    follow = pipeline.Observer.step

    def ended(self: Any, step: Any, trainer: Any) -> None:
        follow(self, step, trainer)
        work.stop.asked = step.step == 4
        if step.step == 8:
            raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.Observer, "step", ended)
    for reason in (Stopped, KeyboardInterrupt):
        work = Pipeline(run)
        with pytest.raises(reason):
            work.train()
    monkeypatch.setattr(pipeline.Observer, "step", follow)
    before = times(run)
    assert list(before) == ["step-000000", "step-000003", "step-000006"]
    Pipeline(run).train()
    after = times(run)
    assert list(after) == [f"step-{3 * number:06d}" for number in range(5)]
    assert [after[name] == before[name] for name in before] == [True, True, False]
    assert same_heads(run, whole)
    for own, other in zip(snapshots_of(run), snapshots_of(whole), strict=True):
        np.testing.assert_array_equal(own.embeddings("images").vectors, other.embeddings("images").vectors)


@pytest.mark.slow
def test_a_snapshot_gives_way_to_a_stop(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for while a tower passes over the samples: the step is saved, and the snapshot made first thing later."""
    tiny_study(counts=(20, 8, 4), text=True)
    run = Run.create(learning())
    work = Pipeline(run)
    fresh = keeping.fresh_image_features

    def asked(*arguments: Any, **more: Any) -> Any:
        work.stop.asked = bool(snapshots_of(run))
        return fresh(*arguments, **more)

    monkeypatch.setattr(keeping, "fresh_image_features", asked)
    with pytest.raises(Stopped):
        work.train()
    assert [one.step for one in snapshots_of(run)] == [0]
    monkeypatch.setattr(keeping, "fresh_image_features", fresh)
    Pipeline(run).train()
    assert [one.step for one in snapshots_of(run)] == [0, 3, 6]
    assert same_heads(run, trained(learning()))


@pytest.mark.slow
def test_torn_ones_are_not_listed(workspace: Path) -> None:
    tiny_study(counts=(12, 4, 4))
    run = trained(quick("orthogonal", epochs=3))
    one, two, three, four = snapshots_of(run)
    (one.folder / "manifest.json").unlink()
    with (two.folder / "images.safetensors").open("ab") as stream:
        stream.write(b"x")
    damaged = three.folder / "prompts.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x7f")  # of the same size: found out when it is read
    assert snapshots_of(run) == [three, four]
    with pytest.raises(ArtefactError, match="SHA-256"):
        three.embeddings("prompts")
    write_json(four.folder / "manifest.json", {"step": 3, "epoch": 3.0, "files": {}})
    assert snapshots_of(run) == [three]
    shutil.copytree(three.folder, three.folder.with_name("step-000099.tmp"))
    assert snapshots_of(run) == [three]
    forget_after(run, one.step)
    assert [path.name for path in (run.folder / "snapshots").iterdir()] == ["step-000000"]
    shutil.rmtree(run.folder / "snapshots")
    assert "before snapshots were kept" in str(no_snapshots(run))


@pytest.mark.slow
def test_those_without_say_why(workspace: Path) -> None:
    tiny_study(counts=(12, 4, 4))
    zero_shot = all_stages(quick("zero-shot"))
    assert not (zero_shot.folder / "snapshots").exists() and "trains nothing" in str(no_snapshots(zero_shot))
    assert "snapshots is 0" in str(no_snapshots(Run.create(quick("orthogonal", snapshots=0))))
    run = Run.create(quick("orthogonal"))
    assert "just before the first step" in str(no_snapshots(run))
    Pipeline(run).train()
    assert no_snapshots(run) is None and isinstance(snapshots_of(run)[0], Snapshot)
    assert torch.is_grad_enabled()
