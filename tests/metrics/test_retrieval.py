"""Retrieval against a slow ranking, with ties and groups."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from core.metrics import retrieval as module
from core.metrics.bootstrap import row_weights
from core.metrics.retrieval import WAYS, chance_median, chance_recall, curve_ks, measure, recall_at_k, search

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


class TestSearch:
    def test_ranks_and_recall_are_those_of_recall_at_k(self) -> None:
        groups = [i % 25 for i in range(60)]
        texts = np.array([TEXTS[g] for g in groups])
        found = search(IMAGES, texts, np.arange(60), groups=groups, replicates=5)
        wanted = recall_at_k(IMAGES, texts, groups=groups)
        for way in WAYS:
            direction, measured = getattr(wanted, way), found.measured[way]
            assert measured.median == direction.median_rank == np.median(found.ranks[way])
            assert {k: measured.recall[measured.at(k)] for k in (1, 5, 10)} == pytest.approx(direction.recall)
            assert measured.recall[-1] == 1.0 and measured.ks[-1] == 60
        own = np.sum(IMAGES / np.linalg.norm(IMAGES, axis=1, keepdims=True) * texts, 1) / np.linalg.norm(texts, axis=1)
        assert found.own == pytest.approx(own)
        assert found.sizes.tolist() == [groups.count(g) for g in groups]

    def test_of_many_pairs_some_are_searched_the_same_ones_as_elsewhere(self) -> None:
        found = search(IMAGES, TEXTS, np.arange(60), max_pairs=20, replicates=5)
        assert (len(found), found.total) == (20, 60)
        wanted = recall_at_k(IMAGES, TEXTS, max_pairs=20)
        assert found.measured["image_to_text"].median == wanted.image_to_text.median_rank

    def test_one_pair(self) -> None:
        found = search([[1.0, 0]], [[0, 1.0]], ["p"], replicates=3)
        assert found.measured["image_to_text"].recall.tolist() == [1.0] * len(curve_ks(1))


class TestMeasure:
    RANKS = (1, 1, 4, 9, 2, 30)
    PATIENTS = ("a", "a", "b", "b", "c", "d")

    def test_by_hand(self) -> None:
        found = measure(self.RANKS, self.PATIENTS, [1, 5, 10], replicates=50, seed=3)
        assert found.recall == pytest.approx([2 / 6, 4 / 6, 5 / 6])
        assert (found.median, found.n, found.n_patients) == (3.0, 6, 4)

    def test_each_replicate_is_the_queries_of_the_patients_that_were_drawn(self) -> None:
        found = measure(self.RANKS, self.PATIENTS, [1, 5], replicates=30, seed=3)
        names, of = np.unique(self.PATIENTS, return_inverse=True)
        times = np.concatenate([part.T for part in row_weights(of, len(names), replicates=30, seed=3)])
        for replicate, weights in enumerate(times.astype(int)):
            ranks = np.repeat(self.RANKS, weights)
            assert found.recall_drawn[replicate] == pytest.approx([(ranks <= 1).mean(), (ranks <= 5).mean()])
            assert found.median_drawn[replicate] == np.median(ranks)

    def test_the_interval_covers_the_truth_as_often_as_it_says(self) -> None:
        """Patients with two queries each whose outcomes hang together; the truth is known."""
        random, covered = np.random.default_rng(5), 0
        patients = np.repeat(np.arange(60), 2)
        for trial in range(200):
            found = measure(
                np.where(np.repeat(random.random(60) < 0.4, 2), 1, 50), patients, [1], replicates=300, seed=trial
            )
            low, high = np.percentile(found.recall_drawn[:, 0], (2.5, 97.5))
            covered += low <= 0.4 <= high
        assert 180 <= covered <= 198  # 95 %, within four standard errors; queries alone would give some 83 %

    def test_without_a_query(self) -> None:
        with pytest.raises(InputError, match="no query"):
            measure([], [], [1])


class TestChance:
    def test_is_k_over_n_where_all_differ(self) -> None:
        assert chance_recall([1] * 8, [1, 2, 8]) == pytest.approx([1 / 8, 2 / 8, 1])
        assert chance_median([1] * 8) == 4

    def test_groups_by_hand(self) -> None:
        # Two of four are right for two queries: 1 - C(2, 1) / C(4, 1) = 1/2, then 1 - C(2, 2) / C(4, 2) = 5/6.
        assert chance_recall([2, 2, 1, 1], [1, 2, 3]) == pytest.approx([(0.5 + 0.25) / 2, (5 / 6 + 0.5) / 2, 7 / 8])
        assert chance_median([2, 2, 1, 1]) == 2

    def test_is_what_shuffling_gives(self) -> None:
        group, random = np.array([0, 0, 0, 1, 1, 2, 3, 4]), np.random.default_rng(0)
        found = np.zeros(8)
        for _ in range(4000):
            order = random.permutation(8)
            for own in range(8):
                found[np.flatnonzero(group[order] == group[own])[0] :] += 1
        sizes = np.bincount(group)[group]
        assert chance_recall(sizes, np.arange(1, 9)) == pytest.approx(found / 32_000, abs=0.02)


def test_curves_are_measured_at_every_small_k_and_a_few_large_ones() -> None:
    assert curve_ks(6).tolist() == [1, 2, 3, 4, 5, 6]
    found = curve_ks(5000)
    assert found[:10].tolist() == list(range(1, 11)) and found[-1] == 5000 and len(found) < 80
