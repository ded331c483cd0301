"""The modality gap: how far image and text vectors lie apart, and what closing or widening it does.

(Liang, Zhang, Kwon, Yeung, Zou: Mind the Gap, NeurIPS 2022.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, chunks, drawn_rows, same_width, unit_pair, unit_rows

SMALLEST_GAP = 1e-6  # below it the direction from texts to images is rounding noise
FOLDS = 5

Task = Callable[[Floats, Floats], float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gap:
    """The gap vector (d,), mean image minus mean text, and its length, in [0, 2]."""

    vector: NDArray[np.float64]
    distance: float


class ContrastiveLoss(NamedTuple):
    """The two cross-entropies of paired images and texts, in nats; chance is ln n."""

    image_to_text: float
    text_to_image: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShiftCurve:
    """What each shift along the gap does; every array is (s,), one entry per requested shift.

    requested            the d of the formula; 0 leaves the vectors as they are
    distance             the signed distance measured after the shift (see `signed_distance`)
    loss_image_to_text   cross-entropy of each image over the texts; loss_text_to_image the other way
    loss                 the mean of the two
    task                 the task metric, or NaN throughout when there was no task
    n_pairs              the pairs the losses were measured on; their chance level is ln n_pairs
    """

    requested: NDArray[np.float64]
    distance: NDArray[np.float64]
    loss_image_to_text: NDArray[np.float64]
    loss_text_to_image: NDArray[np.float64]
    loss: NDArray[np.float64]
    task: NDArray[np.float64]
    n_pairs: int


def modality_gap(images: ArrayLike, texts: ArrayLike) -> Gap:
    """mean(images) - mean(texts) over L2-normalised rows (n, d) and (m, d), and its length.

    Rows are normalised here; n and m may differ.

    Raises:
        InputError: a row is zero or not finite, or the widths differ.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=False)
    return _gap(left, right)


def _gap(images: Floats, texts: Floats) -> Gap:
    vector = images.mean(axis=0, dtype=np.float64) - texts.mean(axis=0, dtype=np.float64)
    return Gap(vector=vector, distance=float(np.linalg.norm(vector)))


def gap_direction(images: ArrayLike, texts: ArrayLike) -> NDArray[np.float64]:
    """The unit vector u (d,) that points from the mean text to the mean image.

    Raises:
        InputError: as `modality_gap`, or the two means coincide, so that no direction leads from one to the other.
    """
    gap = modality_gap(images, texts)
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
    return _moved("images", left, u, -distance / 2), _moved("texts", right, u, distance / 2)


def _moved(name: str, unit: Floats, direction: Floats, by: float) -> Floats:
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
    return _signed(gap, u)


def _signed(gap: Gap, u: Floats) -> float:
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
    return _contrastive_loss(left, right, scale)


def _contrastive_loss(images: Floats, texts: Floats, scale: float) -> ContrastiveLoss:
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


def shift_curve(
    images: ArrayLike,
    texts: ArrayLike,
    *,
    scale: float,
    distances: ArrayLike | None = None,
    task: Task | None = None,
    task_texts: ArrayLike | None = None,
    max_pairs: int = 2000,
    seed: int = 0,
) -> ShiftCurve:
    """Loss and task metric of paired images and texts (n, d) at each shift; by default -5 to 5 in steps of 0.25.

    Direction and signed distance come from all rows. The losses come from `max_pairs` pairs drawn with `seed` when
    there are more (so their chance level is ln n_pairs). `task(images, texts)` gets all shifted rows; with
    `task_texts` (k, d), the disease prompts of a zero-shot task, it gets those instead of the texts, moved likewise.

    Raises:
        InputError: as `shift` and `contrastive_loss`; or no distance, or one that is not finite.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    steps = _steps(distances)
    prompts = None if task_texts is None else unit_rows("task_texts", task_texts)
    if prompts is not None:
        same_width("images", left, "task_texts", prompts)
    u = gap_direction(left, right)
    chosen = drawn_rows(len(left), max_pairs, seed)
    rows = [_measured(left, right, prompts, u, step, chosen, scale, task) for step in steps.tolist()]
    measured, per_image, per_text, task_values = np.array(rows).T
    return ShiftCurve(
        requested=steps,
        distance=measured,
        loss_image_to_text=per_image,
        loss_text_to_image=per_text,
        loss=(per_image + per_text) / 2,
        task=task_values,
        n_pairs=len(chosen),
    )


def _steps(distances: ArrayLike | None) -> NDArray[np.float64]:
    steps = np.arange(-5, 5.01, 0.25) if distances is None else np.asarray(distances, dtype=np.float64)
    if steps.ndim != 1 or not len(steps) or not np.isfinite(steps).all():
        raise InputError("distances must be a list of finite numbers, for example numpy.arange(-5, 5.01, 0.25).")
    return steps


def _measured(
    images: Floats,
    texts: Floats,
    prompts: Floats | None,
    u: Floats,
    step: float,
    chosen: NDArray[np.intp],
    scale: float,
    task: Task | None,
) -> tuple[float, float, float, float]:
    """Signed distance, both losses and the task metric of unit rows after one shift along u."""
    moved_images, moved_texts = _moved("images", images, u, -step / 2), _moved("texts", texts, u, step / 2)
    losses = _contrastive_loss(moved_images[chosen], moved_texts[chosen], scale)
    value = float("nan")
    if task is not None:
        shown = moved_texts if prompts is None else _moved("task_texts", prompts, u, step / 2)
        value = float(task(moved_images, shown))
    return _signed(_gap(moved_images, moved_texts), u), losses.image_to_text, losses.text_to_image, value


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
