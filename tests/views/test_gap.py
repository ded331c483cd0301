"""The Modality gap view: the slider moves points and numbers, and every number is the evaluation's."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import runs
from core.metrics.gap import gap_direction, shift
from core.pictures.source import Files
from core.runs import Run
from core.studies.study import Study
from dashboard import cached
from tests.components import figures, plots
from tests.finished import Finished
from tests.views.test_views import opened, texts


def array(values: Any) -> np.ndarray:
    """A trace's numbers, which travel as base64 or as a list."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values, float)


def metrics(at: AppTest) -> dict[str, str]:
    return {element.label: element.value for element in at.metric}


def trace(figure: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in figure["data"] if one["name"] == name)
    return found


def older(run: Run) -> dict[str, Any]:
    """An evaluation as the first version wrote it."""
    report: dict[str, Any] = json.loads((run.folder / "evaluation" / "evaluation.json").read_text())
    space = report["space"]
    del space["separability"], space["finding_gaps"]
    del space["shift"]["recall_image_to_text"], space["shift"]["recall_text_to_image"]
    return report | {"form": 1}


def test_the_slider_moves_points_and_numbers(finished: Finished) -> None:
    run, study = Run.load(finished.runs["contrastive"]), Study.load("tiny")
    at = opened("gap", runs=[run.id])
    before = figures(at)[0]
    at.slider(key="widget:shift").set_value(0.75).run()
    assert not at.exception
    after = figures(at)[0]
    images, texts_, _ = Files().pairs(run, study)
    along = gap_direction(images, texts_)
    for name, own, moved in zip(("images", "texts"), (images, texts_), shift(images, texts_, 0.75), strict=True):
        for figure, vectors in ((before, own), (after, moved)):
            np.testing.assert_allclose(np.sort(array(trace(figure, name)["x"])), np.sort(vectors @ along), atol=1e-5)
    for axis in ("xaxis", "yaxis"):
        assert before["layout"][axis]["range"] == after["layout"][axis]["range"]
    curve = run.evaluation()["space"]["shift"]
    place = curve["requested"].index(0.75)
    shown = metrics(at)
    assert shown["Contrastive loss"] == f"{curve['loss'][place]:.3f}"
    assert shown["Distance"] == f"{curve['distance'][place]:.3f}"
    assert shown["R@5 image → text"] == f"{curve['recall_image_to_text']['5'][place]:.3f}"
    assert "0.75" in at.query_params["shift"]


def test_a_link_brings_shift_and_recall_back(finished: Finished) -> None:
    at = opened("gap", runs=[finished.runs["contrastive"]], shift="-1.5", recall="1")
    assert at.slider(key="widget:shift").value == -1.5
    assert "R@1 text → image" in metrics(at)
    assert figures(at)[1]["layout"]["yaxis2"]["title"]["text"] == "Recall@1"


def test_numbers_of_the_space_are_the_evaluations(finished: Finished) -> None:
    run = Run.load(finished.runs["orthogonal"])
    space, at = run.evaluation()["space"], opened("gap", runs=[run.id])
    shown = metrics(at)
    assert shown["Gap"] == f"{space['gap']:.3f}"
    assert shown["Linear separability"] == f"{space['separability']:.3f}"
    assert "best " in texts(at) and "without a shift" in texts(at)


def test_diseases_and_temperatures_of_all_runs(finished: Finished) -> None:
    chosen = [finished.runs["orthogonal"], finished.runs["contrastive"]]
    at = opened("gap", runs=chosen)
    drawn = {plot["alt"]: plot["figure"] for plot in plots(at)}
    diseases = next(drawn[alt] for alt in drawn if alt.startswith("Gap of each of"))
    temperatures = next(drawn[alt] for alt in drawn if alt.startswith("Gap against final temperature, runs: "))
    for preset in ("orthogonal", "contrastive"):
        space = Run.load(finished.runs[preset]).evaluation()["space"]
        name = f"{preset} · lite · {finished.runs[preset][:4]}"
        dots = trace(diseases, f"{name} (all pairs: {space['gap']:.3f})")
        expected = [np.nan if value is None else value for value in space["finding_gaps"]["gaps"]]
        np.testing.assert_allclose(array(dots["x"]), expected)
        point = trace(temperatures, name)
        assert point["y"] == [space["gap"]]
        assert point["x"] == [1 / space["shift"]["scale"]]
    with_gap = [Run.load(run) for run in finished.runs.values()]
    assert len(trace(temperatures, "other runs")["x"]) == len(with_gap) - 2
    assert trace(temperatures, "Liang et al. 2022 (COCO)")["marker"]["symbol"] == "square"


def test_one_run_alone_says_so(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    only = Run.load(finished.runs["linear"])
    monkeypatch.setattr(runs, "list_runs", lambda **_: [only])
    at = opened("gap", runs=[only.id])
    assert not at.exception
    assert "only evaluated run of this study" in texts(at)


def test_an_older_evaluation_opens_and_says_how_to_get_the_rest(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.load(finished.runs["linear"])
    monkeypatch.setattr(cached, "evaluation", older)
    at = opened("gap", runs=[run.id])
    assert not at.exception and not at.error
    said = [element.value for element in at.info]
    for what in ("recall at each shift", "a plane divides", "gap of each disease"):
        assert any(what in line and f"python -m scripts.evaluate {run.id[:8]}" in line for line in said), what
    assert metrics(at)["Linear separability"] == "–"
    assert len(figures(at)) >= 4
