"""Checking a study: an untouched one is sound; a flipped pixel, a changed table and a planted leak are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.files import read_json, stamp, write_json
from core.studies.checking import find_files, verify_study
from core.studies.importing import import_study
from core.studies.manifest import fingerprint, read_hashes, split_hash, write_hashes
from core.studies.study import Study
from core.workspace import salted
from tests.finished import PATIENTS, nih_folder
from tests.studies.small import FINDINGS, SIZE, pictures, written

pytestmark = pytest.mark.usefixtures("workspace", "quick_disk")


def faults(name: str = "x") -> list[str]:
    report = verify_study(name)
    found = [line for line in report.lines if line.startswith("FAULT")]
    assert report.sound == (not found) and all(line.startswith(("ok     ", "FAULT  ")) for line in report.lines)
    return [line.removeprefix("FAULT  ") for line in found]


def forged(study: Study, change: Callable[[pd.DataFrame], object], *, fitting: bool) -> None:
    """Change the table and its stamp by hand; where ``fitting``, also what the manifest says of it."""
    path = study.folder / "samples.parquet"
    samples = pd.read_parquet(path)
    change(samples)
    samples.to_parquet(path, index=False)
    manifest = read_json(study.folder / "study.json")
    manifest["files"][path.name] = stamp(path)
    if fitting:
        pixels = [own for _, own in read_hashes(study.folder)]
        manifest["fingerprint"] = fingerprint(samples, pixels, SIZE, FINDINGS, study.uncertain)
        manifest["split_hash"] = split_hash(samples)
    write_json(study.folder / "study.json", manifest)


def test_an_untouched_study_is_sound() -> None:
    written(shown=[*pictures(5), "cut off"])
    report = verify_study("x")
    assert report.sound and len(report.lines) == 9
    assert "images.npy: 5 pictures" in report.lines[5] and "5 patients" in report.lines[-1]
    with pytest.raises(StudyError, match="No study 'y'"):
        verify_study("y")


@pytest.mark.parametrize("row", [0, 3, 5])
def test_a_flipped_pixel(row: int) -> None:
    path = written().folder / "images.npy"
    data = bytearray(path.read_bytes())
    data[128 + row * SIZE * SIZE + 77] ^= 1
    path.write_bytes(data)
    assert faults() == [f"images.npy: 6 pictures: 1 were altered, first r{row} (row {row})"]


@pytest.mark.parametrize(
    "file", ["samples.parquet", "set_aside.parquet", "boxes.parquet", "summary.json", "hashes.npy"]
)
def test_an_altered_file(file: str) -> None:
    path = written().folder / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (found,) = faults()
    assert found.startswith(f"{file}: {file} does not have the SHA-256")


def test_a_label_changed_with_its_stamp() -> None:
    def change(samples: pd.DataFrame) -> None:
        samples.loc[2, "finding:Mass"] = 0

    forged(written(), change, fitting=False)
    assert faults() == ["fingerprint: the table does not fit it"]


def test_a_patient_moved_with_the_stamp() -> None:
    def change(samples: pd.DataFrame) -> None:
        samples.loc[0, "split"] = "test"

    forged(written(), change, fitting=False)
    assert faults() == ["fingerprint: the table does not fit it", "split hash: patients moved between splits"]


def test_a_planted_patient() -> None:
    """All stamps fit, but a patient of the training split is now one of the test split as well."""

    def change(samples: pd.DataFrame) -> None:
        samples.loc[3, "patient"] = "p0"

    forged(written(), change, fitting=True)
    (found,) = faults()
    assert found.startswith("splits: 1 patients lie in more than one split (first: p0)")


def test_a_planted_copy() -> None:
    """All stamps fit, but a training picture lies in the test split as well."""
    study = written()
    held = read_hashes(study.folder)
    data = bytearray((study.folder / "images.npy").read_bytes())
    area = SIZE * SIZE
    data[128 + 3 * area : 128 + 4 * area] = data[128 : 128 + area]
    (study.folder / "images.npy").write_bytes(data)
    write_hashes(study.folder / "hashes.npy", [key for key, _ in held], [held[row % 3][1] for row in range(6)])
    manifest = read_json(study.folder / "study.json")
    manifest["files"]["hashes.npy"] = stamp(study.folder / "hashes.npy")
    write_json(study.folder / "study.json", manifest)
    forged(study, lambda samples: None, fitting=True)
    found = faults()
    assert found[-1].startswith("splits: 4 radiographs have the same pixels as one in another split (first: r0")


@pytest.mark.parametrize("damage", ["pixel", "table", "hashes", "images gone", "manifest"])
def test_to_import_again_mends_it(workspace: Path, tmp_path: Path, damage: str) -> None:
    """Which is what the report says to do: an unchanged folder must not be taken for an unchanged study."""
    nih_folder(tmp_path / "nih")
    config = ImportConfig(source="nih", path=str(tmp_path / "nih"), name="x", size=SIZE)
    whole = import_study(config).fingerprint
    folder = workspace / "studies/x"
    file = {"pixel": "images.npy", "table": "samples.parquet", "hashes": "hashes.npy", "manifest": "study.json"}
    if damage == "images gone":
        (folder / "images.npy").unlink()
    elif damage == "manifest":
        (folder / "study.json").write_text("{")
    else:
        path = folder / file[damage]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert import_study(config).fingerprint == whole
    assert faults() == []


def test_which_file_an_id_stands_for(tmp_path: Path) -> None:
    """Of those imported, those that could not be read, and those that the table names but nobody has."""
    nih_folder(tmp_path / "nih")
    config = ImportConfig(source="nih", path=str(tmp_path / "nih"), name="x", size=SIZE)
    study = import_study(config)
    first = f"images_001/images/{PATIENTS[0]}_000.png"
    assert study.samples["id"][0] == salted([first], "r")[0]
    empty, missing = study.set_aside["file"].tolist()
    ids = [study.samples["id"][0], empty, missing, "r0123456789abcdef"]
    assert find_files(config, ids) == {
        ids[0]: first,
        empty: f"images_001/images/{PATIENTS[0]}_002.png",
        missing: f"{PATIENTS[1]}_002.png",
        "r0123456789abcdef": None,
    }
