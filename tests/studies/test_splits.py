"""Groups that stay together and splits drawn over them: by hand, against slow obvious versions, and over seeds."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from core.errors import InputError
from core.studies.splits import groups_of, seeded_split
from core.studies.vocabulary import NIH_FINDINGS
from tests.studies.nih_copies import rows_of

THREE = {"train": 0.7, "val": 0.15, "test": 0.15}
Made = Callable[[int], tuple[NDArray[np.int64], NDArray[np.float32]]]
NIH_SHARES = (0.103, 0.025, 0.119, 0.177, 0.052, 0.056, 0.013, 0.047, 0.042, 0.021, 0.022, 0.015, 0.030, 0.002)
"""Prevalences of the 14 findings in ChestX-ray14; the last one is Hernia."""


def long_tail(samples: int, patients: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Groups and labels as in a hospital: a few patients come often, findings cluster in patients, some are rare."""
    random = np.random.default_rng(seed)
    often = random.lognormal(0, 1.1, patients)
    visits = random.choice(patients, samples - patients, p=often / often.sum())
    groups = np.concatenate([np.arange(patients), visits])
    ill = random.lognormal(-0.5, 1, (patients, len(NIH_SHARES)))  # mean 1
    return groups, (random.random((samples, len(NIH_SHARES))) < ill[groups] * NIH_SHARES).astype(np.float32)


