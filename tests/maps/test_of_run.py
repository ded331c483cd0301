"""The map of a run: what is on it, how far it may be believed, and what the first picture is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.config.run import ProjectionConfig
from core.errors import ArtefactError, Stopped
from core.maps import judging, of_run
from core.maps.first import first_picture
from core.maps.of_run import Mapping, gather, project_run
from core.metrics.pointwise import faithfulness
from core.runs import Run
from core.store import Projection
from tests.maps.runs import embedded_run
from tests.tiny import tiny_study

SCORES = ("trustworthiness", "knn_recall", "stability")


def test_a_map_knows_how_far_each_point_may_be_believed(workspace: Path) -> None:
    study = tiny_study()
    run = embedded_run(study)
    told: list[tuple[int, int]] = []
    project_run(run, study, lambda done, total: told.append((done, total)))
    found = run.projection()
    samples = len(study)
    assert told == [(0, 3), (1, 3), (2, 3)]
    assert set(found.per_point) == set(SCORES)
    for name in SCORES:
        values = found.per_point[name]
        assert values.dtype == np.float32 and values.shape == (len(found.ids),)
        assert ((values[:samples] >= 0) & (values[:samples] <= 1)).all() and np.isnan(values[samples:]).all()
        assert found.faithfulness[name] == pytest.approx(values[:samples].mean(), abs=1e-6)
    wanted = faithfulness(gather(run, study)[2][:samples], found.coordinates[:samples])
    np.testing.assert_allclose(found.per_point["trustworthiness"][:samples], wanted.trustworthiness, atol=1e-6)
    assert (found.faithfulness["measured"], found.faithfulness["repeats"]) == (samples, 1)


def test_the_second_map_of_a_study_lies_over_the_first(workspace: Path) -> None:
    study = tiny_study()
    first, second = embedded_run(study), embedded_run(study, seed=1)
    project_run(first, study)
    project_run(second, study)
    assert "reference" not in first.projection().parameters
    assert second.projection().parameters["reference"] == first.id
    assert 0 <= second.projection().parameters["disparity"] < 1


def test_without_repeats_stability_is_not_known(workspace: Path) -> None:
    study = tiny_study()
    found = project_run(embedded_run(study, ProjectionConfig(epochs=10, repeats=0)), study)
    assert np.isnan(found.faithfulness["stability"]) and np.isnan(found.per_point["stability"]).all()
    assert found.faithfulness["repeats"] == 0 and found.faithfulness["trustworthiness"] > 0


def test_of_many_only_some_are_measured_each_against_all(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MEASURED", 20)
    study = tiny_study()
    run = embedded_run(study)
    found = project_run(run, study)
    values = found.per_point["knn_recall"]
    assert np.isfinite(values).sum() == found.faithfulness["measured"] == 20
    wanted = faithfulness(gather(run, study)[2][: len(study)], found.coordinates[: len(study)]).knn_recall
    rows = np.flatnonzero(np.isfinite(values))
    np.testing.assert_allclose(values[rows], wanted[rows], atol=1e-6)


@pytest.mark.parametrize(
    ("config", "few", "many"),
    [
        (ProjectionConfig(repeats=3), 3, 1),
        (ProjectionConfig(repeats=0), 0, 0),
        (ProjectionConfig(method="pca", repeats=3), 0, 0),
        (ProjectionConfig(method="tsne", repeats=3), 3, 0),
    ],
)
def test_how_often_a_map_is_made_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, config: ProjectionConfig, few: int, many: int
) -> None:
    study = tiny_study()
    work = Mapping(embedded_run(study), study, config, 0, None)
    assert work.repeats == few
    monkeypatch.setattr(of_run, "LARGE", 10)
    assert work.repeats == many


def test_t_sne_is_made_again_from_elsewhere(workspace: Path) -> None:
    study = tiny_study()
    work = Mapping(embedded_run(study), study, ProjectionConfig(method="tsne", repeats=1), 0, None)
    drawn = work.drawn()
    assert not np.allclose(drawn.coordinates, work.others(lambda done, total: None)[0])


def test_a_request_to_stop_ends_it_between_two_maps(workspace: Path) -> None:
    study = tiny_study()
    run = embedded_run(study)

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        project_run(run, study, stop)
    assert not run.has("project")


def test_a_study_of_one_radiograph(workspace: Path) -> None:
    study = tiny_study(counts=(1, 0, 0), findings=("Mass",))
    run = embedded_run(study)
    found = project_run(run, study)
    assert found.parameters["method"] == "pca" and np.isnan(found.faithfulness["trustworthiness"])
    assert run.projection().faithfulness["knn_recall"] is None


def test_the_first_picture_needs_nothing_that_is_made(workspace: Path) -> None:
    study = tiny_study()
    first, second = embedded_run(study), embedded_run(study, seed=1)
    picture = first_picture(first, study)
    assert picture.parameters["method"] == "pca" and picture.faithfulness["measured"] == 0 and not picture.per_point
    assert not (first.folder / "projections").exists()
    project_run(first, study)
    later = first_picture(second, study, dimensions=2)
    assert later.parameters["reference"] == first.id and not later.coordinates[:, 2].any()


def test_a_run_that_embedded_another_study_is_told(workspace: Path) -> None:
    run = embedded_run(tiny_study())
    with pytest.raises(ArtefactError, match="embedded 64 radiographs, study 'small' has 30"):
        gather(run, tiny_study("small", counts=(10, 10, 10)))


def test_a_map_of_before_has_no_scores_of_points(workspace: Path) -> None:
    study = tiny_study()
    run = embedded_run(study)
    found = project_run(run, study)
    Projection(ids=found.ids, kinds=found.kinds, coordinates=found.coordinates, parameters={}, faithfulness={}).save(
        run.folder / "projections" / "umap"
    )
    assert Run.load(run.id).projection().per_point == {}
