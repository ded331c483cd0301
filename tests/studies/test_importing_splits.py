"""Splits of an import: given or drawn, by patient and by picture, the same in every workspace; and what of copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import StudyError
from core.studies.arranging import COPY
from core.studies.study import Study, study_names
from core.workspace import salted
from tests.studies.small_table import ALL, COUNT, brought, put, rows_of

pytestmark = pytest.mark.usefixtures("workspace", "quick_disk")


@pytest.fixture
def folder(squares_folder: Path) -> Path:
    return squares_folder


class TestSplits:
    def split_of(self, study: Study) -> dict[str, str]:
        """The split of each file."""
        names = dict(zip(salted(ALL, "r"), ALL, strict=True))
        return {names[one]: split for one, split in zip(study.samples["id"], study.samples["split"], strict=True)}

    def given(self, folder: Path, split: Callable[[int], str], shades: dict[int, int] | None = None) -> Path:
        return put(folder, [{**row, "split": split(n)} for n, row in enumerate(rows_of())], shades)

    def test_seeded(self, folder: Path) -> None:
        study = brought(folder)
        split = self.split_of(study)
        assert set(split.values()) == {"train", "val", "test"}
        assert all(split[ALL[n]] == split[ALL[n + 1]] for n in range(0, COUNT, 2)), "patients stay together"
        assert self.split_of(brought(folder, name="y")) == split
        assert any(self.split_of(brought(folder, name=f"s{seed}", seed=seed)) != split for seed in (1, 2, 3))
        note = "Split by patient, stratified over findings, seed 0: validation 15%, test 15%."
        assert study.manifest["notes"][-1] == note

    def test_another_workspace_has_another_salt_but_the_same_split(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        splits, patients = [], []
        for name in ("one", "two", "three"):
            monkeypatch.setenv("FLUOROSCOPE_HOME", str(tmp_path / name))
            study = brought(folder)
            splits.append(self.split_of(study))
            patients.append(set(study.samples["patient"]))
        assert splits[0] == splits[1] == splits[2]
        assert not (patients[0] & patients[1] or patients[0] & patients[2])

    def test_given(self, folder: Path) -> None:
        study = brought(self.given(folder, lambda n: ("train", "val", "test", "train")[n // 4]))
        assert list(self.split_of(study).values()) == ["train"] * 4 + ["val"] * 4 + ["test"] * 4 + ["train"] * 4
        assert study.manifest["notes"][-1] == "Splits as given."
        assert self.split_of(brought(folder, split="seeded")) != self.split_of(study)

    @pytest.mark.parametrize("word", ["train", "train_val"])
    def test_validation_is_cut_from_training(self, folder: Path, word: str) -> None:
        """By patient, and identical pictures of two patients (0 and 10, 3 and 13) stay together."""
        for seed in range(6):
            self.given(folder, lambda n: "test" if n in (6, 7) else word, {10: 0, 13: 3})
            study = brought(folder, val_fraction=0.4, seed=seed)
            split = self.split_of(study)
            assert {n for n in range(COUNT) if split[ALL[n]] == "test"} == {6, 7}
            assert set(split.values()) == {"train", "val", "test"}
            assert all(split[ALL[n]] == split[ALL[n + 1]] for n in range(0, COUNT, 2))
            assert split[ALL[0]] == split[ALL[10]] and split[ALL[3]] == split[ALL[13]]
        assert study.manifest["notes"][-1].startswith("Test as given; validation is 40% of the given training split")

    def test_seeded_keeps_identical_pictures_together(self, folder: Path) -> None:
        put(folder, rows_of(), {5: 0, 9: 4})
        for seed in range(6):
            split = self.split_of(brought(folder, seed=seed))
            assert split[ALL[0]] == split[ALL[5]] == split[ALL[4]] == split[ALL[9]], "4 and 5 are one patient's"

    def test_copies_are_refused(self, folder: Path) -> None:
        self.given(folder, lambda n: "test" if n > 11 else "train_val", {14: 1})
        with pytest.raises(StudyError, match=r"2 radiographs have the same pixels .*--copies set-aside"):
            brought(folder)
        assert study_names() == []

    def test_copies_are_set_aside(self, folder: Path, decoded: list[str]) -> None:
        """Test (12 to 15) keeps its own, then validation (8 to 11): 1 is 14, 2 is 9, and 10 is 15."""
        self.given(folder, lambda n: "test" if n > 11 else "val" if n > 7 else "train", {1: 14, 2: 9, 10: 15})
        with pytest.raises(StudyError, match="6 radiographs have the same pixels"):
            brought(folder)
        decoded.clear()
        study = brought(folder, copies="set-aside")
        assert decoded == [], "what the refused import decoded is still there"
        assert study.set_aside["row"].tolist() == [3, 4, 12] and set(study.set_aside["reason"]) == {COPY}
        assert study.manifest["splits"] == {"train": 6, "val": 3, "test": 4}
        assert not {ALL[1], ALL[2], ALL[10]} & self.split_of(study).keys()

    def test_copies_set_aside_before_validation_is_cut(self, folder: Path) -> None:
        self.given(folder, lambda n: "test" if n > 11 else "train_val", {1: 14, 2: 14, 4: 6})
        study = brought(folder, copies="set-aside", val_fraction=0.4)
        split = self.split_of(study)
        assert len(study) == COUNT - 2 and study.manifest["set_aside"] == {COPY: 2}
        assert split[ALL[4]] == split[ALL[6]] != "test" and study.manifest["splits"]["val"]

    def test_all_of_training_are_copies(self, folder: Path) -> None:
        self.given(folder, lambda n: "test" if n > 7 else "train_val", {n: n + 8 for n in range(8)})
        study = brought(folder, copies="set-aside")
        assert study.manifest["splits"] == {"train": 0, "val": 0, "test": 8}


def test_one_patient_in_two_spellings_is_one_patient(folder: Path) -> None:
    spelled = ("P7", " p7 ", "12.0", "12")
    rows = [{**row, "person": spelled[n % 4]} for n, row in enumerate(rows_of())]
    assert brought(put(folder, rows)).manifest["patients"] == 2
    crossing = [{**row, "split": ("train", "test")[n % 2]} for n, row in enumerate(rows)]
    with pytest.raises(StudyError, match="2 patients lie in more than one split"):
        brought(put(folder, crossing), name="y")
    assert study_names() == ["x"]