def small(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """3 to 7 groups, 1 to 5 findings that overlap."""
    random = np.random.default_rng(seed)
    count = random.integers(3, 8)
    groups = np.concatenate([np.arange(count), random.integers(0, count, random.integers(0, 15))])
    labels = random.random((len(groups), random.integers(1, 6))) < random.choice([0.15, 0.3, 0.5])
    return groups, labels.astype(np.float32)


def tangled(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """7 groups of many sizes, 5 to 10 findings in 4 of them each."""
    random = np.random.default_rng(seed)
    ill = random.random((7, random.integers(5, 11))).argsort(0) < 4
    groups = np.concatenate([np.arange(7), random.integers(0, 7, 10)])
    return groups, np.concatenate([ill, np.zeros((10, ill.shape[1]))]).astype(np.float32)


def where_groups_went(groups: NDArray[np.int64], split: NDArray[np.object_]) -> dict[int, str]:
    """The one split of each group; more than one is an error."""
    went = {int(group): set(split[groups == group]) for group in np.unique(groups)}
    assert all(len(splits) == 1 for splits in went.values())
    return {group: splits.pop() for group, splits in went.items()}


def lacking(
    groups: NDArray[np.int64], labels: NDArray[np.float32], split: NDArray[np.object_], names: list[str]
) -> int:
    """Pairs of a split and a finding (or being a sample) that has enough groups for all splits but none in this."""
    known = np.column_stack([labels, np.ones(len(labels))]) == 1
    enough = [k for k in range(known.shape[1]) if len(np.unique(groups[known[:, k]])) >= len(names)]
    return sum(not (known[:, k] & (split == name)).any() for k in enough for name in names)


def mean_error(labels: NDArray[np.float32], split: NDArray[np.object_]) -> float:
    """How far a finding's share of its positives in a split is from the wanted share: mean over both."""
    shares = [labels[split == name].sum(0) / labels.sum(0) - wanted for name, wanted in THREE.items()]
    return float(np.abs(shares).mean())


def at_random(groups: NDArray[np.int64], seed: int, times: int = 30) -> list[NDArray[np.object_]]:
    """Divisions of whole groups that look at no label."""
    random = np.random.default_rng(seed)
    shape = (times, groups.max() + 1)
    return [drawn[groups] for drawn in random.choice(np.array(list(THREE), object), shape, p=list(THREE.values()))]


class TestGroups:
    def test_by_hand(self) -> None:
        """b and c share picture 2, c and d share picture 4: one group. a and e stand alone."""
        patients = ["c", "a", "b", "e", "c", "d", "a"]
        pixels = [b"2", b"1", b"2", b"5", b"4", b"4", b"6"]
        assert groups_of(patients, pixels).tolist() == [1, 0, 1, 2, 1, 1, 0]

    def test_patients_are_groups_where_no_picture_is_shared(self) -> None:
        got = groups_of(np.array([30, 10, 20, 10]), np.array([b"w", b"x", b"y", b"z"]))
        assert got.tolist() == [2, 0, 1, 0] and got.dtype == np.int64

    def test_a_zero_byte_at_the_end_tells_pictures_apart(self) -> None:
        assert groups_of(["a", "b"], [b"1", b"1\x00"]).tolist() == [0, 1]

    def test_a_picture_that_comes_very_often_still_links(self) -> None:
        """256 ties of one kind must not add up to none."""
        assert set(groups_of(["a"] * 256 + ["b"], [b"blank"] * 257)) == {0}

    def test_a_long_chain_is_one_group(self) -> None:
        links = np.arange(2000)
        patients = np.concatenate([links, links + 1])
        pixels = [b"%d" % link for link in np.concatenate([links, links])]
        assert set(groups_of(patients, pixels)) == {0}

    @pytest.mark.parametrize("seed", range(20))
    def test_equals_merging_until_nothing_changes(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        patients = [f"p{n}" for n in random.integers(0, 15, 40)]
        pixels = [b"%d" % n for n in random.integers(0, 60, 40)]
        slow = list(range(40))
        for _ in range(40):
            for one, other in itertools.combinations(range(40), 2):
                if patients[one] == patients[other] or pixels[one] == pixels[other]:
                    slow[one] = slow[other] = min(slow[one], slow[other])
        leaders = {group: min(patients[row] for row in range(40) if slow[row] == group) for group in set(slow)}
        number = {group: n for n, group in enumerate(sorted(leaders, key=leaders.__getitem__))}
        got = groups_of(patients, pixels)
        assert got.tolist() == [number[group] for group in slow]
        order = random.permutation(40)
        assert groups_of([patients[row] for row in order], [pixels[row] for row in order]).tolist() == list(got[order])

    def test_no_sample_has_no_group(self) -> None:
        assert groups_of([], []).shape == (0,)

    @pytest.mark.parametrize(
        ("patients", "pixels", "message"),
        [
            (["a"], [b"1", b"2"], "1 patients but 2 pictures"),
            (["a", None], [b"1", b"2"], "1 samples have no patient"),
            (["a", "b"], [None, None], "2 samples have no picture"),
        ],
    )
    def test_refuses(self, patients: list[str], pixels: list[bytes], message: str) -> None:
        with pytest.raises(InputError, match=message):
            groups_of(patients, pixels)


class TestByHand:
    def test_the_rare_finding_goes_first(self) -> None:
        """Half and half, 14 samples in seven groups; every step is certain, only the names of the sides are not.

        Rare finding (3 samples of it, each side wants 1.5): group 0 has 2 and goes to one side, A, which then wants
        -0.5, so group 1 with 1 goes to B. Common finding (8, each side wants 4) in groups 2, 3 and 4 with 4, 3 and 1:
        a tie, so group 2 goes to the side that wants more samples in all: B, 7 - 1 against 7 - 2. Groups 3 and 4 go to
        A, which wants 4, then 1, against 0. A has 6 samples now, B 5. Without a finding: group 5 with 2 samples goes
        to B, which wants 2 against 1, and group 6 with 1 sample to A: 7 and 7.
        """
        groups = np.repeat(np.arange(7), [2, 1, 4, 3, 1, 2, 1])
        labels = np.zeros((14, 2), np.float32)
        labels[groups == 0, 1] = labels[groups == 1, 1] = 1
        labels[(groups >= 2) & (groups <= 4), 0] = 1
        for seed in range(10):
            went = where_groups_went(groups, seeded_split(groups, labels, fractions={"a": 0.5, "b": 0.5}, seed=seed))
            assert went[0] == went[3] == went[4] == went[6] != went[1] == went[2] == went[5]

    def test_moves_a_group_into_a_split_that_lacks_a_finding(self) -> None:
        """Three groups of one finding: train wants 2.1 and would take two, so that one split gets none."""
        groups, labels = np.arange(3), np.ones((3, 1), np.float32)
        for seed in range(10):
            assert sorted(seeded_split(groups, labels, fractions=THREE, seed=seed)) == ["test", "train", "val"]

    def test_moves_the_smallest_group_that_will_do(self) -> None:
        """One finding in three groups of 30, 20 and 2 samples: train wants 2.7, then 1.7, then 0.7, test only 0.3."""
        groups = np.repeat(np.arange(103), [30, 20, 2] + [1] * 100)
        labels = np.zeros((152, 1), np.float32)
        labels[[0, 30, 50]] = 1
        for seed in range(10):
            split = seeded_split(groups, labels, fractions={"train": 0.9, "test": 0.1}, seed=seed)
            assert [split[row] for row in (0, 30, 50)] == ["train", "train", "test"]

    def test_leaves_out_one_finding_where_not_all_can_be_everywhere(self) -> None:
        """The Fano plane: 7 findings in 3 of 7 groups each; any division in two leaves one of them on one side."""
        lines = ["012", "034", "056", "135", "146", "236", "245"]
        labels = np.array([[str(group) in line for line in lines] for group in range(7)], np.float32)
        for seed in range(50):
            split = seeded_split(np.arange(7), labels, fractions={"a": 0.8, "b": 0.2}, seed=seed)
            assert lacking(np.arange(7), labels, split, ["a", "b"]) == 1

    def test_a_group_with_two_findings_serves_both(self) -> None:
        """Two findings in three groups each, of which they share one: five groups, all three splits have both."""
        groups = np.arange(5)
        labels = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1]], np.float32)
        for seed in range(20):
            split = seeded_split(groups, labels, fractions=THREE, seed=seed)
            assert set(split[labels[:, 0] == 1]) == set(split[labels[:, 1] == 1]) == set(THREE)

    @pytest.mark.parametrize("first", ["train", "val"])
    def test_one_sample_goes_to_the_first_split_that_gets_anything(self, first: str) -> None:
        fractions = {"none": 0.0, first: 0.2, "other": 0.8}
        for labels in (np.ones((1, 2), np.float32), np.empty((1, 0), np.float32)):
            assert seeded_split(np.array([7]), labels, fractions=fractions, seed=3).tolist() == [first]

    def test_one_giant_group_beside_small_ones(self) -> None:
        groups = np.concatenate([np.zeros(900, int), np.arange(1, 101)])
        labels = np.ones((1000, 1), np.float32)
        went = where_groups_went(groups, seeded_split(groups, labels, fractions=THREE, seed=0))
        assert went.pop(0) == "train"
        assert [list(went.values()).count(name) for name in THREE] == [0, 50, 50]

    def test_no_sample_gets_no_split(self) -> None:
        assert seeded_split(np.empty(0, int), np.empty((0, 3)), fractions=THREE, seed=0).shape == (0,)

    @pytest.mark.parametrize("labels", [np.empty((100, 0)), np.full((100, 3), np.nan), np.zeros((100, 2))])
    def test_without_a_positive_sizes_alone_count(self, labels: NDArray[np.float32]) -> None:
        split = seeded_split(np.arange(100), labels.astype(np.float32), fractions=THREE, seed=0)
        assert [int((split == name).sum()) for name in THREE] == [70, 15, 15]

    def test_unknown_is_not_positive(self) -> None:
        groups, labels = long_tail(600, 200)
        unknown = np.where(labels == 0, np.float32(np.nan), labels)
        same = seeded_split(groups, labels, fractions=THREE, seed=0)
        assert (seeded_split(groups, unknown, fractions=THREE, seed=0) == same).all()


