"""Writing a study: what goes in comes out, whole or not at all, and each picture is made once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import StudyError
from core.studies import pool, writing
from core.studies.study import Study, study_names
from core.studies.writing import check_samples
from tests.studies.small import (
    FILES,
    FINDINGS,
    NAN,
    SIZE,
    names_in,
    pictures,
    table,
    watched,
    written,
)

pytestmark = pytest.mark.usefixtures("workspace", "quick_disk")


class TestRoundTrip:
    def test_what_goes_in_comes_out(self) -> None:
        study = written()
        assert study.name == "x" and len(study) == 6 and study.synthetic and not study.has_text
        assert np.array_equal(study.images, np.stack(pictures()))
        assert study.images.dtype == np.uint8 and not study.images.flags.writeable
        assert study.labels.dtype == np.float32 and study.labels.shape == (6, 2)
        assert np.isnan(study.labels[0, 1]) and np.nansum(study.labels) == 6
        pd.testing.assert_frame_equal(study.samples, table())
        assert study.set_aside.empty and study.boxes.empty and study.manifest["set_aside"] == {}
        assert study.manifest["splits"] == {"train": 4, "val": 1, "test": 1}
        assert Study.load("x").fingerprint == study.fingerprint

    def test_the_array_is_plain_npy(self, workspace: Path) -> None:
        written()
        found = np.load(workspace / "studies/x/images.npy", mmap_mode="r", allow_pickle=False)
        assert found.shape == (6, SIZE, SIZE) and np.array_equal(found, np.stack(pictures()))

    def test_progress_counts_every_picture(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pool, "CHUNK", 4)
        seen: list[tuple[int, int]] = []
        written(progress=lambda done, total: seen.append((done, total)))
        assert seen == [(0, 6), (4, 6), (6, 6)]

    def test_nothing_but_its_lock_is_left_beside_it(self, workspace: Path) -> None:
        written()
        written(shown=pictures(start=100))
        assert names_in(workspace / "studies") == [".x.lock", "x"]
        assert names_in(workspace / "studies/x") == sorted([*FILES, "study.json"])


class TestFingerprint:
    def test_the_same_study_twice(self) -> None:
        assert written().fingerprint == written(name="y").fingerprint

    @pytest.mark.parametrize("change", ["pixel", "label", "unknown", "split", "age", "text", "id", "patient", "order"])
    def test_any_change_shows(self, change: str) -> None:
        before = written()
        samples, shown = table(), pictures()
        changes = {
            "label": (2, "finding:Edema", 1),
            "unknown": (0, "finding:Edema", 0),
            "split": (1, "split", "val"),
            "age": (1, "age", 51.0),
            "text": (1, "text", "x"),
            "id": (1, "id", "z"),
            "patient": (1, "patient", "z"),
        }
        if change == "pixel":
            shown[3][2, 2] += 100
        elif change == "order":
            shown[0], shown[1] = shown[1], shown[0]
        else:
            row, column, value = changes[change]
            samples.loc[row, column] = value
        after = written(samples, shown)
        assert after.fingerprint != before.fingerprint
        assert (after.split_hash != before.split_hash) == (change in ("split", "patient"))


class TestSetAside:
    def test_unreadable_rows_are_listed_and_left_out(self, workspace: Path) -> None:
        shown = pictures()
        shown[1], shown[5] = "cut off", "zero bytes"
        study = written(table(row=[10, 11, 12, 13, 14, 15]), shown)
        assert study.manifest["set_aside"] == {"cut off": 1, "zero bytes": 1}
        assert study.set_aside.to_dict("list") == {
            "row": [11, 15],
            "file": ["r1", "r5"],
            "reason": ["cut off", "zero bytes"],
        }
        assert study.samples["row"].tolist() == [10, 14, 12, 13], "the gap is filled from the end"
        assert study.samples["id"].tolist() == ["r0", "r4", "r2", "r3"]
        found = np.load(workspace / "studies/x/images.npy", mmap_mode="r", allow_pickle=False)
        assert found.shape == (4, SIZE, SIZE) and found[:, 0, 0].tolist() == [0, 4, 2, 3]
        assert (workspace / "studies/x/images.npy").stat().st_size == 128 + 4 * SIZE * SIZE

    def test_rows_that_are_arranged_away(self) -> None:
        """Splits may be decided, and rows set aside, when the pixels are known; unreadable rows are not asked about."""

        def arrange(samples: pd.DataFrame, pixels: Any) -> tuple[Any, dict[int, str]]:
            assert samples["id"].tolist() == ["r0", "r2", "r3", "r4", "r5"] and len(set(pixels)) == 5
            return np.array(["test", "val", "", "train", "train"], object), {2: "not wanted"}

        study = written(shown=[*pictures(1), "cut off", *pictures(4, start=2)], arrange=arrange)
        assert study.set_aside.to_dict("list") == {
            "row": [1, 3],
            "file": ["r1", "r3"],
            "reason": ["cut off", "not wanted"],
        }
        own = dict(
            zip(study.samples["id"], zip(study.samples["split"], study.images[:, 0, 0], strict=True), strict=True)
        )
        assert own == {"r0": ("test", 0), "r2": ("val", 2), "r4": ("train", 4), "r5": ("train", 5)}

    def test_from_many_to_one(self) -> None:
        """The header is written for all rows and again for those that are left: both have the same length."""
        study = written(table(1200), [*(["unreadable"] * 1199), np.zeros((SIZE, SIZE), np.uint8)])
        assert study.images.shape == (1, SIZE, SIZE) and study.samples["id"].tolist() == ["r1199"]

    def test_none_is_left(self) -> None:
        with pytest.raises(StudyError, match=r"None of the 6 radiographs can be read \(row 0: cut off; row 1"):
            written(shown=["cut off"] * 6)
        assert study_names() == []


class TestAllOrNothing:
    @pytest.mark.parametrize("existing", [False, True])
    def test_a_failed_import_leaves_what_there_was(self, workspace: Path, existing: bool) -> None:
        before = written().fingerprint if existing else None
        shown, _ = watched(pictures(start=50))

        def broken(task: tuple[int, Any], size: int) -> Any:
            if task[0] == 3:
                raise OSError("the disk went away")
            return task[1]

        with pytest.raises(OSError, match="the disk went away"):
            written(shown=writing.Pictures(shown.tasks, shown.keys, broken))
        assert study_names() == (["x"] if existing else [])
        if existing:
            assert Study.load("x").fingerprint == before
            assert np.array_equal(Study.load("x").images, np.stack(pictures()))
        assert written(shown=shown).images[:, 0, 0].tolist() == [50, 51, 52, 53, 54, 55]
        assert names_in(workspace / "studies") == [".x.lock", "x"]

    def test_a_newer_study_takes_the_place(self) -> None:
        written()
        written(shown=pictures(start=100))
        assert Study.load("x").images[0, 0, 0] == 100

    def test_a_picture_in_two_splits(self) -> None:
        shown = pictures()
        shown[3] = shown[0].copy()  # test and train, another patient, another name
        with pytest.raises(StudyError, match=r"2 radiographs have the same pixels .*r0, r3"):
            written(shown=shown)
        assert study_names() == []
        shown = pictures()
        shown[1] = shown[0].copy()  # twice in train does no harm
        assert len(written(shown=shown)) == 6

    @pytest.mark.parametrize("existing", [False, True])
    def test_ended_at_any_step_of_the_end(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch, existing: bool
    ) -> None:
        """Killed before the n-th rename: the study is whole or not there, and no picture is made a second time."""
        for step in itertools.count():
            name = f"s{step}"
            if existing:
                written(name=name, shown=pictures(start=100))
            shown, asked = watched(pictures())
            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", killed_at(step))
                try:
                    written(name=name, shown=shown)
                    break
                except KeyboardInterrupt:
                    asked.clear()
            there = Study.load(name).images[0, 0, 0] if name in study_names() else None
            assert there in (None, 0, 100)
            again = written(name=name, shown=shown)
            assert asked == ([] if step else [0, 1, 2, 3, 4, 5]), f"step {step}"
            assert again.images[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
            assert names_in(again.folder) == sorted([*FILES, "study.json"])
            assert names_in(workspace / "studies") == sorted(
                f"{dot}s{n}{end}" for n in range(step + 1) for dot, end in BOTH
            )
        assert step >= 7


BOTH = (("", ""), (".", ".lock"))


def killed_at(step: int) -> Callable[..., None]:
    """``os.replace`` that ends the work instead of the n-th rename."""
    real, count = os.replace, itertools.count()

    def replace(*names: Any) -> None:
        if next(count) >= step:
            raise KeyboardInterrupt
        real(*names)

    return replace


class TestChecks:
    @pytest.mark.parametrize(
        ("column", "value", "message"),
        [
            ("id", ["r0"] * 6, "5 ids appear twice"),
            ("id", [None, *"abcde"], "no id or no patient"),
            ("patient", [NAN, *"abcde"], "no id or no patient"),
            ("finding:Mass", [-2.0] * 6, "1 .present., 0 .absent., -1 .uncertain. or empty"),
            ("finding:Mass", [0.5] * 6, "1 .present., 0 .absent., -1 .uncertain. or empty"),
        ],
    )
    def test_a_table_that_is_not_of_the_form(self, column: str, value: list[Any], message: str) -> None:
        with pytest.raises(StudyError, match=message):
            check_samples(table(**{column: value}), FINDINGS)

    @pytest.mark.parametrize("split", ["training", None, ""])
    def test_splits(self, split: str | None) -> None:
        with pytest.raises(StudyError, match="one of the splits train, val, test"):
            written(table(split=[split] * 6))
        assert study_names() == []

    def test_missing_columns_and_rows(self) -> None:
        with pytest.raises(StudyError, match=r"lacks the columns \['view', 'finding:Hernia'\]"):
            check_samples(table().drop(columns="view"), (*FINDINGS, "Hernia"))
        with pytest.raises(StudyError, match="no radiograph"):
            check_samples(table().iloc[:0], FINDINGS)
