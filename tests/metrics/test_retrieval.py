"""Retrieval against a slow ranking, with ties and groups."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.metrics import retrieval as module
from core.metrics.retrieval import recall_at_k

RANDOM = np.random.default_rng(11)
TEXTS = RANDOM.normal(size=(60, 8))
IMAGES = TEXTS + 1.2 * RANDOM.normal(size=(60, 8))


def slow_ranks(queries: np.ndarray, candidates: np.ndarray, groups: list[str]) -> list[float]:
    found = []
    for i, query in enumerate(queries):
        cosines = [float(np.dot(query, other) / np.linalg.norm(query) / np.linalg.norm(other)) for other in candidates]
        best = max(c for c, group in zip(cosines, groups, strict=True) if group == groups[i])
        others = [c for c, group in zip(cosines, groups, strict=True) if group != groups[i]]
        found.append(1 + sum(c > best + 1e-6 for c in others) + sum(abs(c - best) <= 1e-6 for c in others) / 2)
    return found


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recall_and_median_rank_against_a_loop(grouped: bool, dtype: type) -> None:
    groups = [str(i % 25 if grouped else i) for i in range(60)]
    texts = np.array([TEXTS[int(g)] for g in groups])
    got = recall_at_k(IMAGES.astype(dtype), texts.astype(dtype), groups=groups if grouped else None)
    for direction, wanted in (
        (got.image_to_text, slow_ranks(IMAGES, texts, groups)),
        (got.text_to_image, slow_ranks(texts, IMAGES, groups)),
    ):
        assert direction.median_rank == np.median(wanted)
        assert direction.recall == {k: pytest.approx(np.mean(np.array(wanted) <= k)) for k in (1, 5, 10)}
    assert got.n_pairs == 60


def test_by_hand() -> None:
    # Image 0 lies on text 1 and image 1 on text 1: image 0 ranks its text second, text 0 is far from both.
    got = recall_at_k([[0, 1.0], [0, 2.0]], [[1.0, 0.1], [0, 1.0]], ks=(1, 2))
    assert got.image_to_text.recall == {1: 0.5, 2: 1.0}
    assert got.image_to_text.median_rank == 1.5
    # The texts meet two equal images: rank 1 + 1/2.
    assert got.text_to_image.recall == {1: 0.0, 2: 1.0}
    assert got.text_to_image.median_rank == 1.5


def test_a_collapsed_model_ranks_in_the_middle() -> None:
    got = recall_at_k(np.ones((101, 4), dtype=np.float32), np.ones((101, 4), dtype=np.float32))
    assert got.image_to_text.median_rank == 51
    assert got.image_to_text.recall[10] == 0


def test_identical_captions_are_one_target_when_grouped() -> None:
    images, texts = np.eye(4), np.eye(4)[[0, 0, 2, 3]]
    assert recall_at_k(images, texts).text_to_image.recall[1] == 0.75
    grouped = recall_at_k(images, texts, groups=["a", "a", "b", "c"])
    assert grouped.text_to_image.recall[1] == 1
    assert grouped.image_to_text.recall[1] == 0.75


def test_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recall_at_k(IMAGES, TEXTS)
    blocks = module.chunks
    monkeypatch.setattr(module, "chunks", lambda n, width: blocks(n, width, cells=7 * width))
    assert recall_at_k(IMAGES, TEXTS) == whole


def test_one_pair_and_a_drawn_pool() -> None:
    assert recall_at_k([[1.0, 0]], [[0, 1.0]]).image_to_text.recall == {1: 1.0, 5: 1.0, 10: 1.0}
    drawn = recall_at_k(IMAGES, TEXTS, max_pairs=20, seed=2)
    assert drawn.n_pairs == 20
    assert drawn == recall_at_k(IMAGES, TEXTS, max_pairs=20, seed=2)


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match="60 rows and texts has 59"):
        recall_at_k(IMAGES, TEXTS[:59])
    with pytest.raises(InputError, match="ks"):
        recall_at_k(IMAGES, TEXTS, ks=(0, 5))
    with pytest.raises(InputError, match=r"must be \(60,\)"):
        recall_at_k(IMAGES, TEXTS, groups=["a"])
    with pytest.raises(InputError, match="limit of 0"):
        recall_at_k(IMAGES, TEXTS, max_pairs=0)
