"""The fast engine: UMAP and flat t-SNE by manifolds-rs (Rust, all cores, nothing to compile), an optional package.

Its own settings for UMAP give up some trustworthiness for speed. With ``NEGATIVES`` it is within 0.005 of umap-learn
(``python -m scripts.bench project``). The package takes no initial coordinates, but it can start from the principal
components of whatever it is given beside a neighbour graph: given the wanted start (n, 3), those are the start itself,
turned, each of them as wide as the others.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.config.run import ProjectionConfig
from core.errors import ConfigError
from core.maps.pca import SMALL, Points, in_space, spread_out

NEGATIVES = 20
"""Points that are pushed away for each that is pulled near (UMAP's own is 5, with another optimiser)."""

MANY = 500
"""From so many points on t-SNE's repulsion is interpolated on a grid; with fewer, filling the grid takes longer."""


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


Graph = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Indices and cosine distances (n, k) of the nearest others."""


def _graph(rust: ModuleType, vectors: Points, others: int) -> Graph:
    indices, distances = rust.knn_graph(vectors, others, metric="cosine", ann="nndescent", seed=0)
    return indices, distances


class FastUmap:
    """UMAP of one set of vectors, under any random state: the neighbour graph is built once.

    The same vectors, settings and random state give the same map, on any number of threads.

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
    def graph(self) -> Graph:
        return _graph(self.rust, self.vectors, self.parameters["n_neighbors"])

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


class FastTsne:
    """Flat t-SNE of one set of vectors, the repulsion of many interpolated (Linderman et al., 2019): nothing but its
    start changes it.

    Raises:
        ConfigError: manifolds-rs is not installed.
    """

    def __init__(self, vectors: Points, config: ProjectionConfig) -> None:
        self.vectors, self.rust = vectors, _module()
        self.parameters: dict[str, Any] = {
            "method": "tsne",
            "engine": "manifolds-rs",
            "version": self.rust.__version__,
            "metric": "cosine",
            "perplexity": min(config.perplexity, (len(vectors) - 1) / 3),
            "repulsion": "fft_3k" if len(vectors) >= MANY else "barnes_hut",
        }

    @cached_property
    def graph(self) -> Graph:
        return _graph(self.rust, self.vectors, min(len(self.vectors) - 1, round(3 * self.parameters["perplexity"])))

    def layout(self, seed: int, start: Points) -> Points:
        """The map (n, 3), the third coordinate 0, from initial coordinates (n, 3), of any scale."""
        indices, distances = self.graph
        mapper = self.rust.TSNE(
            perplexity=float(self.parameters["perplexity"]),
            metric="cosine",
            init="pca",
            init_range=SMALL,
            randomised_init=False,
            approx=self.parameters["repulsion"],
            seed=seed,
        )
        initial = spread_out(start[:, :2])
        return in_space(np.nan_to_num(mapper.fit_transform(initial, knn_indices=indices, knn_distances=distances)))
