"""EmbeddingSets -> one 3D map of samples, disease prompts and disease centroids."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config.run import ProjectionConfig
from core.errors import FluoroscopeError, InputError
from core.metrics import similarity
from core.metrics.faithfulness import knn_recall, procrustes, trustworthiness
from core.runs import Run, list_runs
from core.store import Projection
from core.studies.study import Study

FEWEST = 8
"""With fewer points a neighbour graph says nothing: the first three principal components are drawn instead."""

Points = NDArray[np.float32]


def project_run(run: Run, study: Study) -> Projection:
    """Map a run's images (all splits) together with its disease prompts and the centroids of the test split.

    The first map of a study is the reference: later ones start from its coordinates and are then turned, mirrored
    and scaled onto it (Procrustes), so that maps of one study can be compared side by side.
    """
    ids, kinds, vectors = gather(run, study)
    reference = reference_map(run, study)
    start = _starting_points(ids, kinds, reference[1]) if reference else None
    coordinates, parameters = umap_3d(vectors, run.config.projection, seed=run.config.seed, start=start)
    if reference:
        coordinates, disparity = _onto(ids, kinds, coordinates, reference[1])
        aligned = not np.isnan(disparity)
        parameters |= {"reference": reference[0], "disparity": disparity} if aligned else {"started_from": reference[0]}
    samples = np.array(kinds) == "sample"
    projection = Projection(
        ids=ids,
        kinds=kinds,
        coordinates=coordinates,
        parameters={**parameters, "study": study.fingerprint},
        faithfulness={
            "trustworthiness": trustworthiness(vectors[samples], coordinates[samples]),
            "knn_recall": knn_recall(vectors[samples], coordinates[samples]),
            "neighbours": 15,
        },
    )
    projection.save(run.folder / "projections" / "umap")
    return projection


def gather(run: Run, study: Study) -> tuple[list[str], list[str], Points]:
    """Ids, kinds and vectors (n, d) of everything on the map; a centroid without support is left out."""
    images, prompts = run.embeddings("images"), run.embeddings("prompts")
    rows = study.judged_rows()
    centres, support = similarity.centroids(images.vectors[rows], study.labels[rows])
    kept = np.flatnonzero(support)
    ids = [*images.ids, *prompts.ids, *(study.findings[row] for row in kept)]
    kinds = ["sample"] * len(images.ids) + ["prompt"] * len(prompts.ids) + ["centroid"] * len(kept)
    return ids, kinds, np.concatenate([images.vectors, prompts.vectors, centres[kept]]).astype(np.float32)


def umap_3d(
    vectors: Points, config: ProjectionConfig, *, seed: int, start: Points | None = None
) -> tuple[Points, dict[str, Any]]:
    """UMAP to three dimensions (McInnes et al., 2018), deterministic for a seed.

    Args:
        vectors: (n, d) of norm 1; cosine distance.
        config: neighbours (lowered to n - 1 where need be), min_dist, epochs.
        seed: random state.
        start: (n, 3) initial coordinates; without them the first principal components.

    Returns:
        float32 (n, 3), and everything that changes the answer.
    """
    if len(vectors) < FEWEST:
        return _pca_3d(vectors), {"method": "pca", "because": f"fewer than {FEWEST} points"}
    umap = _umap()
    neighbours = min(config.neighbours, len(vectors) - 1)
    reducer = umap.UMAP(
        n_components=3,
        metric="cosine",
        n_neighbors=neighbours,
        min_dist=config.min_dist,
        n_epochs=config.epochs,
        init=_scaled(start if start is not None else _pca_3d(vectors)),
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # umap explains that a random state means one thread
        found = reducer.fit_transform(vectors)
    parameters = {
        "method": "umap",
        "metric": "cosine",
        "n_neighbors": neighbours,
        "min_dist": config.min_dist,
        "n_epochs": config.epochs,
        "random_state": seed,
        "version": umap.__version__,
    }
    return np.nan_to_num(found).astype(np.float32), parameters


def _umap() -> ModuleType:
    """umap-learn, whose compiled functions numba keeps on disk as it does pynndescent's: umap-learn does not ask for
    it, and would compile them in each process anew (9 s against 0.1 s for a small map)."""
    import numba
    import pynndescent  # noqa: F401, asks for it itself where that helps

    compiled = numba.njit
    numba.njit = lambda *functions, **options: compiled(*functions, **{"cache": True, **options})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # umap tells that its TensorFlow half is not installed
            import umap
    finally:
        numba.njit = compiled
    return umap


def _pca_3d(vectors: Points) -> Points:
    centred = vectors - vectors.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    found = (left * values)[:, :3]
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1]))).astype(np.float32)


def _scaled(points: Points) -> Points:
    """To +-10, the range that UMAP starts from; a little noise parts points that coincide."""
    noise = np.random.default_rng(0).normal(scale=1e-4, size=points.shape)
    largest = float(np.abs(points).max()) or 1.0
    return (10 * points / largest + noise).astype(np.float32)


def reference_map(run: Run, study: Study) -> tuple[str, Projection] | None:
    """The oldest map of the same study by another, earlier run."""
    for other in reversed(list_runs(archived=None)):
        if other.id == run.id or other.config.study != study.name or not other.has("project"):
            continue
        try:
            found = other.projection()
        except FluoroscopeError:
            continue
        own = found.parameters.get("reference") is None and found.parameters.get("study") == study.fingerprint
        if own and other.created < run.created:
            return other.id, found
    return None


def _starting_points(ids: list[str], kinds: list[str], reference: Projection) -> Points:
    """The reference's coordinates for everything that it knows, its centre for the rest."""
    known = dict(zip(zip(reference.kinds, reference.ids, strict=True), reference.coordinates, strict=True))
    centre = reference.coordinates.mean(axis=0)
    return np.array([known.get(pair, centre) for pair in zip(kinds, ids, strict=True)], np.float32)


def _onto(ids: list[str], kinds: list[str], coordinates: Points, reference: Projection) -> tuple[Points, float]:
    """Turn, mirror and scale onto the reference by the samples that both have; returns the disparity too.

    Where one map's samples all lie on one spot (a study of one radiograph) nothing is moved, and it is NaN.
    """
    row = {name: index for index, (kind, name) in enumerate(zip(kinds, ids, strict=True)) if kind == "sample"}
    names, target = reference.of_kind("sample")
    shared = [(row[name], index) for index, name in enumerate(names) if name in row]
    own, theirs = (np.array(part) for part in zip(*shared, strict=True))
    try:
        fit = procrustes(target[theirs], coordinates[own])
    except InputError:
        return coordinates, float("nan")
    return fit.apply(coordinates).astype(np.float32), float(fit.disparity)
