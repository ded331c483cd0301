"""Any table: labels of every form, one report of all that is wrong, and the real case notes."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config.importing import ImportConfig, MappingConfig
from core.errors import StudyError
from core.studies.folder import MISSING, OUTSIDE, UNNAMED, Folder
from core.studies.importing import import_study
from core.studies.listing import Listing
from core.studies.mapping import open_table, tables_in
from core.studies.sources.table import proposed, read
from core.studies.study import study_names
from tests.studies.sources.small_folders import labels, listed

NAN = float("nan")


def folder_with(folder: Path, columns: dict[str, Sequence[Any]], name: str = "t.csv") -> Path:
    """A table, and a picture of its own under each name of its first column that has one."""
    table = pd.DataFrame(columns)
    folder.mkdir(exist_ok=True)
    (folder / name).parent.mkdir(exist_ok=True)
    table.to_csv(folder / name, index=False)
    draw(folder, [one for one in table.iloc[:, 0].dropna() if one.endswith(".png") and ".." not in one])
    return folder


def draw(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(zlib.crc32(name.encode())).integers(0, 256, (16, 16), np.uint8)
        Image.fromarray(noise).save(folder / name)


def mapped(folder: Path, **mapping: Any) -> Listing:
    return read(ImportConfig(source="table", path="x", name="x", mapping=MappingConfig(**mapping)), Folder.read(folder))


def report(folder: Path, **mapping: Any) -> list[str]:
    with pytest.raises(StudyError) as error:
        mapped(folder, **mapping)
    assert str(folder) not in str(error.value)
    return str(error.value).splitlines()


def test_a_small_table(tmp_path: Path) -> None:
    folder_with(
        tmp_path,
        {
            "image": ["a.png", "b.png", None, "c.png", "x.png"],
            "patient": ["12", "12", "7", "7", "8"],
            "report": [" no change at all ", "", "x", None, "y"],
            "split": ["train", "Validation", "test", "TEST", ""],
            "age": ["058Y", "7,5", "x", "130", "1"],
            "sex": ["f", "Male", "?", None, "M"],
            "view": ["PA", "", "AP", "L", "L"],
            "Mass": ["1", "-1", "0", None, "0"],
            "Edema": ["yes", "No", "maybe", "unknown", "absent"],
            "Nodule": ["1.0", "0.0", "-1.0", "", "1.0"],
        },
    )
    (tmp_path / "x.png").unlink()
    found = listed("table", tmp_path)
    table = found.samples
    assert found.findings == ("Mass", "Edema", "Nodule") and found.title == "Table of 3 radiographs"
    assert table["file"].tolist() == ["a.png", "b.png", "c.png"] and table["row"].tolist() == [2, 3, 5]
    assert table["patient"].tolist() == ["12", "12", "7"] and table["split"].tolist() == ["train", "val", "test"]
    assert table["text"].tolist() == ["no change at all ", None, None] and table["view"].tolist() == ["PA", None, "L"]
    assert table["age"].fillna(-1).tolist() == [58, 7.5, -1] and table["sex"].tolist() == ["F", "M", None]
    assert labels(found, "Mass") == ["1", "-1", "nan"]
    assert labels(found, "Edema") == ["1", "0", "nan"]
    assert labels(found, "Nodule") == ["1", "0", "nan"]
    assert found.set_aside.to_dict("list") == {"row": [4, 6], "file": ["", "x.png"], "reason": [UNNAMED, MISSING]}


def named(folder: Path, cells: Sequence[str | None], **mapping: Any) -> dict[str, list[str]]:
    files = [f"{at}.png" for at in range(len(cells))]
    folder_with(folder, {"image": files, "patient": [f"p{at}" for at in range(len(cells))], "finding": cells})
    found = mapped(folder, **mapping)
    return {name: labels(found, name) for name in found.findings}


def test_one_column_that_names_findings(tmp_path: Path) -> None:
    """A finding that is not named is absent, unless the cell says nothing; capitals make no other finding."""
    nothing = [None, "unknown", "None", "none", "todo"]
    cells = ["Mass; effusion", "Effusion", "No Finding", "normal", *nothing, "mass;", ";"]
    assert named(tmp_path, cells) == {
        "Mass": ["1", "0", "0", "0", *["nan"] * 5, "1", "nan"],
        "effusion": ["1", "1", "0", "0", *["nan"] * 5, "0", "nan"],
    }


def test_a_list_as_python_writes_it(tmp_path: Path) -> None:
    cells = ["['pleural effusion', 'mass']", "['mass']", "[]"]
    assert named(tmp_path, cells, image="image", findings=("finding",), separator=",") == {
        "mass": ["1", "1", "nan"],
        "pleural effusion": ["1", "0", "nan"],
    }


@pytest.mark.parametrize("missing", [None, "unknown", "?"])
def test_one_column_of_labels(tmp_path: Path, missing: str | None) -> None:
    assert named(tmp_path, ["1", "0", missing, "-1"]) == {"finding": ["1", "0", "nan", "-1"]}
    assert named(tmp_path, ["Pneumonia", missing, missing, missing]) == {"Pneumonia": ["1", "nan", "nan", "nan"]}


def test_too_many_names(tmp_path: Path) -> None:
    folder_with(tmp_path, {"image": ["a.png", "b.png"], "finding": ["|".join(f"f{n}" for n in range(65)), "f1,f2"]})
    lines = report(tmp_path, image="image", findings=("finding",))
    assert lines[1].startswith("- column 'finding' names 66 different findings: at most 64") and "'|'" in lines[1]


def test_what_the_user_says_wins() -> None:
    found = MappingConfig(image="a", text="t", findings=("x",), separator=";")
    assert proposed(MappingConfig(), found) == found
    assert proposed(MappingConfig(text="u", keep=("k",)), found) == found.replace(text="u", keep=("k",))
    assert proposed(MappingConfig(separator="/"), found).separator == "/"
    assert proposed(MappingConfig(findings=("y", "z")), found) == found.replace(findings=("y", "z"), separator="|")


def test_columns_of_our_own_names(tmp_path: Path) -> None:
    """A table may well call its columns file, row, id and reason."""
    folder_with(
        tmp_path,
        {"file": ["a.png", "gone", "b.png"], "row": list("xyz"), "patient": list("ppq"), "reason": ["r r r r r"] * 3},
    )
    found = mapped(tmp_path, image="file", text="reason", patient="row.1", keep=("patient ",)[:0])
    assert found.samples["file"].tolist() == ["a.png", "b.png"] and found.samples["row"].tolist() == [2, 4]
    assert found.samples["patient"].tolist() == ["x", "z"] and found.samples["text"].tolist() == ["r r r r r"] * 2
    assert found.set_aside.to_dict("list") == {"row": [3], "file": ["gone"], "reason": [MISSING]}
    with pytest.raises(StudyError, match=r"Columns \['patient'\] cannot be kept under these names"):
        mapped(tmp_path, image="file", keep=("patient", "reason"))


def test_kept_columns(tmp_path: Path) -> None:
    folder_with(tmp_path, {"image": ["a.png", "b.png"], "site": ["<b>x</b>", None], "n": [12, 3]})
    found = mapped(tmp_path, image="image", keep=("site", "n")).samples
    assert found["site"].tolist() == ["<b>x</b>", None] and found["n"].tolist() == ["12", "3"]


def test_paths_relative_to_the_table(tmp_path: Path) -> None:
    folder_with(tmp_path, {"image": ["../images/a.png", "../../b.png"]}, "csv/t.csv")
    draw(tmp_path, ["images/a.png"])
    found = mapped(tmp_path)
    assert found.samples["file"].tolist() == ["images/a.png"] and found.set_aside["reason"].tolist() == [OUTSIDE]


def test_one_report_of_everything(tmp_path: Path) -> None:
    folder_with(
        tmp_path,
        {
            "image": ["a.png", "a.png", "b.png", "b.png"],
            "patient": ["Miller"] * 4,
            "split": ["train", "holiday", "test", "Miller"],
            "Mass": ["1", "Miller", "0", "2"],
            "Edema": ["0", "0", "0.5", "0"],
        },
    )
    mapping = dict(image="image", patient="patient", split="split", findings=("Mass", "Edema"))
    lines = report(tmp_path, **mapping)
    assert lines[0] == "4 problems in the table; nothing was imported."
    assert lines[1] == "- 2 pictures are named twice (rows 3, 5): keep one row of each."
    assert lines[2].startswith("- 2 splits in column 'split' are not known (rows 3, 5): write dev, eval, ")
    assert lines[3].startswith("- 2 cells of finding 'Mass' are no labels (rows 3, 5): write 1, 0, -1")
    assert lines[4].startswith("- 1 cells of finding 'Edema' are no labels (rows 4): ")
    assert not any("Miller" in line for line in lines)
    assert report(tmp_path, image="imag", text="x", findings=("Mass",)) == [
        "One problem in the table; nothing was imported.",
        "- the table lacks the columns ['imag', 'x']: it has image, patient, split, Mass, Edema.",
    ]


def test_a_slip_of_the_pen_does_not_lose_a_finding(tmp_path: Path) -> None:
    names = [f"{at}.png" for at in range(30)]
    draw(tmp_path, names)
    cells = [str(at % 2) for at in range(30)]
    cells[7] = "l"
    folder_with(tmp_path, {"image": names, "patient": range(30), "Edema": ["0", "1"] * 15, "Mass": cells})
    told = report(tmp_path)
    assert len(told) == 2 and "1 cells of finding 'Mass' are no labels" in told[1] and "(rows 9)" in told[1]


def test_no_picture_at_all(tmp_path: Path) -> None:
    folder_with(tmp_path, {"image": ["a", "b"], "note": ["x", "y"]})
    (line,) = report(tmp_path)[1:]
    assert line.startswith("- none of the 2 pictures named in it is in the folder (rows 2, 3): put the pictures")
    folder_with(tmp_path, {"what": ["a", "b"], "note": ["x", "y"]})
    (line,) = report(tmp_path)[1:]
    assert line.startswith("- no column names files of this folder: say which one does (`--mapping.image`); there ")
    assert line.endswith("are 'what', 'note'.")
    (tmp_path / "t.csv").write_text("image,note\n")
    assert report(tmp_path)[1:] == ["- the table has a header but no rows: export it again."]


def test_notes_say_what_was_read(tmp_path: Path) -> None:
    folder_with(tmp_path, {"image": ["a.png", "b.png"], "MRN": ["1", "2"]})
    assert mapped(tmp_path).notes == [
        "Columns: image from 'image', patient from 'MRN'; findings from none.",
        "There are no findings: nothing can be classified, retrieval and the modality gap can be measured.",
        "There is no text: text for training is made from the findings.",
    ]


def test_which_table(tmp_path: Path) -> None:
    def add(*names: str) -> Folder:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("a,b\n1,2\n")
        return Folder.read(tmp_path)

    with pytest.raises(StudyError, match=r"holds no table \(\.csv"):
        open_table(add("x.png"))
    assert open_table(add("sub/reports.txt"))[0] == "sub/reports.txt"
    with pytest.raises(StudyError, match=r"several tables.*: 2 text files"):
        open_table(add("sub/miller.txt"))
    assert open_table(add("sub/t.csv", "README.txt", "~$t.xlsx", "._t.csv"))[0] == "sub/t.csv"
    assert open_table(add("u.tsv"))[0] == "u.tsv"
    with pytest.raises(StudyError, match=re.escape("(`--mapping.table`): u.tsv, v.CSV.gz.")):
        open_table(add("v.CSV.gz"))
    folder = add()
    assert tables_in(folder)[:3] == ["u.tsv", "v.CSV.gz", "sub/t.csv"]
    assert open_table(folder, "sub/t.csv")[0] == "sub/t.csv"
    for wrong in ("../t.csv", "t.csv", "~$t.xlsx"):
        with pytest.raises(StudyError, match=r"there are: u.tsv, v.CSV.gz, sub/t.csv, 3 text files\.") as error:
            open_table(folder, wrong)
        assert "miller" not in str(error.value)


@pytest.mark.usefixtures("workspace")
class TestImport:
    def config(self, folder: Path, **settings: Any) -> ImportConfig:
        return ImportConfig(source="table", path=str(folder), name="x", size=32, **settings)

    def test_patients_are_asked_for(self, tmp_path: Path) -> None:
        names = [f"{at}.png" for at in range(6)]
        folder = folder_with(tmp_path / "set", {"image": names, "note": [f"a b c {name}" for name in names]})
        with pytest.raises(StudyError, match=r"6 of 6 radiographs have no patient \(rows 2, 3, 4, 5, 6 …\)") as error:
            import_study(self.config(folder))
        assert "--mapping.patient" in str(error.value) and "--patients each-image" in str(error.value)
        assert study_names() == []
        study = import_study(self.config(folder, patients="each-image"))
        assert study.manifest["patients"] == 6 and study.findings == () and study.has_text

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
    def test_numbers_of_patients_stay_whole(self, tmp_path: Path, kind: str) -> None:
        """12 of one row and 12.0 of a column with gaps are one patient."""
        names = [f"{at}.png" for at in range(6)]
        table = pd.DataFrame({"image": names, "patient": [12, 12, 12, 13, None, 14], "Mass": [1, 0, None, -1, 1, 0]})
        folder = folder_with(tmp_path / "set", {"image": names})
        (folder / "t.csv").unlink()
        whole = table.astype({"patient": "Int64", "Mass": "Int64"}) if kind == "csv" else table
        {"csv": whole.to_csv, "xlsx": table.to_excel, "parquet": table.to_parquet}[kind](folder / f"t.{kind}")
        found = read(self.config(folder), Folder.read(folder))
        assert found.samples["patient"].tolist() == ["12", "12", "12", "13", None, "14"]
        assert found.samples["row"].tolist() == [2, 3, 4, 5, 6, 7]
        assert labels(found, "Mass") == ["1", "0", "nan", "-1", "1", "0"]
        with pytest.raises(StudyError, match=r"1 of 6 radiographs have no patient \(rows 6 …\)"):
            import_study(self.config(folder))
        study = import_study(self.config(folder, patients="each-image"))
        assert study.manifest["patients"] == 4 and sum(study.manifest["splits"].values()) == 6

    def test_the_real_case_notes(self, real_data: Path) -> None:
        study = import_study(self.config(real_data / "case_notes"))
        assert study.findings == ("ARDS", "COVID-19", "Pneumocystis", "Streptococcus")
        assert len(study) == 17 and study.manifest["patients"] == 13 and study.manifest["set_aside"] == {}
        assert study.labels.sum(0).tolist() == [3, 6, 2, 6] and (study.labels.sum(1) == 1).all()
        assert study.samples["sex"].fillna("").value_counts().to_dict() == {"F": 8, "M": 5, "": 4}
        assert study.samples["text"].str.startswith("Productive cough with a sore throat for 1 week").sum() == 1
        assert {"PA", "L"} == set(study.samples["view"]) and study.samples["age"].max() == 75
        assert not study.samples["patient"].isin(["21", "31"]).any() and study.images.shape == (17, 32, 32)
        assert not math.isnan(float(study.images.std())) and study.images.std() > 10
