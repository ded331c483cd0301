"""Maps: the fast engine against umap-learn on clustered unit vectors, each in a fresh process, as a user has it."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config.run import ProjectionConfig
from core.maps.making import project_points
from core.maps.pca import principal
from core.metrics.pointwise import faithfulness
from core.runs import Run
from scripts.timing import once

CLUSTERS, INNER, MEASURED, NEAR = 60, 12, 2000, 0.005


def clustered(samples: int, width: int) -> NDArray[np.float32]:
    """Unit vectors in clusters of different sizes, which spread in a few directions, as embeddings do."""
    rng = np.random.default_rng(0)
    of = rng.choice(CLUSTERS, samples, p=rng.dirichlet(np.ones(CLUSTERS)))
    centres = rng.normal(size=(CLUSTERS, width)).astype(np.float32)
    directions = rng.normal(size=(CLUSTERS, INNER, width)).astype(np.float32)
    found = np.empty((samples, width), np.float32)
    for cluster in range(CLUSTERS):
        rows = np.flatnonzero(of == cluster)
        within = rng.normal(size=(len(rows), INNER)).astype(np.float32)
        noise = 0.1 * rng.normal(size=(len(rows), width)).astype(np.float32)
        found[rows] = centres[cluster] + 0.3 * within @ directions[cluster] + noise
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def vectors_of(samples: int, width: int, run: str) -> NDArray[np.float32]:
    """Those of a run, or generated ones."""
    return Run.load(run).embeddings("images").vectors if run else clustered(samples, width)


def made(vectors: NDArray[np.float32], engine: str) -> dict[str, Any]:
    """One engine's map: seconds from nothing (its import, too), of processor time (others may be at work), and its
    scores."""
    config = ProjectionConfig(engine=engine)  # type: ignore[arg-type]
    started, worked = time.perf_counter(), time.process_time()
    coordinates, _ = project_points(vectors, config, 0)
    taken = {"seconds": time.perf_counter() - started, "processor": time.process_time() - worked}
    rows = np.sort(np.random.default_rng(0).permutation(len(vectors))[:MEASURED])
    scores = faithfulness(vectors, coordinates, rows=rows)
    return {**taken, **{name: float(values.mean()) for name, values in scores._asdict().items()}}


def compare(samples: int, width: int, run: str) -> None:
    """Principal components, the fast engine, umap-learn."""
    vectors = vectors_of(samples, width, run)
    print(f"{len(vectors):,} x {vectors.shape[1]}; scores of {min(MEASURED, len(vectors)):,} points against all")
    print(f"  principal components, the first picture: {once(lambda: principal(vectors)):.2f} s", flush=True)
    found = {}
    for engine in ("fast", "umap-learn"):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            one = found[engine] = pool.submit(made, vectors, engine).result()
        print(
            f"  {engine:11}{one['seconds']:7.1f} s, {one['processor']:7.1f} s of processor time; trustworthiness "
            f"{one['trustworthiness']:.4f}, kNN recall {one['knn_recall']:.3f}",
            flush=True,
        )
    below = found["umap-learn"]["trustworthiness"] - found["fast"]["trustworthiness"]
    ratio = found["umap-learn"]["seconds"] / found["fast"]["seconds"]
    words = "lower" if below > 0 else "higher"
    print(f"  umap-learn takes {ratio:.1f} times as long; trustworthiness of the fast map is {abs(below):.4f} {words}:")
    print(f"  {'within' if below <= NEAR else 'NOT within'} {NEAR} of umap-learn")
