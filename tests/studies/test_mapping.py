"""The proposal of what a table's columns mean, on a dozen tables as people have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.config.importing import MappingConfig
from core.studies.folder import Folder
from core.studies.mapping import open_table, propose, separator_of
from core.studies.tables import ROW
from core.studies.vocabulary import CHEXPERT_FINDINGS
from tests.studies.sources.small_folders import table_of

REPORT = "The heart is not enlarged. No focal consolidation, effusion or pneumothorax in study number"
N = 30


def folder_of(*files: str) -> Folder:
    """A folder as it was read; no file of it is opened."""
    return Folder(Path("/data/set"), dict.fromkeys(files, (1, 1)), frozenset())


def numbered(pattern: str, count: int = N) -> list[str]:
    return [pattern.format(at) for at in range(count)]


def proposal(columns: dict[str, Any], files: list[str], name: str = "t.csv") -> dict[str, Any]:
    """What is proposed, without what is empty and the table itself."""
    table = pd.DataFrame({key: pd.Series(values, dtype="str") for key, values in columns.items()})
    table[ROW] = np.arange(2, len(table) + 2)
    found = propose(folder_of(*files), table, name).to_json()
    return {key: value for key, value in found.items() if value and key != "table"}


def cycle(*values: str | None, count: int = N) -> list[str | None]:
    return [values[at % len(values)] for at in range(count)]


FILES = numbered("images/im{:03}.png")
NAMES = numbered("im{:03}.png")
REPORTS = numbered(REPORT + " {}.")
PEOPLE = [f"P{at // 2}" for at in range(N)]


def test_a_plain_table() -> None:
    table = {
        "image": NAMES,
        "report": REPORTS,
        "patient_id": PEOPLE,
        "split": cycle("train", "train", "val", "test"),
        "age": cycle("50", "61", None),
        "sex": cycle("M", "F", None),
        "view": cycle("PA", "AP"),
        "Pneumonia": cycle("1", "0", "-1", None),
        "Mass": cycle("0.0", "1.0"),
    }
    assert proposal(table, FILES) == {
        **dict(image="image", text="report", patient="patient_id", split="split", age="age", sex="sex", view="view"),
        "findings": ["Pneumonia", "Mass"],
        "separator": "|",
    }


def test_wide_labels_as_in_chexpert() -> None:
    """Whose patients stand in paths alone: they are asked for, not invented."""
    table = {
        "Path": numbered("CheXpert-v1.0-small/train/patient{:05}/study1/view1_frontal.jpg"),
        "Sex": cycle("Female", "Male", "Unknown"),
        "Age": cycle("68", "90", "0"),
        "Frontal/Lateral": cycle("Frontal", "Lateral"),
        "AP/PA": cycle("AP", None),
        "No Finding": cycle("1.0", None),
        "Pleural Effusion": cycle("1.0", "0.0", "-1.0", None),
        "Support Devices": cycle(None, "1.0"),
    }
    assert proposal(table, numbered("train/patient{:05}/study1/view1_frontal.jpg")) == {
        **dict(image="Path", sex="Sex", age="Age", view="AP/PA", separator="|"),
        "findings": ["No Finding", "Pleural Effusion", "Support Devices"],
    }


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (("Pneumonia;Effusion", "Effusion", "No finding"), ";"),
        (("Pneumonia, Effusion", "Effusion", "Normal"), ","),
        (("Pneumonia/Viral/COVID-19", "Pneumonia/Viral", "unknown"), "/"),
        (("['Pneumonia', 'Effusion']", "['Effusion']", "[]"), ","),
        (("Pneumonia|Effusion", "Effusion"), "|"),
        (("pleural effusion", "lung mass"), "|"),
    ],
)
@pytest.mark.parametrize("name", ["label", "Finding Labels", "diagnosis", "findings"])
def test_one_column_of_names(cells: tuple[str, ...], mark: str, name: str) -> None:
    """Also where two words look like a text, and its name as well."""
    found = proposal({"img": NAMES, name: cycle(*cells), "portable": cycle("0", "1")}, FILES)
    assert found == {"image": "img", "findings": [name], "separator": mark}


def test_texts_called_findings_and_impression() -> None:
    impressions = numbered("Normal chest in case {}. No change since the last study.")
    found = proposal({"id": NAMES, "findings": REPORTS, "impression": impressions}, FILES)
    assert found == {"image": "id", "text": "findings", "separator": "|"}
    assert proposal({"id": NAMES, "impression": impressions}, FILES)["text"] == "impression"
    short = cycle("No acute disease", "Right lower lobe pneumonia")  # short reports that come again are texts too
    assert proposal({"id": NAMES, "impression": short}, FILES)["text"] == "impression"


def test_a_text_without_a_name_for_it_and_dates_that_are_none() -> None:
    table = {
        "f": NAMES,
        "befund": REPORTS,
        "report date": ["2020-01-01 00:00:00"] * N,
        "report_path": ["a b c.txt"] * N,
    }
    assert proposal(table, FILES) == {"image": "f", "text": "befund", "separator": "|"}


@pytest.mark.parametrize(
    ("cells", "files"),
    [
        (numbered("im{:03}"), FILES),
        (numbered("{}"), numbered("png/{}.png")),
        (numbered("{}"), [*numbered("png/{}.png"), *numbered("png/{}.txt")]),  # reports beside pictures
        (numbered("/data/set/images/im{:03}.png"), FILES),
        (numbered("..\\images\\im{:03}.png"), FILES),
        (numbered("files/p{0}/im{0:03}.dcm"), numbered("files/p{0}/im{0:03}.dcm")),
        (numbered("IM{:03}"), numbered("dicom/IM{:03}")),
    ],
    ids=["stems", "numbers", "reports", "absolute", "windows", "folders", "dicom"],
)
def test_names_of_pictures(cells: list[str], files: list[str]) -> None:
    table = {"Unnamed: 0": numbered("{}0000"), "report_file": numbered("{}.txt"), "what": cells}
    assert proposal(table, files, "csv/t.csv") == {"image": "what", "separator": "|"}


def test_of_equals_the_column_that_is_called_so() -> None:
    table = {"patient": numbered("im{:03}"), "image_id": numbered("im{:03}")}
    assert proposal(table, FILES) == {"image": "image_id", "patient": "patient", "separator": "|"}
    assert proposal({"patient": numbered("im{:03}")}, FILES) == dict(image="patient", patient="patient", separator="|")


def test_one_picture_in_a_thousand() -> None:
    """A trial copy of a set: what is not there yet does not hide what the column means."""
    assert proposal({"x": ["a"] * N, "y": NAMES}, FILES[-1:])["image"] == "y"
    assert proposal({"x": ["a"] * N, "ImageID": NAMES}, []) == {"image": "ImageID", "separator": "|"}
    assert "image" not in proposal({"x": ["a"] * N, "y": NAMES}, [])


def test_numbers_that_happen_to_be_names_of_pictures() -> None:
    table = {"Mass": cycle("0", "1"), "ward": cycle("0", "1", "2"), "image": numbered("lost/{}.dcm")}
    assert proposal(table, numbered("{}.png"))["image"] == "image"
    assert "image" not in proposal({"Mass": table["Mass"]}, numbered("{}.png"))
    table["image"][7] = "7.png"  # type: ignore[index]
    assert proposal(table, numbered("{}.png"))["image"] == "image"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *[(name, True) for name in ("MRN", "PatientID", "patientId", "Patient ID", "subject_id", "empi_anon", "PID")],
        *[(name, True) for name in ("anon_patient_id", "Patient Number", "case_id", "participant", "Patient-Nr.")],
        *[(name, False) for name in ("StudyInstanceUID", "study_id", "accession", "SeriesInstanceUID", "hospital")],
        *[(name, False) for name in ("id", "dicom_id", "patient_age", "PatientSex", "radiologist")],
    ],
)
def test_patients(name: str, is_one: bool) -> None:
    found = proposal({"image": NAMES, name: [f"1.2.{one}" for one in PEOPLE]}, FILES)
    assert found.get("patient", "") == (name if is_one else "")


def test_the_better_column_of_patients() -> None:
    found = proposal({"image": NAMES, "case": cycle("0", "1"), "case_id": PEOPLE, "MRN": PEOPLE}, FILES)
    assert found == {"image": "image", "patient": "MRN", "separator": "|"}
    assert "patient" not in proposal({"image": NAMES, "case": cycle("0", "1"), "patient": cycle("yes", "no")}, FILES)


def test_numbers_that_are_no_labels() -> None:
    table = {
        "file": NAMES,
        "Unnamed: 1": cycle("0", "1"),
        "fold": cycle("0", "1"),
        "sex": cycle("0", "1"),
        "Follow-up #": cycle("0", "1"),
        "visit": ["1"] * N,
        "hidden": [None] * N,
        "label": cycle("0", "1"),
    }
    assert proposal(table, FILES) == {"image": "file", "findings": ["label"], "separator": "|"}


@pytest.mark.parametrize(
    ("name", "cells", "is_one"),
    [
        ("dataset", ("Train", "TEST "), True),
        ("train_val_test_split", ("training", "validation", "testing"), True),
        ("split", ("0", "1"), False),
        ("fold", ("1", "2", "3"), False),
        ("dataset", ("NIH", "CheXpert"), False),
    ],
)
def test_splits(name: str, cells: tuple[str, ...], is_one: bool) -> None:
    assert proposal({"image": NAMES, name: cycle(*cells)}, FILES).get("split", "") == (name if is_one else "")


def test_names_that_their_cells_belie() -> None:
    table = {"image": NAMES, "sex": cycle("0", "1"), "age": cycle("adult", "child"), "view": REPORTS}
    assert proposal(table, FILES) == {"image": "image", "separator": "|"}
    ages = {"image": NAMES, "Age (years)": cycle("058Y", "50,5"), "Patient's Sex": cycle("female", "Missing", "m")}
    assert proposal(ages, FILES) == dict(image="image", age="Age (years)", sex="Patient's Sex", separator="|")


def test_the_real_case_notes(real_data: Path) -> None:
    folder = Folder.read(real_data / "case_notes")
    name, table = open_table(folder)
    assert propose(folder, table, name) == MappingConfig(
        table="metadata.csv",
        image="filename",
        text="clinical notes",
        patient="Patientid",
        age="age",
        sex="sex",
        view="view",
        findings=("finding",),
    )


OF_NIH = dict(image="Image Index", patient="Patient ID", age="Patient Age", sex="Patient Gender", view="View Position")


@pytest.mark.parametrize(
    ("file", "wanted", "findings", "separator"),
    [
        ("Data_Entry_2017_v2020.csv.gz", OF_NIH, ["Finding Labels"], "|"),
        (
            "google2019_nih-chest-xray-labels.csv.gz",
            OF_NIH,
            ["Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass"],
            "|",
        ),
        ("chexpert_train.csv.gz", dict(image="Path", age="Age", sex="Sex", view="AP/PA"), list(CHEXPERT_FINDINGS), "|"),
        ("kaggle_stage_2_train_labels.csv.zip", dict(patient="patientId"), ["Target"], "|"),
        ("vinbigdata-train.csv.gz", dict(image="image_id"), ["class_name"], "|"),
        ("siim-pneumothorax-train-rle.csv.gz", dict(image="ImageId"), [], "|"),
    ],
)
def test_published_tables_as_if_nobody_knew_them(
    file: str, wanted: dict[str, str], findings: list[str], separator: str
) -> None:
    """Without their pictures, so that names and cells alone have to tell."""
    table = table_of(file, 2_000)
    found = proposal(dict(table.items()), [])
    assert sorted(found.pop("findings", [])) == sorted(findings)
    assert found == {**wanted, "separator": separator}


def test_a_proposal_for_a_whole_dataset() -> None:
    """Of 112,120 rows, in a folder of as many pictures, whose index is made within."""
    count = 112_120
    files = [f"images_{at % 12:03}/images/{at:08}_000.png" for at in range(count)]
    table = pd.DataFrame({"Image Index": [file.rpartition("/")[2] for file in files], "report": [REPORT] * count})
    table = table.assign(**{f"finding {at}": "0" for at in range(40)}, row=np.arange(2, count + 2)).astype({ROW: int})
    folder = folder_of(*files)
    found = propose(folder, table)
    assert (found.image, len(found.findings)) == ("Image Index", 40)


def test_three_hundred_columns() -> None:
    table = {f"c{at}": cycle("some words of a longer text", "2.5") for at in range(300)}
    assert proposal({**table, "image": NAMES}, FILES)["image"] == "image"


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (REPORTS, ""),
        (numbered("{}"), ""),
        (cycle("1", "0"), ""),
        (numbered("finding {}"), ""),
        (cycle("Mass", "Nodule"), "|"),
        (cycle("Nodule/Mass", "Nodule", "Effusion", "Edema"), "|"),
        (cycle("Nodule/Mass", "Nodule"), "/"),
        ([None] * N, ""),
    ],
)
def test_what_is_a_list_of_names(cells: list[str | None], mark: str) -> None:
    assert separator_of(pd.Series(cells, dtype="str")) == mark
