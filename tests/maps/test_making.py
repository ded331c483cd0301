"""Coordinates of vectors: by each method and engine, of any number of points, the same answer twice."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from core.config.run import ProjectionConfig
from core.errors import ConfigError
from core.maps.making import FEWEST, project_points
from core.maps.pca import principal
from core.metrics.faithfulness import knn_recall, trustworthiness
from tests.maps.vectors import groups, needs_fast

CONFIG = ProjectionConfig(engine="umap-learn", neighbours=10, epochs=60)
MADE = [
    pytest.param(CONFIG, "umap-learn", id="umap-learn"),
    pytest.param(CONFIG.replace(dimensions=2), "umap-learn", id="umap-learn-flat"),
    pytest.param(CONFIG.replace(engine="fast"), "manifolds-rs", id="fast", marks=needs_fast),
    pytest.param(CONFIG.replace(engine="fast", dimensions=2), "manifolds-rs", id="fast-flat", marks=needs_fast),
    pytest.param(CONFIG.replace(method="tsne"), "scikit-learn", id="tsne"),
    pytest.param(
        CONFIG.replace(method="tsne", engine="fast", dimensions=2), "manifolds-rs", id="tsne-flat", marks=needs_fast
    ),
    pytest.param(CONFIG.replace(method="pca"), None, id="pca"),
    pytest.param(CONFIG.replace(method="pca", dimensions=2), None, id="pca-flat"),
]


@pytest.mark.parametrize("count", [1, 2, 5, FEWEST - 1, FEWEST, 14, 60])
@pytest.mark.parametrize(("config", "engine"), MADE)
def test_any_number_of_points(config: ProjectionConfig, engine: str | None, count: int) -> None:
    found, parameters = project_points(groups(count), config, seed=0)
    assert found.shape == (count, 3) and found.dtype == np.float32 and np.isfinite(found).all()
    assert found[:, 2].any() == (config.dimensions == 3 and count > 3)
    if config.method == "pca":
        assert parameters["method"] == "pca"
    elif count < FEWEST:
        assert parameters == {"method": "pca", "because": f"fewer than {FEWEST} points"}
    else:
        assert (parameters["method"], parameters["engine"]) == (config.method, engine)
        assert parameters["random_state"] == 0 and parameters["version"]
        if config.method == "umap":
            assert parameters["n_neighbors"] == min(10, count - 1)
        else:
            assert parameters["perplexity"] == pytest.approx(min(30, (count - 1) / 3))


@pytest.mark.parametrize("count", [1, 5, 20])
@pytest.mark.parametrize(("config", "engine"), MADE)
def test_equal_vectors(config: ProjectionConfig, engine: str | None, count: int) -> None:
    found, _ = project_points(np.tile(groups(1), (count, 1)), config, seed=0)
    assert found.shape == (count, 3) and np.isfinite(found).all()


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize(("config", "engine"), MADE)
def test_narrow_vectors(config: ProjectionConfig, engine: str | None, width: int) -> None:
    for count in (3, 20):
        assert project_points(groups(count, width), config, seed=0)[0].shape == (count, 3)


@pytest.mark.parametrize(("config", "engine"), MADE)
def test_the_same_twice_and_groups_stay_together(config: ProjectionConfig, engine: str | None) -> None:
    vectors = groups(60)
    first, second = (project_points(vectors, config, seed=3)[0] for _ in range(2))
    assert np.array_equal(first, second)
    of = np.arange(60) % 4
    near = np.array([np.argsort(np.linalg.norm(first - point, axis=1))[1:6] for point in first])
    assert (of[near] == of[:, None]).mean() > 0.9
    assert knn_recall(vectors, first, k=14) > 0.6


@pytest.mark.parametrize("engine", ["umap-learn", pytest.param("fast", marks=needs_fast)])
def test_parameters_name_what_changes_the_answer(engine: str) -> None:
    vectors, config = groups(40), CONFIG.replace(engine=engine)
    before, parameters = project_points(vectors, config, seed=0)
    for change, seed, key in (
        (config.replace(neighbours=4), 0, "n_neighbors"),
        (config.replace(min_dist=0.9), 0, "min_dist"),
        (config.replace(epochs=10), 0, "n_epochs"),
        (config, 4, "random_state"),
    ):
        after, other = project_points(vectors, change, seed=seed)
        assert not np.array_equal(before, after)
        assert {name for name in parameters if parameters[name] != other[name]} == {key}


def test_principal_components_of_few_points_keep_their_distances() -> None:
    vectors = groups(4)  # four points span three dimensions: nothing is lost
    found, _ = project_points(vectors, CONFIG, seed=0)
    for i in range(4):
        for j in range(4):
            wanted = np.linalg.norm(vectors[i] - vectors[j])
            assert np.linalg.norm(found[i] - found[j]) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(("count", "width"), [(200, 16), (10, 16), (16, 16)])
def test_principal_components_are_scikit_learns(count: int, width: int) -> None:
    from sklearn.decomposition import PCA

    vectors = groups(count, width)
    wanted = PCA(3, svd_solver="full").fit_transform(vectors)
    found = principal(vectors)
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-5)
    np.testing.assert_allclose(principal(vectors, 2), found * [1, 1, 0], atol=1e-6)
    np.testing.assert_allclose(principal(-vectors), -found, atol=1e-5)  # the axes do not turn with the points


def test_without_the_fast_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "manifolds_rs", None)
    with pytest.raises(ConfigError, match=r"engine is 'fast', but manifolds-rs cannot be imported.*'umap-learn'"):
        project_points(groups(20), CONFIG.replace(engine="fast"), seed=0)
    monkeypatch.setattr("core.maps.fast.installed", lambda: False)
    assert project_points(groups(20), CONFIG.replace(engine="auto"), seed=0)[1]["engine"] == "umap-learn"
    flat = CONFIG.replace(engine="auto", method="tsne", dimensions=2)
    assert project_points(groups(20), flat, seed=0)[1]["engine"] == "scikit-learn"


@needs_fast
def test_what_is_installed_decides() -> None:
    assert project_points(groups(20), CONFIG.replace(engine="auto"), seed=0)[1]["engine"] == "manifolds-rs"


@needs_fast
@pytest.mark.slow
def test_the_fast_engine_is_as_trustworthy_as_umap_learn() -> None:
    vectors, config = groups(2000, 64, of=12), ProjectionConfig()
    scores = {
        engine: trustworthiness(vectors, project_points(vectors, config.replace(engine=engine), seed=0)[0])
        for engine in ("umap-learn", "fast")
    }
    assert scores["fast"] > scores["umap-learn"] - 0.005 > 0.5
