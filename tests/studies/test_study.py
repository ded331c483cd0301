"""Study: whole or not at all, leaks refused, unknown labels kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from core.errors import ConfigError, StudyError
from core.studies.study import SPLITS, Study, check_leaks, check_samples, load_studies, study_names, write_study

SIZE = 16
FINDINGS = ("Mass", "Edema")
NAN = float("nan")


def table(count: int = 6, **columns: Any) -> pd.DataFrame:
    """Each sample a patient of its own; half train, then val and test in turn."""
    made = pd.DataFrame(
        {
            "id": [f"r{row}" for row in range(count)],
            "patient": [f"p{row}" for row in range(count)],
            "split": [("train", "train", "val", "test")[row % 4] for row in range(count)],
            "text": pd.Series([None] * count, dtype=object),
            "age": np.float32(50),
            "sex": "F",
            "view": "PA",
            "finding:Mass": np.float32(1),
            "finding:Edema": np.array([NAN, *[0] * (count - 1)], np.float32),
        }
    )
    return made.assign(**columns)


def pictures(count: int = 6, start: int = 0) -> list[NDArray[np.uint8]]:
    return [np.full((SIZE, SIZE), start + row, np.uint8) for row in range(count)]


def written(samples: pd.DataFrame | None = None, shown: list[Any] | None = None, name: str = "x") -> Study:
    samples = table() if samples is None else samples
    given = iter(pictures(len(samples)) if shown is None else shown)
    about = {"source": "test", "title": "Test", "synthetic": True, "notes": []}
    return write_study(name, samples, given, size=SIZE, findings=FINDINGS, about=about)


@pytest.mark.usefixtures("workspace")
class TestRoundTrip:
    def test_what_goes_in_comes_out(self) -> None:
        study = written()
        assert study.name == "x" and len(study) == 6 and study.synthetic and not study.has_text
        assert np.array_equal(study.images, np.stack(pictures()))
        assert study.images.dtype == np.uint8 and not study.images.flags.writeable
        assert study.labels.dtype == np.float32 and study.labels.shape == (6, 2)
        assert np.isnan(study.labels[0, 1]) and np.nansum(study.labels) == 6
        pd.testing.assert_frame_equal(study.samples, table())
        assert study.rows("train").tolist() == [0, 1, 4, 5]
        assert study.rows("test", "val").tolist() == [2, 3]
        assert study.manifest["splits"] == {"train": 4, "val": 1, "test": 1}
        assert Study.load("x").fingerprint == study.fingerprint

    def test_the_array_is_plain_npy(self, workspace: Path) -> None:
        written()
        found = np.load(workspace / "studies/x/images.npy", mmap_mode="r", allow_pickle=False)
        assert found.shape == (6, SIZE, SIZE) and np.array_equal(found, np.stack(pictures()))

    def test_progress_counts_every_picture(self) -> None:
        seen: list[tuple[int, int]] = []
        about: dict[str, Any] = {"source": "", "title": "", "synthetic": True, "notes": []}
        write_study(
            "x", table(), iter(pictures()), size=SIZE, findings=FINDINGS, about=about,
            progress=lambda done, total: seen.append((done, total)),
        )  # fmt: skip
        assert seen == [(row + 1, 6) for row in range(6)]

    def test_nothing_is_left_beside_it(self, workspace: Path) -> None:
        written()
        written(shown=pictures(start=100))
        assert [path.name for path in (workspace / "studies").iterdir()] == ["x"]
        assert sorted(path.name for path in (workspace / "studies/x").iterdir()) == [
            "images.npy",
            "samples.parquet",
            "study.json",
        ]


@pytest.mark.usefixtures("workspace")
class TestFingerprint:
    def test_the_same_study_twice(self) -> None:
        assert written().fingerprint == written(name="y").fingerprint

    @pytest.mark.parametrize("change", ["pixel", "label", "unknown", "split", "age", "text", "id", "order"])
    def test_any_change_shows(self, change: str) -> None:
        before = written()
        samples, shown = table(), pictures()
        if change == "pixel":
            shown[3][2, 2] += 100
        elif change == "label":
            samples.loc[2, "finding:Edema"] = 1
        elif change == "unknown":
            samples.loc[0, "finding:Edema"] = 0
        elif change == "order":
            shown[0], shown[1] = shown[1], shown[0]
        else:
            column, value = {"split": ("split", "val"), "age": ("age", 51.0), "text": ("text", "x"), "id": ("id", "z")}[
                change
            ]
            samples.loc[1, column] = value
        after = written(samples, shown)
        assert after.fingerprint != before.fingerprint
        assert (after.split_hash != before.split_hash) == (change == "split")


@pytest.mark.usefixtures("workspace")
class TestSetAside:
    def test_unreadable_rows_are_listed_and_left_out(self, workspace: Path) -> None:
        shown: list[Any] = pictures()
        shown[1], shown[5] = "cut off", "zero bytes"
        study = written(table(row=[10, 11, 12, 13, 14, 15]), shown)
        assert study.manifest["set_aside"] == [
            {"row": 11, "id": "r1", "reason": "cut off"},
            {"row": 15, "id": "r5", "reason": "zero bytes"},
        ]
        assert study.samples["id"].tolist() == ["r0", "r2", "r3", "r4"]
        found = np.load(workspace / "studies/x/images.npy", mmap_mode="r", allow_pickle=False)
        assert found.shape == (4, SIZE, SIZE) and found[:, 0, 0].tolist() == [0, 2, 3, 4]
        assert (workspace / "studies/x/images.npy").stat().st_size == 128 + 4 * SIZE * SIZE

    def test_from_many_to_one(self) -> None:
        """The header is written for all rows and again for those that are left: both have the same length."""
        study = written(table(1200), [*(["unreadable"] * 1199), np.zeros((SIZE, SIZE), np.uint8)])
        assert study.images.shape == (1, SIZE, SIZE)

    def test_none_is_left(self, workspace: Path) -> None:
        with pytest.raises(StudyError, match=r"None of the 6 radiographs can be read \(row 0: cut off; row 1"):
            written(shown=["cut off"] * 6)
        assert study_names() == [] and not list((workspace / "studies").iterdir())


@pytest.mark.usefixtures("workspace")
class TestAllOrNothing:
    def broken(self) -> Iterator[NDArray[np.uint8]]:
        yield from pictures(3, start=50)
        raise OSError("the disk went away")

    @pytest.mark.parametrize("existing", [False, True])
    def test_a_failed_import_leaves_what_there_was(self, workspace: Path, existing: bool) -> None:
        before = written().fingerprint if existing else None
        with pytest.raises(OSError, match="the disk went away"):
            write_study("x", table(), self.broken(), size=SIZE, findings=FINDINGS, about={"synthetic": True})
        assert study_names() == (["x"] if existing else [])
        assert [path.name for path in (workspace / "studies").iterdir()] == study_names()
        if existing:
            assert Study.load("x").fingerprint == before
            assert np.array_equal(Study.load("x").images, np.stack(pictures()))

    def test_too_few_pictures(self) -> None:
        with pytest.raises(StudyError, match="6 samples but 4 pictures"):
            written(shown=pictures(4))
        assert study_names() == []

    def test_a_newer_study_takes_the_place(self) -> None:
        written()
        written(shown=pictures(start=100))
        assert Study.load("x").images[0, 0, 0] == 100

    @pytest.mark.parametrize("name", ["", "../x", "a/b", "-rf", ".x", "A", "x\n", "x" * 65, "ü", "x y"])
    def test_names(self, workspace: Path, name: str) -> None:
        with pytest.raises(ConfigError, match="cannot name a study"):
            written(name=name)
        with pytest.raises(ConfigError, match="cannot name a study"):
            Study.load(name)
        assert not workspace.exists()


@pytest.mark.usefixtures("workspace")
class TestLoad:
    def test_there_is_none(self) -> None:
        with pytest.raises(StudyError, match="there is: none yet"):
            Study.load("x")
        written(name="other")
        with pytest.raises(StudyError, match="No study 'x'; there is: other"):
            Study.load("x")

    @pytest.mark.parametrize("file", ["images.npy", "samples.parquet"])
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

    @pytest.mark.parametrize("manifest", ["", "{", "{}", "[]", '{"form": 99}', "null"])
    def test_a_manifest_that_is_not_ours_is_left_out_of_the_list(self, workspace: Path, manifest: str) -> None:
        written(name="good")
        written(name="bad")
        (workspace / "studies/bad/study.json").write_text(manifest)
        assert [study.name for study in load_studies()] == ["good"]

    def test_a_folder_without_a_manifest_is_no_study(self, workspace: Path) -> None:
        written()
        (workspace / "studies/half").mkdir()
        (workspace / "studies/.x.0.tmp").mkdir()
        (workspace / "studies/.x.0.tmp/study.json").write_text("{}")
        assert study_names() == ["x"]

    def test_the_manifest_is_strict_json(self, workspace: Path) -> None:
        written()
        text = (workspace / "studies/x/study.json").read_text()
        assert json.loads(text, parse_constant=pytest.fail)["findings"] == list(FINDINGS)


class TestChecks:
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("id", ["r0"] * 6, "5 ids appear twice"),
            ("id", [None, *"abcde"], "no id or no patient"),
            ("patient", [NAN, *"abcde"], "no id or no patient"),
            ("split", ["training"] * 6, "train, val, test"),
            ("split", [None] * 6, "train, val, test"),
            ("finding:Mass", [-1.0] * 6, "1 .present., 0 .absent. or empty"),
            ("finding:Mass", [0.5] * 6, "1 .present., 0 .absent. or empty"),
        ],
    )
    def test_a_table_that_is_not_of_the_form(self, column: str, value: list[Any], message: str) -> None:
        with pytest.raises(StudyError, match=message):
            check_samples(table(**{column: value}), FINDINGS)

    def test_missing_columns_and_rows(self) -> None:
        with pytest.raises(StudyError, match=r"lacks the columns \['view', 'finding:Hernia'\]"):
            check_samples(table().drop(columns="view"), (*FINDINGS, "Hernia"))
        with pytest.raises(StudyError, match="no radiograph"):
            check_samples(table().iloc[:0], FINDINGS)

    def test_a_patient_in_two_splits(self) -> None:
        samples = table(patient=["a", "a", "a", "b", "c", "c"])  # train train val | test | train train
        with pytest.raises(StudyError, match=r"1 patients lie in more than one split \(first: a\)"):
            check_leaks(samples)
        check_leaks(table(patient=["a", "a", "b", "c", "d", "d"]))

    def test_a_picture_in_two_splits(self, workspace: Path) -> None:
        shown = pictures()
        shown[3] = shown[0].copy()  # test and train, another patient, another name
        with pytest.raises(StudyError, match=r"2 radiographs have the same pixels .*r0, r3"):
            written(shown=shown)
        assert study_names() == []
        shown = pictures()
        shown[1] = shown[0].copy()  # twice in train does no harm
        assert len(written(shown=shown)) == 6
        assert workspace.exists()

    def test_splits(self) -> None:
        assert SPLITS == ("train", "val", "test")
