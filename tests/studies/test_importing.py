"""Importing a folder: what did not change is not decoded again, and patients and pictures keep to one split."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.config.importing import ImportConfig, MappingConfig
from core.errors import ConfigError, Stopped, StudyError
from core.studies.importing import import_study
from core.studies.study import Study, study_names
from core.workspace import salted
from tests.studies.small import content, names_in, stopping
from tests.studies.small_table import ALL, COUNT, brought, draw, put, rows_of

pytestmark = pytest.mark.usefixtures("workspace", "quick_disk")


@pytest.fixture
def folder(squares_folder: Path) -> Path:
    return squares_folder


class TestAgain:
    def test_an_unchanged_folder(self, folder: Path, workspace: Path, decoded: list[str]) -> None:
        first = brought(folder)
        assert decoded == ALL and len(first) == COUNT
        before = (workspace / "studies/x/study.json").stat()
        decoded.clear()
        again = brought(folder)
        assert decoded == [] and again.manifest == first.manifest
        assert (workspace / "studies/x/study.json").stat() == before, "nothing is written"

    def test_an_unchanged_folder_elsewhere(self, folder: Path, decoded: list[str], tmp_path: Path) -> None:
        first = brought(folder)
        decoded.clear()
        shutil.move(folder, tmp_path / "moved")
        assert brought(tmp_path / "moved").manifest == first.manifest and decoded == []

    @pytest.mark.parametrize("change", ["touched", "changed", "added", "removed", "renamed", "label"])
    def test_only_the_difference_is_decoded(
        self, folder: Path, tmp_path: Path, decoded: list[str], change: str
    ) -> None:
        brought(folder)
        decoded.clear()
        wanted = self.changed(folder, change)
        after = brought(folder)
        assert decoded == wanted
        anew = brought(folder, name="anew")
        assert content(after.folder) == content(anew.folder) and after.fingerprint == anew.fingerprint

    def changed(self, folder: Path, change: str) -> list[str]:
        """Change the folder; which files are to be decoded then."""
        rows = rows_of()
        if change == "touched":
            draw(folder / "003.png", 15)  # the same picture, written anew
            return ["003.png"]
        if change == "changed":
            draw(folder / "003.png", 999)
            return ["003.png"]
        if change == "added":
            rows.insert(4, {**rows[-1], "file": "new.png"})
            draw(folder / "new.png", 999)
        elif change == "removed":
            del rows[4]
        elif change == "renamed":
            (folder / "004.png").rename(folder / "new.png")
            rows[4]["file"] = "new.png"
        else:
            rows[4]["Effusion"] = 1
        pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
        return ["new.png"] if change in ("added", "renamed") else []

    @pytest.mark.parametrize("settings", [{"size": 17}, {"fit": "pad"}])
    def test_another_form_decodes_all(self, folder: Path, decoded: list[str], settings: dict[str, Any]) -> None:
        brought(folder)
        decoded.clear()
        brought(folder, **settings)
        assert decoded == ALL

    @pytest.mark.parametrize("settings", [{"seed": 1}, {"uncertain": "S1"}, {"vocabulary": "chexpert"}])
    def test_other_settings_decode_nothing(self, folder: Path, decoded: list[str], settings: dict[str, Any]) -> None:
        first = brought(folder)
        decoded.clear()
        assert brought(folder, **settings).fingerprint != first.fingerprint and decoded == []

    def test_a_stop_and_then_another_folder(self, folder: Path, workspace: Path, decoded: list[str]) -> None:
        """The folder changes while the import rests: what it had decoded of the other files still counts."""
        with pytest.raises(Stopped):
            brought(folder, stopping(9))
        assert decoded == ALL[:9] and study_names() == []
        draw(folder / "004.png", 999)
        decoded.clear()
        for after in (9, 12):  # and it is stopped twice more
            with pytest.raises(Stopped):
                brought(folder, stopping(after))
        study = brought(folder)
        assert decoded == ["004.png", *ALL[9:]], "in all, each once"
        assert names_in(workspace / "studies") == [".x.lock", "x"]
        assert study.fingerprint == brought(folder, name="y").fingerprint

    def test_what_could_not_be_read_is_tried_again(self, folder: Path, decoded: list[str]) -> None:
        whole = (folder / "003.png").read_bytes()
        (folder / "003.png").write_bytes(whole[:50])
        study = brought(folder)
        assert len(study) == COUNT - 1 and study.set_aside["row"].tolist() == [5]
        assert study.set_aside["file"].tolist() == salted(["003.png"], "r")
        assert sorted(study.samples["row"]) == [n for n in range(2, COUNT + 2) if n != 5]
        decoded.clear()
        (folder / "003.png").write_bytes(whole)
        study = brought(folder)
        assert decoded == ["003.png"] and len(study) == COUNT
        assert study.samples["row"].tolist() == list(range(2, COUNT + 2))


class TestPictures:
    def test_against_the_files(self, folder: Path) -> None:
        (folder / "002.png").write_bytes(b"")
        study = brought(folder)
        names = dict(zip(salted(ALL, "r"), range(COUNT), strict=True))
        shades = [5 * names[one] for one in study.samples["id"]]
        assert study.images[:, 12, 12].tolist() == shades and 10 not in shades

    def test_no_name_is_kept(self, folder: Path) -> None:
        study = brought(folder)
        stored = b"".join(path.read_bytes() for path in study.folder.iterdir())
        assert b"secret-" not in stored and b"003.png" not in stored and str(folder).encode() not in stored


class TestVocabulary:
    def test_own_names(self, folder: Path) -> None:
        assert brought(folder).findings == ("Effusion", "Mass")

    def test_names_of_chexpert(self, folder: Path) -> None:
        own, study = brought(folder, name="own"), brought(folder, vocabulary="chexpert")
        assert study.findings == ("Pleural Effusion", "Mass")
        assert np.array_equal(study.stated, own.stated, equal_nan=True)
        assert any(
            "Findings are named as in CHEXPERT: Effusion is Pleural Effusion. Without counterpart there, under their "
            "own names: Mass." in note
            for note in study.manifest["notes"]
        )

    def test_two_that_mean_the_same(self, folder: Path) -> None:
        rows = [{**row, "Pleural Effusion": 1} for row in rows_of()]
        pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
        mapping = MappingConfig(image="file", patient="person", findings=("Effusion", "Pleural Effusion"))
        with pytest.raises(StudyError, match="Two findings of this source mean the same in the vocabulary 'nih'"):
            brought(folder, vocabulary="nih", mapping=mapping)

    def test_the_policy_is_noted_where_something_is_uncertain(self, folder: Path) -> None:
        notes = brought(folder, uncertain="S1").manifest["notes"]
        assert any(note.startswith("Policy S1: uncertain findings count as present for Atelect") for note in notes)
        certain = MappingConfig(image="file", patient="person", findings=("Effusion",))
        assert not any(note.startswith("Policy") for note in brought(folder, mapping=certain).manifest["notes"])


class TestPatients:
    def test_they_are_asked_for(self, folder: Path) -> None:
        rows = rows_of()
        rows[3]["person"], rows[7]["person"] = "", "  "
        put(folder, rows)
        with pytest.raises(StudyError, match=r"2 of 16 radiographs have no patient \(rows 5, 9 …\).*each-image"):
            brought(folder)
        assert study_names() == []
        study = brought(folder, patients="each-image")
        assert study.samples["patient"].nunique() == 10, "two more people than with names"
        assert any(note.startswith("Patients are not known") for note in study.manifest["notes"])

    def test_nobody_has_a_name(self, folder: Path) -> None:
        put(folder, [{key: value for key, value in row.items() if key != "person"} for row in rows_of()])
        with pytest.raises(StudyError, match=r"16 of 16 radiographs have no patient"):
            brought(folder)
        assert brought(folder, patients="each-image").manifest["patients"] == COUNT

    def test_one_in_two_given_splits(self, folder: Path, decoded: list[str]) -> None:
        put(folder, [{**row, "split": "train" if n < 9 else "test"} for n, row in enumerate(rows_of())])
        with pytest.raises(StudyError, match="1 patients lie in more than one split") as error:
            brought(folder)
        assert salted(["secret-4"], "p")[0] in str(error.value) and "secret" not in str(error.value)
        assert decoded == [], "that is found before anything is decoded"
        assert len(brought(folder, split="seeded")) == COUNT


class TestRefused:
    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(StudyError, match="no such folder"):
            import_study(ImportConfig(source="table", path=str(tmp_path / "none"), name="x"))

    @pytest.mark.parametrize("name", ["../x", "A", "", "x/y"])
    def test_names(self, folder: Path, workspace: Path, name: str) -> None:
        with pytest.raises(ConfigError, match="cannot name a study"):
            brought(folder, name=name)
        assert not workspace.exists()

    def test_every_picture_is_damaged(self, folder: Path) -> None:
        before = brought(folder).fingerprint
        for path in folder.glob("*.png"):
            path.write_bytes(b"<html>")
        with pytest.raises(StudyError, match=r"None of the 16 radiographs can be read \(row 2: not a picture"):
            brought(folder)
        assert Study.load("x").fingerprint == before
