"""Do two models that judged the same radiographs differ? McNemar's test, and the interval of a paired difference.

Both look at the radiographs of one label alone: among those that have the disease, "right" is called present and the
difference is one of sensitivity; among those that do not, "right" is called absent and it is one of specificity. What
counts are the discordant pairs, where one model alone is right (McNemar, Psychometrika 12:153, 1947).

*Test.* With fewer than 25 discordant pairs the exact binomial test; from 25 on the mid-p test, which keeps its level
and is less conservative (Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91, 2013).

*Interval.* Newcombe's square-and-add interval from Wilson's score limits with the continuity-corrected correlation,
his method 10 (Newcombe, Statistics in Medicine 17:2635, 1998).

Both take radiographs as independent; those of one patient are not (see `core.metrics.rates`, which resamples patients).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats
from core.metrics.comparison import holm
from core.metrics.thresholds import wilson_ends

FEW = 25
"""Below so many discordant pairs the exact test is taken."""

NAN = float("nan")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Paired:
    """Two models on the same n radiographs of one label: who is right where, and what follows.

    ``difference`` (first minus second, of the shares that are right) lies in [-1, 1] with its 95 % interval; ``p`` is
    two-sided, ``p_holm`` after Holm's correction (NaN before). NaN throughout where n is 0.
    """

    both: int
    first: int
    second: int
    neither: int
    difference: float
    low: float
    high: float
    p: float
    method: str
    p_holm: float = NAN

    @property
    def n(self) -> int:
        return self.both + self.first + self.second + self.neither

    @property
    def discordant(self) -> int:
        return self.first + self.second


def paired(right_first: ArrayLike, right_second: ArrayLike) -> Paired:
    """The comparison of two models by whether each was right (n,) about the same radiographs.

    Raises:
        InputError: they are not of one length.
    """
    one, two = np.asarray(right_first, bool), np.asarray(right_second, bool)
    if one.shape != two.shape or one.ndim != 1:
        raise InputError(f"two models must judge the same radiographs; got {one.shape} and {two.shape} of them.")
    both, first = int((one & two).sum()), int((one & ~two).sum())
    second = int((~one & two).sum())
    return from_counts(both, first, second, len(one) - both - first - second)


def from_counts(both: int, first: int, second: int, neither: int) -> Paired:
    """The comparison by how many radiographs both, the first alone, the second alone and neither got right."""
    n = both + first + second + neither
    low, high = newcombe(both, first, second, neither)
    p, method = mcnemar(first, second) if n else (NAN, "")
    return Paired(
        both=both, first=first, second=second, neither=neither, difference=(first - second) / n if n else NAN,
        low=float(low), high=float(high), p=p, method=method,
    )  # fmt: skip


def mcnemar(first: int, second: int) -> tuple[float, str]:
    """Two-sided p that the discordant pairs fall to either side alike, and the test that was taken.

    Without discordant pairs p is 1.

    Raises:
        InputError: a negative count.
    """
    if first < 0 or second < 0:
        raise InputError(f"counts of discordant pairs must be 0 or more; got {first} and {second}.")
    from scipy.special import bdtr, gammaln

    n, fewer = first + second, min(first, second)
    exact = 1.0 if first == second else 2 * float(bdtr(fewer, n, 0.5))
    if n < FEW:
        return min(1.0, exact), "exact"
    as_found = float(np.exp(gammaln(n + 1) - gammaln(fewer + 1) - gammaln(n - fewer + 1) - n * np.log(2)))
    return exact - as_found / (2 if first == second else 1), "mid-p"


def newcombe(both: ArrayLike, first: ArrayLike, second: ArrayLike, neither: ArrayLike) -> tuple[Floats, Floats]:
    """Ends of the 95 % intervals of (first - second) / n, for counts of one shape; NaN where n is 0."""
    a, b, c, d = (np.asarray(counts, np.float64) for counts in (both, first, second, neither))
    n = a + b + c + d
    whole = np.where(n > 0, n, np.nan)
    one, two = (a + b) / whole, (a + c) / whole
    (low_one, high_one), (low_two, high_two) = wilson_ends(a + b, n), wilson_ends(a + c, n)
    phi = _correlation(a, b, c, d)
    down = _added(one - low_one, high_two - two, phi)
    up = _added(high_one - one, two - low_two, phi)
    return np.maximum(one - two - down, -1.0), np.minimum(one - two + up, 1.0)


def _correlation(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Phi of the four counts, its numerator brought towards 0 by half of n where it is positive."""
    product, cross = (a + b) * (c + d) * (a + c) * (b + d), a * d - b * c
    corrected = np.where(cross > 0, np.maximum(cross - (a + b + c + d) / 2, 0.0), cross)
    return np.divide(corrected, np.sqrt(product), out=np.zeros_like(product), where=product > 0)


def _added(first: Floats, second: Floats, phi: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(first**2 - 2 * phi * first * second + second**2, 0.0)))


def by_label(labels: ArrayLike, first: ArrayLike, second: ArrayLike, label: int) -> list[Paired]:
    """Each of K findings on the radiographs of one label, with Holm's correction over the findings.

    Args:
        labels: (n, K) of 0, 1 and NaN.
        first, second: (n, K) bool, whether each model calls the finding present.
        label: 1 for sensitivity, 0 for specificity.
    """
    known, one, two = np.asarray(labels), np.asarray(first, bool), np.asarray(second, bool)
    found = []
    for at in range(known.shape[1]):
        own: NDArray[np.bool_] = known[:, at] == label
        found.append(paired(one[own, at] == bool(label), two[own, at] == bool(label)))
    corrected = holm([each.p for each in found])
    return [dataclasses.replace(each, p_holm=p) for each, p in zip(found, corrected, strict=True)]
