"""Zero-shot scores against a slow version and hand-worked values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.errors import InputError
from core.metrics.zero_shot import by_template, zero_shot

RNG = np.random.default_rng(0)


def unit(*shape: int) -> np.ndarray:
    drawn = RNG.normal(size=shape)
    return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)


def test_a_hand_worked_case() -> None:
    """Three pictures at 0, 45 and 90 degrees; the positive prompt points at 0, the negative one at 90."""
    angles = np.deg2rad([0.0, 45.0, 90.0])
    images = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = zero_shot([[1], [0], [0]], images, [[1.0, 0.0]], [[0.0, 1.0]], ["a", "b", "c"], replicates=20)
    assert (found.pos.aurocs[0], found.pnc.aurocs[0], found.negative.aurocs[0]) == (1.0, 1.0, 0.0)
    assert found.pos.macro.value == 1.0 and found.pos.macro.low == found.pos.macro.high == 1.0


def test_against_scikit_learn() -> None:
    labels = (RNG.random((60, 3)) < 0.4).astype(float)
    labels[:5, 1] = np.nan
    images, positive, negative = unit(60, 8), unit(3, 8), unit(3, 8)
    patients = [f"p{row // 2}" for row in range(60)]
    found = zero_shot(labels, images, positive, negative, patients, replicates=200)
    for column in range(3):
        known = ~np.isnan(labels[:, column])
        yes, no = images @ positive[column], images @ negative[column]
        for one, scores in ((found.pos, yes), (found.negative, no), (found.pnc, 1 / (1 + np.exp(no * 7 - yes * 7)))):
            assert one.aurocs[column] == pytest.approx(roc_auc_score(labels[known, column], scores[known]))
    assert found.pos.macro.value == pytest.approx(found.pos.aurocs.mean())
    assert found.pos.macro.low < found.pos.macro.value < found.pos.macro.high


def test_templates_one_by_one() -> None:
    labels, images, templates = (RNG.random((30, 2)) < 0.5).astype(float), unit(30, 4), unit(3, 2, 4)
    labels[:, 1] = 1
    found = by_template(labels, images, templates)
    assert found.shape == (3, 2) and np.isnan(found[:, 1]).all()
    for row in range(3):
        assert found[row, 0] == pytest.approx(roc_auc_score(labels[:, 0], images @ templates[row, 0]))


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(InputError, match=r"positive \(2, 4\) and negative \(3, 4\)"):
        zero_shot(np.ones((5, 2)), unit(5, 4), unit(2, 4), unit(3, 4), list("abcde"))
