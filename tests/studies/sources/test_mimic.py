"""MIMIC-CXR-JPG: three tables joined, its splits, and the reports' sections. The tables here are made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import StudyError
from core.studies.sources.mimic import NO_SPLIT, report_text
from core.studies.vocabulary import CHEXPERT_FINDINGS
from tests.studies.sources.small_folders import labels, listed, pictures

REPORT = (
    "                                 FINAL REPORT\n EXAMINATION:  CHEST (PA AND LAT)\n \n"
    " INDICATION:  ___F with shortness of breath  // ?infectious process\n \n"
    " FINDINGS: \n \n There is no focal consolidation, pleural effusion or\n pneumothorax. Note: clips remain.\n \n"
    " IMPRESSION: \n \n No acute process.\n"
)

PICTURES = [  # subject, study, picture, view, split
    ("10000032", "50414267", "a-1", "PA", "train"),
    ("10000032", "50414267", "a-2", "LATERAL", "train"),
    ("10000764", "57375967", "b-1", "AP", "validate"),
    ("10000898", "50771383", "c-1", "LL", "test"),
    ("10000898", "54205396", "d-1", "", "test"),
    ("10000935", "50578979", "e-1", "PA", ""),
]


def files(number: int) -> str:
    subject, study, name, *_ = PICTURES[number]
    return f"files/p{subject[:2]}/p{subject}/s{study}/{name}.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All pictures, two reports; study d has no labels and picture e no split."""
    (tmp_path / "mimic-cxr-2.0.0-metadata.csv").write_text(
        "dicom_id,subject_id,study_id,ViewPosition,Rows\n"
        + "".join(f"{name},{subject},{study},{view},9\n" for subject, study, name, view, _ in PICTURES)
    )
    (tmp_path / "mimic-cxr-2.0.0-split.csv").write_text(
        "dicom_id,study_id,subject_id,split\n"
        + "".join(f"{name},{study},{subject},{split}\n" for subject, study, name, _, split in PICTURES if split)
    )
    columns = sorted(CHEXPERT_FINDINGS)
    said = {
        ("10000032", "50414267"): {"No Finding": "1.0"},
        ("10000764", "57375967"): {"Edema": "-1.0", "Pneumonia": "0.0", "Cardiomegaly": "1.0"},
        ("10000898", "50771383"): {"Edema": "0.0"},
        ("10000935", "50578979"): {},
    }
    (tmp_path / "mimic-cxr-2.0.0-chexpert.csv").write_text(
        f"subject_id,study_id,{','.join(columns)}\n"
        + "".join(f"{','.join(key)},{','.join(one.get(name, '') for name in columns)}\n" for key, one in said.items())
    )
    pictures(tmp_path, [files(number) for number in range(len(PICTURES))])
    (tmp_path / "files/p10/p10000032/s50414267.txt").write_text(REPORT)
    reports = tmp_path / "mimic-cxr-reports/files/p10/p10000764"
    reports.mkdir(parents=True)
    (reports / "s57375967.txt").write_bytes(b" FINAL REPORT\n Caf\xe9 au lait, nothing else.\n")
    return tmp_path


def test_rows_are_joined(folder: Path) -> None:
    found = listed("mimic", folder)
    samples = found.samples
    assert samples["file"].tolist() == [files(number) for number in range(5)]
    assert samples["row"].tolist() == [2, 3, 4, 5, 6]
    assert samples["patient"].tolist() == ["10000032", "10000032", "10000764", "10000898", "10000898"]
    assert samples["split"].tolist() == ["train", "train", "val", "test", "test"]
    assert samples["view"].tolist() == ["PA", "L", "AP", "L", None]
    assert labels(found, "Edema") == ["nan", "nan", "-1", "0", "nan"]
    assert labels(found, "No Finding") == ["1", "1", "nan", "nan", "nan"]
    assert labels(found, "Cardiomegaly") == ["nan", "nan", "1", "nan", "nan"]
    assert found.set_aside.values.tolist() == [[7, "e-1", NO_SPLIT]]


def test_texts_are_those_of_the_study(folder: Path) -> None:
    text = "There is no focal consolidation, pleural effusion or pneumothorax. Note: clips remain. No acute process."
    found = listed("mimic", folder)
    assert found.samples["text"].tolist() == [text, text, "Caf� au lait, nothing else.", None, None]
    assert any("for 3 of 5 pictures" in note for note in found.notes)
    for report in folder.rglob("*.txt"):
        report.unlink()
    assert any("mimic-cxr-reports.zip" in note for note in listed("mimic", folder).notes)


def test_pictures_that_are_not_here(folder: Path) -> None:
    (folder / files(1)).unlink()
    (folder / files(3)).rename(folder / "c-1.jpg")  # a flat copy is as good
    found = listed("mimic", folder)
    assert found.samples["row"].tolist() == [2, 4, 5, 6]
    assert found.set_aside["row"].tolist() == [3, 7] and found.set_aside["file"].tolist() == ["a-2", "e-1"]


def test_one_split_alone_divides_nothing(folder: Path) -> None:
    for number in (2, 3, 4):
        (folder / files(number)).unlink()
    found = listed("mimic", folder)
    assert set(found.samples["split"]) == {""} and any("one published split" in note for note in found.notes)


def test_labels_of_either_labeler(folder: Path) -> None:
    assert any("CheXpert labeler" in note for note in listed("mimic", folder).notes)
    (folder / "mimic-cxr-2.0.0-chexpert.csv").rename(folder / "mimic-cxr-2.0.0-negbio.csv")
    found = listed("mimic", folder)
    assert labels(found, "Edema")[2] == "-1" and any("NegBio labeler" in note for note in found.notes)


@pytest.mark.parametrize(
    ("part", "name"),
    [("chexpert", r"chexpert.csv or mimic-cxr-\*-negbio.csv"), ("metadata", "metadata.csv"), ("split", "split.csv")],
)
def test_each_table_is_needed(folder: Path, part: str, name: str) -> None:
    (folder / f"mimic-cxr-2.0.0-{part}.csv").unlink()
    with pytest.raises(StudyError, match=rf"lacks mimic-cxr-\*-{name}.*PhysioNet.*beside the folder files"):
        listed("mimic", folder)


def test_other_errors(folder: Path, tmp_path: Path) -> None:
    table = folder / "mimic-cxr-2.0.0-chexpert.csv"
    written = table.read_text()
    table.write_text(written + written.splitlines()[1] + "\n")
    with pytest.raises(StudyError, match="1 studies twice"):
        listed("mimic", folder)
    table.write_text("")
    with pytest.raises(StudyError, match=r"^mimic-cxr-2.0.0-chexpert.csv: "):
        listed("mimic", folder)
    table.write_text(written)
    for number in range(len(PICTURES)):
        (folder / files(number)).unlink()
    with pytest.raises(StudyError, match=r"None of the 6 pictures of MIMIC-CXR-JPG.*files/p10"):
        listed("mimic", folder)


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ("FINDINGS AND IMPRESSION:  Clear.\n", "Clear."),
        ("IMPRESSION:\n 1. Edema.\n 2. More:  less.\n\nNOTIFICATION: by phone\n", "1. Edema. 2. More: less."),
        ("WET READ: x\n\nCONCLUSION: y\n", "y"),
        ("FINDINGS:\n\nIMPRESSION:\n", "FINDINGS: IMPRESSION:"),
        ("HISTORY: cough\nno headings of interest", "HISTORY: cough no headings of interest"),
        ("   \n", None),
        ("", None),
    ],
)
def test_sections(report: str, text: str | None) -> None:
    assert report_text(report) == text