class TestSlowVersions:
    """Stratification as it is told in the paper, one group at a time with everything counted anew."""

    @staticmethod
    def stratified(
        groups: NDArray[np.int64], labels: NDArray[np.float32], shares: list[float], seed: int
    ) -> dict[int, int]:
        different = sorted(set(groups.tolist()))
        random = np.random.default_rng(seed)
        rank = dict(zip(different, random.permutation(len(different)).tolist(), strict=True))
        lot = dict(zip(different, random.random((len(different), len(shares))).tolist(), strict=True))
        columns = [*labels.T, np.ones(len(labels))]  # being a sample is the last finding
        went: dict[int, int] = {}

        def count(column: NDArray[np.float32], wanted: set[int]) -> int:
            return sum(
                1 for group, value in zip(groups.tolist(), column, strict=True) if value == 1 and group in wanted
            )

        def wants(split: int, column: NDArray[np.float32]) -> float:
            has = count(column, {group for group, where in went.items() if where == split})
            return shares[split] * count(column, set(different)) - has

        while left := set(different) - set(went):
            column = min((one for one in columns if count(one, left)), key=lambda one: count(one, left))
            for group in sorted(
                (one for one in left if count(column, {one})),
                key=lambda one: (-count(column, {one}), -count(columns[-1], {one}), rank[one]),
            ):
                went[group] = max(
                    range(len(shares)), key=lambda s: (wants(s, column), wants(s, columns[-1]), lot[group][s])
                )
        return went

    def test_equals_the_paper_told_slowly(self) -> None:
        compared = 0
        for seed in range(80):
            groups, labels = small(seed)
            names, shares = list("abc"), [0.5, 0.3, 0.2]
            slow = self.stratified(groups, labels, shares, seed)
            expected = np.array([names[slow[group]] for group in groups.tolist()], object)
            if lacking(groups, labels, expected, names):
                continue  # groups are moved afterwards: next test
            fractions = dict(zip(names, shares, strict=True))
            assert (seeded_split(groups, labels, fractions=fractions, seed=seed) == expected).all(), seed
            compared += 1
        assert compared >= 20

    @pytest.mark.parametrize("fractions", [THREE, {"train": 0.9, "test": 0.1}])
    @pytest.mark.parametrize("made", [small, tangled])
    def test_lacks_no_more_than_the_best_of_all_divisions(self, made: Made, fractions: dict[str, float]) -> None:
        """All 2^G or 3^G divisions are tried."""
        names = list(fractions)
        impossible = 0
        for seed in range(120):
            groups, labels = made(seed)
            count = int(groups.max()) + 1
            has = np.stack([(labels[groups == group] == 1).any(0) for group in range(count)]).astype(int)
            has = np.column_stack([has, np.ones(count, int)])
            has = has[:, has.sum(0) >= len(names)]
            all_of_them = np.array(list(itertools.product(range(len(names)), repeat=count)))
            best = min(sum(((all_of_them == s).astype(int) @ has == 0).sum(1) for s in range(len(names))))
            split = seeded_split(groups, labels, fractions=fractions, seed=seed)
            assert lacking(groups, labels, split, names) == best, seed
            impossible += best > 0
        assert impossible <= 12  # nearly all inputs have a perfect division, so the test is about finding it


