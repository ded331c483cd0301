"""NIH ChestX-ray14 in its own layout: all that can be wrong with a folder of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import ConfigError, StudyError
from core.studies.study import Study, study_names
from core.studies.vocabulary import NIH_FINDINGS
from core.workspace import salted
from tests.studies.nih_copies import a_copy, id_of, imported, rows_of, write_table


@pytest.mark.usefixtures("workspace", "quick_disk")
class TestDamaged:
    @pytest.fixture
    def folder(self, real_data: Path, tmp_path: Path) -> Path:
        return a_copy(real_data, tmp_path / "nih")

    def edit(self, folder: Path, row: int, **values: str) -> dict[str, str]:
        rows = rows_of(folder)
        rows[row].update({name.replace("_", " "): value for name, value in values.items()})
        write_table(folder, rows)
        return rows[row]

    def image(self, folder: Path, row: int) -> Path:
        return folder / "images_001/images" / rows_of(folder)[row]["Image Index"]

    def imported(self, folder: Path, name: str = "x") -> Study:
        return imported(folder, name)

    def aside(self, study: Study) -> list[tuple[int, str]]:
        """Rows that were set aside, and why."""
        return list(study.set_aside[["row", "reason"]].itertuples(index=False, name=None))

    def test_whole(self, folder: Path) -> None:
        study = self.imported(folder)
        assert len(study) == 40 and study.set_aside.empty and study.manifest["set_aside"] == {}
        assert all(study.manifest["splits"].values())

    @pytest.mark.parametrize("damage", ["empty", "html", "cut"])
    def test_a_corrupt_picture_is_set_aside(self, folder: Path, workspace: Path, damage: str) -> None:
        path = self.image(folder, 7)
        content = {"empty": b"", "html": b"<html></html>", "cut": path.read_bytes()[:800]}[damage]
        path.write_bytes(content)
        study = self.imported(folder)
        assert len(study) == 39
        (aside,) = study.set_aside.to_dict("records")
        assert aside["row"] == 9 and aside["file"] == id_of(rows_of(folder)[7])  # line 1 is the header
        assert "not a picture" in aside["reason"] and study.manifest["set_aside"] == {aside["reason"]: 1}
        found = np.load(workspace / "studies/x/images.npy", mmap_mode="r", allow_pickle=False)
        assert found.shape == (39, 16, 16)
        order = [39 if n == 7 else n for n in range(39)]  # the last picture fills the gap
        assert study.samples["id"].tolist() == [id_of(rows_of(folder)[n]) for n in order]
        whole = a_fresh_array(folder, order)
        assert np.array_equal(found, whole)

    def test_missing_and_unlisted_pictures(self, folder: Path) -> None:
        self.image(folder, 3).unlink()
        unlisted = self.image(folder, 5).name
        for part in ("train_val_list.txt", "test_list.txt"):
            path = folder / part
            path.write_text(path.read_text().replace(unlisted, ""))
        study = self.imported(folder)
        assert self.aside(study) == [
            (5, "no picture of that name"),
            (7, "in neither train_val_list.txt nor test_list.txt"),
        ]
        assert study.set_aside["file"].tolist() == salted([rows_of(folder)[n]["Image Index"] for n in (3, 5)], "r")
        assert len(study) == 38

    def test_a_patient_in_both_lists(self, folder: Path) -> None:
        listed = (folder / "test_list.txt").read_text().split()
        test = next(n for n, row in enumerate(rows_of(folder)) if row["Image Index"] in listed)
        other = next(row["Patient ID"] for row in rows_of(folder) if row["Image Index"] not in listed)
        self.edit(folder, test, Patient_ID=other)
        with pytest.raises(StudyError, match=r"1 patients lie in more than one split") as error:
            self.imported(folder)
        assert salted([other], "p")[0] in str(error.value)
        assert not re.search(rf"\b0*{other}\b", str(error.value).replace("1 patients", ""))
        assert study_names() == []

    def test_a_file_in_both_lists(self, folder: Path) -> None:
        path = folder / "test_list.txt"
        path.write_text(path.read_text() + "\n" + (folder / "train_val_list.txt").read_text().split()[0])
        with pytest.raises(StudyError, match="1 file names stand in both lists"):
            self.imported(folder)

    def test_an_unknown_finding(self, folder: Path) -> None:
        self.edit(folder, 2, Finding_Labels="Mass|Pneumonitis")
        with pytest.raises(StudyError, match=r"1 unknown findings \['Pneumonitis'\] \(rows 4\): known are Atelectasis"):
            self.imported(folder)

    @pytest.mark.parametrize("column", ["Finding Labels", "Patient ID", "View Position"])
    def test_a_missing_column(self, folder: Path, column: str) -> None:
        write_table(folder, [{k: v for k, v in row.items() if k != column} for row in rows_of(folder)])
        with pytest.raises(StudyError, match=rf"lacks the columns \['{column}'\]; it has \['Image Index'"):
            self.imported(folder)

    def test_extra_columns_and_a_byte_order_mark(self, folder: Path) -> None:
        plain = self.imported(folder)
        write_table(folder, [{**row, "Note": "x"} for row in rows_of(folder)], encoding="utf-8-sig")
        for part in ("train_val_list.txt", "test_list.txt"):
            (folder / part).write_text((folder / part).read_text().replace("\n", "\r\n"), encoding="utf-8-sig")
        assert self.imported(folder, "y").fingerprint == plain.fingerprint

    def test_a_file_named_twice(self, folder: Path) -> None:
        self.edit(folder, 1, Image_Index=rows_of(folder)[0]["Image Index"])
        with pytest.raises(StudyError, match=r"1 files are named twice \(rows 3\)"):
            self.imported(folder)

    @pytest.mark.parametrize(
        "content", [b"", b"\n\n", b"\xff\xfe\x00bad", b'Image Index,"x\n1,2\n', b"a,b\n1,2\n1,2,3\n"]
    )
    def test_not_a_table(self, folder: Path, content: bytes) -> None:
        (folder / "Data_Entry_2017_v2020.csv").write_bytes(content)
        with pytest.raises(StudyError, match=r"The table (\(\.csv\) cannot be read|lacks the columns)"):
            self.imported(folder)

    def test_a_link_out_of_the_folder_is_not_followed(self, folder: Path, tmp_path: Path) -> None:
        path = self.image(folder, 4)
        outside = tmp_path / "outside.png"
        shutil.move(path, outside)
        path.symlink_to(outside)
        study = self.imported(folder)
        assert self.aside(study) == [(6, "no picture of that name")]

    @pytest.mark.parametrize("name", ["../../outside.png", "/etc/passwd", "images_001/images/x.png"])
    def test_a_name_that_is_a_path(self, folder: Path, name: str) -> None:
        before = self.edit(folder, 4)["Image Index"]
        self.edit(folder, 4, Image_Index=name)
        path = folder / "train_val_list.txt"
        path.write_text(path.read_text().replace(before, name) + f"\n{name}")
        assert self.aside(self.imported(folder)) == [(6, "no picture of that name")]

    def test_one_picture_in_two_splits(self, folder: Path) -> None:
        listed = (folder / "test_list.txt").read_text().split()
        test = next(n for n, row in enumerate(rows_of(folder)) if row["Image Index"] in listed)
        other = next(n for n, row in enumerate(rows_of(folder)) if row["Image Index"] not in listed)
        shutil.copy(self.image(folder, other), self.image(folder, test))
        with pytest.raises(StudyError, match="2 radiographs have the same pixels") as error:
            self.imported(folder)
        assert id_of(rows_of(folder)[test]) in str(error.value)

    def test_what_is_not_known_stays_unknown(self, folder: Path) -> None:
        self.edit(folder, 0, Finding_Labels="", Patient_Age="412", Patient_Gender="", View_Position="LL")
        self.edit(folder, 1, Finding_Labels="No Finding", Patient_Age="058Y")
        self.edit(folder, 2, Finding_Labels="Mass| Nodule", Patient_Age="006M")
        self.edit(folder, 3, Patient_Age="")
        self.edit(folder, 4, Patient_Age="about 40")
        study = self.imported(folder)
        assert np.isnan(study.labels[0]).all()
        assert not study.labels[1].any()
        assert study.labels[2].sum() == 2 and study.labels[2, NIH_FINDINGS.index("Nodule")] == 1
        ages = study.samples["age"]
        assert ages[[0, 3, 4]].isna().all() and ages[1] == 58 and ages[2] == 0.5
        assert study.samples[["sex", "view"]].iloc[0].isna().all()

    def test_a_row_without_a_patient(self, folder: Path) -> None:
        self.edit(folder, 6, Patient_ID="")
        assert self.aside(self.imported(folder)) == [(8, "no Patient ID")]
        assert len(imported(folder, "all", patients="each-image")) == 40

    def test_rows_without_a_file(self, folder: Path) -> None:
        for row in (6, 8):
            self.edit(folder, row, Image_Index="")
        assert self.imported(folder).set_aside["row"].tolist() == [8, 10]

    def test_a_failed_import_keeps_the_old_study(self, folder: Path, workspace: Path) -> None:
        before = self.imported(folder).fingerprint
        for path in (folder / "images_001/images").iterdir():
            path.write_bytes(b"")
        with pytest.raises(StudyError, match="None of the 40 radiographs can be read"):
            self.imported(folder)
        assert Study.load("x").fingerprint == before
        assert study_names() == ["x"]
        with pytest.raises(StudyError):
            self.imported(folder, "new")
        assert study_names() == ["x"]

    @pytest.mark.parametrize("part", ["Data_Entry_2017_v2020.csv", "images_001", "train_val_list.txt", "test_list.txt"])
    def test_a_part_is_missing(self, folder: Path, part: str) -> None:
        shutil.rmtree(folder / part) if part == "images_001" else (folder / part).unlink()
        with pytest.raises(StudyError, match=r"folder is not in NIH's layout: it lacks") as error:
            self.imported(folder)
        assert part.split("_v2020", maxsplit=1)[0].replace("images_001", "images_*") in str(error.value)

    def test_settings(self, folder: Path) -> None:
        for wrong in (0, -5, 100_000):
            with pytest.raises(ConfigError, match="size is"):
                imported(folder, size=wrong)
        for fraction in (-0.1, 1.0, 15, float("nan")):
            with pytest.raises(ConfigError, match="val_fraction is"):
                imported(folder, val_fraction=fraction)
        study = imported(folder, val_fraction=0)
        assert study.manifest["splits"]["val"] == 0 and study.manifest["splits"]["train"]

    def test_the_manifest_is_strict_json(self, folder: Path) -> None:
        study = self.imported(folder)
        json.loads((study.folder / "study.json").read_text(), parse_constant=pytest.fail)


def a_fresh_array(folder: Path, positions: list[int]) -> np.ndarray:
    """What the pictures of these rows are, read without the importer."""
    found = []
    for position in positions:
        with Image.open(folder / "images_001/images" / rows_of(folder)[position]["Image Index"]) as image:
            found.append(np.asarray(image.convert("L").resize((16, 16), Image.Resampling.BICUBIC)))
    return np.stack(found)
