"""Maps through training: one frame for all moments, made of what each of them holds, and never of another map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import procrustes

from core.config.run import RunConfig
from core.files import read_json, write_json
from core.maps.through_training import gathered, project_snapshots
from core.pipeline import Pipeline
from core.runs import Run
from core.snapshots import MAPS, snapshot_maps, snapshots_of, write_snapshot
from core.store import EmbeddingSet
from core.studies.study import Study
from tests.odd import all_stages, one_process, quick
from tests.tiny import tiny_study


@pytest.fixture(autouse=True)
def own_process() -> Iterator[None]:
    with one_process():
        yield


def drawn(method: str) -> RunConfig:
    plan = quick("orthogonal", batch_size=8, epochs=3)
    return plan.replace(projection=plan.projection.replace(method=method))


def turned(run: Run, step: int, by: NDArray[np.float32]) -> None:
    """A moment at which all vectors are those of the last one, turned in their own space."""
    last = snapshots_of(run)[-1]
    sets = {}
    for name in ("images", "texts", "prompts", "negatives"):
        own = last.embeddings(name)
        sets[name] = EmbeddingSet(ids=own.ids, vectors=own.vectors @ by, modality=own.modality)
    write_snapshot(run, step, 0.0, sets)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["umap", "pca", "tsne"])
def test_each_moment_has_a_map_of_its_own(workspace: Path, method: str) -> None:
    study = tiny_study(counts=(20, 8, 8))
    run = all_stages(drawn(method))
    found, moments = snapshot_maps(run), snapshots_of(run)
    assert [one.step for one in found] == [one.step for one in moments] == [0, 3, 6, 9]
    over = ["step-000003", "step-000006", "step-000009", "the run's map"]
    frames = [*[one.projection() for one in found], run.projection()]
    for moment, frame, after, name in zip(moments, frames, frames[1:], over, strict=False):
        told = frame.parameters
        assert (told["method"], told["epoch"], told["laid_over"]) == (method, moment.epoch, name)
        assert told["study"] == study.fingerprint and set(frame.faithfulness) >= {"trustworthiness", "knn_recall"}
        ids, kinds, vectors = gathered(moment, study)
        assert (list(frame.ids), list(frame.kinds)) == (ids, kinds) and len(vectors) == len(ids)
        here, there = frame.of_kind("sample")[1], after.of_kind("sample")[1]
        _, _, expected = procrustes(there, here)  # no turn, mirror or scale brings them nearer to each other
        assert told["disparity"] == pytest.approx(expected, abs=1e-5)
        assert np.square(here - there).sum() / np.square(there - there.mean(0)).sum() == pytest.approx(
            expected, abs=1e-4
        )


@pytest.mark.slow
def test_what_is_only_turned_in_its_space_does_not_move(workspace: Path) -> None:
    study = tiny_study(counts=(20, 8, 8))
    run = all_stages(drawn("pca"))
    width = snapshots_of(run)[-1].embeddings("images").vectors.shape[1]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(width, width)))[0].astype(np.float32)
    turned(run, 6, turn)
    *_, before, last = project_snapshots(run, study)
    assert before.parameters["step"] == 6 and before.parameters["disparity"] < 1e-6
    np.testing.assert_allclose(before.coordinates, last.coordinates, atol=1e-3)


@pytest.mark.slow
def test_centroids_are_those_of_the_judged_samples_at_that_moment(workspace: Path) -> None:
    study: Study = tiny_study(counts=(20, 8, 8))
    run = all_stages(drawn("pca"))
    moment = snapshots_of(run)[1]
    ids, kinds, vectors = gathered(moment, study)
    images = dict(zip(moment.embeddings("images").ids, moment.embeddings("images").vectors, strict=True))
    names = study.samples["id"].tolist()
    for name, kind, vector in zip(ids, kinds, vectors, strict=True):
        if kind == "centroid":
            column = study.findings.index(name)
            own = [images[names[row]] for row in study.rows("test") if study.labels[row, column] == 1]
            mean = np.mean(own, axis=0)
            np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


@pytest.mark.slow
def test_maps_of_an_earlier_map_are_not_shown(workspace: Path) -> None:
    tiny_study(counts=(20, 8, 8))
    run = all_stages(drawn("pca"))
    assert len(snapshot_maps(run)) == 4
    own = run.folder / "projections" / "umap.json"
    manifest = read_json(own)
    write_json(own, {**manifest, "file": {**manifest["file"], "sha256": "0" * 64}})
    assert snapshot_maps(run) == []
    write_json(own, manifest)
    assert len(snapshot_maps(run)) == 4
    (run.folder / MAPS / "manifest.json").write_text('{"map"')
    assert snapshot_maps(run) == []
    Pipeline(run).project()
    assert len(snapshot_maps(run)) == 4


@pytest.mark.slow
def test_a_run_without_snapshots_has_no_such_maps(workspace: Path) -> None:
    tiny_study(counts=(12, 4, 4))
    run = all_stages(quick("zero-shot"))
    assert snapshot_maps(run) == [] and not (run.folder / MAPS).exists()
