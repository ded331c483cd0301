"""The modality gap: how far image and text vectors lie apart, and what closing or widening it does.

(Liang, Zhang, Kwon, Yeung, Zou: Mind the Gap, NeurIPS 2022.)
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.bootstrap import patient_index, row_weights
from core.metrics.checks import Floats, chunks, drawn_rows, label_matrix, same_length, unit_pair, unit_rows

SMALLEST_GAP = 1e-6  # below it the direction from texts to images is rounding noise
FOLDS = 5
LEAST = 10
"""Pairs with a finding that its gap is measured on at least."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gap:
    """The gap vector (d,), mean image minus mean text, and its length, in [0, 2]."""

    vector: NDArray[np.float64]
    distance: float


class ContrastiveLoss(NamedTuple):
    """The two cross-entropies of paired images and texts, in nats; chance is ln n."""

    image_to_text: float
    text_to_image: float


def modality_gap(images: ArrayLike, texts: ArrayLike) -> Gap:
    """mean(images) - mean(texts) over L2-normalised rows (n, d) and (m, d), and its length.

    Rows are normalised here; n and m may differ.

    Raises:
        InputError: a row is zero or not finite, or the widths differ.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=False)
    return gap_of(left, right)


def gap_of(images: Floats, texts: Floats) -> Gap:
    """`modality_gap` of rows that are known to be of norm 1."""
    vector = images.mean(axis=0, dtype=np.float64) - texts.mean(axis=0, dtype=np.float64)
    return Gap(vector=vector, distance=float(np.linalg.norm(vector)))


def gap_replicates(
    images: ArrayLike, texts: ArrayLike, patients: ArrayLike, *, replicates: int = 1000, seed: int = 0
) -> tuple[float, NDArray[np.float64]]:
    """The length of the gap of paired rows (n, d), and in each replicate (R,) of a bootstrap over patients (n,).

    Noise only lengthens a mean vector, so resampled gaps would all be a little too wide: their squares are moved
    together until their mean is the square of the gap of the data.

    Raises:
        InputError: as `modality_gap`, or there is not one patient per pair.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    patient, n_patients = patient_index(patients, len(left))
    order = np.argsort(patient, kind="stable")
    starts = np.searchsorted(patient[order], np.arange(n_patients))
    apart = np.add.reduceat((left - right)[order], starts)  # of each patient: fewer rows, and the same draws
    counts = np.bincount(patient).astype(apart.dtype)
    drawn = [
        np.linalg.norm((weights.T @ apart) / (weights.T @ counts)[:, None], axis=1)
        for weights in row_weights(np.arange(n_patients), n_patients, replicates=replicates, seed=seed)
    ]
    value, squares = gap_of(left, right).distance, np.concatenate(drawn).astype(np.float64) ** 2
    return value, np.sqrt(np.maximum(0.0, squares - squares.mean() + value**2))


@dataclasses.dataclass(frozen=True, kw_only=True)
class FindingGaps:
    """The gap of each of K findings: of the pairs that have it, mean image against mean text.

    gaps       (K,) lengths in [0, 2], NaN where fewer than `least` pairs have the finding
    expected   (K,) what as many pairs drawn from all would show (root mean square): the means of few pairs lie
               further apart by chance alone; NaN likewise
    support    (K,) pairs with the finding
    """

    gaps: NDArray[np.float64]
    expected: NDArray[np.float64]
    support: NDArray[np.int64]
    least: int


def finding_gaps(images: ArrayLike, texts: ArrayLike, labels: ArrayLike, *, least: int = LEAST) -> FindingGaps:
    """The gap of each finding beside the one that chance alone would make of as many pairs.

    With D the rows' differences, G the gap of all N pairs and M the mean of ||D||^2, n pairs drawn from them without
    putting back have the mean squared gap G^2 + (M - G^2) / n * (N - n) / (N - 1).

    Args:
        images, texts: (N, d), row i of both belonging together; rows are normalised here.
        labels: (N, K): 1 present, 0 absent, NaN unknown.
        least: pairs that a gap is measured on at least.

    Raises:
        InputError: as `modality_gap`; the three differ in their number of rows; a label is not 0, 1 or NaN.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    present = label_matrix(labels) == 1
    same_length("images", left, "labels", present)
    support, count = present.sum(axis=0).astype(np.int64), len(left)
    gaps = np.full(len(support), np.nan)
    for column in np.flatnonzero(support >= max(1, least)).tolist():
        own = present[:, column]
        gaps[column] = gap_of(left[own], right[own]).distance
    whole = gap_of(left, right).distance ** 2
    spread = float(np.mean(2 - 2 * np.einsum("ij,ij->i", left, right, dtype=np.float64))) - whole
    rest = (count - support) / np.maximum(1, support) / max(1, count - 1)
    expected = np.where(np.isnan(gaps), np.nan, np.sqrt(np.maximum(0, whole + spread * rest)))
    return FindingGaps(gaps=gaps, expected=expected, support=support, least=least)


def gap_direction(images: ArrayLike, texts: ArrayLike) -> NDArray[np.float64]:
    """The unit vector u (d,) that points from the mean text to the mean image.

    Raises:
        InputError: as `modality_gap`, or the two means coincide, so that no direction leads from one to the other.
    """
    return direction_of(modality_gap(images, texts))


def direction_of(gap: Gap) -> NDArray[np.float64]:
    """`gap_direction` of a gap that is measured already."""
    if gap.distance < SMALLEST_GAP:
        raise InputError(
            f"the gap is {gap.distance:.1e}: the mean image and the mean text coincide, so there is no direction "
            "to shift along. Shift the vectors of a model that has a gap."
        )
    return gap.vector / gap.distance


def shift(
    images: ArrayLike, texts: ArrayLike, distance: float, *, direction: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Images (n, d) and texts (m, d) moved towards each other by `distance` and normalised again.

    x' = norm(x - distance/2 u), y' = norm(y + distance/2 u) with u = gap / ||gap||, or the given `direction` (d,),
    which is normalised. A negative distance widens the gap. Rows are normalised first. float32 stays float32.

    Raises:
        InputError: as `gap_direction`; the direction has another width; or a row lands on the origin (it is named).
    """
    left, right = unit_pair("images", images, "texts", texts, paired=False)
    u = gap_direction(left, right) if direction is None else unit_rows("direction", np.atleast_2d(direction))[0]
    if u.shape != (left.shape[1],):
        raise InputError(f"direction has {len(u)} numbers, images and texts have {left.shape[1]} columns.")
    return moved("images", left, u, -distance / 2), moved("texts", right, u, distance / 2)


