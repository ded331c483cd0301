"""The Search view: empty, at work, failed and finished searches; a new one from its form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.config.presets import preset
from core.config.search import SearchConfig
from core.config.space import Dimension, default_space
from core.files import write_json
from core.runs import Run
from core.searches import Search, SearchWorker
from tests.components import figures, plots
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts

HOSTILE = "The loss became nan ![](http://example.invalid/x.png) **bold**"


@pytest.fixture
def tiny(workspace: Path) -> Path:
    tiny_study(counts=(8, 4, 4))
    return workspace


def config(**changes: object) -> SearchConfig:
    base = preset("linear", study="tiny", encoder="lite")
    return SearchConfig(**{"name": "mine", "base": base, "space": default_space(base), "trials": 4, **changes})


def tried(search: Search) -> list[Run]:
    """Two complete trials, a failed one, and one whose worker is gone."""
    runs = [Run.create(search.config.trial(at, {"training.batch_size": 32})) for at in range(3)]
    write_json(
        search.folder / "trials.json",
        {
            "trials": [
                {
                    "number": at,
                    "state": state,
                    "value": value,
                    "parameters": {"training.learning_rate": 0.001 * (at + 1), "training.batch_size": 32},
                    "run": run.id if run else None,
                    "values": {"1": 0.6, "2": value} if value else {},
                    "reason": "" if run else HOSTILE,
                    "seconds": 3.0,
                }
                for at, (state, value, run) in enumerate(
                    zip(
                        ["complete", "complete", "running", "failed"],
                        [0.7, 0.8, None, None],
                        [*runs, None],
                        strict=True,
                    )
                )
            ]
        },
    )
    return runs


def test_without_a_search_it_says_what_to_do(tiny: Path) -> None:
    at = opened("search")
    assert not at.exception and not at.error
    assert "start one below" in texts(at)
    assert "search=" not in str(at.query_params)


def test_without_a_study_the_demo_is_offered(workspace: Path) -> None:
    at = opened("search")
    assert not at.exception and not at.error
    assert at.selectbox(key="widget:search-study|selectbox").value == "demo"


def test_a_search_that_was_left_says_how_it_goes_on(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(SearchWorker, "start", lambda worker: started.append(worker.id))
    search = Search.create(config())
    runs = tried(search)
    at = opened("search", search="mine")
    assert not at.exception and not at.error
    assert "Best: 0.8000 validation AUROC, trial 1" in texts(at)
    assert any(
        "scripts.run --preset linear" in code.value and "--training.batch-size 32" in code.value for code in at.code
    )
    assert len(figures(at)) == 4 and all("mine" in plot["alt"] for plot in plots(at))
    table = at.dataframe[0].value
    assert table["State"].tolist() == ["failed", "interrupted", "complete", "complete"]
    assert table["Curves"].tolist()[1:] == [f"/curves?curves={run.id}" for run in reversed(runs)]
    assert table["Why"].tolist()[0] == HOSTILE  # in a table it is text
    next(button for button in at.button if button.label == "Go on").click().run()
    assert not at.exception and started == ["1"]


def test_a_failed_search_says_why_as_plain_text(tiny: Path) -> None:
    search = Search.create(config())
    worker = search.folder / "workers" / "1"
    worker.mkdir(parents=True)
    (worker / "exit.json").write_text('{"code": 1}')
    (worker / "failure.json").write_text(json.dumps({"kind": "RunError", "message": HOSTILE}))
    (worker / "log.txt").write_text("the end of a log")
    at = opened("search")
    assert not at.exception
    assert "failed" in texts(at) and "![]" not in texts(at) and "example" in texts(at)
    assert any("the end of a log" in code.value for code in at.code)
    assert "No trial has begun" in texts(at)


def pressed(at: AppTest) -> AppTest:
    return next(button for button in at.button if button.label == "Start the search").click().run()


def test_the_form_begins_a_search(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[SearchConfig, int]] = []
    monkeypatch.setattr(Search, "start", lambda search, workers=1: begun.append((search.config, workers)))
    at = opened("search", **{"search-study": "tiny", "search-preset": "linear"})
    at.number_input(key="search-trials").set_value(7)
    at.number_input(key="search-workers").set_value(2)
    at.text_input(key="search-linear-auroc-training.learning_rate-From").set_value("1e-5")
    pressed(at)
    assert not at.exception and not at.error
    [(made, workers)] = begun
    assert workers == 2 and (made.name, made.trials, made.base.study) == ("linear-tiny", 7, "tiny")
    assert made.space[0] == Dimension.parse("training.learning_rate=log:1e-05:0.01")
    assert made.space == (made.space[0], *default_space(preset("linear", study="tiny", encoder="lite"))[1:])
    assert at.selectbox(key="widget:search|selectbox").value == "linear-tiny"
    assert at.text_input(key="search-name-linear-tiny-2").value == "linear-tiny-2"


def test_the_form_says_what_is_not_allowed(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "start", lambda search, workers=1: pytest.fail("started"))
    at = opened("search", **{"search-study": "tiny", "search-preset": "linear"})
    at.text_input(key="search-linear-auroc-training.learning_rate-To").set_value("11").run()
    assert not at.exception
    assert "between" in at.error[0].value
    assert not [button for button in at.button if button.label == "Start the search"]


def test_validation_must_tell_trials_apart(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Search, "start", lambda search, workers=1: pytest.fail("started"))
    tiny_study("blind", counts=(8, 4, 4), labels=lambda drawn: drawn * 0)
    at = opened("search", **{"search-study": "blind", "search-preset": "linear"})
    pressed(at)
    assert "no finding with both classes in validation" in at.error[0].value.replace("\\", "")
    assert not (tiny / "searches").exists()
