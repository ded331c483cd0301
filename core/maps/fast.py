"""The fast engine: UMAP by manifolds-rs (Rust, all cores, nothing to compile first), an optional package.

Its own settings for UMAP give up some trustworthiness for speed. With ``NEGATIVES`` it is within 0.005 of umap-learn
(``python -m scripts.bench project``). It takes no initial coordinates, but it can start from the principal components
of whatever it is given beside a neighbour graph: given the wanted start (n, 3), those are the start itself, turned.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from core.config.run import ProjectionConfig
from core.errors import ConfigError
from core.maps.pca import Points, in_space, spread_out

NEGATIVES = 15
"""Points that are pushed away for each that is pulled near (UMAP's own is 5, with another optimiser)."""


def installed() -> bool:
    """Whether manifolds-rs is there; nothing is imported."""
    return importlib.util.find_spec("manifolds_rs") is not None


def _module() -> ModuleType:
    try:
        import manifolds_rs
    except ImportError as error:
        raise ConfigError(
            f"ProjectionConfig.engine is 'fast', but manifolds-rs cannot be imported ({error}): install it "
            "(requirements.txt names the version), or take 'umap-learn' or 'auto'."
        ) from error
    return manifolds_rs


class Fast:
    """UMAP of one set of vectors, under any random state: the neighbour graph is built once.

    The same vectors, settings and random state give the same map.

    Raises:
        ConfigError: manifolds-rs is not installed.
    """

    def __init__(self, vectors: Points, config: ProjectionConfig) -> None:
        self.vectors, self.config, self.rust = vectors, config, _module()
        self.parameters: dict[str, Any] = {
            "method": "umap",
            "engine": "manifolds-rs",
            "version": self.rust.__version__,
            "metric": "cosine",
            "n_neighbors": min(config.neighbours, len(vectors) - 1),
            "min_dist": config.min_dist,
            "n_epochs": config.epochs,
            "negatives": NEGATIVES,
        }

    @cached_property
    def graph(self) -> tuple[Any, Any]:
        """Indices and cosine distances (n, neighbours - 1) of the nearest: umap-learn counts the point itself, too."""
        others = max(1, int(self.parameters["n_neighbors"]) - 1)
        indices, distances = self.rust.knn_graph(self.vectors, others, metric="cosine", ann="nndescent", seed=0)
        return indices, distances

    def layout(self, seed: int, start: Points) -> Points:
        """The map (n, 3) from initial coordinates (n, 3), of any scale."""
        initial = spread_out(start[:, : self.config.dimensions])
        indices, distances = self.graph
        mapper = self.rust.UMAP(
            n_components=self.config.dimensions,
            n_neighbors=indices.shape[1],
            metric="cosine",
            min_dist=self.config.min_dist,
            n_epochs=self.config.epochs,
            init="pca",
            optimiser="adam_parallel",
            optim_params=self.rust.UmapOptim(neg_sample_rate=NEGATIVES),
            seed=seed,
        )
        return in_space(np.nan_to_num(mapper.fit_transform(initial, knn_indices=indices, knn_distances=distances)))
