"""Imported sets in the Similarity view: alone, beside runs, of other labels, and made from the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.config.vectors import OrthogonaliseConfig, VectorImportConfig
from core.errors import InputError
from core.imported import import_embeddings
from core.studies.vocabulary import NIH_FINDINGS
from core.vectors.making import Making
from dashboard import cached
from tests.components import figures, plots
from tests.finished import Finished
from tests.views.test_views import opened, texts


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Listings of folders are kept for half a minute, longer than a test."""
    cached.embedding_files.clear()
    yield


@pytest.fixture
def real(workspace: Path, real_data: Path) -> Path:
    """A workspace without runs, and with the real CLIP and BiomedCLIP vectors."""
    folder = real_data / "text_embeddings"
    for name in ("biomedclip", "clip"):
        import_embeddings(folder / f"{name}_basic.pt", name, labels=str(folder / "reference.json"))
    return workspace


@pytest.fixture
def beside(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """A copy of the finished workspace with imported sets: of the study's findings, in another order, and of others."""
    home = tmp_path / "copy"
    shutil.copytree(finished.home, home)
    monkeypatch.setenv("FLUOROSCOPE_HOME", str(home))
    path = tmp_path / "v.npy"
    np.save(path, np.random.default_rng(0).normal(size=(14, 32)))
    import_embeddings(path, "turned", labels=list(reversed(NIH_FINDINGS)))
    import_embeddings(path, "others", labels="chexpert")
    np.save(path, np.eye(3)[:1])
    import_embeddings(path, "alone", labels=["only"])
    return finished


def told(at: AppTest, name: str) -> list[str]:
    """A row of the table of numbers, without the marks that keep Markdown from reading it."""
    table = at.table[0].value
    return [str(cell).replace("\\", "") for cell in table.rename(index=lambda own: own.replace("\\", "")).loc[name]]


def heat(at: AppTest) -> list[dict[str, Any]]:
    return [trace for figure in figures(at) for trace in figure["data"] if trace["type"] == "heatmap"]


def in_url(at: AppTest, name: str) -> list[str]:
    found = at.query_params[name]  # one value comes alone
    return [found] if isinstance(found, str) else list(found)


def test_without_runs_the_real_sets_stand_side_by_side(real: Path) -> None:
    at = opened("similarity")
    assert not at.exception and not at.error
    assert at.multiselect[0].value == ["biomedclip", "clip"] and len(at.multiselect) == 1
    assert told(at, "Mean cosine") == ["+0.653", "+0.853", "0.000", "-0.077"]
    assert told(at, "Mean |cosine|") == ["0.653", "0.853", "0.000", "0.077"]
    assert told(at, "Smallest") == ["+0.472", "+0.757", "0.000", "-0.077"]
    assert told(at, "Largest") == ["+0.826", "+0.962", "0.000", "-0.077"]
    first, second, _ = heat(at)
    assert (first["zmin"], first["zmax"]) == (second["zmin"], second["zmax"]) == (-1, 1)
    assert first["name"] == "biomedclip" and second["name"] == "clip" and first["y"] == second["y"]
    assert len(figures(at)) == 3 and "uniformity \\-0\\.574" in texts(at)
    lines = [note["text"] for note in figures(at)[2]["layout"]["annotations"]]
    assert lines == ["orthogonal: 0", "simplex: -0.077"]
    assert in_url(at, "sets") == ["biomedclip", "clip"]


def test_a_link_brings_sets_back_in_its_order(real: Path) -> None:
    at = opened("similarity", sets=["clip", "gone"])
    assert not at.exception and [trace["name"] for trace in heat(at)] == ["clip"]
    assert in_url(at, "sets") == ["clip"]


def test_a_trained_set_shows_its_curve(real: Path) -> None:
    from core.vectors.orthogonalising import orthogonalise

    class Never:
        asked = False

    config = OrthogonaliseConfig(source="clip", name="made", steps=4, form="cross-entropy", width=8)
    orthogonalise(config, real / "embeddings/made", Never())  # type: ignore[arg-type]
    at = opened("similarity", sets=["clip", "biomedclip", "made"])
    assert not at.exception and not at.error
    assert "trained on clip \\(cross\\-entropy, 4 steps, seed 0\\); 14 vectors in 8 dimensions" in texts(at)
    curve = plots(at)[-1]
    assert "Orthogonal loss of made" in curve["alt"] and len(curve["figure"]["data"]) == 1


def test_beside_runs_on_one_frame_in_the_runs_order(beside: Finished) -> None:
    run = beside.runs["orthogonal"]
    at = opened("similarity", runs=[run], sets=["turned"])
    assert not at.exception and not at.error
    first, second, difference, _ = heat(at)
    assert second["name"] == "turned" and first["x"] == second["x"] == difference["x"]
    assert second["y"][0] == "Atelectasis" and first["y"][0] == "Atelectasis"
    assert [control.label for control in at.segmented_control] == ["Cosines between", "Order"]
    assert in_url(at, "runs") == [run]


def test_a_link_to_sets_alone_names_no_run(beside: Finished) -> None:
    at = opened("similarity", sets=["turned"])
    assert [trace["name"] for trace in heat(at)] == ["turned"]
    assert [control.label for control in at.segmented_control] == ["Order"]


def test_sets_alone_are_not_chosen_where_there_are_runs(beside: Finished) -> None:
    at = opened("similarity")
    assert len(at.multiselect[0].value) == 2 and at.multiselect[1].value == []


def test_other_labels_keep_their_own_panel_and_have_no_difference(beside: Finished) -> None:
    at = opened("similarity", runs=[beside.runs["orthogonal"]], sets=["others"])
    assert not at.exception and not at.error
    first, second, moment = heat(at)
    assert moment["y"] == first["y"]
    assert first["y"][:2] == ["Atelectasis", "Cardiomegaly"] and second["y"][:2] == [
        "No finding",
        "Enlarged cardiomediastinum",
    ]
    assert {(trace["zmin"], trace["zmax"]) for trace in (first, second)} == {(-1, 1)}
    reason = next(info.value for info in at.info)
    assert "are of different labels \\(14 and 14, " in reason and "no difference to draw" in reason


@pytest.mark.parametrize("kind", ["centroids", "cross", "signs", "frozen"])
def test_other_cosines_of_runs_beside_a_set(beside: Finished, kind: str) -> None:
    at = opened("similarity", runs=[beside.runs["orthogonal"]], sets=["turned"], cosines=kind)
    assert not at.exception and not at.error
    assert any("different things" in info.value for info in at.info) == (kind in ("cross", "signs"))


def test_three_fit(beside: Finished) -> None:
    runs = [beside.runs[name] for name in ("orthogonal", "contrastive", "linear")]
    at = opened("similarity", runs=runs, sets=["turned"])
    assert not at.exception
    assert "Three fit side by side" in at.warning[0].value and "linear" in at.warning[0].value
    assert len(heat(at)) == 6  # three panels, the difference, and two runs at a moment
    at = opened("similarity", sets=["turned", "others", "alone", "turned"])
    assert not at.exception and len(at.multiselect[1].value) == 3


def test_one_vector_has_no_pair(beside: Finished) -> None:
    at = opened("similarity", sets=["alone"])
    assert not at.exception and not at.error
    assert told(at, "Mean cosine") == ["no pair"]


def test_too_many_vectors_are_not_drawn(workspace: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(151, 4)))
    import_embeddings(tmp_path / "v.npy", "many", labels=[f"label {row}" for row in range(151)])
    at = opened("similarity")
    assert not at.exception and not figures(at)
    assert "many has 151 vectors; a heatmap shows up to 150" in at.warning[0].value


