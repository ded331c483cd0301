"""RSNA pneumonia challenge: one row per picture, boxes as shares, patients by NIH where RSNA's list is there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.sources import rsna
from core.studies.study import PREFIX
from tests.studies.sources.small_folders import labels, listed, pictures, table_of

TABLE = "kaggle_stage_2_train_labels.csv.zip"


@pytest.fixture
def names() -> list[str]:
    return table_of(TABLE, 20)["patientId"].unique().tolist()


def test_the_packaged_tables(names: list[str], tmp_path: Path) -> None:
    """Worked by hand from the first lines: the fifth picture has two boxes in lines 6 and 7."""
    pictures(tmp_path, [f"stage_2_train_images/{name}.dcm" for name in names[:6]])
    found = listed("rsna", tmp_path)
    assert found.samples["row"].tolist() == [2, 3, 4, 5, 6, 8]
    assert labels(found, rsna.FINDING) == ["0", "0", "0", "0", "1", "0"]
    assert found.samples["patient"].tolist() == names[:6]
    assert len(found.set_aside) == 26_684 - 6 and found.set_aside["file"][0] == names[6]
    boxes = found.boxes[["x", "y", "width", "height"]].to_numpy() * 1024
    assert boxes.tolist() == [[264, 152, 213, 379], [562, 152, 256, 453]]
    assert found.boxes["file"].tolist() == [f"stage_2_train_images/{names[4]}.dcm"] * 2
    headers = table_of("kaggle_stage_2_train_images_dicom_headers.csv.gz").set_index("PatientID").loc[names[:6]]
    assert found.samples["age"].tolist() == headers["PatientAge"].astype(float).tolist()
    assert found.samples["sex"].tolist() == headers["PatientSex"].tolist()
    assert found.samples["view"].tolist() == headers["ViewPosition"].tolist()


def test_own_tables_win(names: list[str], tmp_path: Path) -> None:
    table = table_of(TABLE, 4).assign(Target=["1", "0", "0", "0"])
    table.to_csv(tmp_path / "stage_2_train_labels.csv", index=False)
    classes = pd.DataFrame(
        {"patientId": names[:3], "class": ["Lung Opacity", "Normal", "No Lung Opacity / Not Normal"]}
    )
    classes.to_csv(tmp_path / "stage_2_detailed_class_info.csv", index=False)
    pictures(tmp_path, [f"{name}.png" for name in names[:3]])
    (tmp_path / f"{names[0]}.txt").write_text("a label file beside the picture")
    found = listed("rsna", tmp_path)
    assert labels(found, rsna.FINDING) == ["1", "0", "0"]
    assert found.samples["class"].tolist() == classes["class"].tolist()
    assert found.set_aside["row"].tolist() == [5] and found.boxes.empty


def test_patients_by_nih(names: list[str], tmp_path: Path) -> None:
    pictures(tmp_path, [f"{name}.dcm" for name in names[:3]])
    mapping = [{"subset_img_id": name, "img_id": f"00000165_00{n}.png"} for n, name in enumerate(names[:2])]
    (tmp_path / rsna.MAPPING).write_text(json.dumps(mapping))
    assert listed("rsna", tmp_path).samples["patient"].tolist() == ["nih-00000165", "nih-00000165", names[2]]
    for wrong in ("{", "[1]", '[{"img_id": "x"}]', "3"):
        (tmp_path / rsna.MAPPING).write_text(wrong)
        with pytest.raises(StudyError, match=r"subset_img_id and img_id"):
            listed("rsna", tmp_path)


def test_errors_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"None of the 26684 pictures of RSNA.*stage_2_train_images"):
        listed("rsna", tmp_path)
    (tmp_path / "stage_2_train_labels.csv").write_text("patientId,Target\nx,1\n")
    with pytest.raises(StudyError, match=r"stage_2_train_labels.csv lacks the columns \['x', 'y', 'width', 'height'\]"):
        listed("rsna", tmp_path)


@pytest.mark.slow
def test_labels_agree_with_torchxrayvision(tmp_path: Path) -> None:
    from torchxrayvision.datasets import RSNA_Pneumonia_Dataset

    theirs = RSNA_Pneumonia_Dataset(str(tmp_path), views=["*"])
    folder = Folder(tmp_path, {f"{name}.dcm": (1, 1) for name in theirs.csv["patientId"]}, frozenset())
    ours = rsna.read(ImportConfig(source="rsna", path="x", name="x"), folder).samples.set_index("patient")
    mine = ours.loc[theirs.csv["patientId"]]
    assert len(ours) == 26_684 and (mine["view"].to_numpy() == theirs.csv["view"].to_numpy()).all()
    assert np.array_equal(theirs.labels[:, 0], mine[PREFIX + rsna.FINDING].to_numpy())
