"""The Space view: what colours a map, which map it is, what a lasso, a player and a link do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.config.run import ProjectionConfig
from core.maps.asked import AskedMap
from core.metrics.enclosing import enclosed
from core.pictures.chart import chart
from core.pictures.colourings import colourings
from core.runs import Run
from core.studies.study import Study
from tests.components import figures, plots, told
from tests.finished import Finished
from tests.views.test_views import opened, texts, two


def traces(figure: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in figure["data"]}


def count(trace: dict[str, Any]) -> int:
    size = {"f4": 4, "i4": 4, "i2": 2}[trace["x"]["dtype"]]
    return len(trace["x"]["bdata"]) * 3 // 4 // size


def query(at: AppTest, name: str) -> list[str]:
    found = at.query_params.get(name, [])
    return [found] if isinstance(found, str) else list(found)


@pytest.mark.parametrize(
    "by", ["findings", "Edema", "probability:Edema", "error:Edema", "patient", "age", "map:stability"]
)
def test_a_map_is_coloured_by_labels_columns_predictions_and_its_own_scores(finished: Finished, by: str) -> None:
    at = opened("space", runs=two(finished), colour=by)
    assert not at.exception and not at.error
    assert by in colourings(Study.load("tiny"))
    left, right = figures(at)
    marker = traces(left)["radiographs"]["marker"]
    if by.startswith(("probability", "error", "map")):  # one scale for both
        assert [traces(one)["radiographs"]["marker"]["cmax"] for one in (left, right)] == [1, 1]
    else:
        assert marker["color"] == traces(right)["radiographs"]["marker"]["color"]


def test_compared_maps_have_axes_of_one_reach(finished: Finished) -> None:
    left, right = figures(opened("space", runs=two(finished)))
    for axis in ("xaxis", "yaxis", "zaxis"):
        assert left["layout"]["scene"][axis]["range"] == right["layout"]["scene"][axis]["range"]


def test_both_sights_are_one_group_and_only_the_flat_one_takes_a_lasso(finished: Finished) -> None:
    shown = plots(opened("space", runs=two(finished), sight="Both"))
    assert [plot["figure"]["data"][0]["type"] for plot in shown] == ["scatter3d", "scattergl"] * 2
    assert [plot["encloses"] for plot in shown] == [False, True] * 2
    assert {plot["group"] for plot in shown} == {"space"}


def test_a_lasso_stands_in_the_link_and_dims_the_rest_on_every_map(finished: Finished) -> None:
    at = opened("space", runs=two(finished), sight="Both")
    run, study = Run.load(two(finished)[0]), Study.load("tiny")
    places = chart(run.projection(), study).samples[:, :2]
    middle, half = np.median(places, axis=0), np.ptp(places, axis=0) / 5
    corners = [[float(x), float(y)] for x, y in middle + half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])]
    inside = int(enclosed(places, corners).sum())
    assert 0 < inside < len(study)
    told(at, 1, "region", corners)
    assert not at.exception and not at.error
    kept = query(at, "lasso")
    assert kept[:2] == [run.id, "umap"]
    link = opened("space", runs=two(finished), sight="Both", lasso=kept)
    for page in (at, link):
        for figure in figures(page)[:2] + figures(page)[2:4]:
            assert count(traces(figure)["radiographs"]) == inside
            assert count(traces(figure)["not selected"]) == len(study) - inside
        outlined = ["shapes" in figure["layout"] for figure in figures(page)[:4]]
        assert outlined == [False, True, False, False]  # drawn where it was drawn
        assert f"Selected: {inside:,} of 64 radiographs" in texts(page)
    next(button for button in link.button if button.label == "Clear").click().run()
    assert "not selected" not in traces(figures(link)[0]) and not query(link, "lasso")


@pytest.mark.parametrize("kept", [["x"], ["{run}", "../../../config", "0,0;1,0;1,1"], ["{run}", "umap", "0,0;nan"]])
def test_a_broken_lasso_in_a_link_selects_nothing(finished: Finished, kept: list[str]) -> None:
    runs = two(finished)
    at = opened("space", runs=runs, lasso=[part.format(run=runs[0]) for part in kept])
    assert not at.exception and not at.error
    assert "not selected" not in traces(figures(at)[0])


def test_training_plays_in_one_frame_and_the_link_says_where(finished: Finished) -> None:
    at = opened("space", runs=two(finished), map="training")
    assert not at.exception and not at.error
    left, _ = figures(at)
    names = [frame["name"] for frame in left["frames"]]
    assert names[0] == "epoch 0" and len(names) > 2
    assert "dtype" in traces(left)["radiographs"]["x"]
    told(at, 0, "moment", names[0])
    assert query(at, "moment") == ["0.000"]
    assert [plot["moment"] for plot in plots(at)] == [0, 0]
    assert traces(figures(at)[0])["radiographs"]["x"] == left["frames"][0]["data"][0]["x"]


def test_a_run_that_trained_nothing_says_that_there_is_nothing_to_follow(finished: Finished) -> None:
    at = opened("space", runs=[finished.runs["zero-shot"]], map="training")
    assert not at.exception and not figures(at)
    assert "trains nothing" in texts(at)


@pytest.fixture
def asked(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> list[AskedMap]:
    """Maps that the page asks for; none is made, and none stays."""
    begun: list[AskedMap] = []
    monkeypatch.setattr(AskedMap, "start", lambda one: begun.append(one))  # noqa: PLW0108, a method gets itself
    return begun


def test_a_map_by_other_settings_is_asked_for_each_run(finished: Finished, asked: list[AskedMap]) -> None:
    at = opened("space", runs=two(finished), map="new")
    assert "These are the settings of the runs' own maps" in texts(at)
    at.selectbox(key="map-method.method").set_value("tsne").run()
    assert not at.exception and not at.error
    next(button for button in at.button if button.label == "Draw").click().run()
    assert [one.run_id for one in asked] == two(finished)
    assert {one.config.method for one in asked} == {"tsne"} and len({one.id for one in asked}) == 1


def test_a_map_that_is_there_is_drawn_and_named(finished: Finished) -> None:
    run = Run.load(two(finished)[0])
    wanted = AskedMap.of(run, ProjectionConfig(method="pca"), 0)
    wanted.folder.mkdir()
    from core.files import write_json

    write_json(wanted.folder / "config.json", {"config": wanted.config.to_json(), "seed": 0})
    wanted.carry_out()
    try:
        at = opened("space", runs=two(finished), map=wanted.id)
        assert not at.exception and not at.error
        assert "PCA" in at.selectbox(key="widget:map|selectbox").options
        assert len(figures(at)) == 1  # the other run has none
        assert "This run has no map by these settings yet." in texts(at)
        assert [button.label for button in at.button if button.label == "Draw it"]
    finally:
        for path in wanted.folder.iterdir():
            path.unlink()
        wanted.folder.rmdir()


def test_an_own_palette_colours_the_map_and_a_wrong_one_is_left_alone(finished: Finished) -> None:
    own = ["#111111", "#222222", "#333333"]
    named = traces(figures(opened("space", runs=two(finished), palette=own, colour="split"))[0])
    colours = {trace["marker"]["color"] for name, trace in named.items() if "x" in trace and trace["x"] == [None]}
    assert set(own) & colours and not colours & {"#0072b2", "#d55e00"}
    wrong = opened("space", runs=two(finished), palette=["red", "blue"])
    assert not wrong.exception and figures(wrong)


def test_arrows_and_names_are_switched(finished: Finished) -> None:
    at = opened("space", runs=two(finished), arrows="True", labelled="None")
    drawn = traces(figures(at)[0])
    assert "from the mean" in drawn and drawn["disease prompts"]["mode"] == "markers"


def test_a_study_of_many_is_drawn_in_part_and_says_so(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.looking.FIRST_DRAW", 20)
    at = opened("space", runs=two(finished))
    assert count(traces(figures(at)[0])["radiographs"]) == 20
    at.toggle(key="widget:all").set_value(True).run()
    assert count(traces(figures(at)[0])["radiographs"]) == 64


def test_no_map_is_read_from_elsewhere(finished: Finished, tmp_path: Path) -> None:
    at = opened("space", runs=two(finished), map="../../secret")
    assert not at.exception and len(figures(at)) == 2  # falls back to each run's own
