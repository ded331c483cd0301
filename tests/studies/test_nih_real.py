"""NIH ChestX-ray14 in its own layout: 808 real radiographs, looked at from every side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.studies.study import Study
from core.studies.vocabulary import NIH_FINDINGS
from core.workspace import salted
from tests.studies.nih_copies import a_copy, id_of, imported, rows_of

SIZE = 64


class TestReal:
    """One import of all 808 radiographs, looked at from every side."""

    @pytest.fixture(scope="class")
    @staticmethod
    def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
        with pytest.MonkeyPatch.context() as patch:
            folder = tmp_path_factory.mktemp("home")
            patch.setenv("FLUOROSCOPE_HOME", str(folder))
            yield folder

    @pytest.fixture(scope="class")
    @staticmethod
    def study(home: Path, real_data: Path) -> Study:
        assert home.is_dir()
        return imported(real_data / "nih_small", "nih", size=SIZE)

    def test_all_of_it_is_there(self, study: Study) -> None:
        assert len(study) == 808 and study.images.shape == (808, SIZE, SIZE)
        assert study.samples["patient"].nunique() == study.manifest["patients"] == 212
        assert study.manifest["set_aside"] == {} and study.boxes.empty
        assert study.findings == NIH_FINDINGS and not study.synthetic and not study.has_text

    def test_labels_against_the_table(self, study: Study, real_data: Path) -> None:
        rows = rows_of(real_data / "nih_small")
        for row, labels in zip(rows, study.labels, strict=True):  # all rows have a picture: the order is the table's
            named = set(row["Finding Labels"].split("|")) - {"No Finding"}
            assert {name for name, label in zip(NIH_FINDINGS, labels, strict=True) if label == 1} == named
            assert not np.isnan(labels).any()

    def test_ids_age_sex_and_view_against_the_table(self, study: Study, real_data: Path) -> None:
        for row, sample in zip(rows_of(real_data / "nih_small"), study.samples.to_dict("records"), strict=True):
            assert sample["id"] == id_of(row)
            assert sample["patient"] == salted([row["Patient ID"]], "p")[0]
            assert (sample["sex"], sample["view"]) == (row["Patient Gender"], row["View Position"])
            assert sample["age"] == float(row["Patient Age"]) <= 120
            assert sample["text"] is None

    def test_pixels_against_the_files(self, study: Study, real_data: Path) -> None:
        rows = rows_of(real_data / "nih_small")
        for position in (0, 1, 255, 256, 257, 511, 512, 807):  # also where one batch of the reader ends
            with Image.open(real_data / "nih_small/images_001/images" / rows[position]["Image Index"]) as image:
                assert np.array_equal(study.images[position], np.asarray(image.convert("L")))

    def test_splits(self, study: Study, real_data: Path) -> None:
        folder = real_data / "nih_small"
        official = set((folder / "test_list.txt").read_text().split())
        named = np.array([row["Image Index"] for row in rows_of(folder)])
        split = study.samples["split"].to_numpy()
        assert set(named[split == "test"]) == official
        patients = {part: set(study.samples["patient"][split == part]) for part in ("train", "val", "test")}
        assert not patients["train"] & patients["val"]
        assert not patients["test"] & (patients["train"] | patients["val"])
        share = (split == "val").sum() / (split != "test").sum()
        assert 0.15 <= share < 0.25

    def test_no_patient_number_or_file_name_is_kept(self, study: Study, real_data: Path) -> None:
        rows = rows_of(real_data / "nih_small")
        tables = study.samples.drop(columns=[*study.samples.filter(like="finding:"), "age", "row"])
        stored = set(map(str, tables.to_numpy().ravel()))
        text = (study.folder / "study.json").read_text()
        raw = (study.folder / "samples.parquet").read_bytes()
        for row in rows:
            file, patient = row["Image Index"], row["Patient ID"]
            assert not {file, file.removesuffix(".png"), patient, patient.zfill(8)} & stored
            assert file not in text and file.encode() not in raw and file[:8].encode() not in raw
        assert str(real_data) not in text and "nih_small" not in text
        assert tables["id"].str.fullmatch(r"r[0-9a-f]{16}").all()
        assert tables["patient"].str.fullmatch(r"p[0-9a-f]{16}").all()

    @pytest.mark.usefixtures("home")
    def test_the_same_import_gives_the_same_study(self, study: Study, real_data: Path) -> None:
        again = imported(real_data / "nih_small", "again", size=SIZE)
        assert again.fingerprint == study.fingerprint and again.split_hash == study.split_hash
        other = imported(real_data / "nih_small", "other", size=SIZE, seed=1)
        assert other.split_hash != study.split_hash
        test = study.samples["split"] == "test"
        assert ((other.samples["split"] == "test") == test).all()


def test_another_workspace_has_another_salt_but_the_same_validation_patients(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_copy(real_data, tmp_path / "nih", 60)
    made = []
    for name in ("one", "two"):
        monkeypatch.setenv("FLUOROSCOPE_HOME", str(tmp_path / name))
        made.append(imported(folder, val_fraction=0.3))
    assert not set(made[0].samples["patient"]) & set(made[1].samples["patient"])
    assert made[0].samples["split"].tolist() == made[1].samples["split"].tolist()
    assert (made[0].samples["split"] == "val").any()
