"""Zero-shot scores: the disease prompt alone, against its negation, the negation alone, and each template by itself."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import bootstrap, macro_interval
from core.metrics.ranking import aurocs
from core.metrics.results import Interval

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromptScores:
    """AUROC of each finding (K,), NaN where it lacks a class, and their mean with its 95 % interval over patients."""

    aurocs: Floats
    macro: Interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class ZeroShot:
    """How well prompts tell findings apart, without any training on labels.

    Attributes:
        pos: cosine to the positive ensemble.
        pnc: positive against negative: the difference of both cosines, which a softmax over the two keeps in order
            (CheXzero; Tiu et al., 2022).
        negative: cosine to the negative ensemble alone. A model that reads the negation is under 0.5; one that hears
            only the finding's name is as good as ``pos``.
    """

    pos: PromptScores
    pnc: PromptScores
    negative: PromptScores


def zero_shot(
    labels: ArrayLike,
    images: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    patients: ArrayLike,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> ZeroShot:
    """Score prompts against labels.

    Args:
        labels: (n, K) of 0, 1 and NaN (unknown).
        images: (n, d), rows of norm 1.
        positive, negative: (K, d), rows of norm 1.
        patients: (n,), resampled for the intervals.

    Raises:
        InputError: shapes do not fit.
    """
    pixels, present, absent = (np.asarray(one, np.float64) for one in (images, positive, negative))
    if present.shape != absent.shape or present.ndim != 2 or pixels.ndim != 2 or present.shape[1] != pixels.shape[1]:
        raise InputError(f"images {pixels.shape}, positive {present.shape} and negative {absent.shape} do not fit.")
    yes, no = pixels @ present.T, pixels @ absent.T

    def scores(cosines: Floats) -> PromptScores:
        found = bootstrap(labels, cosines, patients, replicates=replicates, seed=seed)
        macro = macro_interval(found.auroc_value, found.auroc, n_patients=found.n_patients)
        return PromptScores(aurocs=found.auroc_value, macro=macro)

    return ZeroShot(pos=scores(yes), pnc=scores(yes - no), negative=scores(no))


def by_template(labels: ArrayLike, images: ArrayLike, templates: ArrayLike) -> Floats:
    """AUROC of each finding by each template alone: how sensitive zero-shot is to the words around a finding.

    Args:
        labels: (n, K).
        images: (n, d).
        templates: (T, K, d).

    Returns:
        (T, K), NaN where a finding lacks a class.
    """
    pixels = np.asarray(images, np.float64)
    return np.array([aurocs(labels, pixels @ own.T) for own in np.asarray(templates, np.float64)])
