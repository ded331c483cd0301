"""Sentences about runs, from numbers made by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.metrics.comparison import Replicated
from core.pictures.claims import WEIGHTS, Claim, claims
from core.pictures.compared import MEASURES, Scored
from core.runs import Run
from core.studies.study import Study

STUDY = cast(Study, SimpleNamespace(rows=lambda split: np.arange(3)))
TEXTS = ("own text", b"rows", b"groups")


def replicated(value: float, *spread: float) -> Replicated:
    """A score whose replicates lie at these distances from it."""
    return Replicated(value=value, replicates=value + np.array(spread or (0.0,) * 100))


def run(name: str, *, texts: Any = TEXTS, lacking: Any = None, values: Any = None, **drawn: Replicated) -> Scored:
    return Scored(
        run=Run(Path(name)),
        values={key: one.value for key, one in drawn.items()} | (values or {}),
        drawn=drawn,
        n_patients={"test": 122, "pairs": 90},
        lacking=lacking or {},
        texts=texts,
    )


def about(measure: str, *found: Scored) -> list[Claim]:
    return [one for one in claims(found, STUDY) if one.measure == measure]


def test_unchanged_needs_an_interval_within_the_margin() -> None:
    (one,) = about(
        "auroc",
        run("a", auroc=replicated(0.8)),
        run("b", auroc=replicated(0.801, *np.linspace(-0.0073684, 0.0073684, 100))),
    )
    assert one.verdict == "unchanged" and one.n == 122
    assert one.sentence == (
        "Macro AUROC unchanged: +0.1 points, 95 % interval -0.6 to +0.8, within ± 1 point "
        "(0.800 → 0.801; paired bootstrap over 122 test patients)."
    )


def pair(measure: str, a: float, b: float, half: float) -> Claim:
    """The claim on two runs whose difference has an interval of b - a ± half."""
    spread = np.linspace(-half / 0.95, half / 0.95, 100)
    (one,) = about(measure, run("a", **{measure: replicated(a)}), run("b", **{measure: replicated(b, *spread)}))
    return one


@pytest.mark.parametrize(
    ("measure", "b", "half", "verdict", "begins"),
    [
        ("auroc", 0.83, 0.01, "higher", "Macro AUROC higher (better): +3.0 points, 95 % interval +2.0 to +4.0 ("),
        ("auroc", 0.77, 0.01, "lower", "Macro AUROC lower (worse): -3.0 points"),
        (
            "auroc",
            0.81,
            0.03,
            "open",
            "Macro AUROC: no difference shown: +1.0 points, 95 % interval -2.0 to +4.0, wider",
        ),
        (
            "auroc",
            0.804,
            0.002,
            "higher",
            "Macro AUROC higher (better): +0.4 points, 95 % interval +0.2 to +0.6, a diff",
        ),
        ("mse", 0.79, 0.005, "lower", "Mean squared error lower (better): -0.010, 95 % interval -0.015 to -0.005 ("),
        ("gap", 0.5, 0.1, "lower", "Modality gap narrower: -0.300, 95 % interval -0.400 to -0.200 (0.800 → 0.500; "),
        ("gap", 1.1, 0.1, "higher", "Modality gap wider: +0.300"),
        ("recall_5_image_to_text", 0.8, 0.005, "unchanged", "Recall@5 image → text unchanged: +0.0 points"),
    ],
)
def test_what_is_said_of_an_interval(measure: str, b: float, half: float, verdict: str, begins: str) -> None:
    one = pair(measure, 0.8, b, half)
    assert one.verdict == verdict
    assert one.sentence.startswith(begins)
    assert one.value == pytest.approx(b - 0.8)
    assert (one.low, one.high) == pytest.approx((b - 0.8 - half, b - 0.8 + half))


def test_the_weights_alone_decide_on_prompts() -> None:
    a, b = (run(name, values={"prompt_cosine": value}) for name, value in (("a", 0.85), ("b", 0.03)))
    (one,) = about("prompt_cosine", a, b)
    assert one.sentence == f"Pushes disease prompts apart: mean |cosine| 0.850 → 0.030, {WEIGHTS}."
    assert (one.verdict, one.n) == ("lower", 0) and np.isnan(one.low)
    assert about("prompt_cosine", b, a)[0].sentence.startswith("Draws disease prompts together")
    assert about("prompt_cosine", a, a)[0].verdict == "unchanged"


def test_holm_counts_the_runs_within_a_measure() -> None:
    """A p of 0.04 stands alone; beside another comparison it has to be below 0.025."""
    drawn = np.concatenate([np.full(19, -0.001), np.full(981, 0.05)])
    near, same = replicated(0.84, *(drawn - 0.04)), replicated(0.8, *np.linspace(-0.05, 0.05, 1000))
    first = run("a", auroc=replicated(0.8, *np.zeros(1000)))
    (alone,) = about("auroc", first, run("b", auroc=near))
    assert alone.verdict == "higher" and "Holm" not in alone.sentence
    beside, other = about("auroc", first, run("b", auroc=near), run("c", auroc=same))
    assert beside.verdict == "open" and other.verdict == "open"
    assert "leaves out 0, but not after Holm's correction" in beside.sentence
    assert "p = 0.08, Holm for 2" in beside.sentence


def test_what_cannot_be_compared_says_why() -> None:
    first = run(
        "a", gap=replicated(0.8), lacking={"test": "This study has no findings, so there is nothing to classify."}
    )
    other = run("b", gap=replicated(0.8), texts=("made from the findings", b"rows", b"groups"))
    said = {one.measure: one for one in claims([first, other], STUDY)}
    assert {one.verdict for one in said.values()} == {"unknown"}
    assert said["auroc"].sentence == (
        "Macro AUROC: cannot be said, because this study has no findings, so there is nothing to classify."
    )
    assert (
        "the first has texts of one kind (own text), this one of another (made from the findings)"
        in said["gap"].sentence
    )
    assert said["prompt_cosine"].basis == "it was not measured for both"


def test_other_radiographs_are_not_the_same_pool() -> None:
    a, b = run("a", gap=replicated(0.8)), run("b", gap=replicated(0.7), texts=("own text", b"others", b"groups"))
    assert about("gap", a, b)[0].basis == "they do not have texts for the same radiographs"


def test_every_measure_of_every_other_run_has_one_sentence() -> None:
    found = [run(name, auroc=replicated(0.8)) for name in "abc"]
    said = claims(found, STUDY)
    assert [(one.run, one.measure) for one in said] == [(name, measure) for name in "bc" for measure in MEASURES]
    assert all(one.sentence.endswith(".") and "nan" not in one.sentence for one in said)
