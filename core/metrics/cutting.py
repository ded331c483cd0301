"""Where probabilities are cut: by a rule, or at one value; single findings may have a value of their own."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from typing import get_args

from numpy.typing import ArrayLike

from core.errors import ConfigError
from core.metrics.checks import Floats
from core.metrics.thresholds import FIXED, TARGET, Rule, Threshold, choose_threshold

TARGETED = ("sensitivity", "specificity")
RULES = ("f1", "youden", "fixed", "sensitivity:0.9", "specificity:0.9", "0.35")
"""What a rule may look like in words."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cut:
    """How the threshold of each finding is found.

    ``rule`` is one of `thresholds.Rule`, or ``value``; ``number`` is the sensitivity or specificity to reach, or the
    one value. ``own`` are thresholds of single findings, which stand in place of the rule's.
    """

    rule: str
    number: float = FIXED
    own: tuple[tuple[str, float], ...] = ()

    @classmethod
    def read(cls, words: str, own: Sequence[str] = ()) -> Cut:
        """From words such as ``f1``, ``sensitivity:0.9`` or ``0.35``, and ``Edema=0.2`` for single findings.

        Raises:
            ConfigError: none of these; says which there are.
        """
        rule, _, number = words.partition(":")
        singles = tuple(_single(one) for one in own)
        if rule in TARGETED:
            return cls(rule=rule, number=_share(number, words) if number else TARGET, own=singles)
        if rule in get_args(Rule) and not number:
            return cls(rule=rule, own=singles)
        return cls(rule="value", number=_share(words, words), own=singles)

    @property
    def words(self) -> str:
        """The rule as `read` takes it."""
        if self.rule in TARGETED:
            return f"{self.rule}:{self.number:g}"
        return f"{self.number:g}" if self.rule == "value" else self.rule

    @property
    def told(self) -> str:
        """The rule in a sentence: ``thresholds: best F1 on validation``."""
        if self.rule in TARGETED:
            return f"a {self.rule} of at least {self.number:g} on validation"
        if self.rule == "value":
            return f"{self.number:g} for every finding"
        return {"f1": "best F1 on validation", "youden": "Youden's J on validation", "fixed": "0.5"}[self.rule]

    def choose(self, findings: Sequence[str], labels: Floats, probabilities: Floats) -> list[Threshold]:
        """A threshold for each of K findings.

        Args:
            findings: K names.
            labels: (n, K) of the validation split, 0, 1 and NaN.
            probabilities: (n, K) in [0, 1].

        Raises:
            InputError, ConfigError: as `choose_threshold`.
        """
        own = dict(self.own)
        return [
            Threshold(value=own[name], rule="own") if name in own else self._of_one(labels[:, at], probabilities[:, at])
            for at, name in enumerate(findings)
        ]

    def _of_one(self, labels: ArrayLike, probabilities: ArrayLike) -> Threshold:
        if self.rule == "value":
            return Threshold(value=self.number, rule="value")
        target = self.number if self.rule in TARGETED else TARGET
        return choose_threshold(labels, probabilities, typing.cast(Rule, self.rule), target)


def _share(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 <= number <= 1:
        raise ConfigError(
            f"{whole!r} is no rule for thresholds: give {', '.join(RULES[:-1])}, or one probability from 0 to 1."
        )
    return number


def _single(words: str) -> tuple[str, float]:
    name, sign, number = words.rpartition("=")
    if not sign or not name:
        raise ConfigError(f"{words!r} is no threshold of a finding: write it as Edema=0.3.")
    return name, _share(number, words)
