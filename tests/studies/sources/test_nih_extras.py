"""NIH ChestX-ray14 as it is found in the wild: both tables, all folders, boxes, and Google's labels by experts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.importing import import_study
from core.studies.listing import Listing
from core.studies.sources import nih, read_source
from core.studies.sources.published import packaged
from core.studies.vocabulary import NIH_FINDINGS
from core.workspace import salted
from tests.studies.sources.small_folders import labels, listed, table_of

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
EXPERTS, BOXES, TABLE = (
    "google2019_nih-chest-xray-labels.csv.gz",
    "BBox_List_2017.csv.gz",
    "Data_Entry_2017_v2020.csv",
)


def draw(folder: Path, names: Sequence[str], where: Callable[[int], str] = lambda n: "images_001/images") -> None:
    """Tiny pictures, each another one."""
    for n, name in enumerate(names):
        path = folder / where(n) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16), n, np.uint8)).save(path)


def lists(folder: Path, names: Sequence[str], test: int = 2) -> None:
    """The last ones are the test split."""
    (folder / "train_val_list.txt").write_text("\n".join(names[:-test]))
    (folder / "test_list.txt").write_text("\n".join(names[-test:]))


def published(folder: Path, names: Sequence[str]) -> None:
    """The rows of the real table that are of these pictures."""
    table = pd.read_csv(packaged(f"{TABLE}.gz"), dtype=str)
    table[table["Image Index"].isin(names)].to_csv(folder / TABLE, index=False)


def read(folder: Path, **settings: Any) -> Listing:
    config = ImportConfig(source="nih", path=str(folder), name="x", **settings)
    return read_source(config, Folder.read(folder))


def test_the_table_of_2017(tmp_path: Path) -> None:
    """Ages as DICOM writes them, a comma at the end of each line; the one of 2020 wins where both are there."""
    (tmp_path / "Data_Entry_2017.csv").write_text(
        f"{HEADER},\n"
        "00000001_000.png,Cardiomegaly,000,00001,058Y,M,PA,2682,2749,0.143,0.143,\n"
        "00000002_000.png,No Finding,000,00002,411Y,F,AP,2500,2048,0.171,0.171,\n"
        "00000003_000.png,Hernia|Mass,000,00003,006M,F,PA,2500,2048,0.171,0.171,\n"
    )
    names = [f"0000000{n}_000.png" for n in (1, 2, 3)]
    draw(tmp_path, names)
    lists(tmp_path, names)
    found = listed("nih", tmp_path)
    assert found.findings == NIH_FINDINGS and found.samples["row"].tolist() == [2, 3, 4]
    assert found.samples["patient"].tolist() == ["00001", "00002", "00003"]
    assert np.array_equal(found.samples["age"], np.array([58, np.nan, 0.5], np.float32), equal_nan=True)
    assert found.samples["sex"].tolist() == ["M", "F", "F"] and found.samples["view"].tolist() == ["PA", "AP", "PA"]
    assert found.samples["split"].tolist() == ["train+val", "test", "test"]
    assert labels(found, "Cardiomegaly") == ["1", "0", "0"]
    assert labels(found, "Mass") == labels(found, "Hernia") == ["0", "0", "1"]
    published(tmp_path, names)
    real = table_of(f"{TABLE}.gz", 400).set_index("Image Index").loc[names]
    assert listed("nih", tmp_path).samples["age"].tolist() == real["Patient Age"].astype(float).tolist()


@pytest.mark.parametrize("layout", ["twelve folders", "one folder"])
def test_where_pictures_lie(tmp_path: Path, layout: str) -> None:
    """All of images_001 to images_012, or images/ alone; a picture elsewhere is none of them."""
    names = table_of(f"{TABLE}.gz", 13)["Image Index"].tolist()
    folders = [f"images_{n:03d}/images" if layout == "twelve folders" else "images" for n in range(1, 13)]
    draw(tmp_path, names[:12], lambda n: folders[n])
    draw(tmp_path, names[12:], lambda n: "elsewhere")
    published(tmp_path, names)
    lists(tmp_path, names)
    found = listed("nih", tmp_path)
    assert found.samples["file"].tolist() == [f"{own}/{name}" for own, name in zip(folders, names, strict=False)]
    assert found.set_aside.to_dict("list") == {
        "row": [14],
        "file": names[12:],
        "reason": ["no picture of that name"],
    }


class TestLists:
    @pytest.fixture
    def names(self, tmp_path: Path) -> list[str]:
        names = table_of(f"{TABLE}.gz", 30)["Image Index"].tolist()
        draw(tmp_path, names)
        published(tmp_path, names)
        return names

    @pytest.mark.parametrize("lacking", ["train_val_list.txt", "test_list.txt"])
    def test_they_are_needed_for_the_given_split(self, tmp_path: Path, names: list[str], lacking: str) -> None:
        lists(tmp_path, names)
        (tmp_path / lacking).unlink()
        with pytest.raises(StudyError, match=f"not in NIH's layout: it lacks {lacking}"):
            read(tmp_path)

    @pytest.mark.parametrize("there", [(), ("train_val_list.txt",), ("test_list.txt",), ("both",)])
    def test_they_do_not_matter_to_a_seeded_split(self, tmp_path: Path, names: list[str], there: tuple[str]) -> None:
        """None, one of the two, or two that leave pictures out: every picture gets its split."""
        if there:
            lists(tmp_path, names[:20])
        for file in ("train_val_list.txt", "test_list.txt"):
            if file not in there and "both" not in there:
                (tmp_path / file).unlink(missing_ok=True)
        found = read(tmp_path, split="seeded")
        assert len(found.samples) == 30 and found.set_aside.empty

    @pytest.mark.usefixtures("workspace", "quick_disk")
    def test_a_seeded_study(self, tmp_path: Path, names: list[str]) -> None:
        study = import_study(ImportConfig(source="nih", path=str(tmp_path), name="x", size=16, split="seeded"))
        assert len(study) == len(names) and all(study.manifest["splits"].values())

    def test_one_report_of_all_that_is_wrong(self, tmp_path: Path, names: list[str]) -> None:
        table = pd.read_csv(tmp_path / TABLE, dtype=str)
        table.loc[3, "Finding Labels"], table.loc[5, "Finding Labels"] = "Mass|Pox", "Plague"
        table.loc[7, "Image Index"] = table["Image Index"][6]
        table.to_csv(tmp_path / TABLE, index=False)
        lists(tmp_path, names)
        (tmp_path / "test_list.txt").write_text("\n".join(names[:2]))
        with pytest.raises(StudyError) as error:
            read(tmp_path)
        lines = str(error.value).splitlines()
        assert lines[0] == "3 problems in the table; nothing was imported."
        assert lines[1] == "- 1 files are named twice (rows 9): keep one row of each."
        assert lines[2].startswith("- 2 unknown findings ['Plague', 'Pox'] (rows 5, 7): known are Atelectasis, ")
        assert lines[3] == "- 2 file names stand in both lists: each belongs into one."


@pytest.fixture
def judged(tmp_path: Path) -> tuple[Path, pd.DataFrame]:
    """A folder of 12 pictures: 8 that Google's experts read, with every label of theirs among them, and 4 others."""
    experts = table_of(EXPERTS)
    some = experts.groupby("Set Id").head(2)
    more = [experts[experts[title] == "YES"].head(1) for title in nih.EXPERT_FINDINGS]
    own = pd.concat([some, *more]).drop_duplicates("Image Index").head(8)
    table = table_of(f"{TABLE}.gz", 3000)
    free = table[~table["Image Index"].isin(experts["Image Index"])]["Image Index"].head(4)
    names = sorted([*own["Image Index"], *free])
    draw(tmp_path, names)
    published(tmp_path, names)
    patients = {name: name[:8] for name in names}
    last = patients[names[-1]]
    lists(tmp_path, names, test=sum(patient == last for patient in patients.values()))
    shutil.copy(packaged(EXPERTS), tmp_path)
    return tmp_path, own.set_index("Image Index")


