"""The Attention view: nothing starts by itself, maps are shown, words stay here, boxes are pointed at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.attention.boxed import Boxed, boxed_pairs
from core.attention.looked import Looked
from core.attention.maps import Saliency
from core.errors import RunError
from core.metrics.pointing import point
from core.recipes.attention import Attention, Pointing
from core.recipes.listing import recipe_from_json
from core.runs import Run
from core.studies.study import Study
from dashboard import cached
from tests.components import figures
from tests.finished import Finished
from tests.views.test_views import opened, texts, two

SECRET = "Jane's large left effusion"
VALUES = np.zeros((4, 4), np.float16)
VALUES[1, 1] = 1


@pytest.fixture
def runs(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Run]]:
    """Two runs; their processes are never started: the test answers."""
    monkeypatch.setattr(Looked, "start", lambda self: self._make("questions"))
    found = [Run.load(run_id) for run_id in two(finished)]
    yield found
    for run in found:
        for name in ("attention", "pointing"):
            shutil.rmtree(run.folder / name, ignore_errors=True)


def view(runs: list[Run], **query: Any) -> AppTest:
    return opened("attention", runs=[run.id for run in runs], **query)


def keep(looked: Looked, look: Any, values: np.ndarray = VALUES, score: float = -1.25) -> None:
    told = {"highest": 2.0, "scored_by": "logit", "method": "Grad-CAM", "where": "model.bn2, 4 x 4"}
    looked.keep(look, Saliency(values=values, score=score, **told))  # type: ignore[arg-type]


def answer(run: Run) -> None:
    for look in Looked.of(run).waiting():
        keep(Looked.of(run), look)


def button(at: AppTest, words: str) -> Any:
    return next(one for one in at.button if one.label.startswith(words))


def kinds(at: AppTest, number: int = 0) -> list[str]:
    return [trace["type"] for trace in figures(at)[number]["data"]]


def sample_of(study: Study, finding: str) -> str:
    return next(sample for sample, own, _ in boxed_pairs(study)[0] if own == finding)


def test_nothing_starts_before_it_is_asked_for(runs: list[Run]) -> None:
    at = view(runs)
    assert not at.exception and not any(Looked.of(run).waiting() for run in runs)
    assert kinds(at).count("heatmap") == 0 and "no map of this radiograph is kept" in texts(at)
    button(at, "Show where they look").click().run()
    assert not at.exception
    asked = [Looked.of(run).waiting() for run in runs]
    assert [len(one) for one in asked] == [1, 1] and asked[0][0].sample == asked[1][0].sample
    for run in runs:
        answer(run)
    at.run()
    assert not at.exception and kinds(at).count("heatmap") == 2
    words = str(figures(at)[0]["layout"]["annotations"])
    assert "logit -1.25" in words and "model.bn2, 4 x 4" in words


def test_a_link_shows_a_kept_map_at_once_with_its_boxes(runs: list[Run]) -> None:
    study = Study.load("tiny")
    sample = sample_of(study, "Effusion")
    for run in runs:
        keep(Looked.of(run), Looked.of(run).look(sample, finding="Effusion"))
    query = {"attention-finding": "Effusion", "sample": sample}
    at = view(runs, **query)
    assert not at.exception and kinds(at).count("heatmap") == 2
    outlined = [trace for trace in figures(at)[0]["data"] if trace["name"] == "box, Effusion"]
    assert len(outlined) == 3
    assert not [one for one in at.button if one.label.startswith("Show where")]
    at = view(runs, **query, **{"attention-boxes": "False", "attention-opacity": "0.4"})
    assert not [trace for trace in figures(at)[0]["data"] if (trace["name"] or "").startswith("box")]
    assert "0.400)" in figures(at)[0]["layout"]["coloraxis"]["colorscale"][-1][1]


def test_a_refusal_is_told_and_can_be_asked_again(runs: list[Run]) -> None:
    study, looked = Study.load("tiny"), Looked.of(runs[0])
    look = looked.look(sample_of(study, "Effusion"), finding="Effusion")
    looked._make("questions")
    looked.refuse(look.name, "Where X looks cannot be shown: it attends in a way of its own.")
    at = view(runs[:1], **{"attention-finding": "Effusion", "sample": look.sample})
    assert not at.exception and "cannot be shown: it attends" in at.error[0].value.replace("\\", "")
    button(at, "Ask again").click().run()
    assert [one.name for one in looked.waiting()] == [look.name]


def test_typed_words_are_asked_at_once_and_stand_nowhere(runs: list[Run]) -> None:
    at = view(runs, **{"attention-for": "words"})
    assert not at.exception and "Type some words" in at.info[0].value and "heatmap" not in kinds(at)
    next(one for one in at.text_input if one.label == "Text").set_value(SECRET).run()
    assert [one.text for run in runs for one in Looked.of(run).waiting()] == [SECRET, SECRET]
    for run in runs:
        answer(run)
    at.run()
    assert not at.exception and kinds(at).count("heatmap") == 2
    assert "Jane" not in str(dict(at.query_params)) and "Jane" not in str(figures(at)[0])
    for run in runs:
        kept = b"".join(path.read_bytes() for path in run.folder.rglob("*") if path.is_file())
        assert b"Jane" not in kept


def test_lists_of_radiographs(runs: list[Run]) -> None:
    study = Study.load("tiny")
    at = view(runs, **{"attention-finding": "Effusion", "attention-list": "missed"})
    column, table = study.findings.index("Effusion"), runs[0].predictions()
    rows = [row for row in study.rows("test").tolist() if study.labels[row, column] == 1]
    worst = min(rows, key=lambda row: table["probability:Effusion"].iloc[row])
    assert f"**{study.samples['id'].iloc[worst]}**" in texts(at).replace("\\", "")
    button(at, "Look").click().run()
    assert study.samples["id"].iloc[worst] in at.query_params["sample"]


def played(run: Run, monkeypatch: pytest.MonkeyPatch) -> int:
    """A pointing game in which every map points at (3/8, 3/8)."""
    study = Study.load("tiny")
    pairs, rows = boxed_pairs(study)
    about = {"score": 0.0, "scored_by": "logit", "method": "Grad-CAM"}
    table = pd.DataFrame(
        [{"id": one, "finding": name, **about, **asdict(point(VALUES, boxes))} for one, name, boxes in pairs]
    )
    Boxed.of(run).folder.mkdir(exist_ok=True)
    Boxed.of(run)._keep(table, rows, Looked.of(run).weights(), study)
    return len(table)


def test_the_pointing_game_is_offered_then_shown(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []
    monkeypatch.setattr(Boxed, "start", lambda self: started.append(self.folder))
    at = view(runs)
    button(at, "Ask orthogonal").click().run()
    assert started == [runs[0].folder / "pointing"]
    count = played(runs[0], monkeypatch)
    at = view(runs)
    assert not at.exception and len(figures(at)) == 2 and at.metric[0].value == "0.0%"
    assert f"n = {count}, test radiographs" in texts(at) and "by chance 4.1%" in texts(at)
    names = [trace["name"] for trace in figures(at)[1]["data"]]
    assert len(names) == 3 and "by chance: share of the area in boxes" in names
    played(runs[1], monkeypatch)
    at = view(runs)
    assert len(figures(at)[1]["data"]) == 4 and len(at.dataframe[0].value) == 10


def test_recipes_draw_what_is_kept_and_say_how_to_make_the_rest(runs: list[Run], monkeypatch: Any) -> None:
    ids, study = tuple(run.id for run in runs), Study.load("tiny")
    sample = sample_of(study, "Effusion")
    recipe = Attention(runs=ids, sample=sample, finding="Effusion", opacity=0.5)
    assert recipe_from_json(recipe.to_json()) == recipe
    with pytest.raises(RunError, match=f"scripts.look {ids[0][:8]} --sample {sample} --finding Effusion"):
        recipe.draw(cached)
    for run in runs:
        keep(Looked.of(run), Looked.of(run).look(sample, finding="Effusion"))
    made = recipe.draw(cached)
    assert [trace.type for trace in made.data].count("heatmap") == 2
    assert sample in recipe.of(cached) and "Effusion" in recipe.alt(cached)
    assert b"1.00" in recipe.csv(cached)
    game = Pointing(runs=ids)
    with pytest.raises(RunError, match=r"scripts\.look .* --boxes"):
        game.draw(cached)
    counts = [played(run, monkeypatch) for run in runs]
    assert len(game.draw(cached).data) == 4
    assert f"n = {counts[0]} findings with boxes in" in game.of(cached)
    lines = game.csv(cached).decode().splitlines()
    assert lines[0].startswith("run,finding,n,hits,rate,low,high,chance,middle") and len(lines) == 1 + 8