@pytest.mark.parametrize("seed", range(12))
class TestProperties:
    def test_shares_of_samples_and_of_each_finding(self, seed: int) -> None:
        groups, labels = long_tail(12_000, 4_000, seed)
        split = seeded_split(groups, labels, fractions=THREE, seed=seed)
        where_groups_went(groups[:6000], split[:6000])
        totals = labels.sum(0)
        assert totals[-1] < 60  # Hernia
        for name, wanted in THREE.items():
            assert (split == name).mean() == pytest.approx(wanted, abs=0.002)
            off = np.abs(labels[split == name].sum(0) - wanted * totals)
            assert (off <= np.maximum(3, 0.02 * totals)).all()

    def test_no_random_division_of_patients_comes_near(self, seed: int) -> None:
        groups, labels = long_tail(12_000, 4_000, seed)
        split = seeded_split(groups, labels, fractions=THREE, seed=seed)
        assert mean_error(labels, split) < 0.25 * min(mean_error(labels, drawn) for drawn in at_random(groups, seed))

    def test_every_split_has_every_finding(self, seed: int) -> None:
        groups, labels = long_tail(400, 150, seed)
        split = seeded_split(groups, labels, fractions=THREE, seed=seed)
        where_groups_went(groups, split)
        assert lacking(groups, labels, split, list(THREE)) == 0

    def test_the_order_of_samples_and_the_numbers_of_groups_do_not_matter(self, seed: int) -> None:
        groups, labels = long_tail(900, 300, seed)
        split = seeded_split(groups, labels, fractions=THREE, seed=seed)
        order = np.random.default_rng(seed).permutation(len(groups))
        again = seeded_split(groups[order] * 10 - 5, labels[order], fractions=THREE, seed=seed)
        assert (again == split[order]).all()

    def test_the_seed_decides(self, seed: int) -> None:
        groups, labels = long_tail(900, 300)
        one, same, other = (seeded_split(groups, labels, fractions=THREE, seed=s) for s in (seed, seed, seed + 1))
        assert (one == same).all()
        assert 0.2 < (one != other).mean() < 0.8  # chance: 1 - 0.7^2 - 2 * 0.15^2 = 0.465

    def test_a_split_of_share_0_gets_nothing(self, seed: int) -> None:
        groups, labels = long_tail(900, 300, seed)
        split = seeded_split(groups, labels, fractions={"train": 0.8, "val": 0, "test": 0.2}, seed=seed)
        assert set(split) == {"train", "test"}
        assert (split == "test").mean() == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({}, "name no split"),
        ({"train": 1.2, "val": -0.2}, r"\{'train': 1.2, 'val': -0.2\} are not shares"),
        ({"train": float("nan"), "val": 1.0}, "'train': nan"),
        ({"train": 0.7, "val": 0.2}, "sum to 0.9"),
        ({"train": 0.0}, "sum to 0"),
    ],
)
def test_refuses_fractions(fractions: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        seeded_split(np.arange(4), np.zeros((4, 1), np.float32), fractions=fractions, seed=0)


@pytest.mark.parametrize("shape", [(4,), (3, 1), (4, 1, 1)])
def test_refuses_labels_of_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="do not fit"):
        seeded_split(np.arange(4), np.zeros(shape, np.float32), fractions=THREE, seed=0)


