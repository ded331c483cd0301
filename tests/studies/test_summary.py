"""The numbers of a study against counts by hand and against a slow version that looks at one sample after the other."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError
from core.studies import summary
from core.studies.study import COLUMNS, PREFIX, SPLITS
from core.studies.summary import STOP_WORDS, summarise

NAMES = ("Mass", "Nodule", "Edema")
X = float("nan")


def study(rows: list[tuple[Any, ...]], labels: list[tuple[float, ...]], names: tuple[str, ...] = NAMES) -> pd.DataFrame:
    """Samples from (patient, split, text, age, sex, view) and labels."""
    table = pd.DataFrame([(str(at), *row) for at, row in enumerate(rows)], columns=list(COLUMNS))
    for at, name in enumerate(names):
        table[PREFIX + name] = np.array([one[at] for one in labels], np.float32)
    return table


FIVE = study(
    [
        ("a", "train", "A small mass, the mass", 4.0, "F", "PA"),
        ("a", "train", "Éxito del  MASS x2y", 5.0, "M", "PA"),
        ("b", "val", None, 120.0, None, None),
        ("c", "test", " \n", 121.0, "F", "AP"),
        ("c", "test", "A small mass, the mass", X, "F", " "),
    ],
    [(1, 1, X), (1, 0, -1), (0, 0, 0), (X, X, X), (0, X, 0)],
)


class TestByHand:
    found = summarise(FIVE, NAMES)

    def test_findings(self) -> None:
        mass, nodule, edema = self.found["findings"]
        assert mass == {
            "name": "Mass",
            "present": [2, 0, 0],
            "absent": [0, 1, 1],
            "uncertain": [0, 0, 0],
            "unknown": [0, 0, 1],
            "group": "head",
        }
        assert (nodule["group"], nodule["unknown"]) == ("head", [0, 0, 2])
        assert (edema["group"], edema["uncertain"]) == ("tail", [1, 0, 0])

    def test_pairs_and_sets(self) -> None:
        pairs = self.found["co_occurrence"]
        assert pairs["both"] == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
        assert pairs["known"] == [[4, 3, 2], [3, 3, 1], [2, 1, 2]]
        assert pairs["given"] == [[2, 2, 0], [1, 1, 0], [0, 0, 0]]
        sets = [(one["findings"], one["count"]) for one in self.found["combinations"]["sets"]]
        assert sets == [([0, 1], 1), ([0], 1), ([], 1)]  # the fifth sample's nodule is not known
        assert self.found["combinations"]["samples"] == 3

    def test_people(self) -> None:
        ages = self.found["ages"]
        counts = np.array(ages["counts"])
        assert counts.shape == (3, 3, 24) and counts.sum() == 3
        assert counts[0, 0, 0] == counts[0, 1, 1] == counts[1, 2, 23] == 1
        assert ages["unknown"] == [[0, 0, 0], [0, 0, 0], [2, 0, 0]]
        assert self.found["sexes"] == {
            "names": ["F", "M"], "counts": [[1, 0, 2], [1, 0, 0]], "other": [0, 0, 0], "unknown": [0, 1, 0],
        }  # fmt: skip
        assert self.found["views"] == {
            "names": ["PA", "AP"], "counts": [[2, 0, 0], [0, 0, 1]], "other": [0, 0, 0], "unknown": [0, 1, 1],
        }  # fmt: skip
        assert self.found["per_patient"] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    def test_texts(self) -> None:
        texts = self.found["texts"]
        assert texts["with_text"] == [2, 0, 1]
        assert texts["quantiles"] == {"5": pytest.approx(4.1), "50": 5.0, "95": 5.0}
        assert texts["lengths"] == {"edges": [1, 2, 3, 4, 5, 6], "counts": [[0, 0, 0, 1, 1], [0] * 5, [0, 0, 0, 0, 1]]}
        words = [(one["word"], one["texts"]) for one in texts["words"]]
        assert words == [("mass", 3), ("small", 2), ("éxito", 1)]  # "mass" once a text; "del" and "the" say nothing


def slow_labels(table: pd.DataFrame, names: tuple[str, ...]) -> dict[str, Any]:
    rows = [[row[PREFIX + name] for name in names] for _, row in table.iterrows()]
    count = range(len(names))
    both, known, given = (np.zeros((len(names), len(names)), int) for _ in range(3))
    sets: Counter[tuple[int, ...]] = Counter()
    for row in rows:
        for a, b in itertools.product(count, count):
            both[a, b] += row[a] == 1 and row[b] == 1
            known[a, b] += row[a] in (0, 1) and row[b] in (0, 1)
            given[a, b] += row[a] == 1 and row[b] in (0, 1)
        present = tuple(at for at in count if row[at] == 1)
        if present or all(value == 0 for value in row):
            sets[present] += 1
    tests: dict[str, Any] = {"present": lambda v: v == 1, "absent": lambda v: v == 0, "uncertain": lambda v: v == -1}
    tests["unknown"] = np.isnan
    states = [
        {
            state: [sum(test(row[at]) for row, split in zip(rows, table["split"], strict=True) if split == name)
                    for name in SPLITS]
            for state, test in tests.items()
        }
        for at in count
    ]  # fmt: skip
    return {"both": both, "known": known, "given": given, "sets": sets, "states": states}


def drawn(count: int, findings: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    words = ["mass", "nódulo", "the", "of", "left-sided", "covid19", "Wärme", "x"]
    rows = [
        (
            f"p{rng.integers(count // 3)}",
            str(rng.choice(SPLITS)),
            None if rng.random() < 0.2 else " ".join(rng.choice(words, rng.integers(0, 90))),
            X if rng.random() < 0.1 else float(rng.normal(60, 40)),
            [None, "M", "F", "x"][rng.integers(4)],
            [None, "", *(f"view {at}" for at in range(15))][rng.integers(17)],
        )
        for _ in range(count)
    ]
    labels = rng.choice([0, 1, -1, X], (count, findings), p=[0.7, 0.2, 0.05, 0.05])
    return study(rows, labels.tolist(), tuple(f"f{at}" for at in range(findings)))


@pytest.mark.parametrize("findings", [1, 5, 70])
def test_labels_as_if_one_by_one_and_over_the_borders_of_chunks(findings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "CHUNK", 7)
    table, names = drawn(60, findings), tuple(f"f{at}" for at in range(findings))
    found, slow = summarise(table, names), slow_labels(table, names)
    for part in ("both", "known", "given"):
        assert np.array_equal(found["co_occurrence"][part], slow[part])
    assert {tuple(one["findings"]): one["count"] for one in found["combinations"]["sets"]} == slow["sets"]
    assert [{state: one[state] for state in slow["states"][0]} for one in found["findings"]] == slow["states"]


def test_texts_as_if_one_by_one_and_over_the_borders_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "TEXTS", 7)
    table = drawn(80, 1)
    texts = summarise(table, ("f0",))["texts"]
    slow = [(text, split) for text, split in zip(table["text"], table["split"], strict=True)
            if isinstance(text, str) and text.strip()]  # fmt: skip
    lengths = [len(text.split()) for text, _ in slow]
    assert texts["quantiles"]["50"] == np.median(lengths)
    counted: Counter[str] = Counter()
    for text, _ in slow:
        counted.update({word for word in re.findall(r"[^\W\d_]{3,}", text.lower())} - STOP_WORDS)
    assert {one["word"]: one["texts"] for one in texts["words"]} == counted
    edges, counts = texts["lengths"]["edges"], texts["lengths"]["counts"]
    for split, name in enumerate(SPLITS):
        own = [length for length, (_, one) in zip(lengths, slow, strict=True) if one == name]
        assert counts[split] == [sum(a <= n < b for n in own) for a, b in itertools.pairwise(edges)]
        assert sum(counts[split]) == texts["with_text"][split] == len(own)


def test_people_as_if_one_by_one() -> None:
    table = drawn(200, 1)
    found = summarise(table, ("f0",))
    counts = np.zeros((3, 3, 24), int)
    unknown = np.zeros((3, 3), int)
    for split, age, sex in zip(table["split"], table["age"], table["sex"], strict=True):
        at = SPLITS.index(split), {"F": 0, "M": 1}.get(sex, 2)
        if 0 <= age <= 120:
            counts[(*at, min(23, int(age // 5)))] += 1
        else:
            unknown[at] += 1
    assert np.array_equal(found["ages"]["counts"], counts) and np.array_equal(found["ages"]["unknown"], unknown)
    views = Counter(view for view in table["view"] if isinstance(view, str) and view)
    chosen = sorted(views, key=lambda view: (-views[view], view))[:12]
    assert found["views"]["names"] == chosen
    assert [sum(one) for one in found["views"]["counts"]] == [views[view] for view in chosen]
    assert sum(found["views"]["other"]) == sum(views.values()) - sum(views[view] for view in chosen) > 0
    assert sum(found["views"]["unknown"]) == 200 - sum(views.values())
    assert sum(found["sexes"]["other"]) == (table["sex"] == "x").sum() > 0
    sizes = Counter(min(11, size) for size in Counter(table["patient"]).values())
    assert found["per_patient"] == [sizes[size] for size in range(1, 12)]


@pytest.mark.parametrize(
    ("prevalence", "group"),
    [(None, "none known"), (0.0, "tail"), (0.01, "tail"), (0.0101, "medium"), (0.1, "medium"), (0.1001, "head")],
)
def test_borders_of_head_and_tail(prevalence: float | None, group: str) -> None:
    assert summary.group_of(prevalence) == group


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_a_study_without_anything(dtype: str) -> None:
    table = study([("a", "train", None, X, None, None)], [()], ())
    table = table.astype({name: dtype for name in ("text", "sex", "view")})
    found = summarise(table, ())
    assert found["findings"] == [] and found["co_occurrence"] == {"both": [], "known": [], "given": []}
    assert found["combinations"] == {"sets": [], "samples": 0}
    assert found["texts"]["words"] == [] and found["texts"]["quantiles"] is None
    assert found["views"] == {"names": [], "counts": [], "other": [0, 0, 0], "unknown": [1, 0, 0]}
    assert np.sum(found["ages"]["counts"]) == 0
    json.dumps(found, allow_nan=False)


def test_of_many_sets_the_most_frequent_are_kept_and_ties_have_one_order() -> None:
    bits = np.array(list(itertools.product([0, 1], repeat=8)), np.float32)
    labels = np.concatenate([bits, bits[[255, 255, 3]]])
    names = tuple(f"f{at}" for at in range(8))
    table = study([("a", "train", None, X, None, None)] * len(labels), labels.tolist(), names)
    held = summarise(table, names)["combinations"]
    assert (len(held["sets"]), held["samples"]) == (200, 259)
    assert [(one["findings"], one["count"]) for one in held["sets"][:3]] == [
        (list(range(8)), 3), ([6, 7], 2), ([0, 1, 2, 3, 4, 5, 6], 1),
    ]  # fmt: skip
    assert held == summarise(table[::-1], names)["combinations"]


def test_an_outlier_does_not_make_the_histogram_one_bar() -> None:
    rows = [("a", "train", "word " * (1 + at % 50), X, None, None) for at in range(500)]
    rows.append(("a", "train", "word " * 20_000, X, None, None))
    held = summarise(study(rows, [()] * 501, ()), ())["texts"]["lengths"]
    assert held["edges"][-2:] == [51, 20_001] and held["counts"][0][-1] == 1
    assert set(np.diff(held["edges"][:-1])) == {2}


def test_accents_as_marks_of_their_own_are_the_same_letter_and_rare_words_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [("a", "train", text, X, None, None) for text in ("nódulo uno dos", "nódulo otra", "tres")]
    held = summarise(study(rows, [()] * 3, ()), ())["texts"]
    assert held["words"] == [{"word": "nódulo", "texts": 2}, {"word": "tres", "texts": 1}]
    monkeypatch.setattr(summary, "REMEMBERED", 1)
    held = summarise(study(rows, [()] * 3, ()), ())["texts"]
    assert held["words"] == [{"word": "nódulo", "texts": 2}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.drop(columns="view"), "lacks the columns.*view"),
        (lambda table: table.assign(split="valid"), "train, val, test.*'valid'"),
        (lambda table: table.assign(**{PREFIX + "Mass": 2.0}), "there are others"),
    ],
)
def test_what_is_not_a_study_is_refused(change: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        summarise(change(FIVE), NAMES)


def test_real_captions(real_data: Path) -> None:
    lines = (real_data / "roco_captions/validation/radiology/captions.txt").read_text(encoding="utf-8").splitlines()
    rows = [("a", "train", line.split("\t", 1)[1], X, None, None) for line in lines]
    texts = summarise(study(rows, [()] * len(rows), ()), ())["texts"]
    first = texts["words"][0]
    slow = sum("showing" in re.findall(r"[^\W\d_]+", line.split("\t", 1)[1].lower()) for line in lines)
    assert texts["with_text"][0] > 8000 and (first["word"], first["texts"]) == ("showing", slow)
