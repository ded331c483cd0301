"""The modality gap against loops, hand-worked values and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from core.errors import InputError
from core.metrics.bootstrap import row_weights
from core.metrics.gap import (
    contrastive_loss,
    finding_gaps,
    gap_direction,
    gap_replicates,
    linear_separability,
    modality_gap,
    shift,
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


# ------------------------------------------------------------------------------------------------------ findings


def test_gap_of_a_finding_by_hand() -> None:
    images, texts = [[2.0, 0], [0, 3.0], [1.0, 0]], [[-1.0, 0], [0, 1.0], [0, 1.0]]
    found = finding_gaps(images, texts, [[1, 0], [np.nan, 1], [0, 1]], least=1)
    # Alone, (1, 0) against (-1, 0); the other two: (0.5, 0.5) against (0, 1).
    np.testing.assert_allclose(found.gaps, [2, math.sqrt(0.5)])
    assert found.support.tolist() == [1, 2]


def test_too_few_pairs_have_no_gap() -> None:
    labels = np.zeros((200, 3))
    labels[:10, 0], labels[:9, 1] = 1, 1
    found = finding_gaps(IMAGES, TEXTS, labels)
    assert found.gaps[0] == pytest.approx(modality_gap(IMAGES[:10], TEXTS[:10]).distance)
    assert np.isnan(found.gaps[1:]).all() and np.isnan(found.expected[1:]).all()
    assert found.support.tolist() == [10, 9, 0]
    assert finding_gaps(IMAGES, TEXTS, np.zeros((200, 0))).gaps.shape == (0,)


def test_what_chance_makes_of_few_pairs_is_what_many_draws_make_of_them() -> None:
    labels = np.zeros((200, 2))
    labels[:12, 0], labels[:, 1] = 1, 1
    found, rng = finding_gaps(IMAGES, TEXTS, labels), np.random.default_rng(0)
    draws = [rng.permutation(200)[:12] for _ in range(3000)]
    squares = [modality_gap(IMAGES[rows], TEXTS[rows]).distance ** 2 for rows in draws]
    assert found.expected[0] == pytest.approx(math.sqrt(np.mean(squares)), rel=1e-3)
    assert found.expected[0] > found.expected[1] == pytest.approx(modality_gap(IMAGES, TEXTS).distance)


def test_labels_of_other_pairs_are_refused() -> None:
    with pytest.raises(InputError, match="200 rows and labels has 3"):
        finding_gaps(IMAGES, TEXTS, np.zeros((3, 2)))


def test_resampled_gaps_against_a_loop() -> None:
    random = np.random.default_rng(8)
    images, texts = random.normal(size=(2, 12, 5)) + np.array([1.0, 0])[:, None, None]
    patients = np.array(list("aabbbcdddeff"))
    value, drawn = gap_replicates(images, texts, patients, replicates=20, seed=4)
    apart = unit(images) - unit(texts)
    assert value == pytest.approx(modality_gap(images, texts).distance)
    of = np.unique(patients, return_inverse=True)[1]
    times = np.concatenate([part.T for part in row_weights(of, 6, replicates=20, seed=4)]).astype(int)
    wanted = [np.linalg.norm(np.repeat(apart, own, axis=0).mean(axis=0)) ** 2 for own in times]
    assert drawn**2 == pytest.approx(np.maximum(0, wanted - np.mean(wanted) + value**2))


def test_the_interval_of_a_gap_lies_about_it() -> None:
    """Noise lengthens every mean; without bringing the squares back the whole interval would lie above the gap."""
    random = np.random.default_rng(9)
    images, texts = random.normal(size=(2, 40, 200)) + np.array([0.3, 0])[:, None, None]
    value, drawn = gap_replicates(images, texts, np.arange(40), replicates=300)
    low, high = np.percentile(drawn, (2.5, 97.5))
    assert low < value < high
    assert value - low == pytest.approx(high - value, rel=0.5)
