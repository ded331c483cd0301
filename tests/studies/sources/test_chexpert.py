"""CheXpert: its own paths, uncertain and unmentioned findings kept apart, and splits by which tables are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.sources.published import packaged
from core.studies.study import PREFIX
from core.studies.vocabulary import CHEXPERT_FINDINGS
from tests.studies.sources.small_folders import labels, listed, pictures, table_of

TOP = "CheXpert-v1.0-small/"


@pytest.fixture
def table() -> pd.DataFrame:
    return table_of("chexpert_train.csv.gz", 20)


def renamed(table: pd.DataFrame, split: str, first: int) -> pd.DataFrame:
    """Rows as another table has them: other patients in another folder."""
    paths = [f"{TOP}{split}/patient{first + n}/study1/view1_frontal.jpg" for n in range(len(table))]
    return table.assign(Path=paths)


def test_the_packaged_table_and_half_of_its_pictures(table: pd.DataFrame, tmp_path: Path) -> None:
    pictures(tmp_path, [path.removeprefix(TOP) for path in table["Path"][:10]])
    found = listed("chexpert", tmp_path)
    assert found.samples["file"].tolist() == [path.removeprefix(TOP) for path in table["Path"][:10]]
    assert found.samples["row"].tolist() == list(range(2, 12))
    assert len(found.set_aside) == 223_414 - 10
    assert found.set_aside["row"].tolist()[:2] == [12, 13] and found.set_aside["file"][0] == table["Path"][10]
    assert set(found.samples["split"]) == {""} and found.findings == CHEXPERT_FINDINGS


def test_rows_as_they_were_published(tmp_path: Path, table: pd.DataFrame) -> None:
    """Worked by hand from the first three lines of the published table."""
    pictures(tmp_path, list(table["Path"][:3]))
    found = listed("chexpert", tmp_path)
    assert found.samples["patient"].tolist() == ["patient00001", "patient00002", "patient00002"]
    assert found.samples["age"].tolist() == [68, 87, 83]
    assert found.samples["sex"].tolist() == ["F", "F", "F"] and found.samples["view"].tolist() == ["AP"] * 3
    assert labels(found, "No Finding") == ["1", "nan", "nan"]
    assert labels(found, "Cardiomegaly")[:2] == ["nan", "-1"]
    assert labels(found, "Lung Opacity")[:2] == ["nan", "1"]
    assert labels(found, "Pneumothorax")[:2] == ["0", "nan"]


def test_laterals_and_odd_views(tmp_path: Path, table: pd.DataFrame) -> None:
    table = table[~table["Path"].str.contains("lateral")][:4].copy()
    table["Frontal/Lateral"] = ["Lateral", "Frontal", "Frontal", "Frontal"]
    table["AP/PA"] = [None, "LL", "PA", None]
    table["Age"] = ["0", "90", "18", "x"]
    table["Sex"] = ["Unknown", "Male", "Female", None]
    table.to_csv(tmp_path / "train.csv", index=False)
    pictures(tmp_path, list(table["Path"]))
    found = listed("chexpert", tmp_path)
    assert found.samples["view"].tolist() == ["L", "L", "PA", None]
    assert found.samples["age"].fillna(-1).tolist() == [-1, 90, 18, -1]
    assert found.samples["sex"].tolist() == [None, "M", "F", None]


@pytest.mark.parametrize(
    ("tables", "wanted"),
    [
        (("train", "valid"), {"train": "train+val", "valid": "test"}),
        (("train", "test"), {"train": "train+val", "test": "test"}),
        (("train", "valid", "test"), {"train": "train", "valid": "val", "test": "test"}),
        (("valid",), {"valid": ""}),
    ],
)
def test_splits(table: pd.DataFrame, tmp_path: Path, tables: tuple[str, ...], wanted: dict[str, str]) -> None:
    for at, name in enumerate(tables):
        mine = renamed(table[:3], name, 70_000 + 10 * at)
        mine.to_csv(tmp_path / f"{name}.csv", index=False)
        pictures(tmp_path, [path.removeprefix(TOP) for path in mine["Path"]])
    found = listed("chexpert", tmp_path)
    assert dict(zip(found.samples["table"], found.samples["split"], strict=True)) == wanted
    assert found.samples["row"].tolist() == [2, 3, 4] * len(tables)


def test_a_table_without_pictures_is_no_split(table: pd.DataFrame, tmp_path: Path) -> None:
    renamed(table[:2], "valid", 70_000).to_csv(tmp_path / "valid.csv", index=False)
    pictures(tmp_path, list(table["Path"][:2]))
    assert set(listed("chexpert", tmp_path).samples["split"]) == {""}


def test_a_test_table_of_labels_alone(table: pd.DataFrame, tmp_path: Path) -> None:
    """The published test labels have neither age nor view; the file's name says which are lateral."""
    test = renamed(table[:2], "test", 70_000)[["Path", *CHEXPERT_FINDINGS]]
    test["Path"] = ["test/patient70000/study1/view1_frontal.jpg", "test/patient70000/study1/view2_lateral.jpg"]
    test.to_csv(tmp_path / "test_labels.csv", index=False)
    pictures(tmp_path, list(test["Path"]))
    found = listed("chexpert", tmp_path)
    assert found.samples["view"].tolist() == [None, "L"]
    assert found.samples["age"].isna().all() and found.samples["sex"].tolist() == [None, None]


