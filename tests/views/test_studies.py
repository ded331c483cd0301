"""The views Studies and Import: what they show, what they ask, and what stays out of the URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.runs import list_runs
from core.studies.imports import Import
from core.studies.study import Study
from tests.components import click, figures, plots
from tests.tiny import tiny_study
from tests.views.test_views import opened, texts

PARTS = {"Findings": 3, "People": 4, "Text": 2, "Radiographs": 0, "Set aside": 0, "Identity": 0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with three studies: findings and text, text alone, findings alone."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("FLUOROSCOPE_HOME", str(folder))
        tiny_study("whole", text=True, findings=("Mass", "Edema", "Lung Lesion"))
        tiny_study("captions", text=True, findings=())
        tiny_study("labels", findings=("Mass",))
        yield folder


@pytest.mark.usefixtures("home")
class TestStudies:
    @pytest.mark.parametrize("part", PARTS)
    def test_each_part(self, part: str) -> None:
        at = opened("studies", study="whole", part=part)
        assert not at.exception and not at.error
        assert len(figures(at)) == PARTS[part]
        assert all(plot["alt"].strip() for plot in plots(at))
        assert {metric.label: metric.value for metric in at.metric} == {
            "Radiographs": "64", "Patients": "32", "Train": "40", "Val": "12", "Test": "12", "Set aside": "0",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("study", "part", "words"),
        [("captions", "Findings", "no findings"), ("labels", "Text", "no text"), ("whole", "Set aside", "")],
    )
    def test_what_is_not_there_is_said(self, study: str, part: str, words: str) -> None:
        at = opened("studies", study=study, part=part)
        assert not at.exception and not figures(at)
        assert words in texts(at) and (at.info or at.success)

    def test_conditions_and_pages(self) -> None:
        study = Study.load("whole")
        at = opened("studies", study="whole", part="Radiographs")
        assert "**64** of 64 radiographs" in texts(at)
        at.multiselect[0].set_value(["finding:Mass", "split"]).run()
        mass = study.stated[:, 0] == 1
        assert f"**{mass.sum()}** of 64" in texts(at)
        at.multiselect[2].set_value(["test"]).run()
        both = mass & (study.samples["split"] == "test").to_numpy()
        assert f"**{both.sum()}** of 64" in texts(at)
        assert at.query_params["where-whole"] == ["finding:Mass", "split"]
        assert at.query_params["is-whole:split"] in ("test", ["test"])
        again = opened("studies", **{name: at.query_params[name] for name in at.query_params})
        assert f"**{both.sum()}** of 64" in texts(again), "the URL brings the view back"

    def test_a_condition_goes_with_its_column_and_stays_with_its_study(self) -> None:
        at = opened("studies", study="whole", part="Radiographs")
        at.multiselect[0].set_value(["split", "text"]).run()
        at.multiselect[1].set_value(["test"]).run()
        at.text_input[0].set_value("nobody").run()
        assert "is-whole:split" in at.query_params and "No radiograph fulfils all conditions" in texts(at)
        at.multiselect[0].set_value([]).run()
        assert "is-whole:split" not in at.query_params and "**64** of 64" in texts(at)
        at.multiselect[0].set_value(["split", "text"]).run()
        assert at.multiselect[1].value == [] and at.text_input[0].value == "" and "**64** of 64" in texts(at)
        at.multiselect[1].set_value(["test"]).run()
        assert "**12** of 64" in texts(at)
        at.selectbox[0].set_value("captions").run()
        assert at.multiselect[0].value == [] and "**64** of 64" in texts(at)

    def test_typed_words_stay_out_of_the_url(self) -> None:
        at = opened("studies", study="whole", part="Radiographs", **{"where-whole": ["text"]})
        at.text_input[0].set_value("Report 7: blobs").run()
        assert "**1** of 64" in texts(at)
        assert not any("blobs" in value for name in at.query_params for value in at.query_params[name])
        at.text_input[0].set_value("nobody").run()
        assert "No radiograph fulfils all conditions" in texts(at)

    def test_one_radiograph(self) -> None:
        at = opened("studies", study="whole", part="Radiographs")
        at.button[0].click().run()
        assert not at.exception
        shown = texts(at)
        assert "report 0: blobs" in shown.replace("\\", "") and "2 radiographs" in shown
        table = at.dataframe[0].value
        assert sorted(table["Finding"]) == ["Edema", "Lung lesion", "Mass"]

    def test_a_cell_leads_to_its_radiographs(self) -> None:
        study = Study.load("whole")
        at = click(opened("studies", study="whole"), 1, point=[0, 2])
        assert not at.exception
        both = ((study.stated[:, 0] == 1) & (study.stated[:, 2] == 1)).sum()
        assert f"**{both}** of 64" in texts(at)


@pytest.mark.usefixtures("home")
def test_a_run_that_cannot_work_is_refused_before_it_begins() -> None:
    at = opened("train", **{"train-study": "captions", "train-preset": "orthogonal"})
    next(button for button in at.button if button.label == "Launch").click().run()
    assert "has no findings" in texts(at) and "Presets that work on it" in texts(at)
    assert list_runs() == []


def a_folder(root: Path) -> Path:
    folder = root / "ward7"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for row in range(4):
        Image.fromarray(rng.integers(0, 256, (32, 32), dtype=np.uint8)).save(folder / f"{row}.png")
    table = {"file": [f"{row}.png" for row in range(4)], "patient_id": range(4), "report": ["a b c d e"] * 4}
    pd.DataFrame({**table, "Edema": [0, 1, -1, ""]}).to_csv(folder / "notes.csv", index=False)
    return folder


class TestImport:
    @pytest.fixture
    def at(self, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
        monkeypatch.setenv("FLUOROSCOPE_DATA", str(tmp_path / "data"))
        a_folder(tmp_path / "data")
        return opened("bring")

    def test_columns_are_proposed_and_the_process_is_started(
        self, at: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[str] = []
        monkeypatch.setattr(Import, "start", lambda job: started.append(job.id))
        assert not at.exception and not at.error
        chosen = {box.label: box.value for box in at.selectbox}
        assert chosen["Source"] == "table" and chosen["Folder"] == str(tmp_path / "data/ward7")
        assert (chosen["Image"], chosen["Patient"], chosen["Text"]) == ("file", "patient_id", "report")
        assert at.multiselect[0].value == ["Edema"]
        next(button for button in at.button if button.label == "Import").click().run()
        assert not at.exception and started == ["ward7"]
        config = Import.load("ward7").config
        assert config.mapping.findings == ("Edema",) and config.path == str(tmp_path / "data/ward7")
        assert not at.query_params or "ward7" not in str({name: at.query_params[name] for name in at.query_params})

    @pytest.mark.parametrize("path", ["/etc", "~", "/", "{root}/../", "{root}/out"])
    def test_folders_outside_are_refused(self, at: AppTest, tmp_path: Path, path: str) -> None:
        (tmp_path / "data/out").symlink_to("/etc")
        at.selectbox[0].set_value("another folder …").run()
        at.text_input[0].set_value(path.format(root=tmp_path / "data")).run()
        assert "lies outside the configured roots" in texts(at).replace("\\", "")
        assert next(button for button in at.button if button.label == "Import").disabled

    @pytest.mark.usefixtures("workspace")
    def test_without_a_folder_it_says_how_to_get_one(self) -> None:
        at = opened("bring")
        assert not at.exception and "FLUOROSCOPE_DATA" in texts(at)
