"""The table of faults, as far as imports go: rows 17, 18, 19, 20, 22, 23 and 25, each through a whole import."""

from __future__ import annotations

import json
import logging
import os
import re
import stat
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config.importing import ImportConfig
from core.errors import ConfigError, FluoroscopeError, StudyError
from core.roots import allowed_folder
from core.studies.captions import captions
from core.studies.folder import MISSING, OUTSIDE, Folder
from core.studies.importing import import_study, run_import
from core.studies.imports import Import
from core.studies.study import Study, study_names
from core.studies.tables import read_table

pytestmark = pytest.mark.usefixtures("workspace")
COUNT = 12


def draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(zlib.crc32(path.name.encode())).integers(0, 256, (16, 16), np.uint8)
    Image.fromarray(noise).save(path)


def table_of(names: list[str], **columns: Any) -> pd.DataFrame:
    people = [f"patient-{at // 2}" for at in range(len(names))]
    findings = [("1", "0", "-1", "")[at % 4] for at in range(len(names))]
    return pd.DataFrame({"image": names, "patient": people, "Mass": findings, **columns})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of six patients, and a table."""
    folder = tmp_path / "set"
    names = [f"{at}.png" for at in range(COUNT)]
    for name in names:
        draw(folder / "images" / name)
    table_of(names).to_csv(folder / "t.csv", index=False)
    return folder


def imported(folder: Path, **settings: Any) -> Study:
    return import_study(ImportConfig(source="table", path=str(folder), name="x", size=32, **settings))


def everything(workspace: Path) -> dict[str, bytes]:
    """Content of each file of the workspace, by its relative path."""
    return {str(file.relative_to(workspace)): file.read_bytes() for file in workspace.rglob("*") if file.is_file()}


# 17: one report, all or nothing


def test_17_a_table_of_another_program(folder: Path) -> None:
    """A byte order mark, another delimiter, other line ends, more columns: the same study."""
    plain = imported(folder)
    table = pd.read_csv(folder / "t.csv", dtype=str).assign(scanner="A;B")[["scanner", "Mass", "patient", "image"]]
    table.to_csv(folder / "t.csv", index=False, sep=";", encoding="utf-8-sig", lineterminator="\r\n")
    again = import_study(ImportConfig(source="table", path=str(folder), name="y", size=32))
    assert again.split_hash == plain.split_hash and again.findings == plain.findings == ("Mass",)
    assert np.array_equal(again.stated, plain.stated, equal_nan=True) and np.array_equal(again.images, plain.images)


def test_17_labels_stay_apart(folder: Path) -> None:
    """1, 0, uncertain and unknown."""
    study = imported(folder)
    at = study.samples.sort_values("row").index
    assert [f"{value:g}" for value in study.stated[at, 0]] == ["1", "0", "-1", "nan"] * 3
    assert [f"{value:g}" for value in study.labels[at, 0]] == ["1", "0", "nan", "nan"] * 3


def test_17_a_bad_table_leaves_nothing(folder: Path, workspace: Path) -> None:
    names = [*(f"{at}.png" for at in range(COUNT)), "0.png", "3.png"]
    table_of(names, split="Monday", Edema=["0", *["perhaps"] * 13]).to_csv(folder / "t.csv", index=False)
    mapping = {"image": "image", "patient": "patient", "split": "split", "findings": ["Mass", "Edema"]}
    config = {"source": "table", "path": str(folder), "name": "x", "size": 32, "mapping": mapping}
    with pytest.raises(StudyError) as error:
        import_study(ImportConfig.from_json(config))
    lines = str(error.value).splitlines()
    assert lines[0] == "3 problems in the table; nothing was imported." and len(lines) == 4
    assert lines[1] == "- 2 pictures are named twice (rows 14, 15): keep one row of each."
    assert lines[2].startswith("- 14 splits in column 'split' are not known (rows 2, 3, 4, 5, 6 …): write ")
    assert lines[3].startswith("- 13 cells of finding 'Edema' are no labels (rows 3, 4, 5, 6, 7 …): write 1, 0, -1")
    assert study_names() == [] and not (workspace / "studies").exists()


def test_17_a_bad_table_leaves_the_study_that_was_there(folder: Path) -> None:
    before = imported(folder).fingerprint
    (folder / "t.csv").write_text("image,patient\n0.png,1\n0.png,1\n")
    with pytest.raises(StudyError, match="named twice"):
        imported(folder)
    assert Study.load("x").fingerprint == before


def test_17_missing_pictures(folder: Path) -> None:
    (folder / "images/3.png").unlink()
    (folder / "images/4.png").unlink()
    study = imported(folder)
    assert len(study) == 10 and study.manifest["set_aside"] == {MISSING: 2}
    assert study.set_aside["row"].tolist() == [5, 6]


def test_17_a_patient_in_two_given_splits(folder: Path) -> None:
    table_of([f"{at}.png" for at in range(COUNT)], split=["train", "test"] * 6).to_csv(folder / "t.csv", index=False)
    with pytest.raises(StudyError, match=r"6 patients lie in more than one split \(first: p[0-9a-f]{16}") as error:
        imported(folder)
    assert "patient-" not in str(error.value) and study_names() == []


# 18: many rows


@pytest.mark.slow
def test_18_many_rows(tmp_path: Path) -> None:
    """A tenth of a million; core/studies/tables.py says what a million takes."""
    count = 100_000
    path = tmp_path / "t.csv"
    with path.open("w") as stream:
        stream.write("image,patient,finding\n")
        stream.writelines(f"{at:08}_000.png,{at // 4},Mass|Nodule\n" for at in range(count))
    folder = Folder(tmp_path, {f"images_{at % 12}/{at:08}_000.png": (1, 1) for at in range(count)}, frozenset())
    files, reasons = folder.locate(read_table(path)["image"].tolist())
    assert len(set(files)) == count and (reasons == "").all()


# 19: names that lead out


def test_19_nothing_outside_is_read(folder: Path) -> None:
    secret = folder.parent / "secret"
    for at in range(4):
        draw(secret / f"s{at}.png")
    (folder / "link.png").symlink_to(secret / "s1.png")
    (folder / "way").symlink_to(secret)
    names = ["../secret/s0.png", "link.png", "way/s2.png", str(secret / "s3.png"), "images/../../secret/s0.png", "link"]
    table_of([*(f"{at}.png" for at in range(COUNT)), *names]).to_csv(folder / "t.csv", index=False)
    study = imported(folder)
    assert len(study) == COUNT and study.manifest["set_aside"] == {OUTSIDE: len(names)}
    assert study.set_aside["row"].tolist() == list(range(14, 20))


def test_19_a_table_with_nothing_else(folder: Path) -> None:
    table_of(["../a.png", "/etc/passwd"]).to_csv(folder / "t.csv", index=False)
    with pytest.raises(StudyError, match="none of the 2 pictures named in it is in the folder") as error:
        imported(folder)
    assert "passwd" not in str(error.value)


# 20: names of studies


@pytest.mark.parametrize("name", ["../x", "-rf", "a\nb", "x" * 300, "🩻", "", ".", "..", "A", "a/b", "a b", "a\0"])
def test_20_names(folder: Path, workspace: Path, name: str) -> None:
    config = ImportConfig(source="table", path=str(folder), name=name, size=32)
    with pytest.raises(ConfigError, match=r"cannot name a study: use 1 to 64 of a-z") as error:
        import_study(config)
    with pytest.raises(ConfigError):
        Import.create(config)
    assert len(str(error.value)) < 300 and "\n" not in str(error.value) and not workspace.exists()


# 22: markup stays text

MARKUP = (
    "<script>alert(1)</script>",
    "![x](http://example.org/x.png)",
    "<img src=x onerror=alert(1)>",
    "**bold** _it_ `code` $x^2$ :material/home:",
    '=HYPERLINK("http://example.org")',
    'quote " comma, semicolon; tab\tand\nnew line',
)


def test_22_texts_and_findings_are_kept_letter_by_letter(folder: Path) -> None:
    texts = [f"{MARKUP[at % len(MARKUP)]} of number {at}" for at in range(COUNT)]
    table = table_of([f"{at}.png" for at in range(COUNT)], report=texts)
    table = table.rename(columns={"Mass": "<b>Mass</b> [x](http://x)"})
    table.to_csv(folder / "t.csv", index=False)
    study = imported(folder)
    in_order = study.samples.sort_values("row")
    assert in_order["text"].tolist() == texts and study.findings == ("<b>Mass</b> [x](http://x)",)
    assert sorted(filter(None, captions(study))) == sorted(texts)


# 23: folders that may be read


@pytest.mark.parametrize("path", ["/etc", "~", "/", "..", "/tmp/../etc"])
def test_23_only_configured_folders(folder: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("FLUOROSCOPE_DATA", os.pathsep.join([str(folder.parent / "nowhere"), str(folder)]))
    assert allowed_folder(str(folder / "images")) == (folder / "images").resolve()
    with pytest.raises(StudyError, match="outside the configured roots"):
        allowed_folder(path)


# 25: nobody's name gets out

PEOPLE = [f"Zylkowski^Aniela{at:02}" for at in range(COUNT // 2)]
FILES = [f"qvarnstrom_{at:02}_19700101" for at in range(COUNT + 3)]


def planted(folder: Path) -> Path:
    """A folder whose patients and files have names that occur nowhere else; some rows and files are at fault."""
    root = folder.parent / "Hrdlickova-archive"
    for at, name in enumerate(FILES[: COUNT + 1]):
        draw(root / "ward" / f"{name}.png")
        if at == COUNT:
            (root / "ward" / f"{name}.png").write_text("no picture")
    people = [PEOPLE[at // 2 % len(PEOPLE)] for at in range(len(FILES))]
    columns = {"ImageID": FILES, "Patient": people, "Mass": [str(at % 2) for at in range(len(FILES))]}
    pd.DataFrame({**columns, "age": "50", "sex": "F"}).to_csv(root / "t.csv", index=False)
    return root


def names_in(content: bytes | str) -> list[str]:
    """Which planted names a content has, also when parts of it are compressed or of another encoding."""
    text = content if isinstance(content, str) else content.decode("latin-1") + content.decode("utf-16-le", "ignore")
    return sorted(set(re.findall(r"zylkowski|aniela|qvarnstrom|19700101|hrdlickova", text.lower())))


def test_25_no_file_and_no_message_has_a_name(
    folder: Path, workspace: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    root = planted(folder)
    job = Import.create(ImportConfig(source="table", path=str(root), name="x", size=32))
    settings = workspace / "imports/x/config.json"
    assert names_in(settings.read_bytes()) == ["hrdlickova"]  # an import that is to go on must know its folder
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    study = run_import(job)
    assert len(study) == COUNT and sum(study.manifest["set_aside"].values()) == 3
    files = everything(workspace)
    for private in ("imports/x/config.json", "salt"):
        assert stat.S_IMODE((workspace / private).stat().st_mode) == 0o600
    assert set(names_in(files.pop("imports/x/config.json"))) <= {"hrdlickova"}  # its folder at most, until it is done
    assert not {name: names_in(content) for name, content in files.items() if names_in(content)}
    assert not names_in(" ".join(files)) and not names_in(caplog.text) and not names_in("".join(capsys.readouterr()))
    for table in (study.samples, study.set_aside, study.boxes):  # what parquet compresses
        assert not names_in(table.to_csv())
    assert not names_in(json.dumps(study.manifest)) and not names_in(json.dumps(study.summary))


def test_25_salted_names_are_of_this_workspace_alone(folder: Path, workspace: Path, tmp_path: Path) -> None:
    root = planted(folder)
    here = imported(root).samples
    os.environ["FLUOROSCOPE_HOME"] = str(tmp_path / "another")  # the fixture sets it back
    there = imported(root).samples
    assert not set(here["patient"]) & set(there["patient"]) and not set(here["id"]) & set(there["id"])
    assert here["split"].tolist() == there["split"].tolist()


@pytest.mark.parametrize("damage", ["split", "twice", "labels", "wide", "patients", "lost", "unreadable", "rubbish"])
def test_25_no_error_has_a_name(folder: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    root = planted(folder)
    table, mapping = pd.read_csv(root / "t.csv", dtype=str), {"image": "ImageID", "patient": "Patient"}
    if damage == "split":
        table["split"], mapping["split"] = ["train", "test"] * 7 + ["val"], "split"
    elif damage == "twice":
        table = pd.concat([table, table])
    elif damage == "labels":
        mapping |= {"findings": ["Mass", "Patient"]}  # type: ignore[dict-item]
    elif damage == "wide":
        mapping |= {"split": "Patient"}
    elif damage == "patients":
        mapping.pop("patient")
    elif damage == "lost":
        mapping["image"] = "Patient"
    for file in root.glob("ward/*") if damage == "unreadable" else ():
        file.write_bytes(b"no picture")
    table.to_csv(root / "t.csv", index=False)
    if damage == "rubbish":
        (root / "t.csv").rename(root / f"{FILES[0]}.csv")
        (root / f"{FILES[0]}.csv").write_bytes(b"a,b\n" + ",".join(PEOPLE).encode())
    config = {"source": "table", "path": str(root), "name": "x", "size": 32, "mapping": mapping}
    with pytest.raises(FluoroscopeError) as error:
        import_study(ImportConfig.from_json(config))
    assert not names_in(str(error.value)) and not names_in(caplog.text), error.value
    assert study_names() == []
