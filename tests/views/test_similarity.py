"""The Similarity view: orders, positive against negative prompts, and the slider through training."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.config.run import RunConfig
from core.files import read_json, write_json
from core.metrics.similarity import cosine_matrix
from core.runs import Run
from core.snapshots import snapshots_of
from tests.components import figures, plots
from tests.finished import Finished
from tests.views.test_sets import heat, in_url, told
from tests.views.test_views import opened, texts, two


def matrix(trace: dict[str, Any], run: Run) -> np.ndarray:
    """A heatmap's cells as they are drawn, in the order of the run's findings."""
    names = [name.replace("_", " ").lower() for name in run.embeddings("prompts").ids]
    rows = [[own.lower() for own in trace["y"]].index(name) for name in names]
    cells = np.frombuffer(base64.b64decode(trace["z"]["bdata"]), trace["z"]["dtype"])
    return cells.reshape(len(names), -1)[np.ix_(rows, rows)]


def test_an_order_is_that_of_all_panels_and_in_the_url(finished: Finished) -> None:
    given = opened("similarity", runs=two(finished))
    at = opened("similarity", runs=two(finished), order="clustering")
    assert not at.exception and not at.error
    first, second, difference, *moment = heat(at)
    assert first["y"] == second["y"] == difference["y"] == moment[0]["y"] == moment[1]["y"] != heat(given)[0]["y"]
    assert first["x"] == first["y"] and sorted(first["y"]) == sorted(heat(given)[0]["y"])
    tree = figures(at)[0]["data"][2]
    assert tree["type"] == "scatter" and len(figures(given)[0]["data"]) == 2
    assert in_url(at, "order") == ["clustering"]
    assert told(at, "Mean cosine") == told(given, "Mean cosine")


@pytest.mark.parametrize("order", ["name", "hierarchy"])
def test_other_orders(finished: Finished, order: str) -> None:
    at = opened("similarity", runs=two(finished)[:1], order=order)
    assert not at.exception and not at.error
    names = heat(at)[0]["y"]
    assert names[:2] == (["Atelectasis", "Cardiomegaly"] if order == "name" else ["Cardiomegaly", "Atelectasis"])
    assert (names == sorted(names)) == (order == "name")


def test_positive_against_negative_prompts(finished: Finished) -> None:
    run = Run.load(finished.runs["contrastive"])
    at = opened("similarity", runs=[run.id], cosines="signs", order="hierarchy")
    assert not at.exception and not at.error
    assert ("best weights of all epochs" in texts(at)) == (run.config.training.keep == "best")
    expected = cosine_matrix(run.embeddings("prompts").vectors, run.embeddings("negatives").vectors)
    np.testing.assert_allclose(matrix(heat(at)[0], run), expected, atol=1e-6)
    assert told(at, "Own denial (mean)") == [f"{np.diag(expected).mean():+.3f}"]
    assert "does not hear the word" in texts(at)


def test_the_slider_shows_the_heatmap_of_its_epoch(finished: Finished) -> None:
    run = Run.load(finished.runs["orthogonal"])
    moments = snapshots_of(run)
    assert [one.epoch for one in moments] == [0, 1, 2]
    for number, moment in enumerate(moments):
        at = opened("similarity", runs=[run.id], epoch=f"{moment.epoch:g}")
        assert not at.exception and not at.error
        assert at.select_slider[0].value == f"{number}" and list(at.select_slider[0].options) == ["0", "1", "2"]
        shown = heat(at)[-1]
        np.testing.assert_allclose(matrix(shown, run), cosine_matrix(moment.embeddings("prompts").vectors), atol=1e-6)
        assert f"epoch {number}" in shown["name"]
    assert np.abs(matrix(heat(at)[0], run) - matrix(shown, run)).max() < 1e-4, "the last one is the run's own"
    lines = next(plot for plot in plots(at) if "against the epoch" in plot["alt"])["figure"]["data"]
    assert [line["y"] is not None for line in lines] == [True] * 3
    at.select_slider[0].set_value("0").run()
    assert "best weights" not in texts(at)
    assert in_url(at, "epoch") == ["0"] and "epoch 0" in heat(at)[-1]["name"]


def test_what_cannot_be_followed_says_why(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("similarity", runs=[finished.runs["zero-shot"]])
    assert not at.exception and "kept no snapshots to follow" in texts(at) and "trains nothing" in texts(at)
    at = opened("similarity", runs=[finished.runs["orthogonal"]], cosines="frozen")
    assert not at.exception and "Training does not change" in texts(at) and not at.select_slider
    home = tmp_path / "copy"
    shutil.copytree(finished.home, home)
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))
    run = Run.load(finished.runs["orthogonal"])
    data = read_json(run.folder / "config.json")
    shutil.rmtree(run.folder / "snapshots")
    for kept, reason in ((8, "trained before snapshots were kept"), (0, "snapshots is 0")):
        training = {**data["config"]["training"], "snapshots": kept}
        config = RunConfig.from_json({**data["config"], "training": training})
        write_json(run.folder / "config.json", {**data, "config": config.to_json()})
        at = opened("similarity", runs=[run.id])
        assert not at.exception and not at.select_slider and reason in texts(at)
