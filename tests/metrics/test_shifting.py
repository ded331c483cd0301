"""The shift curve against its parts, done one by one, and where each of its measures is best."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.errors import InputError
from core.metrics.gap import contrastive_loss, gap_direction, modality_gap, shift, signed_distance
from core.metrics.retrieval import recall_at_k
from core.metrics.shifting import best_shift, shift_curve
from tests.metrics.test_gap import IMAGES, TEXTS, unit


def test_curve_is_made_of_its_parts() -> None:
    curve = shift_curve(IMAGES, TEXTS, scale=10, distances=[-1, 0, 0.5])
    u = gap_direction(IMAGES, TEXTS)
    for i, d in enumerate([-1, 0, 0.5]):
        images, texts = shift(IMAGES, TEXTS, d)
        loss = contrastive_loss(images, texts, 10)
        assert curve.distance[i] == pytest.approx(signed_distance(images, texts, u), rel=1e-5)
        assert curve.loss_image_to_text[i] == pytest.approx(loss.image_to_text, rel=1e-5)
        assert curve.loss_text_to_image[i] == pytest.approx(loss.text_to_image, rel=1e-5)
        assert curve.loss[i] == pytest.approx(np.mean(loss), rel=1e-5)
    assert np.isnan(curve.task).all()
    assert curve.n_pairs == 200


def test_default_steps_and_the_way_the_gap_goes() -> None:
    curve = shift_curve(IMAGES, TEXTS, scale=10)
    np.testing.assert_allclose(curve.requested, [-5 + 0.25 * i for i in range(41)])
    gap = modality_gap(IMAGES, TEXTS).distance
    assert curve.distance[20] == pytest.approx(gap)
    assert curve.distance[0] > gap
    assert curve.distance[-1] < 0
    assert (np.diff(curve.distance) < 0).all()
    nearest = curve.requested[np.argmin(np.abs(curve.distance))]
    assert abs(nearest - gap) <= 0.25


def test_task_gets_the_shifted_rows_or_the_shifted_prompts() -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def task(images: np.ndarray, texts: np.ndarray) -> float:
        seen.append((images, texts))
        return float(len(seen))

    curve = shift_curve(IMAGES, TEXTS, scale=10, distances=[0.5, 1.0], task=task, max_pairs=30)
    assert curve.task.tolist() == [1, 2]
    np.testing.assert_allclose(seen[1][0], shift(IMAGES, TEXTS, 1.0)[0], atol=1e-6)
    np.testing.assert_allclose(seen[1][1], shift(IMAGES, TEXTS, 1.0)[1], atol=1e-6)
    prompts = np.eye(16)[:3]
    shift_curve(IMAGES, TEXTS, scale=10, distances=[1.0], task=task, task_texts=prompts)
    u = gap_direction(IMAGES, TEXTS)
    np.testing.assert_allclose(seen[2][1], unit(prompts + 0.5 * u), atol=1e-6)


def test_drawn_pairs_are_seeded_and_counted() -> None:
    curves = [shift_curve(IMAGES, TEXTS, scale=10, distances=[0], max_pairs=30, seed=s) for s in (0, 0, 1)]
    assert curves[0].n_pairs == 30
    assert curves[0].loss == curves[1].loss
    assert curves[0].loss != curves[2].loss
    assert curves[0].distance == curves[2].distance


@pytest.mark.parametrize("distances", [[], [[1.0]], [0, math.nan]])
def test_curve_refuses_other_distances(distances: list[float]) -> None:
    with pytest.raises(InputError, match="distances"):
        shift_curve(IMAGES, TEXTS, scale=10, distances=distances)


def test_curve_refuses_prompts_of_another_width() -> None:
    with pytest.raises(InputError, match="task_texts has 3"):
        shift_curve(IMAGES, TEXTS, scale=10, task_texts=np.ones((2, 3)))


# -------------------------------------------------------------------------------------------------------- recall


def test_recall_at_each_shift_is_that_of_the_moved_pairs() -> None:
    names = np.arange(200) // 2
    curve = shift_curve(IMAGES, TEXTS, scale=10, distances=[0, 0.5], groups=names)
    for i, d in enumerate([0, 0.5]):
        found = recall_at_k(*shift(IMAGES, TEXTS, d), groups=names)
        for k in (1, 5, 10):
            assert curve.recall_image_to_text[k][i] == pytest.approx(found.image_to_text.recall[k])
            assert curve.recall_text_to_image[k][i] == pytest.approx(found.text_to_image.recall[k])
    plainly = shift_curve(IMAGES, TEXTS, scale=10, distances=[0])
    assert plainly.recall_image_to_text[1][0] < curve.recall_image_to_text[1][0]


def test_recall_is_of_the_pairs_that_the_losses_are_of() -> None:
    curve = shift_curve(IMAGES, TEXTS, scale=10, distances=[0], max_pairs=30, seed=4)
    drawn = np.sort(np.random.default_rng(4).choice(200, 30, replace=False))
    found = recall_at_k(IMAGES[drawn], TEXTS[drawn])
    assert curve.recall_image_to_text[5][0] == pytest.approx(found.image_to_text.recall[5])


def test_closing_the_gap_by_hand() -> None:
    # Each image already finds its text, only far away: moved together, the softmax is more certain of it.
    images, texts = unit(np.array([[1.0, 0.2], [1.0, -0.2]])), unit(np.array([[-1.0, 0.2], [-1.0, -0.2]]))
    curve = shift_curve(images, texts, scale=10, distances=[0, 2.0])
    assert curve.recall_image_to_text[1].tolist() == [1, 1]
    assert curve.loss[1] < curve.loss[0]


# ---------------------------------------------------------------------------------------------------------- best


def test_best_by_hand() -> None:
    found = best_shift([-1, 0, 1], [0.2, 0.5, 0.7])
    assert found is not None
    assert (found.shift, found.value, found.unshifted) == (1, 0.7, 0.5)
    assert found.gain == pytest.approx(0.2)
    lowest = best_shift([-1, 0, 1], [0.2, 0.5, 0.7], lowest=True)
    assert lowest is not None and (lowest.shift, lowest.gain) == (-1, pytest.approx(0.3))


def test_of_equal_shifts_the_nearest_to_none_is_best() -> None:
    found = best_shift([-2, -1, 0, 1, 2], [1, 1, 0, 0, 1])
    assert found is not None and found.shift == -1
    flat = best_shift([-1, 0, 1], [3, 3, 3])
    assert flat is not None and (flat.shift, flat.gain) == (0, 0)


def test_of_nearly_equal_shifts_the_nearest_to_none_is_best() -> None:
    found = best_shift([-1, 0, 1, 2], [0.7004, 0.7, 0.5, 0.2], within=5e-4)
    assert found is not None and (found.shift, found.value, found.gain) == (0, 0.7, 0)
    further = best_shift([-1, 0, 1], [0.701, 0.7, 0.5], within=5e-4)
    assert further is not None and further.shift == -1


def test_what_was_not_measured_is_never_best() -> None:
    assert best_shift([0, 1], [math.nan, math.nan]) is None
    assert best_shift([0, 1], [None, None]) is None
    found = best_shift([0, 1], [math.nan, 0.5])
    assert found is not None and found.shift == 1 and math.isnan(found.gain)
    infinite = best_shift([0, 1], [math.inf, 0.5])
    assert infinite is not None and infinite.value == 0.5
    with pytest.raises(InputError, match="one value per shift"):
        best_shift([0, 1], [1])