class TestExperts:
    """The real table of Majkowska et al. (2020), as torchxrayvision packs it."""

    def test_as_columns(self, judged: tuple[Path, pd.DataFrame]) -> None:
        folder, own = judged
        found = read(folder)
        assert found.findings == NIH_FINDINGS and len(found.samples) == len(own) + 4
        names = [Path(file).name for file in found.samples["file"]]
        words = {"YES": "present", "NO": "absent"}
        for title in nih.EXPERT_FINDINGS:
            wanted = [words[own[title][name]] if name in own.index else None for name in names]
            assert found.samples[f"experts: {title}"].tolist() == wanted
        assert f"Google's expert labels of {len(own)} radiographs are kept as columns for filtering." in found.notes

    def test_as_labels(self, judged: tuple[Path, pd.DataFrame]) -> None:
        folder, own = judged
        found = read(folder, labels="experts")
        assert found.findings == ("Fracture", "Pneumothorax", "Airspace_opacity", "Nodule_or_mass")
        names = [Path(file).name for file in found.samples["file"]]
        for finding, title in zip(found.findings, nih.EXPERT_FINDINGS, strict=True):
            wanted = [{"YES": "1", "NO": "0"}[own[title][name]] if name in own.index else "nan" for name in names]
            assert labels(found, finding) == wanted and "1" in wanted
        assert found.notes[0].startswith(f"Labels are Google's, of {len(own)} radiographs")
        assert not any(name.startswith("experts: ") for name in found.samples)

    @pytest.mark.usefixtures("workspace", "quick_disk")
    def test_in_a_study(self, judged: tuple[Path, pd.DataFrame]) -> None:
        folder, own = judged
        settings = {"source": "nih", "path": str(folder), "size": 16}
        study = import_study(ImportConfig(**settings, name="x", labels="experts"))
        assert np.isnan(study.labels).all(axis=1).sum() == 4
        columns = import_study(ImportConfig(**settings, name="y")).samples
        assert set(columns["experts: Fracture"].dropna()) == {"present", "absent"}
        assert columns["experts: Fracture"].notna().sum() == len(own)

    def test_hedged_and_as_google_names_its_files(self, judged: tuple[Path, pd.DataFrame]) -> None:
        """The released files are two; HEDGE is uncertain, and the first file that names a picture counts."""
        folder, own = judged
        (folder / EXPERTS).unlink()
        first, second, third = own.index[:3]
        header = "Image Index,Patient ID,Fracture,Pneumothorax,Airspace opacity,Nodule or mass\n"
        for name, text in (
            ("four_findings_expert_labels_test_labels.csv", f"{first},1,HEDGE,YES,no,\n"),
            ("four_findings_expert_labels_validation_labels.csv", f"{first},1,NO,NO,NO,NO\n{second},2, Yes ,NO,NO,?\n"),
        ):
            (folder / "labels").mkdir(exist_ok=True)
            (folder / "labels" / name).write_text(header + text)
        found = read(folder, labels="experts")
        by_name = found.samples.set_index(found.samples["file"].map(lambda file: Path(file).name))
        own_labels = by_name[[f"finding:{name}" for name in found.findings]]
        assert np.array_equal(own_labels.loc[first], np.array([-1, 1, 0, np.nan]), equal_nan=True)
        assert np.array_equal(own_labels.loc[second], np.array([1, 0, 0, np.nan]), equal_nan=True)
        assert own_labels.loc[third].isna().all()

    def test_asked_for_but_not_there(self, judged: tuple[Path, pd.DataFrame]) -> None:
        folder, own = judged
        only_others = table_of(EXPERTS)[lambda table: ~table["Image Index"].isin(own.index)]
        only_others.to_csv(folder / EXPERTS, index=False)
        assert not any(name.startswith("experts: ") for name in read(folder).samples)
        with pytest.raises(StudyError, match=r"Expert labels were asked for.*google2019_nih-chest-xray-labels"):
            read(folder, labels="experts")


