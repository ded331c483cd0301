"""PadChest: labels by whole words, views and ages of the real table, and what the labels leave open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.sources import padchest
from core.studies.sources.published import mentioned
from core.studies.study import PREFIX
from tests.studies.sources.small_folders import labels, listed, pictures, table_of

NAME = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"


@pytest.fixture
def table() -> pd.DataFrame:
    return table_of(NAME, 20)


def test_the_packaged_table_and_some_pictures(table: pd.DataFrame, tmp_path: Path) -> None:
    pictures(tmp_path, [f"{n % 3}/{name}" for n, name in enumerate(table["ImageID"][:6])])
    found = listed("padchest", tmp_path)
    assert found.samples["row"].tolist() == [2, 3, 4, 5, 6, 7]
    assert len(found.set_aside) == 160_861 - 6 and found.set_aside["row"][0] == 8
    assert found.samples["patient"].tolist() == table["PatientID"][:6].tolist()
    assert found.samples["view"][:2].tolist() == ["PA", "L"]
    assert found.samples["age"][:2].tolist() == [84, 86]  # born 1930 and 1929, seen 2014 and 2015
    assert found.samples["sex"][:2].tolist() == ["F", "M"]
    assert found.samples["text"][0] == "sin hallazg patolog edad pacient ."
    assert found.samples["method"][0] == "Physician"
    assert labels(found, "Fibrosis")[:2] == ["0", "1"] and labels(found, "Infiltration")[:2] == ["0", "1"]
    assert labels(found, "Nodule")[:2] == ["0", "0"]  # the second has a pseudonodule


def test_what_the_labels_say(table: pd.DataFrame, tmp_path: Path) -> None:
    said = {
        "['unchanged']": "nan",
        "['']": "nan",
        "['exclude', ' unchanged']": "nan",
        "[' suboptimal study']": "nan",
        None: "nan",
        "['normal']": "0",
        "['COPD signs', 'unchanged']": "0",
        "['pericardial effusion']": "0",
        "['pericardial effusion', ' pleural effusion']": "1",
        "['loculated pleural effusion']": "1",
    }
    table = table[: len(said)].assign(Labels=list(said))
    table.to_csv(tmp_path / "PADCHEST_part.csv", index=False)
    pictures(tmp_path, list(table["ImageID"]))
    found = listed("padchest", tmp_path)
    assert labels(found, "Effusion") == list(said.values())
    assert labels(found, "Scoliosis") == [value.replace("1", "0") for value in said.values()]


def test_views_ages_and_texts(table: pd.DataFrame, tmp_path: Path) -> None:
    table = table[:6].assign(
        Projection=["PA", "AP", "AP_horizontal", "L", "COSTAL", "UNK"],
        PatientBirth=["2014.0", None, "2020.0", "1850.0", "1930.0", "1930.0"],
        StudyDate_DICOM=["20140915"] * 6,
        Report=[" . .", None, " ", " un sign .", "x", "x"],
        PatientSex_DICOM=["O", None, "M", "F", "F", "F"],
    )
    excluded = table_of(NAME, 7)[6:].assign(Projection="EXCLUDE")
    pd.concat([table, excluded]).to_csv(tmp_path / "padchest.csv", index=False)
    pictures(tmp_path, [*table["ImageID"], *excluded["ImageID"]])
    found = listed("padchest", tmp_path)
    assert found.samples["view"].tolist() == ["PA", "AP", "AP supine", "L", "COSTAL", None]
    assert found.samples["age"].fillna(-1).tolist() == [0, -1, -1, -1, 84, 84]
    assert found.samples["text"].tolist() == [None, None, None, "un sign .", "x", "x"]
    assert found.samples["sex"].tolist() == [None, None, "M", "F", "F", "F"]
    assert found.set_aside.values.tolist() == [[8, excluded["ImageID"].iloc[0], padchest.EXCLUDED]]


def test_a_picture_in_two_folders_and_one_in_two_rows(table: pd.DataFrame, tmp_path: Path) -> None:
    pd.concat([table[:3], table[:1]]).to_csv(tmp_path / "PADCHEST.csv", index=False)
    pictures(tmp_path, [table["ImageID"][0], f"a/{table['ImageID'][1]}", f"b/{table['ImageID'][1]}"])
    found = listed("padchest", tmp_path)
    assert found.samples["row"].tolist() == [2]
    assert dict(zip(found.set_aside["row"], found.set_aside["reason"], strict=True)) == {
        3: "several pictures of that name, in different folders",
        4: "no picture of that name",
        5: "an earlier row names the same picture",
    }


def test_words_are_whole() -> None:
    named = [frozenset({label}) for label in ("mass", "massive effusion", "masses", "multiple nodules", "pseudonodule")]
    words = {"Mass": ("mass",), "Nodule": ("nodule",)}
    assert mentioned(named, words, {}).tolist() == [[1, 0], [0, 0], [1, 0], [0, 1], [0, 0]]
    assert mentioned([frozenset()], words, {}).tolist() == [[0, 0]]
    assert mentioned(named[:1], words, {"Mass": ("mass",)}).tolist() == [[0, 0]]


def test_errors_say_what_is_missing(table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"None of the 160861 pictures of PadChest"):
        listed("padchest", tmp_path)
    table.drop(columns="Labels").to_csv(tmp_path / "PADCHEST.csv", index=False)
    with pytest.raises(StudyError, match=r"PADCHEST.csv lacks the columns \['Labels'\]"):
        listed("padchest", tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # torchxrayvision's dates
def test_labels_agree_with_torchxrayvision(tmp_path: Path) -> None:
    """Over the whole table, but for the labels that ours reads otherwise, which are named and counted here."""
    from torchxrayvision.datasets import PC_Dataset

    theirs = PC_Dataset(str(tmp_path), views=["*"], unique_patients=False)
    folder = Folder(tmp_path, dict.fromkeys(theirs.csv["ImageID"], (1, 1)), frozenset())
    ours = padchest.read(ImportConfig(source="padchest", path="x", name="x"), folder).samples
    mine = ours.set_index("file").loc[theirs.csv["ImageID"][theirs.csv["Projection"] != "EXCLUDE"]]
    rows = theirs.csv["ImageID"].isin(ours["file"]).to_numpy()
    said = theirs.csv["Labels"][rows]
    otherwise = {"Nodule": "pseudonodule", "Effusion": "pericardial effusion", "Emphysema": "subcutaneous emphysema"}
    assert len(mine) > 150_000
    for at, name in enumerate(theirs.pathologies):
        own = mine[PREFIX + name].to_numpy()
        differ = (theirs.labels[rows, at] != own) & ~np.isnan(own)
        assert set(said[differ].str.contains(otherwise.get(name, "nothing"))) <= {True}, name
        assert differ.any() == (name in otherwise), name
        assert not theirs.labels[rows, at][np.isnan(own)].any()  # what is unknown to us has no finding for them
