"""The Diseases view: thresholds, cells, and the difference of two runs."""

from __future__ import annotations

import os
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.figures.theme import DARK, LIGHT
from core.recipes.confusion import Confusion
from core.runs import Run
from dashboard import cached
from tests.components import click, plots
from tests.finished import Finished
from tests.views.test_views import opened, texts, two


def number_of(at: AppTest, alt: str) -> int:
    """Which of the figures on the page has an alternative text that begins so."""
    return next(number for number, plot in enumerate(plots(at)) if plot["alt"].startswith(alt))


def drawn(at: AppTest, alt: str) -> dict[str, Any]:
    found: dict[str, Any] = plots(at)[number_of(at, alt)]["figure"]
    return found


def counts(at: AppTest, alt: str, curve: int = 0, line: int = 1) -> list[list[int]]:
    """What stands in the cells of a matrix."""
    text = drawn(at, alt)["data"][curve]["text"]
    return [[int(cell.split("<br>")[line].split()[0]) if "<br>" in cell else 0 for cell in row] for row in text]


def subheader(at: AppTest, part: str) -> str:
    return next(element.value for element in at.subheader if part in element.value)


def test_rates_and_both_intervals_stand_above_the_matrix(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]], disease="Edema")
    shown = {metric.label: metric.value for metric in at.metric}
    (tn, fp), (fn, tp) = counts(at, "Confusion matrix of")
    assert shown["Sensitivity"] == f"{tp / (tp + fn):.3f}" and shown["Specificity"] == f"{tn / (tn + fp):.3f}"
    assert {"PPV", "NPV", "F1"} <= set(shown)
    assert (
        "Wilson 0." in texts(at) and "Patients 0." in texts(at) and "test radiographs with a known label" in texts(at)
    )


def test_a_click_in_the_grid_chooses_the_disease_and_the_cell(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]])
    grid = counts(at, "14 confusion matrices", curve=9)
    click(at, number_of(at, "14 confusion matrices"), curve=9, point=[0, 1])
    assert not at.exception
    assert at.selectbox(key="widget:disease|selectbox").value == "Edema"
    assert subheader(at, "worst first").startswith(f"Edema: {grid[0][1]} false positive")
    assert at.query_params["cell"] == "Edema.0.1"


def test_the_slider_of_a_disease_moves_its_matrices_and_radiographs(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]], disease="Edema", cell="Edema.1.0")
    others = counts(at, "14 confusion matrices", curve=0)
    slider = next(one for one in at.slider if one.label == "Threshold of Edema")
    slider.set_value(1.0).run()
    assert not at.exception
    (_, false), (missed, hit) = counts(at, "Confusion matrix of")
    assert false == hit == 0 and missed > 0
    assert counts(at, "14 confusion matrices", curve=9)[1][0] == missed
    assert counts(at, "14 confusion matrices", curve=0) == others
    assert subheader(at, "worst first").startswith(f"Edema: {missed} false negative")
    assert at.query_params["own-Edema"] == "1"
    next(button for button in at.button if button.label == "Back to the rule's").click().run()
    assert "own-Edema" not in at.query_params
    assert next(one for one in at.slider if one.label == "Threshold of Edema").value < 1.0


def test_a_disease_starts_at_the_threshold_of_the_rule(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]], disease="Edema", rule="own", threshold="0.8")
    assert next(one for one in at.slider if one.label == "Threshold of Edema").value == 0.8
    next(one for one in at.slider if one.label == "Threshold for all findings").set_value(0.3).run()
    assert next(one for one in at.slider if one.label == "Threshold of Edema").value == 0.3
    assert at.query_params["threshold"] == "0.3" and "own-Edema" not in at.query_params


@pytest.mark.parametrize("rule", ["youden", "sensitivity", "specificity", "fixed"])
def test_every_rule_is_in_the_link(finished: Finished, rule: str) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]], rule=rule, target="0.8")
    assert not at.exception and not at.error
    assert at.query_params["rule"] == rule
    assert "Thresholds: " in texts(at)
    if rule == "sensitivity":
        assert "a sensitivity of at least 0.8 on validation" in texts(at)


def test_a_broken_link_falls_back(finished: Finished) -> None:
    query = {"rule": "best", "disease": "Flu", "cell": "x", "pair": "Edema.7.me", "own-Edema": "high", "target": "2"}
    at = opened("diseases", runs=two(finished), **query)
    assert not at.exception and not at.error
    assert at.selectbox(key="widget:rule|selectbox").value == "f1"


def test_a_difference_says_mcnemar_and_shows_who_is_right(finished: Finished) -> None:
    at = opened("diseases", runs=two(finished), disease="Mass", rule="own", threshold="0.45")
    words = texts(at)
    assert "McNemar p" in words and "after Holm over the diseases" in words and "discordant: only A right" in words
    pairs = counts(at, "Who is right about Mass", line=0)
    click(at, number_of(at, "Who is right"), point=[1, 1])
    assert not at.exception
    assert subheader(at, "only A right").startswith(f"Mass present: {pairs[1][1]}, only A right")
    assert at.query_params["pair"] == "Mass.1.first"


def test_a_click_in_the_difference_shows_what_a_alone_puts_there(finished: Finished) -> None:
    at = opened("diseases", runs=two(finished), rule="own", threshold="0.45")
    click(at, number_of(at, "Confusion matrices of"), curve=9, point=[0, 1])
    pairs = counts(at, "Who is right about Edema", line=0)
    assert subheader(at, "only B right").startswith(f"Edema absent: {pairs[0][2]}, only B right")


def test_one_run_has_no_difference(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]])
    assert "Difference of two runs" not in texts(at)


def test_a_radiograph_of_a_cell_is_looked_at(finished: Finished) -> None:
    at = opened("diseases", runs=[finished.runs["orthogonal"]], disease="Edema", cell="Edema.1.0", rule="own",
                threshold="1")  # fmt: skip
    next(button for button in at.button if button.label == "Look").click().run()
    assert not at.exception
    assert "The chosen radiograph" in texts(at)
    assert at.query_params["sample"] in texts(at).replace("\\", "")


def test_what_was_drawn_is_drawn_anew_only_when_it_changed(finished: Finished) -> None:
    run = Run.load(finished.runs["linear"])
    first = cached.drawn(Confusion(runs=(run.id,)), cached, LIGHT)
    assert cached.drawn(Confusion(runs=(run.id,)), cached, LIGHT) is first
    assert cached.drawn(Confusion(runs=(run.id,)), cached, DARK) is not first
    assert cached.drawn(Confusion(runs=(run.id,), own=("Edema=0.2",)), cached, LIGHT) is not first
    manifest = run.folder / "embeddings" / "embeddings.json"
    before = manifest.stat()
    os.utime(manifest, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))
    try:
        assert cached.drawn(Confusion(runs=(run.id,)), cached, LIGHT) is not first
    finally:
        os.utime(manifest, ns=(before.st_atime_ns, before.st_mtime_ns))
