"""A threshold per finding, and what calling radiographs positive at it gets right and wrong."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from core.errors import ConfigError, InputError
from core.metrics.checks import Floats, known_pairs
from core.metrics.ranking import counts_by_threshold
from core.metrics.results import Interval

Rule = Literal["fixed", "youden", "f1", "sensitivity", "specificity"]
Z_95 = 1.959963984540054  # the 97.5 % point of the normal distribution
FIXED = 0.5
TARGET = 0.9
"""What ``sensitivity`` and ``specificity`` reach at least, where nothing else is asked for."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Threshold:
    """A probability >= `value` is called positive. `note` says why it is not what the rule would have chosen."""

    value: float
    rule: str
    note: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Confusion:
    """The four counts at a threshold, and the radiographs whose label is unknown (in none of the four).

    The rates are in [0, 1], NaN where their denominator is 0.
    """

    tn: int
    fp: int
    fn: int
    tp: int
    unknown: int

    @property
    def n(self) -> int:
        """The radiographs whose label is known."""
        return self.tn + self.fp + self.fn + self.tp

    @property
    def sensitivity(self) -> float:
        """tp / (tp + fn), the recall."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """tn / (tn + fp)."""
        return _ratio(self.tn, self.tn + self.fp)

    @property
    def ppv(self) -> float:
        """tp / (tp + fp), the precision; NaN when nothing was called positive."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def npv(self) -> float:
        """tn / (tn + fn); NaN when nothing was called negative."""
        return _ratio(self.tn, self.tn + self.fn)

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn); NaN without a positive, called or real."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def intervals(self) -> dict[str, Interval]:
        """Sensitivity, specificity, ppv and npv with Wilson 95 % intervals (radiographs taken as independent)."""
        return {
            "sensitivity": wilson(self.tp, self.tp + self.fn),
            "specificity": wilson(self.tn, self.tn + self.fp),
            "ppv": wilson(self.tp, self.tp + self.fp),
            "npv": wilson(self.tn, self.tn + self.fn),
        }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def wilson(successes: int, trials: int) -> Interval:
    """successes / trials with its Wilson score 95 % interval; NaN throughout when trials is 0. (Wilson, JASA 1927.)

    Raises:
        InputError: not 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise InputError(f"successes must lie between 0 and the {trials} trials, got {successes}.")
    low, high = wilson_ends([successes], [trials])
    return Interval(value=_ratio(successes, trials), low=float(low[0]), high=float(high[0]))


def wilson_ends(successes: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    """Ends of the intervals of many shares at once, arrays of one shape; NaN where there are no trials."""
    part, whole = np.asarray(successes, np.float64), np.asarray(trials, np.float64)
    whole = np.where(whole > 0, whole, np.nan)
    share, z2 = part / whole, Z_95**2 / whole
    centre = (share + z2 / 2) / (1 + z2)
    half = Z_95 * np.sqrt(share * (1 - share) / whole + z2 / (4 * whole)) / (1 + z2)
    # At 0 and at all trials the formula ends on 0 and 1; rounding must not put it beside them.
    return np.where(part == 0, 0.0 * whole, centre - half), np.where(part == whole, whole / whole, centre + half)


def choose_threshold(labels: ArrayLike, probabilities: ArrayLike, rule: Rule, target: float = TARGET) -> Threshold:
    """The threshold of one finding. Give it validation data, never the data that it is then judged on.

    "fixed" is 0.5; "youden" has the highest sensitivity + specificity - 1; "f1" has the highest F1; "sensitivity" is
    the highest threshold whose sensitivity is at least the ``target``, "specificity" the lowest whose specificity is.
    The candidates are the probabilities that occur; among equals the highest is taken. labels (n,) of 0, 1 and NaN
    (left out), probabilities (n,) in [0, 1]. With one class only, the rule falls back to 0.5 and the note says so.

    Raises:
        ConfigError: an unknown rule, or a target outside (0, 1).
        InputError: as `checks.known_pairs`.
    """
    if rule not in get_args(Rule):
        raise ConfigError(f"the threshold rule must be one of {', '.join(get_args(Rule))}, got {rule!r}.")
    if not 0 < target < 1:
        raise ConfigError(f"a target must lie between 0 and 1, such as 0.9; got {target:g}.")
    y, p = known_pairs(labels, probabilities, probability=True)
    if rule == "fixed":
        return Threshold(value=FIXED, rule=rule)
    positives, negatives = int(y.sum()), int(len(y) - y.sum())
    if not positives or not negatives:
        note = f"0.5, because validation has {positives} positives and {negatives} negatives"
        return Threshold(value=FIXED, rule=rule, note=note)
    values, hits, misses = counts_by_threshold(y, p)
    if rule == "sensitivity":
        return _reaching_sensitivity(values, hits, misses, target)
    if rule == "specificity":
        return _reaching_specificity(values, misses, target)
    # Youden's J times positives times negatives: whole numbers, so equal scores are equal whatever the rounding.
    score = hits * negatives - misses * positives
    if rule == "f1":
        score = 2 * hits / (hits + misses + positives)
    best = int(np.argmax(score))
    note = "no threshold beats chance on validation" if rule == "youden" and score[best] <= 0 else ""
    return Threshold(value=float(values[best]), rule=rule, note=note)


def _reaching_sensitivity(values: Floats, hits: Floats, misses: Floats, target: float) -> Threshold:
    """The highest of the candidates (descending) that finds enough of the positives."""
    positives, needed = int(hits[-1]), _needed(target, hits[-1])
    at = int(np.argmax(hits >= needed))
    note = ""
    if misses[at] == misses[-1]:
        note = f"no threshold has a sensitivity of {target:g} on validation but one that calls all of it present"
    elif needed == positives and positives * target < positives - 1e-9:
        note = f"a sensitivity of {target:g} takes all {positives} positives of validation"
    return Threshold(value=float(values[at]), rule="sensitivity", note=note)


def _reaching_specificity(values: Floats, misses: Floats, target: float) -> Threshold:
    """The lowest of the candidates (descending) that leaves enough of the negatives alone."""
    allowed = misses[-1] - _needed(target, misses[-1])
    enough = np.flatnonzero(misses <= allowed)
    if len(enough):
        return Threshold(value=float(values[enough[-1]]), rule="specificity")
    note = f"no threshold has a specificity of {target:g} on validation but one that calls none of it present"
    return Threshold(value=float(np.nextafter(values[0], 2.0)), rule="specificity", note=note)


def _needed(target: float, count: float) -> int:
    """How many of so many make the target; 0.7 of 10 are 7, although 0.7 * 10 is a little more."""
    return math.ceil(target * float(count) - 1e-9)


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: float) -> Confusion:
    """The counts of labels (n,) of 0, 1 and NaN (counted as unknown) when scores (n,) >= threshold are positive.

    Raises:
        InputError: as `checks.known_pairs`, or the threshold is NaN.
    """
    if math.isnan(threshold):
        raise InputError("the threshold is NaN; choose one with choose_threshold or give a number, for example 0.5.")
    y, p = known_pairs(labels, scores)
    called = p >= threshold
    tp, fp = int((called & (y == 1)).sum()), int((called & (y == 0)).sum())
    positives = int(y.sum())
    unknown = len(np.asarray(labels)) - len(y)
    return Confusion(tn=len(y) - positives - fp, fp=fp, fn=positives - tp, tp=tp, unknown=unknown)
