"""Vectors that are easy to map, and what tests of maps share."""

from __future__ import annotations

import numpy as np
import pytest

from core.maps import fast
from core.maps.pca import Points

needs_fast = pytest.mark.skipif(not fast.installed(), reason="manifolds-rs is not installed (requirements.txt)")


def groups(count: int, width: int = 16, seed: int = 0, of: int = 4) -> Points:
    """Unit vectors around a few directions, in turn."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(of, width))
    vectors = centres[np.arange(count) % of] + 0.1 * draw.normal(size=(count, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
