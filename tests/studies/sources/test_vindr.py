"""VinDr-CXR: what most radiologists marked, in the challenge's table and in PhysioNet's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.sources import vindr
from core.studies.study import PREFIX
from tests.studies.sources.small_folders import labels, listed, pictures, table_of


def test_the_packaged_table_by_a_slow_count(tmp_path: Path) -> None:
    table = table_of("vinbigdata-train.csv.gz")
    names = table["image_id"].unique()[:20].tolist()
    pictures(tmp_path, [f"train/{name}{ending}" for name, ending in zip(names, [".dicom", ".DCM", ".png"] * 7)])  # noqa: B905
    found = listed("vindr", tmp_path)
    assert found.samples["row"].tolist()[:3] == [2, 3, 4]
    assert found.samples["file"].tolist()[:3] == [
        f"train/{names[0]}.dicom",
        f"train/{names[1]}.DCM",
        f"train/{names[2]}.png",
    ]
    assert len(found.set_aside) == 15_000 - 20
    assert set(found.samples["patient"]) == {""} and set(found.samples["split"]) == {""}
    assert found.findings == vindr.FINDINGS
    for at, name in enumerate(names):
        rows = table[table["image_id"] == name]
        for finding in found.findings:
            marked = len({row.rad_id for row in rows.itertuples() if row.class_name == finding})
            assert found.samples[PREFIX + finding][at] == [0, -1, 1, 1][marked], (name, finding)
    values = found.samples[[PREFIX + finding for finding in found.findings]]
    assert set(np.unique(values)) == {-1, 0, 1}


def test_two_boxes_of_one_radiologist_are_one_vote(tmp_path: Path) -> None:
    pictures(tmp_path, ["a.png", "b.png"])
    rows = ["a,Cardiomegaly,R1", "a,Cardiomegaly,R1", "a,No finding,R2", "a,No finding,R3", *["b,No finding,R1"] * 3]
    (tmp_path / "train.csv").write_text("image_id,class_name,rad_id\n" + "\n".join(rows))
    found = listed("vindr", tmp_path)
    assert labels(found, "Cardiomegaly") == ["-1", "0"] and labels(found, "Pneumothorax") == ["0", "0"]
    assert found.samples["row"].tolist() == [2, 6]


@pytest.fixture
def physionet(tmp_path: Path) -> Path:
    """Two training pictures by three radiologists, of whom one left a cell empty, and one test picture."""
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/image_labels_train.csv").write_text(
        "image_id,rad_id,Cardiomegaly,Tuberculosis,Other diseases,No finding\n"
        "t1,R1,1,0,0,0\nt1,R2,1,0,0,0\nt1,R3,0,1,0,0\n"
        "t2,R1,0,,1,0\nt2,R2,0,,1,0\nt2,R3,0,,1,0\n"
        "gone,R1,0,0,0,1\n"
    )
    (tmp_path / "annotations/image_labels_test.csv").write_text(
        "image_id,Cardiomegaly,Tuberculosis,Other disease,No finding\nv1,0,1,1,0\n"
    )
    pictures(tmp_path, ["train/t1.dicom", "train/t2.dicom", "test/v1.dicom"])
    return tmp_path


def test_physionet(physionet: Path) -> None:
    found = listed("vindr", physionet)
    assert found.findings == ("Cardiomegaly", "Tuberculosis", "Other diseases")
    assert found.samples["split"].tolist() == ["train+val", "train+val", "test"]
    assert labels(found, "Cardiomegaly") == ["1", "0", "0"]
    assert labels(found, "Tuberculosis") == ["-1", "nan", "1"]
    assert labels(found, "Other diseases") == ["0", "1", "1"]
    assert found.set_aside.values.tolist() == [[8, "gone", "no picture of that name"]]


def test_physionet_boxes_alone(physionet: Path) -> None:
    """Where only the tables of boxes are there: the test one has no radiologists, its marks are everybody's."""
    for name in ("train", "test"):
        (physionet / f"annotations/image_labels_{name}.csv").unlink()
    (physionet / "annotations/annotations_train.csv").write_text(
        "image_id,rad_id,class_name\nt1,R1,Rib fracture\nt1,R2,Rib fracture\nt1,R3,No finding\nt2,R1,No finding\n"
    )
    (physionet / "annotations/annotations_test.csv").write_text("image_id,class_name,x_min\nv1,Atelectasis,3\n")
    found = listed("vindr", physionet)
    assert found.samples["split"].tolist() == ["train+val", "train+val", "test"]
    assert labels(found, "Atelectasis") == ["0", "0", "1"]
    assert labels(found, "Rib fracture") == ["1", "0", "nan"]  # not one of the challenge's: the test table is silent


def test_part_of_it_is_no_split(physionet: Path) -> None:
    (physionet / "test/v1.dicom").unlink()
    assert set(listed("vindr", physionet).samples["split"]) == {""}


def test_errors_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"None of the 15000 pictures of VinDr-CXR.*named by image_id"):
        listed("vindr", tmp_path)
    (tmp_path / "train.csv").write_text("image,class_name\nx,y\n")
    with pytest.raises(StudyError, match=r"train.csv lacks the columns \['image_id'\]"):
        listed("vindr", tmp_path)
    (tmp_path / "train.csv").write_text("image_id,Edema\nx,y\n")
    with pytest.raises(StudyError, match=r"train.csv has 1 values under 'Edema'"):
        listed("vindr", tmp_path)


@pytest.mark.slow
def test_labels_agree_with_torchxrayvision(tmp_path: Path) -> None:
    """Theirs says 1 where any radiologist marked it: our 1 and -1 together."""
    from torchxrayvision.datasets import VinDr_Dataset

    theirs = VinDr_Dataset(str(tmp_path))
    folder = Folder(tmp_path, {f"{name}.dicom": (1, 1) for name in theirs.csv["image_id"]}, frozenset())
    ours = vindr.read(ImportConfig(source="vindr", path="x", name="x"), folder).samples
    mine = ours.set_index(pd.Index([name.removesuffix(".dicom") for name in ours["file"]])).loc[theirs.csv["image_id"]]
    named = {"Effusion": "Pleural effusion", "Pleural_Thickening": "Pleural thickening"}
    own = {name.lower(): name for name in vindr.FINDINGS}
    for at, name in enumerate(theirs.pathologies):
        values = mine[PREFIX + own[named.get(name, name).lower()]].to_numpy()
        assert np.array_equal(theirs.labels[:, at], (values != 0).astype(np.float32)), name
