"""The demo study: its table keeps the contract and each finding changes the anatomy that it is named after."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.errors import ConfigError
from core.studies.demo import RENDER_COLUMNS, DemoConfig, notes, render, sample_table
from core.studies.demo.reports import report
from core.studies.vocabulary import NIH_FINDINGS

SIZE = 112
BODIES = 4
CONTRACT = ("id", "patient", "split", "text", "age", "sex", "view")

# A word that a report uses for this finding and for no other.
WORDS = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Effusion": "effusion",
    "Infiltration": "infiltrat",
    "Mass": "mass",
    "Nodule": "nodule",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
    "Consolidation": "consolidation",
    "Edema": "edema",
    "Emphysema": "emphysema",
    "Fibrosis": "fibrosis",
    "Pleural_Thickening": "thickening",
    "Hernia": "hernia",
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return sample_table(DemoConfig())


def healthy(seed: int = 5, **changes: Any) -> dict[str, Any]:
    """A row without findings, as the table would hold it."""
    row: dict[str, Any] = {"age": 50.0, "sex": "M", "view": "PA", "body_seed": seed, "render_seed": seed + 1000}
    for name in NIH_FINDINGS:
        row |= {f"finding:{name}": 0.0, f"severity:{name}": 0.0, f"side:{name}": None}
    return row | changes


def diseased(row: Mapping[str, Any], name: str, severity: float = 0.9, side: str | None = None) -> dict[str, Any]:
    return dict(row) | {f"finding:{name}": 1.0, f"severity:{name}": severity, f"side:{name}": side}


@lru_cache
def plain(seed: int) -> np.ndarray:
    return render(healthy(seed), SIZE).astype(float)


@lru_cache
def change(name: str, side: str | None, severity: float = 0.9, bodies: int = BODIES) -> np.ndarray:
    """Mean over some bodies of the grey values with the finding minus those without it, (SIZE, SIZE)."""
    ill = [render(diseased(healthy(seed), name, severity, side), SIZE).astype(float) for seed in range(bodies)]
    return np.mean([image - plain(seed) for seed, image in enumerate(ill)], axis=0)


def box(image: np.ndarray, x0: float, x1: float, y0: float, y1: float) -> float:
    """Mean of the image inside shares of its width and height."""
    n = len(image)
    return float(image[round(y0 * n) : round(y1 * n), round(x0 * n) : round(x1 * n)].mean())


def test_table_keeps_the_contract(table: pd.DataFrame) -> None:
    assert table.columns[:7].tolist() == list(CONTRACT)
    assert len(table) == 1200
    assert table["id"].is_unique
    assert table["id"].iloc[0] == "demo-00001"
    assert set(table["split"]) == {"train", "val", "test"}
    assert set(table["sex"]) == {"M", "F"}
    assert set(table["view"]) == {"PA", "AP"}
    assert table["age"].between(1, 100).all()
    found = table[[f"finding:{name}" for name in NIH_FINDINGS]]
    assert (found.dtypes == np.float32).all()
    assert np.isin(found.to_numpy(), [0, 1]).all()
    assert set(RENDER_COLUMNS) < set(table.columns)
    assert table["render_seed"].is_unique


def test_patients_come_back_and_never_cross_splits(table: pd.DataFrame) -> None:
    assert (table.groupby("patient")["split"].nunique() == 1).all()
    assert table.groupby("patient").size().max() > 1
    assert table["patient"].str.fullmatch(r"demo-p\d{4,}").all()
    same_body = table.groupby("patient")["body_seed"].nunique()
    assert (same_body == 1).all()
    assert table["body_seed"].nunique() == table["patient"].nunique()


def test_every_finding_has_support_in_every_split(table: pd.DataFrame) -> None:
    found = table.groupby("split")[[f"finding:{name}" for name in NIH_FINDINGS]].sum()
    assert found.loc["test"].min() >= 20
    assert found.loc["val"].min() >= 8
    assert found.loc["train"].min() >= 30
    normal = table[[f"finding:{name}" for name in NIH_FINDINGS]].sum(axis="columns") == 0
    assert 0.25 < normal.mean() < 0.5
    shares = table["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.60, abs=0.01)
    assert shares["test"] == pytest.approx(0.27, abs=0.01)


def test_severity_and_side_belong_to_present_findings(table: pd.DataFrame) -> None:
    for name in NIH_FINDINGS:
        present = table[f"finding:{name}"] == 1
        assert (table.loc[~present, f"severity:{name}"] == 0).all()
        assert table.loc[present, f"severity:{name}"].between(0.05, 1).all()
        assert table.loc[~present, f"side:{name}"].isna().all()
        if name not in ("Cardiomegaly", "Hernia"):
            assert table.loc[present, f"side:{name}"].isin(["left", "right", "both"]).all()
    assert (table["severity:Effusion"].where(table["finding:Effusion"] == 1).std()) > 0.1


def test_the_seed_decides_everything() -> None:
    small = DemoConfig(images=60, seed=3)
    pd.testing.assert_frame_equal(sample_table(small), sample_table(small))
    other = sample_table(DemoConfig(images=60, seed=4))
    assert not sample_table(small)["age"].equals(other["age"])
    row = sample_table(small).iloc[0].to_dict()
    np.testing.assert_array_equal(render(row, 64), render(row, 64))


@pytest.mark.parametrize("wrong", [{"images": 3}, {"size": 8}, {"seed": -1}])
def test_a_config_outside_its_limits_says_so(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        DemoConfig(**wrong)


def test_notes_say_synthetic_and_oversampled(table: pd.DataFrame) -> None:
    text = " ".join(notes(table))
    assert "Synthetic" in text
    assert "over-sampled" in text
    assert "1200" in text


def test_reports_name_what_is_there_and_nothing_else(table: pd.DataFrame) -> None:
    assert table["text"].str.len().min() > 10
    for row in table.to_dict("records"):
        text = row["text"].lower()
        named = {name for name, word in WORDS.items() if word in text}
        assert named == {name for name in NIH_FINDINGS if row[f"finding:{name}"] == 1}, text
    assert table["text"].nunique() > 300


def test_reports_tell_side_and_severity() -> None:
    row = diseased(healthy(), "Effusion", 0.9, "left")
    assert "left" in report(row)
    assert "large" in report(row).lower()
    assert "bilateral" in report(diseased(healthy(), "Effusion", 0.1, "both")).lower()
    assert "small" in report(diseased(healthy(), "Effusion", 0.1, "both")).lower()


@pytest.mark.parametrize("size", [48, 224])
def test_an_image_looks_like_a_frontal_chest(size: int) -> None:
    image = render(healthy(), size)
    assert image.dtype == np.uint8
    assert image.shape == (size, size)
    lungs = (box(image, 0.22, 0.34, 0.35, 0.6) + box(image, 0.66, 0.78, 0.35, 0.6)) / 2
    middle, belly = box(image, 0.46, 0.56, 0.45, 0.65), box(image, 0.3, 0.45, 0.85, 0.98)
    assert box(image, 0.0, 0.1, 0.0, 0.05) < 50, "air beside the neck is black"
    assert lungs + 60 < middle, "the mediastinum is far brighter than the lungs"
    assert lungs + 80 < belly
    left_of_spine, right_of_spine = box(image, 0.58, 0.66, 0.58, 0.66), box(image, 0.34, 0.42, 0.58, 0.66)
    assert left_of_spine > right_of_spine + 20, "the heart lies to the patient's left, the image's right"


# Where a severe finding must show: side, box in shares of width and height, and the least change of grey there.
# The patient's right lung lies at the image's left.
REGIONS: list[tuple[str, str | None, tuple[float, float, float, float], float]] = [
    ("Atelectasis", "left", (0.66, 0.84, 0.60, 0.72), 8),
    ("Cardiomegaly", None, (0.70, 0.77, 0.60, 0.70), 40),
    ("Effusion", "left", (0.80, 0.88, 0.62, 0.74), 40),
    ("Effusion", "right", (0.12, 0.20, 0.62, 0.74), 40),
    ("Infiltration", "both", (0.16, 0.84, 0.25, 0.66), 3),
    ("Mass", "right", (0.14, 0.44, 0.18, 0.68), 3),
    ("Nodule", "left", (0.56, 0.86, 0.18, 0.68), 0.5),
    ("Pneumonia", "right", (0.18, 0.42, 0.20, 0.68), 10),
    ("Pneumothorax", "left", (0.77, 0.80, 0.30, 0.45), -10),
    ("Consolidation", "left", (0.60, 0.80, 0.32, 0.62), 15),
    ("Edema", "both", (0.32, 0.40, 0.40, 0.52), 15),
    ("Edema", "both", (0.62, 0.70, 0.36, 0.46), 15),
    ("Emphysema", "both", (0.18, 0.32, 0.35, 0.60), -8),
    ("Emphysema", "both", (0.30, 0.38, 0.70, 0.73), -40),
    ("Fibrosis", "right", (0.14, 0.32, 0.55, 0.66), 8),
    ("Pleural_Thickening", "left", (0.80, 0.88, 0.35, 0.60), 8),
    ("Hernia", None, (0.50, 0.57, 0.61, 0.65), -8),
]


@pytest.mark.parametrize(("name", "side", "where", "least"), REGIONS)
def test_a_finding_changes_its_anatomy(
    name: str, side: str | None, where: tuple[float, float, float, float], least: float
) -> None:
    seen = box(change(name, side), *where)
    assert seen <= least if least < 0 else seen >= least


@pytest.mark.parametrize("name", [n for n in NIH_FINDINGS if n not in ("Cardiomegaly", "Emphysema", "Hernia")])
def test_a_one_sided_finding_spares_the_other_lung(name: str) -> None:
    left = np.abs(change(name, "left"))
    # Scattered radiation and the mediastinum's shift reach over a little.
    assert box(left, 0.55, 0.9, 0.15, 0.8) > 5 * box(left, 0.1, 0.40, 0.15, 0.8)


@pytest.mark.parametrize("name", NIH_FINDINGS)
def test_a_finding_grows_with_severity_and_starts_small(name: str) -> None:
    amount = {level: float(np.abs(change(name, "left", level, bodies=1)).mean()) for level in (0.1, 0.5, 1.0)}
    assert 0 < amount[0.1] < amount[0.5] < amount[1.0]
    assert amount[0.1] < 6


def test_an_absent_finding_is_not_drawn_whatever_its_severity_says() -> None:
    row = healthy() | {"severity:Mass": 1.0, "side:Mass": "left"}
    np.testing.assert_array_equal(render(row, 64), render(healthy(), 64))


def test_the_order_of_columns_and_of_findings_does_not_matter() -> None:
    row = diseased(diseased(healthy(), "Effusion", 0.5, "left"), "Nodule", 0.7, "right")
    turned = dict(reversed(list(row.items())))
    np.testing.assert_array_equal(render(row, 64), render(turned, 64))


@pytest.mark.parametrize("part", [lambda i: i.mean(), lambda i: i[:12, -40:].max(), lambda i: i.std()])
def test_the_film_does_not_know_the_findings(part: Callable[[np.ndarray], float]) -> None:
    """Brightness and marker follow the film's own seed: a tiny finding leaves them where they were."""
    row = healthy(9)
    with_it = part(render(diseased(row, "Nodule", 0.1, "right"), 128))
    assert with_it == pytest.approx(part(render(row, 128)), abs=0.5)


def test_neither_torch_nor_sklearn_is_imported() -> None:
    code = (
        "import sys; from core.studies.demo import *; t = sample_table(DemoConfig(images=28)); "
        "render(t.iloc[0].to_dict(), 32); "
        "print([m for m in ('torch', 'sklearn', 'torchxrayvision') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
