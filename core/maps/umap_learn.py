"""UMAP by umap-learn: the reference that the fast engine is checked against."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any

import numpy as np

from core.config.run import ProjectionConfig
from core.maps.pca import Points, in_space, spread_out


class UmapLearn:
    """UMAP of one set of vectors, under any random state (McInnes et al., 2018); one thread, the same answer twice."""

    def __init__(self, vectors: Points, config: ProjectionConfig) -> None:
        self.vectors, self.config = vectors, config
        self.umap = umap_module()
        self.parameters: dict[str, Any] = {
            "method": "umap",
            "engine": "umap-learn",
            "version": self.umap.__version__,
            "metric": "cosine",
            "n_neighbors": min(config.neighbours, len(vectors) - 1),
            "min_dist": config.min_dist,
            "n_epochs": config.epochs,
        }

    def layout(self, seed: int, start: Points) -> Points:
        """The map (n, 3) from initial coordinates (n, 3), of any scale."""
        reducer = self.umap.UMAP(
            n_components=self.config.dimensions,
            metric="cosine",
            n_neighbors=self.parameters["n_neighbors"],
            min_dist=self.config.min_dist,
            n_epochs=self.config.epochs,
            init=spread_out(start[:, : self.config.dimensions]),
            random_state=seed,
            n_jobs=1,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # umap explains that a random state means one thread
            return in_space(np.nan_to_num(reducer.fit_transform(self.vectors)))


def umap_module() -> ModuleType:
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