def test_a_damaged_set_is_named(real: Path) -> None:
    (real / "embeddings/clip/vectors.safetensors").write_bytes(b"x")
    at = opened("similarity", sets=["clip"])
    assert not at.exception and "safetensors" in at.error[0].value


class TestFromThePage:
    @pytest.fixture
    def made(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        begun: list[Any] = []
        monkeypatch.setattr(Making, "begin", begun.append)
        return begun

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        monkeypatch.setenv("FLUOROSCOPE_DATA", str(folder))
        return folder

    def press(self, at: AppTest, word: str) -> AppTest:
        return next(button for button in at.button if button.label == word).click().run()

    def test_a_file_below_the_roots(self, real: Path, root: Path, made: list[Any]) -> None:
        np.save(root / "My vectors.npy", np.eye(14))
        (root / "names.txt").write_text("a\nb")
        at = opened("similarity")
        assert at.selectbox(key="embeddings-file").options == ["data/My vectors.npy"]
        at.selectbox(key=f"embeddings-labels-{root / 'My vectors.npy'}").set_value("nih").run()
        self.press(at, "Import")
        assert not at.exception
        assert made == [VectorImportConfig(path=str(root / "My vectors.npy"), name="my-vectors", labels="nih")]

    def test_an_empty_root_says_what_to_do(self, real: Path, root: Path) -> None:
        at = opened("similarity")
        assert "scripts\\.embeddings import" in texts(at) or "scripts.embeddings import" in texts(at)

    def test_a_link_out_of_the_roots_is_not_offered(self, real: Path, root: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "secret.npy", np.eye(2))
        (root / "link.npy").symlink_to(tmp_path / "secret.npy")
        at = opened("similarity")
        assert not [box for box in at.selectbox if box.key == "embeddings-file"]

    def test_the_module_is_trained_with_the_chosen_settings(self, real: Path, root: Path, made: list[Any]) -> None:
        at = opened("similarity")
        at.selectbox(key="orthogonalise-source").set_value("biomedclip").run()
        at.selectbox(key="orthogonalise-biomedclip.form").set_value("absolute").run()
        self.press(at, "Train")
        assert not at.exception
        assert made == [OrthogonaliseConfig(source="biomedclip", name="biomedclip-orthogonal", form="absolute")]

    def test_a_refusal_is_a_sentence(self, real: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(settings: object) -> None:
            raise InputError("There is one <b>already</b>.")

        monkeypatch.setattr(Making, "begin", refuse)
        at = self.press(opened("similarity"), "Train")
        assert not at.exception and "already" in at.error[0].value and "\\<b\\>" in at.error[0].value

    def test_what_failed_is_shown(self, real: Path, root: Path, tmp_path: Path) -> None:
        job = Making.create(VectorImportConfig(path=str(tmp_path / "x.npy"), name="failed"))
        (job.folder / "exit.json").write_text('{"code": 1}')
        job.fail(InputError("There is no such file."))
        at = opened("similarity")
        assert not at.exception and "no such file" in at.error[0].value
        assert {"Start again", "Discard"} <= {button.label for button in at.button}
