"""Splits of an import: given, cut by patient, and identical pictures kept together or set aside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from core.config.importing import ImportConfig
from core.errors import StudyError
from core.studies.arranging import BOTH, COPY, Arranger
from core.studies.study import PREFIX


def samples(splits: Sequence[str], patients: Sequence[str] | None = None) -> pd.DataFrame:
    count = len(splits)
    return pd.DataFrame(
        {
            "id": [f"r{at}" for at in range(count)],
            "patient": list(patients or [f"p{at}" for at in range(count)]),
            "split": pd.Series(list(splits), dtype=object),
            PREFIX + "Mass": np.array([at % 3 == 0 for at in range(count)], np.float32),
        }
    )


def arranged(
    table: pd.DataFrame, pixels: Sequence[str] | None = None, **settings: object
) -> tuple[list[str], dict[int, str]]:
    config = ImportConfig(source="table", path="x", name="x", **settings)  # type: ignore[arg-type]
    arranger = Arranger(config, ("Mass",), dict(zip(table["id"], table["patient"], strict=True)))
    before = table.copy()
    splits, aside = arranger(table, list(pixels or table["id"]))
    pd.testing.assert_frame_equal(table, before)
    return splits.tolist(), aside


def crossing(values: Sequence[str], splits: Sequence[str]) -> list[str]:
    """Obvious and slow: which values lie in two splits."""
    pairs = list(zip(values, splits, strict=True))
    return sorted({one for one, split in pairs for other, its in pairs if one == other and split != its})


@pytest.mark.parametrize("seed", range(5))
def test_a_split_by_patient_and_picture(seed: int) -> None:
    patients = [f"p{at // 3}" for at in range(120)]
    pixels = [f"{at}" for at in range(120)]
    pixels[4] = pixels[100]  # one picture ties two patients
    splits, aside = arranged(samples([""] * 120, patients), pixels, seed=seed)
    assert not crossing(patients, splits) and not crossing(pixels, splits) and not aside
    assert {name: round(splits.count(name) / 120, 1) for name in set(splits)} == pytest.approx(
        {"train": 0.7, "val": 0.15, "test": 0.15}, abs=0.06
    )
    assert splits == arranged(samples([""] * 120, patients), pixels, seed=seed)[0]


def test_another_seed_is_another_split() -> None:
    table = samples([""] * 60)
    assert arranged(table, seed=0)[0] != arranged(table, seed=1)[0]


def test_given_splits_stay() -> None:
    given = ["train", "val", "test", "train"]
    assert arranged(samples(given)) == (given, {})
    assert set(arranged(samples(given * 30), split="seeded")[0]) == {"train", "val", "test"}
    assert arranged(samples(given * 30), split="seeded")[0] != given * 30


@pytest.mark.parametrize("name", [BOTH, "train"])
def test_validation_is_cut_from_training(name: str) -> None:
    """Where a source gives none; the test split is untouched."""
    given = [name] * 80 + ["test"] * 20
    patients = [f"p{at // 2}" for at in range(100)]
    splits, aside = arranged(samples(given, patients), val_fraction=0.25)
    assert splits[80:] == ["test"] * 20 and not aside
    assert splits[:80].count("val") == pytest.approx(20, abs=4) and set(splits[:80]) == {"train", "val"}
    assert not crossing(patients, splits)


def test_training_is_left_alone_beside_a_validation() -> None:
    given = ["train"] * 40 + ["val"] * 5 + [BOTH] * 40
    splits, _ = arranged(samples(given))
    assert splits[:45] == given[:45] and set(splits[45:]) == {"train", "val"}


def test_no_validation_is_wanted() -> None:
    given = [BOTH] * 10 + ["test"] * 5
    assert arranged(samples(given), val_fraction=0.0)[0] == ["train"] * 10 + ["test"] * 5


def test_copies_are_refused_or_set_aside() -> None:
    given = ["train", "val", "test", "train", "test", "train"]
    pixels = ["a", "a", "a", "b", "c", "b"]
    with pytest.raises(StudyError, match="3 radiographs have the same pixels as one in another split") as error:
        arranged(samples(given), pixels)
    assert "--copies set-aside" in str(error.value)
    splits, aside = arranged(samples(given), pixels, copies="set-aside")
    assert aside == {0: COPY, 1: COPY} and splits[2:] == given[2:]  # test keeps its own; two alike in training stay


def test_copies_across_training_to_be_divided() -> None:
    given = [BOTH] * 20 + ["test"] * 3
    pixels = [str(at) for at in range(20)] + ["0", "1", "x"]
    splits, aside = arranged(samples(given), pixels, copies="set-aside")
    assert set(aside) == {0, 1}
    left = [at for at in range(23) if at not in aside]
    assert not crossing([pixels[at] for at in left], [splits[at] for at in left])
