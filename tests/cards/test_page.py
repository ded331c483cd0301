"""Model folders in the Train view: a run is packed from its card; a folder is chosen, shown and judged."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from core import first_light
from core.cards.folder import MANIFEST, MOST_BYTES
from core.runs import Run, list_runs
from dashboard import card_download
from tests.cards.changing import restamp, text
from tests.finished import Finished
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts

HOSTILE = "# <script>alert(1)</script> ![](http://example.invalid/x.png) **bold**"


@pytest.fixture
def data(tmp_path: Path, exported: dict, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configured root with one model folder in it, whose card holds markup."""
    monkeypatch.setattr(first_light, "begin", lambda: None)
    monkeypatch.setenv("FLUOROSCOPE_DATA", str(tmp_path / "data"))
    folder = Path(shutil.copytree(exported["linear"], tmp_path / "data" / "brought"))
    text("README.md", HOSTILE)(folder)
    restamp(folder)
    return folder


def page() -> object:
    return opened("train", **{"train-mode": "judge", "judge-what": "folder"})


def test_a_folder_is_shown_letter_by_letter_and_judged(
    workspace: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    at = page()
    assert not at.exception and not at.error
    assert [box.options for box in at.selectbox if box.key == "judge-folder"] == [["data/brought"]]
    assert HOSTILE in [code.value for code in at.code]
    assert HOSTILE not in texts(at) and "It is not known which patients" in texts(at)
    assert str(data) not in str(at.query_params)
    assert not (workspace / "models").exists(), "looking at it brings nothing"
    monkeypatch.setattr(Run, "start", lambda self, stage=None: None)
    next(button for button in at.button if button.label == "Launch").click().run()
    assert not at.exception and not at.error
    (run,) = list_runs()
    assert run.config.start_from == f"model:{next((workspace / 'models').iterdir()).name}"
    assert run.config.study == "other" and run.config.losses == ()


def test_a_folder_that_is_wrong_says_so(workspace: Path, data: Path) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    (data / "labels.json").write_text('["<b>x</b>", "<b>x</b>"]')
    restamp(data)
    at = page()
    assert not at.exception
    assert "labels\\.json holds" in at.error[0].value and "<b>" not in at.error[0].value.replace("\\<b\\>", "")
    assert next(button for button in at.button if button.label == "Launch").disabled


def test_a_folder_that_changes_before_it_is_launched_is_not_taken(
    workspace: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_study("other", counts=(0, 0, 6), seed=5)
    at = page()
    from dashboard import cached

    shown = cached.model(data)
    text("README.md", "something else")(data)
    restamp(data)
    monkeypatch.setattr(cached, "model", lambda path: shown)  # the page was drawn before
    next(button for button in at.button if button.label == "Launch").click().run()
    assert "changed since this page was drawn" in at.error[0].value
    assert not list_runs() and not list((workspace / "models").iterdir())


def test_without_a_folder_the_page_says_where_it_looks(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_light, "begin", lambda: None)
    monkeypatch.setenv("FLUOROSCOPE_DATA", str(tmp_path / "empty"))
    tiny_study("other", counts=(0, 0, 6), seed=5)
    at = page()
    assert not at.exception and "where there is none" in at.info[0].value


def test_a_run_is_packed_from_its_card(finished: Finished, exported: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_light, "begin", lambda: None)
    run = Run.load(finished.runs["linear"])
    at = opened("train")
    labels = [element.proto.label for element in at.get("download_button")]
    assert "Model folder" in labels
    with card_download._packed(run) as stream, zipfile.ZipFile(stream) as packed:
        assert {Path(name).name for name in packed.namelist()} == {*MOST_BYTES, MANIFEST}
        inside = packed.read(f"{card_download._name(run)}/{MANIFEST}")
    assert inside == (exported["linear"] / MANIFEST).read_bytes()
    monkeypatch.setattr(card_download, "MOST", 1000)
    at = opened("train")
    assert not at.get("download_button")
    assert f"python -m scripts.card {run.id[:8]} --out DIR" in [code.value for code in at.code]
