"""The Retrieval view: its numbers, its recipes, and the cases to browse."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from core.pictures import retrieval as pictures
from core.pictures.partners import MADE, kind_of_texts, same_texts, searched_pairs, texts_of
from core.recipes.files import Files
from core.recipes.listing import RECIPES, recipe_from_json
from core.recipes.retrieval import Ranks, Recall
from core.runs import Run
from core.studies.study import Study
from tests.components import plots
from tests.finished import Finished
from tests.views.test_views import opened, texts


def shown(finished: Finished, preset: str) -> tuple[Run, Study]:
    return Run.load(finished.runs[preset]), Study.load("tiny")


def test_the_numbers_are_those_of_the_evaluation(finished: Finished) -> None:
    run, _ = shown(finished, "contrastive")
    at = opened("retrieval", runs=[run.id])
    assert not at.exception
    told = run.evaluation()["space"]["retrieval"]
    table = at.table[0].value.rename(columns=lambda name: name.replace("\\", ""))
    for row, way in enumerate(("image_to_text", "text_to_image")):
        for k in (1, 5, 10):
            wanted = f"{100 * told[way]['recall'][str(k)]:.1f} ["
            assert table.iloc[row][f"R@{k} (%)"].replace("\\", "").startswith(wanted)
        assert table.iloc[row]["Median rank"].replace("\\", "").startswith(f"{told[way]['median_rank']:,.1f} [")
    assert f"n = {told['n_pairs']} test radiographs with a text" in texts(at).replace("\\", "")


def test_texts_are_what_the_model_has(finished: Finished) -> None:
    run, study = shown(finished, "orthogonal")
    row = int(np.flatnonzero((study.labels == 1).any(1))[0])
    assert kind_of_texts(run) == MADE  # NIH has no reports
    assert texts_of(run, study, [row])[0].startswith("a chest radiograph showing ")
    assert "A “text” is made from the findings: " in texts(opened("retrieval", runs=[run.id]))


def test_different_words_stay_different_where_a_model_puts_them_into_one_place(finished: Finished) -> None:
    run, study = shown(finished, "contrastive")
    images, vectors, rows = Files().pairs(run, study)
    groups = same_texts(run, study, rows)
    assert len(set(groups.tolist())) == len(set(texts_of(run, study, rows)))
    collapsed = searched_pairs(run, study, (images, np.tile(vectors[:1], (len(rows), 1)), rows))
    middle = 1 + (len(rows) - collapsed.sizes) / 2  # all others are tied with it
    assert collapsed.ranks["image_to_text"].tolist() == middle.tolist()


@pytest.mark.parametrize("way", ["image_to_text", "text_to_image"])
def test_cases_stand_in_order_and_the_own_partner_is_marked(finished: Finished, way: str) -> None:
    run, study = shown(finished, "contrastive")
    source = Files()
    one = source.searched(run, study)
    order = pictures.cases(one, way, worst=True)
    assert (np.diff(one.ranks[way][order]) <= 0).all() and sorted(order) == list(range(len(one)))
    assert pictures.cases(one, way, worst=False).tolist() == order[::-1].tolist()
    for place in order[:3].tolist():
        found = pictures.nearest(source, run, study, one, way, place, most=len(one))
        assert [each.cosine for each in found] == sorted((each.cosine for each in found), reverse=True)
        right = next(number for number, each in enumerate(found) if each.right)
        better = (
            found[:right] if way == "text_to_image" else [each for each in found[:right] for _ in range(each.same + 1)]
        )
        assert one.ranks[way][place] == pytest.approx(len(better) + 1, abs=0.51)  # a tie counts half


def test_the_page_filters_turns_and_opens_a_radiograph(finished: Finished) -> None:
    run, study = shown(finished, "contrastive")
    at = opened("retrieval", runs=[run.id], way="text_to_image", cases="best", **{"cases-finding": "Edema"})
    assert not at.exception
    said = texts(at).replace("\\", "")
    rows = study.rows("test")
    count = int((study.labels[rows, study.findings.index("Edema")] == 1).sum())
    assert f"Edema: n = {count:,}, of" in said and "Nearest radiographs" in said
    at.button[-1].click().run()
    assert not at.exception
    assert "The chosen radiograph" in texts(at)


def test_the_recipes_draw_as_the_page_does(finished: Finished) -> None:
    ids = (finished.runs["contrastive"], finished.runs["linear"])
    at = opened("retrieval", runs=list(ids))
    alts = [plot["alt"] for plot in plots(at)]
    for kind in (Recall, Ranks):
        recipe = recipe_from_json(kind(runs=ids).to_json())
        assert RECIPES[recipe.figure] is kind
        assert recipe.alt(Files()) in alts
        assert len([trace for trace in recipe.draw(Files()).data if trace.showlegend is not False]) >= 3
        assert "12 of 12 test radiographs with a text" in recipe.of(Files())
    rows = list(csv.DictReader(io.StringIO(Recall(runs=ids).csv(Files()).decode())))
    run, study = shown(finished, "contrastive")
    measured = Files().searched(run, study).measured["image_to_text"]
    assert [float(row["recall"]) for row in rows[: len(measured.ks)]] == pytest.approx(measured.recall.tolist())
    assert {row["n"] for row in rows} == {"12.0"}