class TestBoxes:
    @pytest.fixture
    def boxed(self, tmp_path: Path) -> tuple[Path, pd.DataFrame]:
        """Pictures that have boxes: all kinds of findings, one picture with several, and one without any."""
        table = table_of(BOXES)
        table.columns = ["name", "finding", "x", "y", "width", "height", *table.columns[6:]]
        own = pd.concat([table.groupby("finding").head(1), table[table["name"].duplicated(keep=False)].head(3)])
        own = table[table["name"].isin(own["name"])]
        names = sorted({*own["name"], "00000001_000.png"})
        draw(tmp_path, names)
        published(tmp_path, names)
        shutil.copy(packaged(BOXES), tmp_path)
        return tmp_path, own

    def test_as_shares_of_the_side(self, boxed: tuple[Path, pd.DataFrame]) -> None:
        folder, own = boxed
        found = read(folder, split="seeded")
        assert set(own["finding"]) == {*found.boxes["finding"].replace({"Infiltration": "Infiltrate"})}
        assert set(found.boxes["finding"]) <= set(NIH_FINDINGS) and "Infiltration" in set(found.boxes["finding"])
        assert found.boxes["file"].tolist() == [f"images_001/images/{name}" for name in own["name"]]
        sides = ["x", "y", "width", "height"]
        wanted = own[sides].astype(float).to_numpy() / 1024
        assert np.allclose(found.boxes[sides], wanted, atol=1e-6) and found.boxes["x"].dtype == "float32"
        assert wanted.min() >= 0 and (wanted[:, :2] + wanted[:, 2:]).max() <= 1.001
        assert f"{len(own)} boxes from BBox_List_2017.csv." in found.notes

    @pytest.mark.usefixtures("workspace", "quick_disk")
    def test_in_a_study(self, boxed: tuple[Path, pd.DataFrame]) -> None:
        """By salted ids; those of a picture that cannot be read are left out."""
        folder, own = boxed
        name = own["name"].iloc[0]
        (folder / "images_001/images" / name).write_bytes(b"")
        study = import_study(ImportConfig(source="nih", path=str(folder), name="x", size=16, split="seeded"))
        left = own[own["name"] != name]
        assert study.boxes["id"].tolist() == salted([f"images_001/images/{one}" for one in left["name"]], "r")
        assert set(study.boxes["id"]) <= set(study.samples["id"])
        assert set(study.boxes) == {"id", "finding", "x", "y", "width", "height"}

    def test_unpacked_and_with_experts(self, boxed: tuple[Path, pd.DataFrame]) -> None:
        """Unpacked it is read the same; boxes of findings that the study does not have are no boxes of it."""
        folder, own = boxed
        before = read(folder, split="seeded").boxes
        table = pd.read_csv(folder / BOXES, dtype=str)
        (folder / BOXES).unlink()
        table.rename(columns=lambda name: "" if name.startswith("Unnamed") else name).to_csv(
            folder / "BBox_List_2017.csv", index=False
        )
        pd.testing.assert_frame_equal(read(folder, split="seeded").boxes, before)
        experts = table_of(EXPERTS, 1).assign(**{"Image Index": own["name"].iloc[0]})
        experts.to_csv(folder / EXPERTS, index=False)
        found = read(folder, split="seeded", labels="experts")
        assert set(found.boxes["finding"]) <= set(found.findings)
