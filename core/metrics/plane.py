"""A flat picture of the modality gap: one axis along it, one across, and what a shift does to the points on it.

Both axes stay where they are while the points move, so a shift needs no vectors: with u the direction of the gap and a
row's coordinates (p, q) along and across it, x - d/2 u has the coordinates (p - d/2, q) and the squared length
1 - d p + d^2 / 4.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, drawn_rows, unit_pair
from core.metrics.gap import direction_of, gap_of

Points = NDArray[np.floating[Any]]

SPREAD = 2000
"""Pairs whose widest spread is looked for at most."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plane:
    """Pairs as points, the gap between all of them, and how wide the modalities' cones are.

    Attributes:
        images, texts: (m, 2) coordinates of the drawn pairs, along the gap and across it, unshifted.
        pairs: how many there are in all.
        gap: distance of the two means, of all pairs.
        cones: cosines of random rows: two images, two texts, an image and another's text.
    """

    images: Points
    texts: Points
    pairs: int
    gap: float
    cones: tuple[Points, Points, Points]

    def shifted(self, distance: float) -> tuple[Points, Points]:
        """The drawn points after both modalities moved towards each other by `distance` (see `gap.shift`).

        Raises:
            InputError: a row lands on the origin, from where no direction leads on.
        """
        return _moved(self.images, -distance / 2), _moved(self.texts, distance / 2)


def plane(images: ArrayLike, texts: ArrayLike, *, draw: int = 300, cone: int = 2000, seed: int = 0) -> Plane:
    """Paired images and texts (n, d) on two axes: along the gap, and the widest spread at right angles to it.

    Args:
        images, texts: row i of both belonging together; rows are normalised here.
        draw: pairs to draw at most, chosen with `seed`.
        cone: random rows to take cosines of, at most.
        seed: of both draws.

    Raises:
        InputError: as `gap.gap_direction`.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    gap = gap_of(left, right)
    axes = _axes(left, right, direction_of(gap), seed)
    drawn = np.random.default_rng(seed).permutation(len(left))[:draw]
    return Plane(
        images=left[drawn] @ axes,
        texts=right[drawn] @ axes,
        pairs=len(left),
        gap=gap.distance,
        cones=_cones(left, right, cone, seed),
    )


def _axes(images: Floats, texts: Floats, along: Floats, seed: int) -> Floats:
    """Two axes (d, 2) at right angles; of the second the sign is free, so its largest number is made positive.

    The first is of all pairs, the widest spread of SPREAD pairs at most: it says where to look from, not how far.
    """
    from scipy.linalg import eigh

    rows, last = drawn_rows(len(images), SPREAD, seed), len(along) - 1
    both = np.concatenate([images[rows], texts[rows]])
    spread = np.cov(both, rowvar=False, dtype=np.float64).reshape(len(along), len(along))
    rest = np.eye(len(along)) - np.outer(along, along)
    across = eigh(rest @ spread @ rest, subset_by_index=(last, last))[1][:, 0]
    across = rest @ across  # where nothing spreads, any direction is the widest: even the gap's own
    length = float(np.linalg.norm(across))
    across = across / length if length > 0.5 else np.zeros_like(across)
    return np.stack([along, across * np.sign(across[np.abs(across).argmax()] or 1)], axis=1).astype(images.dtype)


def _cones(images: Floats, texts: Floats, count: int, seed: int) -> tuple[Points, Points, Points]:
    generator = np.random.default_rng(seed)
    left, right = (generator.integers(len(images), size=count) for _ in range(2))
    left, right = left[left != right], right[left != right]
    of = [(images, images), (texts, texts), (images, texts)]
    two_images, two_texts, across = (np.einsum("ij,ij->i", one[left], other[right]) for one, other in of)
    return two_images, two_texts, across


def _moved(points: Points, by: float) -> Points:
    """Coordinates (m, 2) of unit rows after a step along the first axis, normalised again."""
    length = np.sqrt(np.maximum(0, 1 + 2 * by * points[:, 0] + by * by))
    if len(length) and float(length.min()) < 1e-6:
        raise InputError("A row lands on the origin by this shift; choose another one.")
    return (points + np.array([by, 0], points.dtype)) / length[:, None].astype(points.dtype)
