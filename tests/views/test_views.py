"""Every view on finished runs, on an empty workspace, from a link, and after clicks; none of them imports torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import first_light
from core.config.presets import preset
from core.runs import Run
from core.studies.study import Study
from core.workspace import ROOT
from tests.components import click, figures, plots
from tests.finished import Finished

BEGIN = first_light.begin
"""The real one; all other tests of views go without the demo."""

VIEWS = (
    "home",
    "train",
    "curves",
    "ablation",
    "search",
    "space",
    "similarity",
    "gap",
    "diseases",
    "attention",
    "retrieval",
    "compare",
    "report",
)
FIGURES = {
    "home": 0,
    "train": 0,
    "curves": 6,
    "space": 2,
    "similarity": 3,
    "gap": 6,
    "diseases": 3,
    "attention": 1,
    "retrieval": 4,
    "compare": 7,
    "report": 0,
}


def opened(view: str, **query: str | list[str]) -> AppTest:
    """A view as a fresh session sees it, with the given query parameters."""
    at = AppTest.from_file(str(ROOT / "dashboard" / "app.py"), default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    if view != "home":
        at.switch_page(f"views/{view}.py").run()
    return at


def texts(at: AppTest) -> str:
    return "\n".join(element.value for element in [*at.markdown, *at.caption, *at.subheader, *at.info, *at.error])


def two(finished: Finished) -> list[str]:
    return [finished.runs["orthogonal"], finished.runs["contrastive"]]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_draws_finished_runs(finished: Finished, view: str) -> None:
    at = opened(view, runs=two(finished), curves=two(finished))
    assert not at.exception
    assert not at.error
    assert len(figures(at)) >= FIGURES.get(view, 0)
    assert all(plot["alt"].strip() for plot in plots(at))


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "home"])
def test_an_empty_workspace_says_what_to_do(workspace: Path, view: str) -> None:
    at = opened(view)
    assert not at.exception
    assert not figures(at)
    assert at.info
    assert not list(workspace.glob("runs/*"))


def test_home_starts_the_demo_once_in_an_empty_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(first_light, "begin", BEGIN)
    monkeypatch.setattr(Run, "start", lambda run: started.append(run.id))
    first, second = opened("home"), opened("home")
    assert not first.exception
    assert not second.exception
    assert len(started) == len(list(workspace.glob("runs/*"))) == 1


def test_a_link_brings_the_view_back(finished: Finished) -> None:
    run = finished.runs["linear"]
    at = opened("space", runs=[run], colour="Edema")
    assert [plot["alt"] for plot in plots(at)] == [
        "3D map of 64 radiographs embedded by linear · lite, coloured by Edema"
    ]


@pytest.mark.parametrize("query", [{"colour": "nonsense"}, {"runs": ["gone"]}, {"sample": "gone"}])
def test_a_stale_link_falls_back_to_defaults(finished: Finished, query: dict[str, str | list[str]]) -> None:
    at = opened("space", **query)
    assert not at.exception
    assert figures(at)


def test_a_click_on_the_map_shows_the_radiograph(finished: Finished) -> None:
    at = opened("space", runs=two(finished))
    row = 5
    click(at, 0, customdata=row, trace="radiographs")
    assert not at.exception
    study = Study.load("tiny")
    assert "The chosen radiograph" in texts(at)
    assert str(study.samples["id"].iloc[row]) in texts(at).replace("\\", "")
    assert texts(at).count("have exactly the same findings") == 2


def test_a_click_on_an_anchor_changes_nothing(finished: Finished) -> None:
    at = opened("space", runs=two(finished))
    click(at, 0, customdata=None, trace="disease prompts")
    assert not at.exception
    assert "The chosen radiograph" not in texts(at)


def test_a_hostile_label_is_only_text(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "start", lambda run: None)
    hostile = "<img src=x onerror=alert(1)> ![](http://example.invalid/x.png) **bold** $x$"
    run = Run.create(preset("linear", study="tiny", encoder="lite").replace(label=hostile))
    try:
        at = opened("train")
        shown = next(element.value for element in at.markdown if "onerror" in element.value)
        assert not at.exception
        for markup in ("<img", "![]", "**bold", "$x$"):
            assert markup not in shown.replace("\\" + markup[0], "")
    finally:
        for path in run.folder.iterdir():
            path.unlink()
        run.folder.rmdir()


def test_launch_makes_a_run_from_the_form(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Run] = []
    monkeypatch.setattr(Run, "start", lambda run, stage=None: made.append(run))
    at = opened("train", **{"train-study": "tiny", "train-preset": "contrastive"})
    at.number_input(key="settings-contrastive.training.epochs").set_value(3)
    at.text_input(key="settings-contrastive.label").set_value("mine")
    next(button for button in at.button if button.label == "Launch").click().run()
    try:
        assert not at.exception
        assert [(run.config.preset, run.config.label, run.config.training.epochs) for run in made] == [
            ("contrastive", "mine", 3)
        ]
    finally:
        for run in made:
            for path in run.folder.iterdir():
                path.unlink()
            run.folder.rmdir()


def test_a_bad_setting_is_named_and_cannot_be_launched(finished: Finished) -> None:
    at = opened("train", **{"train-study": "tiny"})
    at.text_input(key="settings-orthogonal.training.learning_rate").set_value("a lot").run()
    assert "Learning rate" in at.error[0].value
    assert next(button for button in at.button if button.label == "Launch").disabled


def test_no_view_imports_torch(finished: Finished) -> None:
    """In a fresh process: what a view imports, it imports for good."""
    code = """
import json, sys
from tests.views.test_views import VIEWS, opened
for view in VIEWS:
    assert not opened(view).exception, view
heavy = ("torch", "umap", "open_clip", "transformers", "timm", "optuna", "sklearn.manifold")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("address", [None, "0.0.0.0", "192.0.2.7"])
def test_an_address_that_others_can_reach_shows_nothing(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.setattr("dashboard.widgets.st.get_option", lambda name: address if name == "server.address" else None)
    at = opened("home")
    assert "no login" in at.error[0].value
    assert not at.title
