"""Which source a folder looks like, by the names of its files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.sources import guess, read_source

HEX = "0123456789abcdef" * 2
PLAIN = {f"images_{1 + at // 10_000:03d}/images/{at:08d}_000.png": (1, 1) for at in range(112_120)}


def holding(*names: str) -> Folder:
    return Folder(Path("/nowhere"), dict.fromkeys(names, (1, 1)), frozenset())


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("nih", ["a.png", "Data_Entry_2017_v2020.csv"]),
        ("mimic", ["files/mimic-cxr-2.0.0-split.csv.gz"]),
        ("padchest", ["PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"]),
        ("rsna", ["b/stage_2_train_images/x"]),
        ("rsna", ["stage_2_train_labels.csv.zip"]),
        ("chexpert", ["CheXpert-v1.0-small/train.csv"]),
        ("chexpert", ["train/patient00001/study1/view1_frontal.jpg"]),
        ("vindr", ["annotations_train.csv"]),
        ("vindr", [f"train/{HEX}.dicom"]),
        ("openi", ["png/CXR1_1_IM-0001-3001.png", "CXR1_IM-0001-3001.png"]),
        ("roco", ["radiology/captions.txt"]),
        ("roco", ["train_captions.csv"]),
        ("nih", ["captions.txt", "Data_Entry_2017.csv"]),
        ("table", []),
        ("table", ["a.dcm", "b.CSV"]),
        ("dicom", ["a/b.DCM", "c.png"]),
        ("table", ["sub/Data_Entry_2017.csv", f"0{HEX}.png", f"{HEX}.png.txt", "captions.txt.gz", "CXR1_1_IM-1.png"]),
        ("dicom", ["CheXpert.dicom", "PADCHEST_a/b.dcm", "mimic-cxr-2/c.dcm", "stage_2_train_images.dcm"]),
    ],
)
def test_a_layout_is_known_by_its_names(source: str, names: list[str]) -> None:
    assert guess(holding(*names)) == source


def test_many_files_are_no_wait() -> None:
    assert guess(Folder(Path("/nowhere"), PLAIN, frozenset())) == "table"


def test_the_demo_is_not_read() -> None:
    with pytest.raises(StudyError, match="drawn, no file stands behind them"):
        read_source(ImportConfig(source="demo", path="x", name="x"), holding())
