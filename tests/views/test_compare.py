"""The Compare view: sentences, settings, numbers and pictures of runs of one study."""

from __future__ import annotations

import csv
import io

import pytest

from core.config.paths import differing
from core.pictures.claims import claims
from core.pictures.compared import MEASURES, numbers_csv, scored
from core.recipes.compare import Comparison
from core.recipes.files import Files
from core.recipes.listing import recipe_from_json
from core.runs import Run
from core.studies.study import Study
from dashboard.comparing_pictures import FIRST, SECTIONS
from tests.components import plots
from tests.finished import Finished
from tests.views.test_views import opened, texts, two


def said(at: object) -> str:
    return texts(at).replace("\\", "").replace("**", "")  # type: ignore[arg-type]


def test_every_sentence_stands_on_the_page(finished: Finished) -> None:
    runs, study = [Run.load(run_id) for run_id in two(finished)], Study.load("tiny")
    at = opened("compare", runs=two(finished))
    assert not at.exception
    found = [scored(Files(), run, study) for run in runs]
    words = said(at)
    for one in claims(found, study):
        if one.verdict != "unknown":
            assert one.sentence in words
    scores = found[1].interval("auroc")
    assert scores.value == pytest.approx(runs[1].evaluation()["test"]["macro"]["auroc"]["value"])
    assert "paired bootstrap over 6 test patients" in words


def test_settings_that_differ_and_those_that_do_not(finished: Finished) -> None:
    configs = [Run.load(run_id).config for run_id in two(finished)]
    at = opened("compare", runs=two(finished))
    differ, same, numbers = (table.value for table in at.dataframe)
    assert tuple(differ["Setting"]) == differing(configs)
    assert "objective.orthogonal" in set(differ["Setting"]) and "seed" in set(same["Setting"])
    assert not set(differ["Setting"]) & set(same["Setting"])
    assert len(numbers) == len(MEASURES)


def test_the_file_of_numbers_has_each_measure_of_each_run(finished: Finished) -> None:
    runs, study = [Run.load(run_id) for run_id in two(finished)], Study.load("tiny")
    found = [scored(Files(), run, study) for run in runs]
    rows = list(csv.DictReader(io.StringIO(numbers_csv(found).decode())))
    assert [(row["id"], row["measure"]) for row in rows] == [
        (run.id, measure.title) for run in runs for measure in MEASURES.values()
    ]
    values = {(row["id"], row["measure"]): row for row in rows}
    own = values[runs[0].id, "Macro AUROC"]
    assert float(own["low"]) <= float(own["value"]) <= float(own["high"])
    assert values[runs[0].id, "Effective rank of images"]["low"] == ""  # nobody is resampled there


def test_each_picture_is_drawn_when_it_is_asked_for(finished: Finished) -> None:
    few = opened("compare", runs=two(finished), parts=["auroc"])
    every = opened("compare", runs=two(finished), parts=list(SECTIONS))
    assert not few.exception and not every.exception
    assert not every.error
    first = [plot["alt"] for plot in plots(few)]
    assert first[0].startswith("Scores of contrastive") and len(first) == 2
    alts = "\n".join(plot["alt"] for plot in plots(every))
    for wanted in (
        "Loss",
        "flat map",
        "Heatmaps",
        "AUROC of each disease",
        "Confusion matrices",
        "Gap of",
        "Recall at k",
    ):
        assert wanted in alts
    assert set(FIRST) <= set(SECTIONS)


def test_more_of_a_part_is_in_its_view_with_the_same_runs(finished: Finished) -> None:
    at = opened("compare", runs=two(finished))
    next(button for button in at.button if button.key == "more-curves").click().run()
    assert not at.exception
    assert at.title[0].value == "Curves"
    assert at.multiselect[0].value == two(finished)


def test_four_runs_and_holm(finished: Finished) -> None:
    four = [finished.runs[name] for name in ("linear", "zero-shot", "orthogonal", "contrastive")]
    at = opened("compare", runs=four, parts=["maps"])
    assert not at.exception
    assert "Holm for 3" in said(at)
    assert len(plots(at)) == 5


def test_one_run_alone_says_what_is_missing(finished: Finished) -> None:
    at = opened("compare", runs=[finished.runs["linear"]])
    assert not at.exception
    assert "Choose a second run" in said(at) and not plots(at)


def test_a_run_against_itself_differs_in_nothing(finished: Finished) -> None:
    run, study = Run.load(finished.runs["linear"]), Study.load("tiny")
    own = scored(Files(), run, study)
    verdicts = {one.measure: one.verdict for one in claims([own, own], study)}
    assert set(verdicts.values()) <= {"unchanged", "unknown"} and verdicts["auroc"] == "unchanged"


def test_the_recipe_draws_the_same_figure(finished: Finished) -> None:
    recipe = recipe_from_json(Comparison(runs=tuple(two(finished))).to_json())
    drawn = recipe.draw(Files())
    assert len(drawn.data) == 1 and len(drawn.data[0].x) == sum(one.points for one in MEASURES.values())
    assert recipe.alt(Files()) in [plot["alt"] for plot in plots(opened("compare", runs=two(finished)))]
    assert recipe.of(Files()).startswith("n = 12 test radiographs of 6 patients")
