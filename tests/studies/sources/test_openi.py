"""Open-i: reports, terms by whole words, views and ages of the real collection."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.folder import Folder
from core.studies.sources import openi
from core.studies.sources.published import packaged
from core.studies.study import PREFIX
from tests.studies.sources.small_folders import labels, listed, pictures


def report(uid: int, *terms: str, major: str = "x", images: tuple[str, ...] = (), findings: str = "Clear.") -> str:
    """A report in Open-i's form."""
    automatic = "".join(f"<automatic>{term}</automatic>" for term in terms)
    parents = "".join(f'<parentImage id="{image}"/>' for image in images)
    return (
        f'<eCitation><uId id="CXR{uid}"/><AbstractText Label="INDICATION">Cough</AbstractText>'
        f'<AbstractText Label="FINDINGS">{findings}</AbstractText><AbstractText Label="IMPRESSION"/>'
        f"<MeSH><major>{major}</major>{automatic}</MeSH>{parents}</eCitation>"
    )


def test_the_packaged_reports(tmp_path: Path) -> None:
    """Worked by hand from the first report and the tables of views."""
    names = ["CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001", "CXR10_IM-0002-1001"]
    pictures(tmp_path, [f"images/{name}.png" for name in names])
    found = listed("openi", tmp_path)
    assert found.samples["file"].tolist() == [f"images/{name}.png" for name in names]
    assert found.samples["patient"].tolist() == ["CXR1", "CXR1", "CXR10"]
    assert found.samples["row"].tolist()[:2] == [2, 3] and len(found.set_aside) == 7_470 - 3
    assert found.samples["view"].tolist() == ["L", None, "L"]
    assert found.samples["age"].fillna(-1).tolist() == [-1, -1, 50]  # born 1961, seen 2011
    text = found.samples["text"][0]
    assert text.startswith("The cardiac silhouette") and text.endswith("pneumothorax. Normal chest x-XXXX.")
    assert set(found.samples[[PREFIX + name for name in found.findings]].iloc[0]) == {0}


@pytest.mark.parametrize(
    "name", ["CXR1000_IM-0003-1001.png", "1000/1000_IM-0003-1001.dcm", "images_normalized/1000_IM-0003-1001.dcm.png"]
)
def test_names_of_the_copies_in_use(tmp_path: Path, name: str) -> None:
    pictures(tmp_path, [name])
    found = listed("openi", tmp_path)
    assert found.samples["file"].tolist() == [name] and found.samples["patient"].tolist() == ["CXR1000"]


def test_own_reports_win_and_torn_ones_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "openi"
    (folder / "ecgen-radiology").mkdir(parents=True)
    written = {
        "10": report(10, "Granuloma", "pericardial effusion", images=("CXR10_IM-0002-1001",)),
        "2": report(2, "granulomatous disease", "pleural effusions", images=("CXR2_IM-0652-1001", "CXR2_IM-0652-2001")),
        "3": report(3, major="No Indexing", images=("CXR3_IM-1384-1001",), findings=""),
        "4": report(4, major="normal", images=("CXR4_IM-2050-1001",)),
        "5": report(5)[:-20],
    }
    for name, content in written.items():
        (folder / f"ecgen-radiology/{name}.xml").write_text(content)
    (folder / "notes.xml").write_text("<no report>")
    pictures(folder, [f"{name}.png" for name in ("CXR10_IM-0002-1001", "CXR2_IM-0652-1001", "CXR3_IM-1384-1001")])
    pictures(folder, ["CXR4_IM-2050-1001.png"])
    found = listed("openi", folder)
    assert found.samples["patient"].tolist() == ["CXR2", "CXR3", "CXR4", "CXR10"]
    assert labels(found, "Granuloma") == ["0", "nan", "0", "1"]
    assert labels(found, "Effusion") == ["1", "nan", "0", "0"]
    assert found.samples["text"].tolist() == ["Clear.", None, "Clear.", "Clear."]
    assert found.set_aside.values.tolist() == [[3, "CXR2_IM-0652-2001", "no picture of that name"]]
    assert any(note.startswith("1 reports are not well-formed") for note in found.notes)


def test_errors_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"None of the 7470 pictures of Open-i"):
        listed("openi", tmp_path)
    (tmp_path / "NLMCXR_reports.tgz").write_bytes(packaged("NLMCXR_reports.tgz").read_bytes()[:5_000])
    with pytest.raises(StudyError, match=r"NLMCXR_reports.tgz cannot be unpacked"):
        listed("openi", tmp_path)
    (tmp_path / "5.xml").write_text("<a>")
    with pytest.raises(StudyError, match=r"None of the reports \(1 torn\)"):
        listed("openi", tmp_path)


def test_an_archive_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text(report(7, "Edema", images=("CXR7_IM-1-1",)))
    with tarfile.open(tmp_path / "NLMCXR_reports.tgz", "w:gz") as archive:
        archive.add(tmp_path / "1.txt", "ecgen-radiology/7.xml")
    pictures(tmp_path, ["CXR7_IM-1-1.png"])
    found = listed("openi", tmp_path)
    assert labels(found, "Edema") == ["1"] and found.set_aside.empty


@pytest.mark.slow
def test_labels_agree_with_torchxrayvision(tmp_path: Path) -> None:
    """Over all pictures, but for the terms that ours reads otherwise, which are named here."""
    from torchxrayvision.datasets import Openi_Dataset

    theirs = Openi_Dataset(str(tmp_path), views=["*"], unique_patients=False)
    folder = Folder(tmp_path, {f"{name}.png": (1, 1) for name in theirs.csv["imageid"]}, frozenset())
    ours = openi.read(ImportConfig(source="openi", path="x", name="x"), folder).samples.set_index("file")
    mine = ours.loc[[f"{name}.png" for name in theirs.csv["imageid"]]]
    said = theirs.csv["labels_automatic"]
    otherwise = {
        "Granuloma": "granulomatous",
        "Effusion": "pericardial effusion",
        "Emphysema": "subcutaneous emphysema",
        "Fibrosis": "cystic fibrosis",
        "Mass": "thyroid mass",
    }
    assert len(mine) == 7_470
    for at, name in enumerate(theirs.pathologies):
        own = mine[PREFIX + name].to_numpy()
        differ = (theirs.labels[:, at] != own) & ~np.isnan(own)
        assert said[differ].str.contains(otherwise.get(name, "nothing")).all(), name
        assert differ.any() == (name in otherwise), name
        assert not theirs.labels[:, at][np.isnan(own)].any()
