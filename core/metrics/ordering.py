"""In which order labels stand so that what is alike stands together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """A tree of labels.

    Attributes:
        order: (K,) rows, so that no two branches cross; rows that are not known stand last, outside the tree.
        places, heights: (m, 4) each: the corners of the bracket that joins two branches, from one branch up, across and
            down to the other. Places count rows in ``order`` from 0; heights are distances, 0 for a label itself.
    """

    order: NDArray[np.int64]
    places: NDArray[np.float64]
    heights: NDArray[np.float64]


def clustering(cosines: ArrayLike) -> Clustering:
    """Average linkage on 1 - cosine (UPGMA; Sokal and Michener, 1958), branches turned so that neighbours are near
    (optimal leaf ordering; Bar-Joseph et al., 2001).

    Args:
        cosines: (K, K) in [-1, 1]. Where (i, j) and (j, i) differ (prompt x centroid) their mean counts. A row whose
            diagonal is NaN (a disease without support) is left out of the tree.

    Raises:
        InputError: the matrix is not square.
    """
    cells = np.asarray(cosines, np.float64)
    if cells.ndim != 2 or cells.shape[0] != cells.shape[1]:
        raise InputError(f"Only a square matrix (K, K) can be clustered; got the shape {cells.shape}.")
    known = np.flatnonzero(~np.isnan(np.diagonal(cells)))
    rest = np.setdiff1d(np.arange(len(cells)), known)
    if len(known) < 2:
        none = np.zeros((0, 4))
        return Clustering(order=np.concatenate([known, rest]), places=none, heights=none)
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - (cells + cells.T)[np.ix_(known, known)] / 2, 0, 2)
    np.fill_diagonal(distance, 0)
    links = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    drawn = dendrogram(links, no_plot=True)
    return Clustering(
        order=np.concatenate([known[drawn["leaves"]], rest]),
        places=(np.array(drawn["icoord"]) - 5) / 10,  # scipy puts leaves at 5, 15, 25, ...
        heights=np.array(drawn["dcoord"]),
    )
