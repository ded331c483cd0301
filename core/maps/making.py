"""Vectors -> coordinates, by the method and the engine that the settings name."""

from __future__ import annotations

from typing import Any, Protocol

from core.config.run import ProjectionConfig
from core.maps import fast
from core.maps.pca import Points, principal

FEWEST = 8
"""With fewer points a neighbour graph says nothing: the principal components are drawn instead."""


class Maker(Protocol):
    """Maps of one set of vectors, under any random state.

    Attributes:
        parameters: everything that changes the answer, but the random state.
    """

    parameters: dict[str, Any]

    def layout(self, seed: int, start: Points) -> Points:
        """The map, float32 (n, 3), from initial coordinates (n, 3)."""
        ...


def project_points(
    vectors: Points, config: ProjectionConfig, seed: int, start: Points | None = None
) -> tuple[Points, dict[str, Any]]:
    """A map of vectors, deterministic for a seed.

    Args:
        vectors: (n, d) of norm 1; cosine distance.
        config: method, engine and their settings; neighbours and perplexity are lowered where n is small.
        seed: random state.
        start: (n, 3) initial coordinates of any scale; without them the principal components.

    Returns:
        float32 (n, 3), with zeros in the third place where the map has two dimensions; and everything that changes the
        answer.

    Raises:
        ConfigError: the engine that the settings name is not installed.
    """
    made = maker(vectors, config)
    return made.layout(seed, beginning(vectors, config, start)), parameters_of(made, seed)


def parameters_of(made: Maker, seed: int) -> dict[str, Any]:
    """Everything that changes the answer; principal components know no random state."""
    return made.parameters | ({} if made.parameters["method"] == "pca" else {"random_state": seed})


def beginning(vectors: Points, config: ProjectionConfig, start: Points | None) -> Points:
    """Where a map starts: from given coordinates (n, 3), or from the principal components."""
    return principal(vectors, config.dimensions) if start is None else start


def maker(vectors: Points, config: ProjectionConfig) -> Maker:
    """What makes maps of these vectors (n, d) by these settings.

    Raises:
        ConfigError: the engine that the settings name is not installed.
    """
    if len(vectors) < FEWEST:
        return _Principal(vectors, config, because=f"fewer than {FEWEST} points")
    if config.method == "pca":
        return _Principal(vectors, config)
    quick = is_fast(config)
    if config.method == "tsne":
        from core.maps.tsne import Tsne

        return fast.FastTsne(vectors, config) if quick and config.dimensions == 2 else Tsne(vectors, config)
    if quick:
        return fast.FastUmap(vectors, config)
    from core.maps.umap_learn import UmapLearn

    return UmapLearn(vectors, config)


def is_fast(config: ProjectionConfig) -> bool:
    """Whether the fast engine makes what it can make of these settings on this machine."""
    return config.engine == "fast" or (config.engine == "auto" and fast.installed())


class _Principal:
    """The principal components: no random state changes them."""

    def __init__(self, vectors: Points, config: ProjectionConfig, because: str = "") -> None:
        self.vectors, self.dimensions = vectors, config.dimensions
        self.parameters: dict[str, Any] = {"method": "pca"} | ({"because": because} if because else {})

    def layout(self, seed: int, start: Points) -> Points:
        return principal(self.vectors, self.dimensions)