def test_folders_of_the_full_size_release(table: pd.DataFrame, tmp_path: Path) -> None:
    name = table["Path"][0].removeprefix(f"{TOP}train/")
    pictures(tmp_path, [f"CheXpert-v1.0 batch 2 (train 1)/{name}"])
    assert len(listed("chexpert", tmp_path).samples) == 1
    pictures(tmp_path, [f"copy/{name}", "copy/patient00002/study1/view1_frontal.jpg"])
    found = listed("chexpert", tmp_path)
    assert found.samples["file"].tolist() == ["copy/patient00002/study1/view1_frontal.jpg"]
    assert found.set_aside["reason"][0] == "several pictures of that name, in different folders"


def test_errors_say_what_is_missing(table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"None of the 223414 pictures of CheXpert.*train/patient"):
        listed("chexpert", tmp_path)
    table.drop(columns="Edema").to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(StudyError, match=r"train.csv lacks the columns \['Edema'\]"):
        listed("chexpert", tmp_path)
    table.assign(Edema=["0.5", *table["Edema"][1:]]).to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(StudyError, match=r"1 values under 'Edema'.*row 2"):
        listed("chexpert", tmp_path)
    (tmp_path / "more").mkdir()
    table.to_csv(tmp_path / "more" / "train.csv.gz", index=False)
    with pytest.raises(StudyError, match=r"2 tables in the folder are called train.csv"):
        listed("chexpert", tmp_path)


@pytest.mark.slow
def test_labels_agree_with_torchxrayvision(tmp_path: Path) -> None:
    """Over the whole table: theirs has NaN for our -1, and 0 for our blank where 'No Finding' is stated."""
    from torchxrayvision.datasets import CheX_Dataset

    from core.config.importing import ImportConfig
    from core.studies.sources import chexpert

    theirs = CheX_Dataset(str(tmp_path), views=["*"], unique_patients=False)
    names = pd.read_csv(packaged("chexpert_train.csv.gz"))["Path"]
    folder = Folder(tmp_path, dict.fromkeys(names, (1, 1)), frozenset())
    ours = chexpert.read(ImportConfig(source="chexpert", path="x", name="x"), folder).samples
    assert theirs.csv["Path"].tolist() == ours["file"].tolist() and len(ours) == 223_414
    assert (theirs.csv["view"].replace({"LL": "L", "RL": "L"}) == ours["view"]).all()
    healthy = ours[PREFIX + "No Finding"] == 1
    for at, name in enumerate(theirs.pathologies):
        mine = ours[PREFIX + ("Pleural Effusion" if name == "Effusion" else name)]
        mine = mine.where(mine != -1)
        if name != "Support Devices":
            assert not (mine[healthy] == 1).any()
            mine = mine.mask(healthy, 0)
        assert np.array_equal(theirs.labels[:, at], mine.to_numpy(), equal_nan=True), name
