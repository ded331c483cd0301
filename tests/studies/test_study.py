"""Study: opened whole or not at all, leaks refused, unknown and uncertain labels kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from core.errors import ArtefactError, ConfigError, StudyError
from core.studies.study import SPLITS, Study, broken_studies, check_leaks, load_studies, settled, study_names
from tests.studies.small import FINDINGS, NAN, table, written
from tests.tiny import tiny_study


@pytest.mark.usefixtures("workspace", "quick_disk")
class TestLoad:
    def test_there_is_none(self) -> None:
        with pytest.raises(StudyError, match="there is: none yet"):
            Study.load("x")
        written(name="other")
        with pytest.raises(StudyError, match="No study 'x'; there is: other"):
            Study.load("x")

    @pytest.mark.parametrize("file", ["images.npy", "samples.parquet", "hashes.npy", "summary.json"])
    @pytest.mark.parametrize("missing", [False, True])
    def test_a_torn_study(self, workspace: Path, file: str, missing: bool) -> None:
        written()
        path = workspace / "studies/x" / file
        if missing:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(StudyError, match=f"not whole: {file}"):
            Study.load("x")

    @pytest.mark.parametrize("file", ["samples.parquet", "set_aside.parquet", "boxes.parquet", "summary.json"])
    def test_an_altered_table_is_not_read(self, file: str) -> None:
        study = written()
        data = bytearray((study.folder / file).read_bytes())
        data[len(data) // 2] ^= 1
        (study.folder / file).write_bytes(data)
        with pytest.raises(ArtefactError, match=f"{file} does not have the SHA-256"):
            getattr(Study.load("x"), file.partition(".")[0])

    @pytest.mark.parametrize("manifest", ["", "{", "{}", "[]", '{"form": 1}', '{"form": 99}', "null"])
    def test_a_manifest_that_is_not_ours_is_left_out_of_the_list(self, workspace: Path, manifest: str) -> None:
        written(name="good")
        written(name="bad")
        (workspace / "studies/bad/study.json").write_text(manifest)
        assert [study.name for study in load_studies()] == ["good"]

    def test_a_folder_without_a_manifest_is_no_study(self, workspace: Path) -> None:
        written()
        (workspace / "studies/half").mkdir()
        (workspace / "studies/.y.import").mkdir()
        (workspace / "studies/.y.import/study.json").write_text("{}")
        assert study_names() == ["x"]

    def test_the_manifest_is_strict_json(self, workspace: Path) -> None:
        written()
        text = (workspace / "studies/x/study.json").read_text()
        assert json.loads(text, parse_constant=pytest.fail)["findings"] == list(FINDINGS)

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "-rf", ".x", "A", "x\n", "x" * 65, "ü", "x y"])
    def test_names(self, workspace: Path, name: str) -> None:
        with pytest.raises(ConfigError, match="cannot name a study"):
            written(name=name)
        with pytest.raises(ConfigError, match="cannot name a study"):
            Study.load(name)
        assert not workspace.exists()


@pytest.mark.usefixtures("workspace", "quick_disk")
class TestLabels:
    """Edema of sample 0 is unknown, of 1 and of 2 uncertain, of 3 to 5 absent; Mass is uncertain in sample 3."""

    MASS, EDEMA = [1, 1, 1, -1, 1, 1], [NAN, -1, -1, 0, 0, 0]

    @pytest.mark.parametrize(
        ("policy", "mass", "edema"),
        [
            ("S1", [1, 1, 1, 0, 1, 1], [NAN, 1, 1, 0, 0, 0]),
            ("S2", [1, 1, 1, NAN, 1, 1], [NAN, NAN, NAN, 0, 0, 0]),
            ("S3", [1, 1, 1, NAN, 1, 1], [NAN, NAN, NAN, 0, 0, 0]),
        ],
    )
    def test_uncertain_ones(self, policy: str, mass: list[float], edema: list[float]) -> None:
        samples = table(**{"finding:Mass": self.MASS, "finding:Edema": self.EDEMA})
        study = written(samples, uncertain=policy)
        assert study.uncertain == policy
        assert study.labels.dtype == study.stated.dtype == np.float32
        assert np.array_equal(study.stated, np.array([self.MASS, self.EDEMA], np.float32).T, equal_nan=True)
        assert np.array_equal(study.labels, np.array([mass, edema], np.float32).T, equal_nan=True)

    def test_the_policy_is_part_of_the_fingerprint(self) -> None:
        assert len({written(uncertain=policy).fingerprint for policy in ("S1", "S2", "S3")}) == 3

    def test_what_is_present_under_s1(self) -> None:
        """U-Ones for Atelectasis and Edema, U-Zeroes for the others; what is certain or unknown is not touched."""
        names = ("Atelectasis", "Effusion", "Edema", "Mass")
        stated = np.array([[-1, -1, -1, -1], [1, 0, NAN, -1]], np.float32)
        wanted = np.array([[1, 0, 1, 0], [1, 0, NAN, 0]], np.float32)
        assert np.array_equal(settled(stated, names, "S1"), wanted, equal_nan=True)
        assert stated[0, 0] == -1


class TestLeaks:
    def test_a_patient_in_two_splits(self) -> None:
        samples = table(patient=["a", "a", "a", "b", "c", "c"])  # train train val | test | train train
        with pytest.raises(StudyError, match=r"1 patients lie in more than one split \(first: a\)"):
            check_leaks(samples)
        check_leaks(table(patient=["a", "a", "b", "c", "d", "d"]))

    def test_a_picture_in_two_splits(self) -> None:
        check_leaks(table(), list("aabcdd"))  # twice in train does no harm
        with pytest.raises(StudyError, match=r"2 radiographs have the same pixels as one in another .*first: r0, r3"):
            check_leaks(table(), list("abcade"))
        with pytest.raises(StudyError, match="3 radiographs have the same pixels"):
            check_leaks(table(), list("aacade"))

    def test_splits(self) -> None:
        assert SPLITS == ("train", "val", "test")


@pytest.mark.usefixtures("workspace", "quick_disk")
def test_rows_and_judged_rows() -> None:
    study = written()
    assert study.rows("train").tolist() == [0, 1, 4, 5]
    assert study.rows("test", "val").tolist() == [2, 3]
    assert study.judged_rows().tolist() == [3]
    assert written(table(split="train"), name="y").judged_rows().tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.usefixtures("workspace")
def test_what_is_broken_is_said() -> None:
    assert broken_studies() == {}
    study = tiny_study(counts=(4, 2, 2))
    images = study.folder / "images.npy"
    images.write_bytes(images.read_bytes()[:-1])
    assert load_studies() == [] and "not whole: images.npy" in broken_studies()["tiny"]
