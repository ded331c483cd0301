"""ROCO, both versions: the real captions with a few drawn pictures, and ROCOv2 in miniature."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.captions import captions
from core.studies.folder import MISSING, OUTSIDE
from core.studies.importing import import_study
from core.studies.sources.roco import NO_CAPTION
from tests.studies.sources.small_folders import listed


def draw(folder: Path, names: Sequence[str]) -> None:
    """A picture of noise, another for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        noise = np.random.default_rng(zlib.crc32(name.encode())).integers(0, 256, (20, 24), np.uint8)
        Image.fromarray(noise).save(folder / name)


def first(folder: Path, part: str, captions: str, keywords: str = "") -> Path:
    """A part of version 1; the folder of its pictures."""
    own = folder / part / "radiology"
    (own / "images").mkdir(parents=True)
    (own / "captions.txt").write_bytes(captions.encode())
    if keywords:
        (own / "keywords.txt").write_bytes(keywords.encode())
    return own / "images"


@pytest.fixture
def real(real_data: Path, tmp_path: Path) -> Path:
    """The 8,180 real captions, and pictures of the first 40."""
    source = real_data / "roco_captions/validation/radiology"
    own = tmp_path / "roco/validation/radiology"
    own.mkdir(parents=True)
    for name in ("captions.txt", "keywords.txt"):
        shutil.copy(source / name, own)
    names = [line.split("\t")[0] for line in lines_of(own / "captions.txt")[:40]]
    draw(own / "images", [f"{name}.{'png' if at % 3 else 'jpg'}" for at, name in enumerate(names)])
    return tmp_path / "roco"


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


@pytest.mark.usefixtures("workspace")
def test_the_real_captions(real: Path) -> None:
    study = import_study(ImportConfig(source="roco", path=str(real), name="x", size=32))
    assert len(study) == 40 and study.manifest["set_aside"] == {MISSING: 8_140}
    assert study.findings == () and study.has_text and study.labels.shape == (40, 0)
    table = study.samples.sort_values("row")
    whole = [line.split("\t", 1) for line in lines_of(real / "validation/radiology/captions.txt")]
    assert table["row"].tolist() == list(range(1, 41))
    assert table["text"].tolist() == [text.removeprefix(" ") for _, text in whole[:40]]
    words = dict(line.split("\t", 1) for line in lines_of(real / "validation/radiology/keywords.txt"))
    assert table["keywords"].tolist() == [words[name].strip().replace("\t", " ") for name, _ in whole[:40]]
    assert study.set_aside["row"].tolist() == list(range(41, 8_181))
    assert set(study.samples["split"]) == {"train", "val", "test"} and study.manifest["patients"] == 40
    assert list(captions(study)) == study.samples["text"].tolist()
    assert any("Pictures of only one part" in note for note in study.manifest["notes"])
    assert not any("ROCO_0" in name for name in [*table["id"], *table["patient"], *study.set_aside["file"]])


def test_every_real_line_is_read(real: Path) -> None:
    found = listed("roco", real)
    assert len(found.samples) + len(found.set_aside) == 8_180 and found.title == "ROCO v1"
    assert found.set_aside["file"].is_unique and not set(found.set_aside["file"]) & set(found.samples["file"])
    assert (found.samples["text"].str.strip() == found.samples["text"]).all()


