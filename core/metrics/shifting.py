"""What closing or widening the modality gap does to loss, recall and a task, step by step, and where each is best.

(Liang, Zhang, Kwon, Yeung, Zou: Mind the Gap, NeurIPS 2022, section 4.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError
from core.metrics.checks import Floats, drawn_rows, same_width, unit_pair, unit_rows
from core.metrics.gap import gap_direction, gap_of, loss_of, moved, signed
from core.metrics.retrieval import group_index, ranks

Task = Callable[[Floats, Floats], float]
KS = (1, 5, 10)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShiftCurve:
    """What each shift along the gap does; every array is (s,), one entry per requested shift.

    requested            the d of the formula; 0 leaves the vectors as they are
    distance             the signed distance measured after the shift (see `gap.signed_distance`)
    loss_image_to_text   cross-entropy of each image over the texts; loss_text_to_image the other way
    loss                 the mean of the two
    recall_image_to_text the share of images whose own text is among the k nearest, in [0, 1], by k;
                         recall_text_to_image the other way
    task                 the task metric, or NaN throughout when there was no task
    n_pairs              the pairs that losses and recall were measured on; their chance levels are ln n_pairs and
                         about k / n_pairs
    """

    requested: NDArray[np.float64]
    distance: NDArray[np.float64]
    loss_image_to_text: NDArray[np.float64]
    loss_text_to_image: NDArray[np.float64]
    loss: NDArray[np.float64]
    recall_image_to_text: dict[int, NDArray[np.float64]]
    recall_text_to_image: dict[int, NDArray[np.float64]]
    task: NDArray[np.float64]
    n_pairs: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Best:
    """Where a measure is best: the shift, its value there, and its value without a shift (NaN: not measured)."""

    shift: float
    value: float
    unshifted: float

    @property
    def gain(self) -> float:
        """How much better than without a shift, never negative; NaN where that was not measured."""
        return abs(self.value - self.unshifted)


def best_shift(requested: ArrayLike, values: ArrayLike, *, lowest: bool = False, within: float = 0.0) -> Best | None:
    """The shift (of s) with the highest, or lowest, finite value; of those ``within`` that of it the nearest to none.

    None where no value is finite.

    Raises:
        InputError: not as many values as shifts.
    """
    steps, measured = np.asarray(requested, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if steps.shape != measured.shape or steps.ndim != 1:
        raise InputError(f"There must be one value per shift; got {measured.shape} values for {steps.shape} shifts.")
    known = np.isfinite(measured)
    if not known.any():
        return None
    top = measured[known].min() if lowest else measured[known].max()
    equal = np.flatnonzero(known & (np.abs(np.where(known, measured, np.inf) - top) <= within))
    at = int(equal[np.abs(steps[equal]).argmin()])
    unshifted = measured[steps == 0]
    return Best(
        shift=float(steps[at]),
        value=float(measured[at]),
        unshifted=float(unshifted[0]) if len(unshifted) else float("nan"),
    )


def shift_curve(
    images: ArrayLike,
    texts: ArrayLike,
    *,
    scale: float,
    distances: ArrayLike | None = None,
    task: Task | None = None,
    task_texts: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    max_pairs: int = 2000,
    seed: int = 0,
) -> ShiftCurve:
    """Loss, recall and task metric of paired images and texts (n, d) at each shift, by default -5 to 5 by 0.25.

    Direction and signed distance come from all rows. Losses and recall come from `max_pairs` pairs drawn with `seed`
    when there are more. `groups` (n,) name what counts as the same text in recall (see `retrieval.recall_at_k`).
    `task(images, texts)` gets all shifted rows; with `task_texts` (k, d), the disease prompts of a zero-shot task, it
    gets those instead of the texts, moved likewise.

    Raises:
        InputError: as `gap.shift`, `gap.contrastive_loss` and `retrieval.recall_at_k`; or no distance, or one that is
            not finite.
    """
    left, right = unit_pair("images", images, "texts", texts, paired=True)
    steps = _steps(distances)
    prompts = None if task_texts is None else unit_rows("task_texts", task_texts)
    if prompts is not None:
        same_width("images", left, "task_texts", prompts)
    u = gap_direction(left, right)
    chosen = drawn_rows(len(left), max_pairs, seed)
    same = group_index(groups, len(left))[chosen]
    rows, found = [], []
    for step in steps.tolist():
        own, other = moved("images", left, u, -step / 2), moved("texts", right, u, step / 2)
        shown = other if prompts is None else moved("task_texts", prompts, u, step / 2)
        value = float("nan") if task is None else float(task(own, shown))
        rows.append([signed(gap_of(own, other), u), *loss_of(own[chosen], other[chosen], scale), value])
        found.append([_recalls(*pair, same) for pair in ((own[chosen], other[chosen]), (other[chosen], own[chosen]))])
    measured, per_image, per_text, task_values = np.array(rows).T
    recalls = np.array(found)  # (s, 2, ks)
    return ShiftCurve(
        requested=steps,
        distance=measured,
        loss_image_to_text=per_image,
        loss_text_to_image=per_text,
        loss=(per_image + per_text) / 2,
        recall_image_to_text={k: recalls[:, 0, at] for at, k in enumerate(KS)},
        recall_text_to_image={k: recalls[:, 1, at] for at, k in enumerate(KS)},
        task=task_values,
        n_pairs=len(chosen),
    )


def _steps(distances: ArrayLike | None) -> NDArray[np.float64]:
    steps = np.arange(-5, 5.01, 0.25) if distances is None else np.asarray(distances, dtype=np.float64)
    if steps.ndim != 1 or not len(steps) or not np.isfinite(steps).all():
        raise InputError("distances must be a list of finite numbers, for example numpy.arange(-5, 5.01, 0.25).")
    return steps


def _recalls(queries: Floats, candidates: Floats, groups: NDArray[np.intp], ks: Sequence[int] = KS) -> list[float]:
    """Recall at each k of unit rows (n, d) whose partner is row i of the candidates."""
    rank = ranks(queries, candidates, groups)
    return [float((rank <= k).mean()) for k in ks]
