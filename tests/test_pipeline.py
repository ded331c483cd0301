"""The stages of a run, in this process on strange studies and in processes that are killed."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core import pipeline
from core.devices import best_device
from core.errors import ArtefactError, RunError, Stopped, StudyError, TrainingDiverged
from core.files import read_json, stamp, write_json
from core.logbook import read_metrics
from core.pipeline import Pipeline
from core.runs import Run
from core.seen import Seen
from core.studies.study import Study
from core.studies.vocabulary import NIH_FINDINGS
from core.work import read_progress
from scripts import worker
from scripts.tables import report
from tests.finished import PLANTED, Finished
from tests.odd import all_stages, cached_encoder, one_class, one_process, quick
from tests.test_going_on import same_heads, same_losses
from tests.tiny import tiny_study

PRESETS = ("orthogonal", "linear", "contrastive", "zero-shot")


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    with one_process():
        yield


STUDIES: dict[str, dict[str, Any]] = {
    "as usual, with text": {"text": True, "counts": (20, 8, 8)},
    "all healthy": {"labels": one_class(0), "counts": (12, 4, 4)},
    "everybody has everything": {"labels": one_class(1), "counts": (12, 4, 4)},
    "nothing is known": {"labels": one_class(np.nan), "counts": (12, 4, 4)},
    "no validation": {"counts": (14, 0, 6)},
    "no test": {"counts": (14, 6, 0)},
    "fourteen radiographs": {"counts": (8, 3, 3)},
    "two radiographs": {"counts": (1, 0, 1)},
    "one finding": {"findings": NIH_FINDINGS[:1], "counts": (12, 6, 6)},
    "two findings": {"findings": NIH_FINDINGS[:2], "counts": (12, 6, 6), "text": True},
}
REFUSED = {
    "all healthy": ("contrastive",),
    "everybody has everything": ("contrastive",),
    "nothing is known": ("orthogonal", "linear", "contrastive"),
    "two radiographs": ("contrastive",),
}
"""Presets that learn nothing there: one text throughout the training split, or no label."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", STUDIES)
def test_every_stage_works_on_strange_studies(workspace: Path, kind: str) -> None:
    study = tiny_study(**STUDIES[kind])
    for name in PRESETS:
        if name in REFUSED.get(kind, ()):
            with pytest.raises(StudyError, match=r"Presets that work on it: .*zero-shot"):
                all_stages(quick(name))
            continue
        run = all_stages(quick(name))
        assert all(run.has(stage) for stage in ("train", "embed", "evaluate", "project"))
        assert len(run.embeddings("images").ids) == len(study)
        assert len(run.embeddings("prompts").ids) == len(study.findings)
        assert len(run.projection().of_kind("sample")[0]) == len(study)
        test = run.evaluation()["test"]
        assert (test is None) == (kind == "no test")
        text = report(run)
        assert "nan" not in text.lower()
        if kind in ("all healthy", "everybody has everything", "nothing is known"):
            assert test["macro"]["n_findings"] == 0
            assert "macro (0 findings)" in text
        for row in read_metrics(run.folder / "metrics.jsonl")[1:]:
            assert np.isfinite([row["loss"], *row["terms"].values()]).all()


@pytest.mark.parametrize("name", PRESETS[:3])
def test_without_a_training_split_only_zero_shot_runs_work(workspace: Path, name: str) -> None:
    tiny_study(counts=(0, 0, 12))
    with pytest.raises(StudyError, match=r"no training split.*\. Presets that work on it: zero-shot\."):
        all_stages(quick(name))
    assert all_stages(quick("zero-shot")).has("project")


def test_one_radiograph_alone(workspace: Path) -> None:
    tiny_study(counts=(0, 0, 1))
    run = all_stages(quick("zero-shot"))
    assert run.projection().parameters["method"] in ("pca", "umap")
    assert "1 test radiographs" in report(run)


