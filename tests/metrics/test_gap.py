"""The modality gap against loops, hand-worked values and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from core.errors import InputError
from core.metrics.gap import (
    contrastive_loss,
    gap_direction,
    linear_separability,
    modality_gap,
    shift,
    shift_curve,
    signed_distance,
)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def cones(n: int = 200, d: int = 16, apart: float = 1.0, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Paired vectors in two narrow cones, as a CLIP model gives them."""
    random = np.random.default_rng(seed)
    shared = random.normal(size=(n, d)) * 0.3
    axis = np.zeros(d)
    axis[0] = apart
    images = shared + 0.05 * random.normal(size=(n, d)) + axis
    texts = shared + 0.05 * random.normal(size=(n, d)) - axis
    return unit(images).astype(np.float32), unit(texts).astype(np.float32)


IMAGES, TEXTS = cones()


def test_gap_by_hand() -> None:
    gap = modality_gap([[2.0, 0], [0, 5.0]], [[-1.0, 0]])
    np.testing.assert_allclose(gap.vector, [1.5, 0.5])
    assert gap.distance == pytest.approx(math.sqrt(2.5))
    assert modality_gap(TEXTS, TEXTS).distance == 0
    assert modality_gap([[1.0, 0]], [[-1.0, 0]]).distance == pytest.approx(2)


def test_direction_of_coinciding_means_is_refused() -> None:
    with pytest.raises(InputError, match="no direction"):
        gap_direction(TEXTS, TEXTS)


def test_shift_is_the_formula() -> None:
    gap = IMAGES.mean(axis=0, dtype=float) - TEXTS.mean(axis=0, dtype=float)
    u = gap / np.linalg.norm(gap)
    images, texts = shift(IMAGES, TEXTS, 0.75)
    for i in range(len(IMAGES)):
        x, y = IMAGES[i] - 0.375 * u, TEXTS[i] + 0.375 * u
        np.testing.assert_allclose(images[i], x / np.linalg.norm(x), atol=1e-6)
        np.testing.assert_allclose(texts[i], y / np.linalg.norm(y), atol=1e-6)
    assert images.dtype == texts.dtype == np.float32


def test_shift_by_hand() -> None:
    images, texts = shift([[3.0, 4.0]], [[3.0, -4.0]], 0.4)
    # u = (0, 1); (0.6, 0.8 - 0.2) = 0.6 (1, 1), and its mirror image.
    np.testing.assert_allclose(images, [[math.sqrt(0.5), math.sqrt(0.5)]])
    np.testing.assert_allclose(texts, [[math.sqrt(0.5), -math.sqrt(0.5)]])


def test_shift_of_nothing_changes_nothing() -> None:
    images, texts = shift(IMAGES, TEXTS, 0)
    np.testing.assert_allclose(images, IMAGES, atol=1e-7)
    np.testing.assert_allclose(texts, TEXTS, atol=1e-7)


def test_shift_along_another_direction_normalises_it() -> None:
    long = shift(IMAGES, TEXTS, 1, direction=7 * np.eye(16)[1])
    np.testing.assert_allclose(long[0], shift(IMAGES, TEXTS, 1, direction=np.eye(16)[1])[0])
    assert np.abs(long[0] - shift(IMAGES, TEXTS, 1)[0]).max() > 0.1


def test_shift_refuses_what_it_cannot_do() -> None:
    with pytest.raises(InputError, match="images after the shift has no direction in row 0"):
        shift([[1.0, 0]], [[-1.0, 0]], 2)
    with pytest.raises(InputError, match="direction has 3 numbers"):
        shift(IMAGES, TEXTS, 1, direction=np.ones(3))
    with pytest.raises(InputError, match="row 4"):
        shift(IMAGES, np.where(np.arange(200)[:, None] == 4, np.nan, TEXTS), 1)


def test_distance_changes_its_sign_where_images_pass_texts() -> None:
    u = gap_direction(IMAGES, TEXTS)
    assert signed_distance(IMAGES, TEXTS, u) == pytest.approx(modality_gap(IMAGES, TEXTS).distance)
    assert signed_distance(TEXTS, IMAGES, u) == pytest.approx(-modality_gap(IMAGES, TEXTS).distance)
    with pytest.raises(InputError, match="16 columns"):
        signed_distance(IMAGES, TEXTS, np.ones(4))


