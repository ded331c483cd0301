"""What a selection of radiographs has more, or less, of than the rest: shares, their difference, and chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import label_matrix
from core.metrics.comparison import ALPHA, holm

Z = 1.959963984540054
"""Of a two-sided 95 % interval."""

NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Enrichment:
    """One finding in a selection against the rest; radiographs of which it is not known count on neither side.

    Attributes:
        present, known: in the selection.
        rest_present, rest_known: in the rest.
        share, rest_share: in [0, 1]; NaN where nothing is known.
        difference: share minus rest_share, with the 95 % interval ``low`` to ``high``; NaN where a side knows nothing.
        ratio: share over rest_share; infinite where only the rest has none, NaN where neither has any.
        p: two-sided, of Fisher's exact test; NaN where a side knows nothing.
        p_holm: after Holm's correction for all findings.
    """

    present: int
    known: int
    rest_present: int
    rest_known: int
    share: float = NAN
    rest_share: float = NAN
    difference: float = NAN
    low: float = NAN
    high: float = NAN
    ratio: float = NAN
    p: float = NAN
    p_holm: float = NAN

    @property
    def beyond_chance(self) -> bool:
        """Whether it differs by more than chance, all findings taken together (5 %)."""
        return self.p_holm < ALPHA


def enrichment(labels: ArrayLike, chosen: ArrayLike) -> list[Enrichment]:
    """Each finding's prevalence in a selection against the rest.

    The interval of the difference is Newcombe's hybrid score interval (Statistics in Medicine 17:873, 1998, method
    10); the p values are Fisher's exact test's, with Holm's correction over the findings. Both take the radiographs
    for independent, which several ones of a patient are not; and what was selected by eye for what it shows has
    already been tested once.

    Args:
        labels: (N, K) of 1 present, 0 absent, NaN unknown.
        chosen: row numbers (n,) of the selection, in any order, none twice.

    Returns:
        K of them, in the order of the findings.

    Raises:
        InputError: labels of another form, or rows that do not exist or repeat.
    """
    known = label_matrix(labels)
    inside = _mask(chosen, len(known))
    (present, count), (rest_present, rest_count) = (_counts(known[rows]) for rows in (inside, ~inside))
    each = zip(present.tolist(), count.tolist(), rest_present.tolist(), rest_count.tolist(), strict=True)
    found = [_of_one(*counts) for counts in each]
    corrected = holm([one.p for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True)]


def _mask(chosen: ArrayLike, total: int) -> NDArray[np.bool_]:
    rows = np.asarray(chosen)
    if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
        raise InputError(f"A selection is row numbers (n,); got {rows.dtype} of the shape {rows.shape}.")
    rows = rows.astype(np.int64)
    if len(rows) and not 0 <= rows.min() <= rows.max() < total:
        raise InputError(f"The selection has rows {rows.min()} to {rows.max()}; there are the rows 0 to {total - 1}.")
    inside = np.zeros(total, bool)
    inside[rows] = True
    if inside.sum() != len(rows):
        raise InputError(f"{len(rows) - int(inside.sum())} rows of the selection repeat: give each once.")
    return inside


def _counts(labels: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many have each finding, and of how many it is known."""
    return (labels == 1).sum(axis=0), np.isfinite(labels).sum(axis=0)


def _of_one(present: int, known: int, rest_present: int, rest_known: int) -> Enrichment:
    from scipy.stats import fisher_exact

    found = Enrichment(
        present=present,
        known=known,
        rest_present=rest_present,
        rest_known=rest_known,
        share=present / known if known else NAN,
        rest_share=rest_present / rest_known if rest_known else NAN,
    )
    if not known or not rest_known:
        return found
    (low, high), (rest_low, rest_high) = wilson(present, known), wilson(rest_present, rest_known)
    share, rest = found.share, found.rest_share
    return replace(
        found,
        difference=share - rest,
        low=share - rest - float(np.hypot(share - low, rest_high - rest)),
        high=share - rest + float(np.hypot(high - share, rest - rest_low)),
        ratio=share / rest if rest else (float("inf") if share else NAN),
        p=float(fisher_exact([[present, known - present], [rest_present, rest_known - rest_present]]).pvalue),
    )


def wilson(present: int, known: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (Journal of the American Statistical Association 22:209, 1927).

    Raises:
        InputError: known < 1, or present outside 0 to known.
    """
    if known < 1 or not 0 <= present <= known:
        raise InputError(f"{present} of {known} is no share: it takes 1 or more, and 0 to as many of them.")
    share, square = present / known, Z * Z / known
    middle = share + square / 2
    spread = Z * float(np.sqrt(share * (1 - share) / known + square / (4 * known)))
    return max(0.0, (middle - spread) / (1 + square)), min(1.0, (middle + spread) / (1 + square))
