"""Find by text on a page: waiting, found, refused; the words stand in no URL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.asking.questions import Asked
from core.runs import Run
from core.studies.study import Study
from core.workspace import ROOT
from tests.finished import Finished
from tests.views.test_views import texts

PANELS = str(ROOT / "tests" / "browser" / "apps" / "panels.py")


@pytest.fixture
def asked(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """Of a finished run; its process is never started: the test answers."""
    monkeypatch.setattr(Asked, "start", lambda self: None)
    found = Asked.of(Run.load(finished.runs["contrastive"]))
    yield found
    for path in sorted(found.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def opened(*runs: str) -> AppTest:
    at = AppTest.from_file(PANELS, default_timeout=60)
    at.query_params["runs"] = list(runs)
    return at.run()


def type_in(at: AppTest, text: str) -> AppTest:
    return next(one for one in at.text_input if one.label == "Find by text").set_value(text).run()


def answer(asked: Asked, vector: np.ndarray) -> None:
    asked.folder.mkdir(exist_ok=True)
    (question,) = asked.waiting()
    asked.give(question, (vector / np.linalg.norm(vector)).astype(np.float32))


def test_from_words_to_radiographs(asked: Asked) -> None:
    at = opened(asked.run.id)
    assert not at.exception and "nothing found yet" in texts(at)
    type_in(at, "Jane's left-sided EFFUSION, large")
    assert not at.exception and "nothing found yet" in texts(at)
    assert [one.text for one in asked.waiting()] == ["Jane's left-sided EFFUSION, large"]
    images = asked.run.embeddings("images").vectors
    answer(asked, images[5] + 0.01 * images[6])
    at.run()
    assert not at.exception
    shown = texts(at)
    assert "found rows [5, " in shown and "Nearest to “Jane's left\\-sided EFFUSION, large”" in shown
    assert re.search(r"^\*\*Effusion: \d+ of 12\*\* \(of all \d", shown, re.MULTILINE)
    assert len(at.get("image")) >= 12 or len(at.get("imgs")) >= 12
    assert "Jane" not in str(dict(at.query_params))
    next(button for button in at.button if button.label == "Look").click().run()
    assert f"looked at {Study.load('tiny').samples['id'].iloc[5]}" in texts(at)
    assert "found rows [5, " in texts(at)  # what was looked for is still there


def test_an_answer_that_will_not_come_says_why(asked: Asked) -> None:
    at = type_in(opened(asked.run.id), "a mass")
    asked.refuse(asked.waiting()[0].name, "The text tower is <b>gone</b>: bring it.")
    at.run()
    assert "The text tower is \\<b\\>gone" in at.error[0].value
    assert not asked.waiting()
    next(button for button in at.button if button.label == "Ask again").click().run()
    assert [one.text for one in asked.waiting()] == ["a mass"] and not at.error


def test_markup_in_the_words_is_inert(asked: Asked) -> None:
    at = type_in(opened(asked.run.id), "**x** ![](http://example.invalid/x.png)")
    answer(asked, asked.run.embeddings("images").vectors[0])
    at.run()
    line = next(one.value for one in at.markdown if "Nearest to" in one.value)
    assert "\\*\\*x\\*\\*" in line and "!\\[\\]" in line.replace("\\!", "!")


def test_the_user_says_which_model_looks(asked: Asked, finished: Finished) -> None:
    at = opened(finished.runs["orthogonal"], asked.run.id)
    at.segmented_control[0].set_value(asked.run.id).run()
    type_in(at, "a mass")
    assert len(asked.waiting()) == 1
    assert not Asked.of(Run.load(finished.runs["orthogonal"])).waiting()


def test_the_page_needs_no_home_for_its_words(workspace: Path) -> None:
    """A run that is not there is told in words."""
    at = opened("nothing-like-it")
    assert not at.exception and "0 runs begin with" in at.error[0].value
