"""A hospital's DICOM folder: patients from the headers, other modalities and damaged files set aside."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.importing import import_study
from core.studies.study import Study


def dicom(path: Path, number: int, **facts: str) -> None:
    """A radiograph of noise with the given facts in its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", generate_uid()
    data.PatientName, data.InstitutionName = "Doe^Jane", "Mercy"
    for name, value in {"Modality": "DX", "PatientID": f"MRN{number // 2}", **facts}.items():
        setattr(data, name, value)
    data.Rows = data.Columns = 24
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelData = np.random.default_rng(number).integers(0, 4096, (24, 24), dtype=np.uint16).tobytes()
    data.save_as(path, enforce_file_format=True)


def brought(folder: Path, **changes: str) -> Study:
    return import_study(ImportConfig(source="dicom", path=str(folder), name="x", size=16).replace(**changes))


def test_a_folder(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pacs"
    for number in range(8):
        name = f"ward/{number // 4}/IM{number}" + ("" if number % 2 else ".dcm")
        dicom(folder / name, number, PatientSex="F", PatientAge="061Y", ViewPosition="PA", BodyPartExamined="CHEST")
    dicom(folder / "ct.dcm", 20, Modality="CT")
    (folder / "broken.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 9)
    (folder / "notes.txt").write_text("no DICOM")
    (folder / "DICOMDIR").write_bytes(b"x")
    study = brought(folder)
    assert len(study) == 8 and study.manifest["patients"] == 4 and study.findings == () and not study.has_text
    table = study.samples
    assert set(table["sex"]) == {"F"} and set(table["age"]) == {61.0} and set(table["view"]) == {"PA"}
    assert set(table["modality"]) == {"DX"} and set(table["body part"]) == {"CHEST"}
    assert sorted(study.set_aside["reason"]) == ["no radiograph: modality CT", "not a DICOM file that can be read"]
    for path in workspace.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(word in content for word in (b"MRN", b"Doe", b"Mercy", b"IM3")), path


def test_patients_are_asked_for(workspace: Path, tmp_path: Path) -> None:
    dicom(tmp_path / "pacs/a.dcm", 0, PatientID="")
    dicom(tmp_path / "pacs/b.dcm", 1)
    with pytest.raises(StudyError, match=r"1 of 2 radiographs have no patient"):
        brought(tmp_path / "pacs")
    assert brought(tmp_path / "pacs", patients="each-image").manifest["patients"] == 2
    assert workspace.is_dir()


@pytest.mark.usefixtures("workspace")
def test_no_dicom(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(StudyError, match="holds no DICOM file"):
        brought(tmp_path)


def test_the_real_one(workspace: Path, tmp_path: Path, real_data: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "a").write_bytes((real_data / "full_size/monochrome1.dcm").read_bytes())
    study = brought(folder)
    assert len(study) == 1 and study.samples["view"].tolist() == ["PA"] and study.samples["age"].tolist() == [62]
    assert workspace.is_dir()


def test_a_name_that_is_not_utf8_is_set_aside(workspace: Path, tmp_path: Path) -> None:
    for number in range(4):
        dicom(tmp_path / f"pacs/{number}.dcm", number)
    os.rename(tmp_path / "pacs/3.dcm", os.fsencode(tmp_path / "pacs") + b"/J\xfcrgen.dcm")
    study = brought(tmp_path / "pacs")
    assert len(study) == 3 and study.set_aside["reason"].tolist() == ["its name is not UTF-8: rename the file"]
    assert workspace.is_dir()
