"""What the data say of each run against the first, and what they do not, a sentence for each measure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.metrics.claims import Verdict, verdict, verdict_of_weights
from core.metrics.comparison import NAN, Difference, holm, over_patients
from core.pictures.compared import MEASURES, Measure, Scored
from core.pictures.missing import judged
from core.studies.study import Study

WEIGHTS = "of these weights; seeds may differ: see Ablation"
BETTER = {True: " (better)", False: " (worse)", None: ""}

RULE = (
    "Said of each run against the first. Higher or lower: the 95 % interval of the difference leaves out 0 (paired "
    "bootstrap: the same patients are drawn for both). Unchanged: the interval holds 0 and lies within a margin that "
    "counts as no difference. No difference shown: it holds 0 and is wider than the margin, so that one can neither "
    "be shown nor ruled out. Where several runs are compared with the first, p is corrected by Holm for as many "
    "comparisons within each measure. Intervals are over patients, for the weights that were trained: another seed "
    "may say otherwise."
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence about a run against the first.

    Attributes:
        measure: a key of :data:`core.pictures.compared.MEASURES`.
        run: id of the run that it is about.
        verdict: see :mod:`core.metrics.claims`.
        sentence: what may be said.
        value, low, high: the difference, run minus the first, and its 95 % interval; NaN where undefined.
        n: patients that were resampled; 0 where nobody was.
        basis: what it rests on; where nothing can be said, why.
    """

    measure: str
    run: str
    verdict: Verdict
    sentence: str
    value: float
    low: float = NAN
    high: float = NAN
    n: int = 0
    basis: str = ""


def claims(found: Sequence[Scored], study: Study) -> list[Claim]:
    """A claim for each measure of each run but the first, run by run."""
    first, *others = found
    made = {(other.run.id, name): one for name in MEASURES for other, one in _of(name, first, others, study)}
    return [made[other.run.id, name] for other in others for name in MEASURES]


def _of(name: str, first: Scored, others: Sequence[Scored], study: Study) -> list[tuple[Scored, Claim]]:
    """One measure of all runs but the first, with Holm's correction for as many."""
    measure = MEASURES[name]
    if measure.over == "none":
        return [(other, _of_weights(name, first, other)) for other in others]
    reasons = [_apart(measure, first, other) for other in others]
    differences = [
        Difference(seeds=()) if reason else difference(name, first, other)
        for other, reason in zip(others, reasons, strict=True)
    ]
    corrected = holm([one.p for one in differences])
    compared = sum(not math.isnan(p) for p in corrected)
    who = judged(study).replace("radiographs", "patients")
    return [
        (other, _of_patients(name, first, other, one, reason or "", p if compared > 1 else NAN, compared, who))
        for other, one, reason, p in zip(others, differences, reasons, corrected, strict=True)
    ]


def difference(name: str, first: Scored, other: Scored) -> Difference:
    """Other minus first of a measure with chance in patients, by a paired bootstrap."""
    if name not in first.drawn or name not in other.drawn:
        return Difference(seeds=())
    n = first.n_patients[MEASURES[name].over]
    return over_patients({0: other.drawn[name]}, {0: first.drawn[name]}, n_patients=n)


def _apart(measure: Measure, first: Scored, other: Scored) -> str | None:
    """Why two runs cannot be compared by a measure."""
    if reason := first.lacking.get(measure.over) or other.lacking.get(measure.over):
        return reason[0].lower() + reason[1:].rstrip(".")
    if measure.over == "pairs" and first.texts != other.texts:
        kinds = (first.texts[0], other.texts[0])
        if kinds[0] != kinds[1]:
            return f"the first has texts of one kind ({kinds[0]}), this one of another ({kinds[1]})"
        return "they do not have texts for the same radiographs"
    return None


def _of_weights(name: str, first: Scored, other: Scored) -> Claim:
    measure = MEASURES[name]
    a, b = (one.values.get(name, NAN) for one in (first, other))
    found = verdict_of_weights(b - a, margin=measure.margin)
    if found == "unknown":
        return _unknown(name, other, "it was not measured for both", b - a)
    told = f"{_words(measure, found)} {measure.told(a)} → {measure.told(b)}, {WEIGHTS}."
    return Claim(measure=name, run=other.run.id, verdict=found, sentence=told, value=b - a, basis=WEIGHTS)


def _unknown(name: str, other: Scored, why: str, value: float = NAN) -> Claim:
    told = f"{MEASURES[name].title}: cannot be said, because {why}."
    return Claim(measure=name, run=other.run.id, verdict="unknown", sentence=told, value=value, basis=why)


def _of_patients(
    name: str, first: Scored, other: Scored, one: Difference, reason: str, p: float, compared: int, who: str
) -> Claim:
    measure = MEASURES[name]
    found = verdict(one.low, one.high, margin=measure.margin, p=p)
    n = first.n_patients[measure.over]
    basis = f"paired bootstrap over {n:,} {who}"
    if found == "unknown":
        return _unknown(
            name, other, reason or ("there is only one patient" if n == 1 else "it is not defined for both")
        )
    change = f"{measure.change(one.value)}{measure.unit}"
    ends = f"95 % interval {measure.change(one.low)} to {measure.change(one.high)}"
    values = f"{measure.told(first.values[name])} → {measure.told(other.values[name])}"
    counted = f"; p = {p:.2g}, Holm for {compared}" if not math.isnan(p) else ""
    told = f"{change}, {ends}{_remark(measure, found, one)} ({values}; {basis}{counted})."
    return Claim(
        measure=name,
        run=other.run.id,
        verdict=found,
        sentence=f"{_words(measure, found)}{_judged(measure, found)}: {told}",
        value=one.value,
        low=one.low,
        high=one.high,
        n=n,
        basis=basis,
    )


def _words(measure: Measure, found: Verdict) -> str:
    if found == "open":
        return f"{measure.title}: no difference shown"
    return getattr(measure, found, measure.title).format(measure.title)


def _judged(measure: Measure, found: Verdict) -> str:
    decided = found in ("higher", "lower") and measure.better is not None
    return BETTER[found == measure.better if decided else None]


def _remark(measure: Measure, found: Verdict, one: Difference) -> str:
    """What the interval means beside 0."""
    margin = f"{100 * measure.margin:g} point" if measure.points else f"{measure.margin:g}"
    within = max(abs(one.low), abs(one.high)) <= measure.margin
    if found == "unchanged":
        return f", within ± {margin}"
    if found in ("higher", "lower"):
        return f", a difference of less than {margin}" if within else ""
    if one.low > 0 or one.high < 0:
        return ", which leaves out 0, but not after Holm's correction"
    return f", wider than ± {margin}"