# ---------------------------------------------------------------------------------------------------------- loss


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0, 5000.0])
def test_loss_against_scipy(scale: float) -> None:
    x, y = IMAGES.astype(float), TEXTS.astype(float)
    logits = scale * unit(x) @ unit(y).T
    own = np.diagonal(logits)
    got = contrastive_loss(x, y, scale)
    assert got.image_to_text == pytest.approx((logsumexp(logits, axis=1) - own).mean(), rel=1e-10, abs=1e-12)
    assert got.text_to_image == pytest.approx((logsumexp(logits, axis=0) - own).mean(), rel=1e-10, abs=1e-12)


def test_the_two_directions_are_not_the_same() -> None:
    got = contrastive_loss(IMAGES, TEXTS, 20)
    swapped = contrastive_loss(TEXTS, IMAGES, 20)
    assert got.image_to_text != pytest.approx(got.text_to_image, rel=1e-3)
    assert swapped.image_to_text == pytest.approx(got.text_to_image)


def test_loss_by_hand() -> None:
    got = contrastive_loss(np.eye(2), np.eye(2), 3)
    assert got.image_to_text == pytest.approx(math.log(1 + math.exp(-3)))
    # Both images on the first text: each image is torn (ln 2); text 1 is torn, text 2 meets two equal images.
    collapsed = contrastive_loss([[1.0, 0], [1.0, 0]], np.eye(2), 3)
    assert collapsed.text_to_image == pytest.approx(math.log(2))
    assert collapsed.image_to_text == pytest.approx((math.log(1 + math.exp(-3)) + math.log(1 + math.exp(3))) / 2)


def test_a_collapsed_model_is_at_chance_and_one_pair_at_zero() -> None:
    same = np.ones((50, 4))
    assert contrastive_loss(same, same, 100).image_to_text == pytest.approx(math.log(50))
    assert contrastive_loss([[1.0, 2]], [[2.0, 1]], 100) == (0.0, 0.0)


def test_loss_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.metrics import gap

    whole = contrastive_loss(IMAGES, TEXTS, 50)
    blocks = gap.chunks
    monkeypatch.setattr(gap, "chunks", lambda n, width, cells: blocks(n, width, cells=7 * width))
    np.testing.assert_allclose(contrastive_loss(IMAGES, TEXTS, 50), whole, rtol=1e-12)


@pytest.mark.parametrize("scale", [0, -1, math.nan, math.inf])
def test_loss_refuses_other_scales(scale: float) -> None:
    with pytest.raises(InputError, match="scale"):
        contrastive_loss(IMAGES, TEXTS, scale)


# --------------------------------------------------------------------------------------------------------- curve


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


# -------------------------------------------------------------------------------------------------- separability


def test_two_cones_are_told_apart_and_one_cloud_is_not() -> None:
    assert linear_separability(IMAGES, TEXTS) == 1.0
    cloud = np.random.default_rng(0).normal(size=(2000, 4))
    assert linear_separability(cloud[:1000], cloud[1000:]) == pytest.approx(0.5, abs=0.05)


def test_separability_weighs_the_modalities_alike() -> None:
    # Half of the texts lie where all images lie: the best plane finds every image and half of the texts.
    # Nine texts to an image, so plain accuracy would say 0.55, and a model of plain counts would find no image.
    images = np.repeat([[1.0, 0.0]], 50, axis=0)
    texts = np.tile([[1.0, 0.0], [0.0, 1.0]], (225, 1))
    assert linear_separability(images, texts) == pytest.approx(0.75, abs=0.03)


def test_separability_of_pairs_that_coincide_is_at_chance() -> None:
    # With an image in one fold and its equal text in another, the model would learn to be wrong.
    cloud = np.random.default_rng(0).normal(size=(100, 60))
    assert linear_separability(cloud, cloud) == pytest.approx(0.5, abs=0.02)


def test_separability_is_seeded_and_undefined_for_few() -> None:
    assert linear_separability(IMAGES, TEXTS, max_rows=20, seed=5) == linear_separability(
        IMAGES, TEXTS, max_rows=20, seed=5
    )
    assert math.isnan(linear_separability(IMAGES[:4], TEXTS))