def moved(name: str, unit: Floats, direction: Floats, by: float) -> Floats:
    """Unit rows (n, d) after a step along a unit direction (d,), normalised again; `name` is for the error."""
    if by == 0:
        return unit
    return unit_rows(f"{name} after the shift", unit + (by * direction).astype(unit.dtype))


def signed_distance(images: ArrayLike, texts: ArrayLike, direction: ArrayLike) -> float:
    """The length of the gap of images (n, d) and texts (m, d), negative where it points against `direction` (d,).

    `direction` is that of the gap before any shift: the sign turns where the images have passed the texts. The
    length itself is what Liang et al. print; it does not reach 0 where the two clouds differ in shape.

    Raises:
        InputError: as `modality_gap`, or the direction has another width.
    """
    gap = modality_gap(images, texts)
    u = np.asarray(direction, dtype=np.float64)
    if u.shape != gap.vector.shape:
        raise InputError(f"direction has the shape {u.shape}, images and texts have {len(gap.vector)} columns.")
    return signed(gap, u)


def signed(gap: Gap, u: Floats) -> float:
    """The length of a gap, negative where it points against u (d,)."""
    return gap.distance if float(gap.vector @ u) >= 0 else -gap.distance


def contrastive_loss(images: ArrayLike, texts: ArrayLike, scale: float) -> ContrastiveLoss:
    """The CLIP cross-entropies of paired images and texts (n, d), each on its own logits, in nats.

    Image to text: the mean over i of logsumexp_j(scale x_i . y_j) - scale x_i . y_i; text to image is the same with
    the roles exchanged. Rows are normalised here; `scale` is exp(logit_scale), 1 / temperature. Memory stays within
    some 100 MB beside the inputs.

    Raises:
        InputError: shapes differ, a row is zero or not finite, or scale is not a positive number.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    return loss_of(left, right, scale)


def loss_of(images: Floats, texts: Floats, scale: float) -> ContrastiveLoss:
    """`contrastive_loss` of rows that are known to be of norm 1."""
    if not (np.isfinite(scale) and scale > 0):
        raise InputError(f"scale must be a positive number (1 / temperature, CLIP ends at 100), got {scale}.")
    images, texts, n = images.astype(np.float64, copy=False), texts.astype(np.float64, copy=False), len(images)
    own = scale * np.einsum("ij,ij->i", images, texts)
    per_image = 0.0
    # The sums over images are kept as (largest logit so far, sum of exp(logit - largest)), as blocks come in.
    largest, sums = np.full(n, -np.inf), np.zeros(n)
    for rows in chunks(n, n, cells=1_000_000):
        logits = scale * (images[rows] @ texts.T)
        top = logits.max(axis=0)
        grown = np.maximum(largest, top)
        peak = logits.max(axis=1)
        sums = sums * np.exp(largest - grown) + np.exp(logits - grown).sum(axis=0)
        largest = grown
        np.exp(logits - peak[:, None], out=logits)
        per_image += float((np.log(logits.sum(axis=1)) + peak - own[rows]).sum())
    per_text = float((np.log(sums) + largest - own).sum())
    # A cross-entropy is never negative; `own` and the block differ by rounding, which could make it so.
    return ContrastiveLoss(image_to_text=max(0.0, per_image / n), text_to_image=max(0.0, per_text / n))


def linear_separability(images: ArrayLike, texts: ArrayLike, *, max_rows: int = 2000, seed: int = 0) -> float:
    """The 5-fold accuracy, in [0, 1], of a logistic regression that tells images (n, d) from texts (m, d).

    1 means that a plane divides the modalities. Balanced accuracy (the mean over the two modalities), so that 0.5
    is chance whatever n and m. Rows are normalised; of each modality at most `max_rows`, drawn with `seed`, take
    part. Row i of both modalities falls into the same fold (drawn with `seed`), so that no image is judged by what
    was learned from its own text. NaN where a modality has fewer than 5 rows.

    Raises:
        InputError: a row is zero or not finite, or the widths differ.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import PredefinedSplit, cross_val_score

    left, right = unit_pair("images", images, "texts", texts, paired=False)
    if min(len(left), len(right)) < FOLDS:
        return float("nan")
    parts = [part[drawn_rows(len(part), max_rows, seed)] for part in (left, right)]
    modality = np.repeat([1, 0], [len(part) for part in parts])
    folds = np.concatenate([np.random.default_rng(seed).permutation(len(part)) % FOLDS for part in parts])
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    scores = cross_val_score(model, np.vstack(parts), modality, cv=PredefinedSplit(folds), scoring="balanced_accuracy")
    return float(scores.mean())
