"""t-SNE by scikit-learn: in space, and flat where the fast engine is not there or not wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.config.run import ProjectionConfig
from core.maps.pca import SMALL, Points, in_space


class Tsne:
    """t-SNE of one set of vectors (van der Maaten and Hinton, 2008), Barnes-Hut: nothing but its start changes it."""

    def __init__(self, vectors: Points, config: ProjectionConfig) -> None:
        import sklearn

        self.vectors, self.config = vectors, config
        self.parameters: dict[str, Any] = {
            "method": "tsne",
            "engine": "scikit-learn",
            "version": sklearn.__version__,
            "metric": "cosine",
            "perplexity": min(config.perplexity, (len(vectors) - 1) / 3),
        }

    def layout(self, seed: int, start: Points) -> Points:
        """The map (n, 3) from initial coordinates (n, 3), of any scale."""
        from sklearn.manifold import TSNE

        mapper = TSNE(
            n_components=self.config.dimensions,
            perplexity=self.parameters["perplexity"],
            metric="cosine",
            init=small(start[:, : self.config.dimensions]),
            random_state=seed,
        )
        return in_space(mapper.fit_transform(self.vectors))


def small(start: Points) -> Points:
    """Around 0, the first coordinate's spread as t-SNE wants it; a little noise parts points that coincide."""
    centred = start - start.mean(axis=0)
    noise = np.random.default_rng(0).normal(scale=SMALL / 100, size=start.shape)
    return (SMALL * centred / (float(centred.std(axis=0).max()) or 1.0) + noise).astype(np.float32)