def test_the_towers_see_each_radiograph_once(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(counts=(6, 3, 3))
    all_stages(quick("zero-shot"))
    encoder = cached_encoder(quick().encoder, best_device())
    monkeypatch.setattr(encoder, "embed_images", lambda images: pytest.fail("the towers were passed over again"))
    monkeypatch.setattr(encoder, "embed_texts", lambda texts: pytest.fail("the towers were passed over again"))
    all_stages(quick("linear"))


def test_a_damaged_feature_cache_is_made_again(workspace: Path) -> None:
    tiny_study(counts=(6, 3, 3))
    first = all_stages(quick("zero-shot"))
    for path in (workspace / "features").glob("*.npy"):
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    second = all_stages(quick("zero-shot"))
    np.testing.assert_array_equal(first.embeddings("images").vectors, second.embeddings("images").vectors)


def test_the_same_config_gives_the_same_run(workspace: Path) -> None:
    tiny_study(counts=(20, 8, 8))
    one, two = all_stages(quick()), all_stages(quick())
    other = all_stages(quick().replace(seed=1))
    for name in ("images", "texts", "prompts"):
        np.testing.assert_array_equal(one.embeddings(name).vectors, two.embeddings(name).vectors)
    assert not np.array_equal(one.embeddings("images").vectors, other.embeddings("images").vectors)
    assert one.evaluation() == two.evaluation()


def test_each_stage_can_be_done_again_and_changes_nothing(workspace: Path) -> None:
    tiny_study(counts=(20, 8, 8))
    run = all_stages(quick("contrastive"))

    def content() -> dict[str, bytes]:
        kept = ("metrics.jsonl", "head.safetensors", "predictions.parquet", "images.safetensors", "evaluation.json")
        return {path.name: path.read_bytes() for path in run.folder.rglob("*") if path.name in (*kept, "umap.parquet")}

    before = content()
    assert len(before) == 6
    seen, last = Seen.load(run.folder), read_metrics(run.folder / "metrics.jsonl")[-1]
    assert seen.step == last["step"] and seen.frozen and seen.turn is None and set(seen.rows) <= set(range(20))
    for stage in ("train", "embed", "evaluate", "project"):
        getattr(Pipeline(run), stage)()
    assert content() == before
    Pipeline(run).all_stages()
    assert content() == before


def test_embeddings_come_from_config_and_study_and_head_alone(workspace: Path) -> None:
    tiny_study(counts=(12, 4, 4))
    run = all_stages(quick())
    again = Run.create(Run.load(run.id).config)
    (again.folder / "checkpoints").mkdir()
    for name in ("head.safetensors", "head.json"):
        (again.folder / "checkpoints" / name).write_bytes((run.folder / "checkpoints" / name).read_bytes())
    Pipeline(again).embed()
    for name in ("images", "texts", "prompts", "negatives", "prompts-frozen"):
        np.testing.assert_array_equal(run.embeddings(name).vectors, again.embeddings(name).vectors)
    pd.testing.assert_frame_equal(run.predictions(), again.predictions())


@pytest.mark.parametrize(("stage", "missing"), [("embed", "train"), ("evaluate", "embed"), ("project", "embed")])
def test_a_stage_says_which_one_comes_first(workspace: Path, stage: str, missing: str) -> None:
    tiny_study(counts=(6, 3, 3))
    run = Run.create(quick())
    with pytest.raises(RunError, match=f"no {missing} stage yet: `python -m scripts.{missing} {run.id[:8]}`"):
        getattr(Pipeline(run), stage)()


def test_a_damaged_head_is_refused(workspace: Path) -> None:
    tiny_study(counts=(6, 3, 3))
    run = all_stages(quick("linear"))
    path = run.folder / "checkpoints" / "head.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(data)
    with pytest.raises(ArtefactError, match="head.safetensors"):  # noqa: RUF043
        Pipeline(run).embed()


def test_a_study_that_changed_under_a_run_is_refused(workspace: Path) -> None:
    tiny_study(counts=(12, 4, 4))
    run = all_stages(quick("linear"))
    for stage in ("train", "embed", "evaluate", "project"):
        tiny_study(counts=(12, 4, 4), seed=9)
        with pytest.raises(StudyError, match="changed since run"):
            getattr(Pipeline(run), stage)()
    tiny_study(counts=(12, 4, 4))
    Pipeline(run).evaluate()  # the same study again is the same study


def test_a_study_that_is_gone_is_an_error_in_words(workspace: Path) -> None:
    with pytest.raises(StudyError, match=r"No study 'tiny'; there is: none yet\."):
        Pipeline(Run.create(quick())).train()


def test_a_patient_in_two_splits_stops_training(workspace: Path) -> None:
    study = tiny_study(counts=(12, 4, 4))
    samples = study.samples.copy()
    samples.loc[0, "patient"] = samples.loc[len(samples) - 1, "patient"]
    path = study.folder / "samples.parquet"
    samples.to_parquet(path, index=False)
    if path.stat().st_size != study.manifest["files"]["samples.parquet"]["bytes"]:
        with pytest.raises(StudyError, match="not whole"):
            Pipeline(Run.create(quick())).train()
    manifest = read_json(study.folder / "study.json")  # whoever altered it knows of the stamp
    manifest["files"]["samples.parquet"] = stamp(path)
    write_json(study.folder / "study.json", manifest)
    for name in PRESETS[:3]:
        run = Run.create(quick(name))
        with pytest.raises(StudyError, match="1 patients lie in more than one split"):
            Pipeline(run).train()
        assert not run.has("train")


def test_features_that_are_not_finite_leave_a_run_that_says_why(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault row 6."""
    tiny_study(counts=(40, 4, 4))
    run = Run.create(quick(checkpoint_every=0.0))
    ready = Pipeline(run)
    real = pipeline.training_data

    def spoilt(prepared: Any) -> Any:
        data = real(prepared)
        last = pipeline.Trainer(
            pipeline.new_head(prepared),
            pipeline.Objective(run.config.objective),
            data,
            run.config.training,
            seed=0,
            folder=run.folder,
        )._order(0)[-1]
        data.train.images.features[last] = float("nan")
        return data

    monkeypatch.setattr(pipeline, "training_data", spoilt)
    with pytest.raises(TrainingDiverged, match="classification loss became nan at step 3") as caught:
        ready.train()
    run.fail(caught.value)
    assert "step 3" in (run.failure() or "")
    assert [row.get("step") for row in read_metrics(run.folder / "metrics.jsonl")] == [None, 1, 2]
    kept = sorted(path.name for path in (run.folder / "checkpoints").iterdir())
    assert kept and set(kept) <= {"step-00000001", "step-00000002"}
    for name in kept:
        weights = load_file(run.folder / "checkpoints" / name / "model.safetensors")
        assert all(np.isfinite(value).all() for value in weights.values())
    assert not run.has("train")


def test_asked_to_stop_it_saves_and_goes_on_later(workspace: Path) -> None:
    tiny_study(counts=(40, 8, 4))
    whole = Run.create(quick())
    Pipeline(whole).train()
    run = Run.create(quick())
    stopping = Pipeline(run)
    stopping.prepare()
    real = stopping._follow

    def follow(trainer: Any, metrics: Any, keeper: Any, tell: Any) -> None:
        def told(done: int, total: int) -> None:
            tell(done, total)
            if done == 4:
                os.kill(os.getpid(), signal.SIGTERM)

        real(trainer, metrics, keeper, told)

    stopping._follow = follow  # type: ignore[method-assign]
    with pytest.raises(Stopped, match="Stopped on request"):
        stopping.train()
    assert read_progress(run.folder)["now"]["stage"] == "train"
    assert [path.name for path in (run.folder / "checkpoints").glob("step-*")] == ["step-00000004"]
    Pipeline(run).train()
    assert same_losses(run, whole)
    assert same_heads(run, whole)


def test_stop_is_heard_while_features_are_made(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_study(counts=(40, 12, 12))
    run = Run.create(quick())
    ready = Pipeline(run)
    ready.stop.asked = True
    with pytest.raises(Stopped):
        ready.train()
    assert not list((workspace / "features").glob("*.json")), "nothing half done is kept"
    Pipeline(run).train()


def test_a_full_disk_is_told_and_survived(workspace: Path) -> None:
    tiny_study(counts=(40, 8, 4))
    whole, run = Run.create(quick(checkpoint_every=0.0)), Run.create(quick(checkpoint_every=0.0))
    Pipeline(whole).train()
    ready = Pipeline(run)
    ready.prepare()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:  # no file may grow past this, as on a disk that is full; a checkpoint is larger, features are there already
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
        with pytest.raises(RunError, match="No room to write"):
            worker.run(run.id, "train")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert "make room, then go on" in (run.failure() or "")
    assert not run.has("train")
    worker.run(run.id, "train")
    assert run.failure() is None
    assert same_losses(run, whole)
    assert same_heads(run, whole)


def test_references_stand_in_the_first_line(workspace: Path) -> None:
    tiny_study(counts=(20, 8, 8))
    for name, terms in (
        ("orthogonal", {"classification", "contrastive", "orthogonal"}),
        ("contrastive", {"contrastive"}),
    ):
        run = Run.create(quick(name))
        Pipeline(run).train()
        first, *rest = read_metrics(run.folder / "metrics.jsonl")
        assert set(first["references"]) == terms == set(rest[0]["terms"])
        assert all(line["floor"] <= line["chance"] for line in first["references"].values())
        assert [row["step"] for row in rest] == [1, 2, 3, 4]


def texts_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Everything that can be read in a folder: names, bytes, and what parquet packs away."""
    for path in folder.rglob("*"):
        yield path, str(path.relative_to(folder)).encode()
        if path.is_file():
            yield path, path.read_bytes()
        if path.suffix == ".parquet":
            yield path, pd.read_parquet(path).to_csv().encode()


def test_no_patient_number_file_name_or_folder_leaves_the_source(finished: Finished) -> None:
    source = finished.home.parent / "secretward"
    planted = [path for path, text in texts_in(source) if PLANTED.search(text)]
    assert len(planted) > 65, "the search finds what was planted"
    assert [path for path, text in texts_in(finished.home) if PLANTED.search(text)] == []
    for name, text in finished.printed.items():
        assert not PLANTED.search(text.encode()), name
    study = Study.load("tiny")
    assert len(study) == 64
    assert sorted(study.set_aside["row"]) == [66, 67]
    assert study.samples["patient"].nunique() == 32


def test_a_run_says_what_study_it_is_of(finished: Finished) -> None:
    study = Study.load("tiny")
    for run in map(Run.load, finished.runs.values()):
        assert read_json(run.folder / "study.json") == {
            "name": "tiny",
            "fingerprint": study.fingerprint,
            "split_hash": study.split_hash,
        }
        assert run.embeddings("images").made_by["study"] == study.fingerprint