def test_three_parts_of_version_1(tmp_path: Path) -> None:
    """Line ends of Windows, a byte order mark, capitals in suffixes, non-radiology left out, a second tab kept."""
    train = "\ufeffROCO_1\t An <b>effusion</b>.\r\nROCO_2\t ![x](http://x)\tand more\r\n"
    validation = "ROCO_3\tThree\n\nROCO_4\t \nROCO_5\n../x\tOut\n"
    draw(first(tmp_path, "train", train), ["ROCO_1.jpg", "ROCO_2.png"])
    images = first(tmp_path, "validation", validation, "ROCO_3\t\tlung\tmass\n")
    draw(images, ["ROCO_3.JPG", "ROCO_4.jpg", "ROCO_5.jpg"])
    draw(first(tmp_path, "test", "ROCO_6\tSix\nROCO_7\tSeven\n"), ["ROCO_6.jpg"])
    (tmp_path / "train/non-radiology").mkdir()
    (tmp_path / "train/non-radiology/captions.txt").write_text("ROCO_8\tA map\n")
    table = (found := listed("roco", tmp_path)).samples.set_index("file")
    assert table["split"].to_dict() == {
        "test/radiology/images/ROCO_6.jpg": "test",
        "train/radiology/images/ROCO_1.jpg": "train",
        "train/radiology/images/ROCO_2.png": "train",
        "validation/radiology/images/ROCO_3.JPG": "val",
    }
    assert table["text"].tolist() == ["Six", "An <b>effusion</b>.", "![x](http://x)\tand more", "Three"]
    assert table["keywords"].tolist() == [None, None, None, "lung mass"]
    assert table["row"].tolist() == [1, 1, 2, 1]
    assert sorted(zip(found.set_aside["row"], found.set_aside["file"], found.set_aside["reason"], strict=True)) == [
        (2, "ROCO_7", MISSING),
        (3, "ROCO_4", NO_CAPTION),
        (4, "ROCO_5", NO_CAPTION),  # a line of its name alone
        (5, "../x", OUTSIDE),
    ]


def test_the_same_name_in_two_parts_is_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        draw(first(tmp_path, part, "ROCO_1\tOne\n"), ["ROCO_1.jpg"])
    with pytest.raises(StudyError, match=r"1 figures are named twice \(rows 1\): keep one line of each"):
        listed("roco", tmp_path)


def second(folder: Path, part: str, rows: dict[str, str | None]) -> None:
    table = pd.DataFrame({"ID": list(rows), "Caption": list(rows.values())})
    table.to_csv(folder / f"{part}_captions.csv", index=False)
    draw(folder / part, [f"{name}.jpg" for name in rows if not name.endswith("9")])


@pytest.mark.usefixtures("workspace")
def test_version_2_in_miniature(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    second(folder, "train", {f"ROCOv2_2023_train_{at:06}": f'CT, "axial", {at}\nsecond line' for at in range(8)})
    second(folder, "valid", {"ROCOv2_2023_valid_000001": "MRI", "ROCOv2_2023_valid_000002": None})
    second(folder, "test", {"ROCOv2_2023_test_000001": "X-ray", "ROCOv2_2023_test_000009": "lost"})
    (folder / "train_concepts.csv").write_text("ID,CUIs\nROCOv2_2023_train_000001,C0040405\n")
    study = import_study(ImportConfig(source="roco", path=str(folder), name="x", size=32))
    assert study.manifest["title"] == "ROCOv2" and study.manifest["splits"] == {"train": 8, "val": 1, "test": 1}
    assert study.findings == () and study.has_text and study.manifest["set_aside"] == {MISSING: 1, NO_CAPTION: 1}
    texts = study.samples.set_index("split")["text"]
    assert texts["val"] == "MRI" and texts["train"].iloc[1] == 'CT, "axial", 1\nsecond line'
    assert sorted(study.set_aside["row"]) == [3, 3]


def test_version_2_lacks_a_column(tmp_path: Path) -> None:
    (tmp_path / "train_captions.csv").write_text("id,text\nx,y\n")
    with pytest.raises(StudyError, match=r"lacks the columns \['ID', 'Caption'\]; it has \['id', 'text'\]"):
        listed("roco", tmp_path)


def test_another_layout(tmp_path: Path) -> None:
    (tmp_path / "captions.csv").write_text("ID,Caption\n")
    with pytest.raises(StudyError, match=r"not in ROCO's layout: it lacks captions\.txt .* or \*_captions\.csv"):
        listed("roco", tmp_path)


def test_a_part_given_by_itself(tmp_path: Path) -> None:
    """Without a folder that says which part it is, nothing is claimed about it."""
    images = first(tmp_path, "test", "ROCO_1\tOne\nROCO_2\tTwo\n")
    draw(images, ["ROCO_1.jpg", "ROCO_2.jpg"])
    draw(images.parent / "small", ["ROCO_1.jpg"])  # which is not meant
    found = listed("roco", images.parent)
    assert found.samples["split"].tolist() == ["", ""] and "Pictures of only one part are here" in found.notes[-1]
    assert found.samples["file"].tolist() == ["images/ROCO_1.jpg", "images/ROCO_2.jpg"]