def test_thirds_that_do_not_quite_sum_to_1_are_welcome() -> None:
    split = seeded_split(np.arange(9), np.zeros((9, 0)), fractions=dict.fromkeys("abc", 0.3333333), seed=0)
    assert [int((split == name).sum()) for name in "abc"] == [3, 3, 3]


def test_a_study_of_the_size_of_nih() -> None:
    groups, labels = long_tail(112_120, 30_805)
    patients = [f"p{group}" for group in groups.tolist()]
    pixels = [row.to_bytes(16, "little") for row in range(len(groups))]
    splits = seeded_split(groups_of(patients, pixels), labels, fractions=THREE, seed=0)
    assert len(splits) == 112_120 and pd.Series(splits).groupby(groups).nunique().max() == 1


@pytest.mark.parametrize("seed", range(5))
def test_real_labels(real_data: Path, seed: int) -> None:
    rows = rows_of(real_data / "nih_small")
    named = [row["Finding Labels"].split("|") for row in rows]
    labels = np.array([[finding in found for finding in NIH_FINDINGS] for found in named], np.float32)
    patients = [row["Patient ID"] for row in rows]
    files = real_data / "nih_small/images_001/images"
    groups = groups_of(patients, [(files / row["Image Index"]).read_bytes() for row in rows])
    split = seeded_split(groups, labels, fractions=THREE, seed=seed)
    went = where_groups_went(groups, split)
    by_patient = {patient: split[row] for row, patient in enumerate(patients)}
    assert all(by_patient[patient] == split[row] for row, patient in enumerate(patients))
    assert len(went) <= len(by_patient) == 212
    assert lacking(groups, labels, split, list(THREE)) == 0
    for name, wanted in THREE.items():
        assert (split == name).mean() == pytest.approx(wanted, abs=0.03)
    # one patient alone has 26 of 138 effusions, so shares of single findings cannot be exact
    assert mean_error(labels, split) < min(mean_error(labels, drawn) for drawn in at_random(groups, seed))
