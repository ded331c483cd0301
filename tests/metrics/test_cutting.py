"""Rules for thresholds in words, and single findings that have their own."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import ConfigError
from core.metrics.cutting import Cut
from core.metrics.thresholds import Threshold, choose_threshold

LABELS = np.array([[0, 1], [1, 1], [0, 0], [1, 0], [1, np.nan]], float)
PROBABILITIES = np.array([[0.1, 0.9], [0.3, 0.8], [0.4, 0.2], [0.6, 0.5], [0.9, 0.1]])


@pytest.mark.parametrize(
    ("words", "rule", "number", "told"),
    [
        ("f1", "f1", 0.5, "best F1 on validation"),
        ("youden", "youden", 0.5, "Youden's J on validation"),
        ("fixed", "fixed", 0.5, "0.5"),
        ("sensitivity:0.95", "sensitivity", 0.95, "a sensitivity of at least 0.95 on validation"),
        ("specificity", "specificity", 0.9, "a specificity of at least 0.9 on validation"),
        ("0.35", "value", 0.35, "0.35 for every finding"),
    ],
)
def test_words_are_read_and_said_again(words: str, rule: str, number: float, told: str) -> None:
    found = Cut.read(words)
    assert (found.rule, found.number, found.told) == (rule, number, told)
    assert Cut.read(found.words) == found


@pytest.mark.parametrize("words", ["best", "f1:0.9", "1.2", "-0.1", "nan", "", "sensitivity:often", "sensitivity:2"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(ConfigError, match="no rule for thresholds"):
        Cut.read(words)


@pytest.mark.parametrize("own", ["Edema", "=0.3", "Edema=x", "Edema=7"])
def test_an_own_threshold_of_another_form_is_refused(own: str) -> None:
    with pytest.raises(ConfigError):
        Cut.read("f1", [own])


def test_each_finding_has_its_threshold() -> None:
    by_rule = [choose_threshold(LABELS[:, at], PROBABILITIES[:, at], "youden") for at in (0, 1)]
    assert Cut.read("youden").choose(["a", "b"], LABELS, PROBABILITIES) == by_rule
    mixed = Cut.read("youden", ["b=0.25", "gone=0.1"]).choose(["a", "b"], LABELS, PROBABILITIES)
    assert mixed == [by_rule[0], Threshold(value=0.25, rule="own")]
    assert [one.value for one in Cut.read("0.7").choose(["a", "b"], LABELS, PROBABILITIES)] == [0.7, 0.7]


def test_a_finding_whose_name_has_a_sign() -> None:
    assert Cut.read("f1", ["a=b=0.4"]).own == (("a=b", 0.4),)
