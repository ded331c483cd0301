"""How far a 3D map can be trusted, and how to lay one map over another."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics import pointwise
from core.metrics.checks import Floats, drawn_rows, matrix

MAX_ROWS = 3000


def trustworthiness(
    vectors: ArrayLike, coordinates: ArrayLike, *, k: int = 15, max_rows: int = MAX_ROWS, seed: int = 0
) -> float:
    """1 minus the penalty for map neighbours that are far apart in space: in [0, 1], 1 is faithful.

    scikit-learn's, with cosine distance between `vectors` (n, d) and Euclidean distance between `coordinates` (n, 3).
    With more than `max_rows` rows, that many are drawn with `seed` and the score is among them. NaN when k >= n / 2,
    where the score is not defined. (Venna and Kaski 2001.)

    Raises:
        InputError: the numbers of rows differ, a row is not finite, a vector is zero, or k < 1.
    """
    from sklearn.manifold import trustworthiness as of_sklearn

    unit, points = pointwise.pair(vectors, coordinates, k)
    chosen = drawn_rows(len(unit), max_rows, seed)
    if k >= len(chosen) / 2:
        return float("nan")
    return float(of_sklearn(unit[chosen], points[chosen], n_neighbors=k, metric="cosine"))


def knn_recall(
    vectors: ArrayLike, coordinates: ArrayLike, *, k: int = 15, max_rows: int = MAX_ROWS, seed: int = 0
) -> float:
    """The mean share of a point's k map neighbours that are among its k neighbours in space: in [0, 1].

    Chance is k / (n - 1). With more than `max_rows` rows, the mean is over that many points drawn with `seed`, each
    against all n. Definitions, NaN and errors as in `pointwise.faithfulness`.
    """
    rows = drawn_rows(len(np.asarray(vectors)), max_rows, seed)
    return float(pointwise.faithfulness(vectors, coordinates, rows=rows, k=k).knn_recall.mean())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alignment:
    """The map x -> scale * x @ rotation + translation, and what is left over.

    rotation (c, c) is orthogonal, a reflection when its determinant is -1. disparity, in [0, 1], is the squared
    distance left over, as a share of the reference's squared distance from its mean; 0 is a perfect fit.
    """

    rotation: NDArray[np.float64]
    scale: float
    translation: NDArray[np.float64]
    disparity: float

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Points (m, c) of the moved map in the place where they lie over the reference.

        Raises:
            InputError: a point is not finite, or has another number of coordinates.
        """
        moved = matrix("points", np.asarray(points, dtype=np.float64))
        if moved.shape[1] != len(self.rotation):
            raise InputError(f"points has {moved.shape[1]} coordinates; the alignment is of {len(self.rotation)}.")
        return np.asarray(self.scale * moved @ self.rotation + self.translation)


def _spread(name: str, centred: Floats, mean: Floats) -> float:
    """The squared distance from the mean; InputError where it is no more than rounding noise."""
    square = float(np.square(centred).sum())
    if square <= len(centred) * (1e-14**2) * max(1.0, float(np.square(mean).sum())):
        raise InputError(f"all points of {name} coincide, so there is nothing to turn or scale.")
    return square


def procrustes(reference: ArrayLike, moving: ArrayLike) -> Alignment:
    """The similarity transform that lays `moving` (n, c) over `reference` (n, c) with least squared error.

    Row i of one belongs to row i of the other. Reflections are allowed, because a UMAP has no handedness: a map and
    its mirror image say the same. (Kabsch 1976; Schönemann 1966; disparity as `scipy.spatial.procrustes`.)

    Raises:
        InputError: shapes differ, a row is not finite, or all points of a map coincide.
    """
    fixed = matrix("reference", np.asarray(reference, dtype=np.float64))
    moved = matrix("moving", np.asarray(moving, dtype=np.float64))
    if fixed.shape != moved.shape:
        raise InputError(
            f"reference {fixed.shape} and moving {moved.shape} must have the same shape: keep the rows that both maps "
            "have, in one order."
        )
    fixed_mean, moved_mean = fixed.mean(axis=0), moved.mean(axis=0)
    fixed, moved = fixed - fixed_mean, moved - moved_mean
    spread = {"reference": _spread("reference", fixed, fixed_mean), "moving": _spread("moving", moved, moved_mean)}
    left, values, right = np.linalg.svd(moved.T @ fixed)
    rotation = left @ right
    scale = float(values.sum() / spread["moving"])
    return Alignment(
        rotation=rotation,
        scale=scale,
        translation=fixed_mean - scale * moved_mean @ rotation,
        disparity=max(0.0, 1.0 - float(values.sum()) ** 2 / (spread["reference"] * spread["moving"])),
    )
